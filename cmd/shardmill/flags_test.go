package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

func TestParseCount(t *testing.T) {
	for in, want := range map[string]int64{
		"1": 1, "100M": 100e6, "100000000": 100e6, "1.5k": 1500, "2K": 2000, "0.5G": 500e6,
	} {
		if got, err := parseCount(in); err != nil || got != want {
			t.Errorf("%s is %d, expected %d (%v)", in, got, want, err)
		}
	}
	for _, in := range []string{"", "M", "0", "-1", "1.5", "0.1k2", "1e99", "NaN", "100MiB", "1 M", "9999999G"} {
		if got, err := parseCount(in); err == nil {
			t.Errorf("%q is taken as %d", in, got)
		}
	}
}

func FuzzParseCount(f *testing.F) {
	f.Add("100M")
	f.Add("-0x1p-2G")
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := parseCount(s); err == nil && (n < 1 || n > 1e15) {
			t.Errorf("%q is %d", s, n)
		}
	})
}

// allCommands are the commands and those below them, called by their whole names, with their flags and help.
func allCommands(t *testing.T) []*cli.Command {
	t.Helper()
	p := &program{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}, hook: func(string) {}}
	var all []*cli.Command
	for _, c := range p.app().Commands {
		all = append(all, c)
		for _, sub := range c.Subcommands {
			full := *sub
			full.Name = c.Name + " " + sub.Name
			all = append(all, &full)
		}
	}
	return all
}

func TestHelpFitsTerminal(t *testing.T) {
	commands := allCommands(t)
	texts := map[string]string{"help": appHelp(commands)}
	for _, c := range commands {
		if c.Name != "help" {
			texts[c.Name] = c.CustomHelpTemplate
		}
	}
	for name, text := range texts {
		for line := range strings.Lines(text) {
			if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > columns {
				t.Errorf("%s: a line is wider than %d columns: %q", name, columns, line)
			}
		}
		if strings.Contains(text, "`") || strings.Contains(text, "{{") {
			t.Errorf("%s: help has marks that people should not see:\n%s", name, text)
		}
		if !strings.Contains(text, exitCodes) {
			t.Errorf("%s: help has no table of exit codes", name)
		}
	}
}

func TestEveryCommandHasAnExample(t *testing.T) {
	for _, c := range allCommands(t) {
		if c.Name == "help" {
			continue
		}
		if !strings.Contains(c.Description, "Example") || !strings.Contains(c.Description, "shardmill "+c.Name) {
			t.Errorf("%s: no example in its help", c.Name)
		}
		for _, f := range c.Flags {
			if d, ok := f.(cli.DocGenerationFlag); !ok || d.GetUsage() == "" {
				t.Errorf("%s: flag %v has no help", c.Name, f.Names())
			} else if d.TakesValue() != strings.HasPrefix(d.GetUsage(), "`") {
				t.Errorf("%s: flag %v: its help does not name its value", c.Name, f.Names())
			}
		}
	}
}

// Each default that help promises is the one in force.
func TestDefaultsInHelp(t *testing.T) {
	for _, c := range allCommands(t) {
		for _, f := range c.Flags {
			d, ok := f.(cli.DocGenerationFlag)
			if !ok || d.GetDefaultText() == "" || !d.TakesValue() {
				continue
			}
			_, text, found := strings.Cut(d.GetUsage(), "(default: ")
			value := strings.Trim(d.GetDefaultText(), `"`)
			promised := strings.TrimSuffix(text, ")")
			zero := value == "0" // chosen by the engine
			if found && !zero && promised != value {
				t.Errorf("%s --%s: help says %q, and the default is %q", c.Name, f.Names()[0], promised, value)
			}
		}
	}
}

func TestWriteEntry(t *testing.T) {
	var b strings.Builder
	writeEntry(&b, "--short", "a few words", 12)
	writeEntry(&b, "--much-too-long X", strings.Repeat("word ", 20), 12)
	want := "  --short   a few words\n" +
		"  --much-too-long X\n            word word word word word word word word word word word word word\n" +
		"            word word word word word word word\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

// call runs the program in this process and returns what it wrote.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), append([]string{"shardmill"}, args...), &out, &errs, func(string) {})
	return code, out.String(), errs.String()
}

// A flag that stands after the arguments is refused by every command that takes arguments.
func TestFlagsAfterArguments(t *testing.T) {
	for _, c := range allCommands(t) {
		if c.ArgsUsage == "" || c.Name == "help" || len(c.Subcommands) > 0 {
			continue
		}
		code, stdout, stderr := call(t, append(strings.Fields(c.Name), "argument", "--json")...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, "put flags before the inputs: --json") {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", c.Name, code, stdout, stderr)
		}
	}
}

// An input that is called like the help command, or like a flag's name, is an input.
func TestInputsCalledLikeCommands(t *testing.T) {
	for _, name := range []string{"help", "h", "out", "wordcount"} {
		code, _, stderr := call(t, "wordcount", "--out", t.TempDir()+"/job", name)
		if code != 4 || !strings.Contains(stderr, name+": no such file") {
			t.Errorf("input %q: exit code %d, %q", name, code, stderr)
		}
	}
}
