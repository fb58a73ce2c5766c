package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/shardmill/shardmill/mapreduce"
)

// program is one call of the tool.
type program struct {
	stdout, stderr io.Writer
	hook           func(point string) // mapreduce.Config.Hook
}

// app is the command line. Nothing of package cli leaves the file of a command.
func (p *program) app() *cli.App {
	a := &cli.App{
		Name: "shardmill", Usage: "image classification and other batch jobs, on one machine",
		Writer: p.stdout, ErrWriter: p.stderr,
		HideVersion: true, HideHelpCommand: true, DisableSliceFlagSeparator: true, // paths may have commas
		Flags:          []cli.Flag{cli.HelpFlag, &cli.BoolFlag{Name: "version", Usage: "print the version"}},
		OnUsageError:   usageError,
		ExitErrHandler: func(*cli.Context, error) {}, // run does it
		Commands: []*cli.Command{
			p.classifyCommand(), p.rankCommand(), p.recommendCommand(), p.evaluateCommand(), p.wordcountCommand(), p.rerunCommand(), p.statusCommand(), p.showCommand(),
			p.inspectCommand(), p.verifyCommand(),
			p.modelCommand(), p.doctorCommand(), p.versionCommand(),
		},
	}
	a.Action = p.root
	a.CustomAppHelpTemplate = appHelp(a.Commands)
	for _, c := range a.Commands {
		c.CustomHelpTemplate = commandHelp(c)
		c.OnUsageError = usageError
		c.HideHelpCommand = true // else an input called "help" would be one
	}
	a.Commands = append(a.Commands, p.helpCommand())
	return a
}

// root runs when there is no command.
func (p *program) root(c *cli.Context) error {
	switch {
	case c.Bool("version"):
		return p.version()
	case c.NArg() > 0:
		return badUsage("", "there is no command %q", c.Args().First())
	}
	return badUsage("", "a command is needed")
}

// helpCommand is our own, since that of package cli runs no error through exit.
func (p *program) helpCommand() *cli.Command {
	return &cli.Command{
		Name: "help", Usage: "print the commands, or how to use one", ArgsUsage: "[COMMAND]", HideHelpCommand: true,
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return cli.ShowAppHelp(c)
			}
			if cmd := c.App.Command(c.Args().First()); cmd != nil {
				_, err := io.WriteString(p.stdout, cmd.CustomHelpTemplate)
				return err
			}
			return badUsage("", "there is no command %q", c.Args().First())
		},
	}
}

// commandError is a command line that cannot be carried out, with the command whose help explains it.
type commandError struct {
	command string
	err     *mapreduce.UsageError
}

func (e *commandError) Error() string { return e.err.Error() }

func (e *commandError) Unwrap() error { return e.err }

func badUsage(command, format string, args ...any) error {
	return &commandError{command, &mapreduce.UsageError{Err: fmt.Errorf(format, args...)}}
}

// usageError turns what package cli says of a flag into a sentence of ours. The text is only shown.
func usageError(c *cli.Context, err error, _ bool) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		return badUsage(commandName(c), "there is no flag --%s", name)
	}
	text = strings.Replace(text, " for flag -", " for --", 1)
	text = strings.Replace(text, "flag needs an argument: -", "a value is needed after --", 1)
	return badUsage(commandName(c), "%s", strings.TrimSuffix(text, ": parse error"))
}

func commandName(c *cli.Context) string {
	if c.Command == nil || c.Command.Name == c.App.Name {
		return ""
	}
	return c.Command.Name
}

// arguments returns what stands after the flags. Package cli stops at the first argument, so that flags after it
// would count as inputs.
func arguments(c *cli.Context) ([]string, error) {
	args := c.Args().Slice()
	for _, a := range args {
		if len(a) > 1 && strings.HasPrefix(a, "-") {
			return nil, badUsage(commandName(c), "put flags before the inputs: %s (a file of that name is ./%s)", a, a)
		}
	}
	return args, nil
}

// jobArgument is the one argument of the commands that look at a job.
func jobArgument(c *cli.Context) (string, error) {
	args, err := arguments(c)
	if err == nil && len(args) != 1 {
		err = badUsage(commandName(c), "name one job directory after the flags, not %d", len(args))
	}
	if err != nil {
		return "", err
	}
	return args[0], nil
}
