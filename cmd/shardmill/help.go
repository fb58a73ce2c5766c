package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// columns is the width that help is written for.
const columns = 80

const exitCodes = `Exit codes:
    0  complete
    1  a task failed, or a check of ours found a fault
    2  the command line is wrong, or the job directory is another job's
    3  complete, and some rows are among the rejects
    4  the input, model or labels are wrong
    5  too many rejects: a gate was not passed
   10  no such job directory or job
   11  another run works in the job directory
   12  the job directory has a format that this version does not know
  130  interrupted (SIGINT, SIGTERM); the same command continues
`

// appHelp is what shardmill help prints.
func appHelp(commands []*cli.Command) string {
	var b strings.Builder
	b.WriteString("shardmill: image classification and other batch jobs, on one machine\n\n")
	b.WriteString("Usage: shardmill COMMAND [flags] ARGUMENT...\n\nCommands:\n")
	for _, c := range commands {
		writeEntry(&b, c.Name, c.Usage, 14)
	}
	b.WriteString("\nFlags stand before arguments. How to use a command: shardmill COMMAND --help\n\n")
	b.WriteString(exitCodes)
	return b.String()
}

// commandHelp is what a command prints with --help: its description ends with an example.
func commandHelp(c *cli.Command) string {
	var b strings.Builder
	flags := ""
	if len(c.Flags) > 0 {
		flags = " [flags]"
	}
	fmt.Fprintf(&b, "shardmill %s: %s\n\nUsage: %s\n", c.Name, c.Usage, strings.TrimSpace("shardmill "+c.Name+flags+" "+c.ArgsUsage))
	if len(c.Flags) > 0 {
		b.WriteString("\nFlags:\n")
	}
	for _, f := range c.Flags {
		if d, ok := f.(cli.DocGenerationFlag); ok {
			writeFlag(&b, f.Names()[0], d)
		}
	}
	fmt.Fprintf(&b, "\n%s\n%s", strings.TrimSpace(c.Description), "\n"+exitCodes)
	return b.String()
}

// writeFlag writes a flag. Its usage may begin with the name of its value in backquotes.
func writeFlag(b *strings.Builder, name string, f cli.DocGenerationFlag) {
	usage := f.GetUsage()
	dashes := "--"
	if len(name) == 1 {
		dashes = "-"
	}
	entry := dashes + name
	if rest, ok := strings.CutPrefix(usage, "`"); ok {
		value, text, _ := strings.Cut(rest, "`")
		entry += " " + value
		usage = text
	}
	writeEntry(b, entry, usage, 24)
}

// writeEntry writes a term and what it means, wrapped, beginning in column `at`.
func writeEntry(b *strings.Builder, term, text string, at int) {
	line := fmt.Sprintf("  %-*s", at-2, term)
	if len(line) > at {
		b.WriteString(line + "\n")
		line = strings.Repeat(" ", at)
	}
	for word := range strings.FieldsSeq(text) {
		if len(line)+len(word) > columns-1 {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = strings.Repeat(" ", at)
		}
		line += word + " "
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}
