package main

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/shardmill/shardmill/jobs/classify"
)

const modelText = `
Looks at an ONNX model before a job does, in a process of its own that may die
of it.

Commands:
  inspect       describe a model and propose a preprocessing spec
  check         run a model on golden inputs, and in each slot of a batch

Examples:
  shardmill model inspect --help
  shardmill model check model.onnx
`

const modelInspectText = `
Describes a model file: its size and digest, who made it, its inputs and
outputs, and a preprocessing spec for images, from the input's shape and from
what the scores of random images look like. How samples are normalised cannot
be found out: lines of the spec that are guesses say so, and are to be checked
against the model's documentation.

Examples:
  shardmill model inspect model.onnx
  shardmill model inspect --spec model.onnx > preprocess.yaml
`

const modelCheckText = `
With --golden it runs the model on input_0.pb, input_1.pb and so on, and
compares its outputs with output_0.pb and so on, in ONNX's TensorProto format,
as they lie beside the models of the ONNX model zoo. A difference counts as
equal up to the tolerance, times the golden number where that is above 1.
Outputs that differ by more are exit code 4.

Then it runs random images, the same each time, alone and in each slot of
batches, with different neighbours, filled in part and in full, and says whether
their scores are equal in every bit. They need not be: a job gives the same
bytes each time, since its batches are always the same.

Examples:
  shardmill model check model.onnx
  shardmill model check --golden test_data_set_0 model.onnx
  shardmill model check --golden in/input_0.pb,in/output_0.pb model.onnx
`

func (p *program) modelCommand() *cli.Command {
	subs := []*cli.Command{p.modelInspectCommand(), p.modelCheckCommand()}
	for _, c := range subs {
		full := *c
		full.Name = "model " + c.Name
		c.CustomHelpTemplate = commandHelp(&full)
		c.HideHelpCommand = true
		c.OnUsageError = usageErrorOf(full.Name)
	}
	return &cli.Command{
		Name: "model", Usage: "describe or check an ONNX model", ArgsUsage: "inspect|check ...", Description: modelText,
		Subcommands: subs, HideHelpCommand: true,
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return badUsage("model", "there is no command %q of model", c.Args().First())
			}
			return badUsage("model", "a command is needed: inspect or check")
		},
	}
}

// usageErrorOf is usageError for a command of a command.
func usageErrorOf(name string) cli.OnUsageErrorFunc {
	return func(c *cli.Context, err error, sub bool) error {
		return renamed(name, usageError(c, err, sub))
	}
}

// renamed makes a bad command line one of the command called name.
func renamed(name string, err error) error {
	if usage, ok := err.(*commandError); ok { //nolint:errorlint // made by the caller, and not wrapped
		return &commandError{name, usage.err}
	}
	return err
}

// modelArgument is the one argument of these commands.
func modelArgument(c *cli.Context, name string) (string, error) {
	args, err := arguments(c)
	if err != nil {
		return "", renamed(name, err)
	}
	if len(args) != 1 {
		return "", badUsage(name, "name one model after the flags, not %d", len(args))
	}
	return args[0], nil
}

func (p *program) modelInspectCommand() *cli.Command {
	const name = "model inspect"
	return &cli.Command{
		Name: "inspect", Usage: "describe a model and propose a preprocessing spec", ArgsUsage: "MODEL", Description: modelInspectText,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "spec", Usage: "print the proposed spec only, for a file"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object"},
		},
		Action: func(c *cli.Context) error {
			path, err := modelArgument(c, name)
			if err != nil {
				return err
			}
			if c.Bool("spec") && c.Bool("json") {
				return badUsage(name, "--spec and --json exclude each other")
			}
			return p.modelInspect(c.Context, path, c.Bool("spec"), c.Bool("json"))
		},
	}
}

// maxTolerance is far above any sensible one.
const maxTolerance = 1e6

func (p *program) modelCheckCommand() *cli.Command {
	const name = "model check"
	return &cli.Command{
		Name: "check", Usage: "run a model on golden inputs, and in each slot", ArgsUsage: "MODEL", Description: modelCheckText,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "golden", Usage: "`PATH`a folder with input_N.pb and output_N.pb, a folder of such folders, or the files, with commas"},
			&cli.Float64Flag{Name: "tolerance", Value: 1e-3, Usage: "`T`largest difference that counts as equal (default: 0.001)"},
			&cli.IntFlag{Name: "batch", Value: classify.Defaults().Batch, Usage: "`N`slots of a batch (default: 8)"},
			deviceFlag(),
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object"},
		},
		Action: func(c *cli.Context) error {
			path, err := modelArgument(c, name)
			if err != nil {
				return err
			}
			check := classify.ModelCheck{
				Model: path, Golden: c.StringSlice("golden"), Tolerance: c.Float64("tolerance"), Batch: c.Int("batch"), Device: c.String("device"),
			}
			switch {
			case !(check.Tolerance >= 0 && check.Tolerance <= maxTolerance):
				return badUsage(name, "--tolerance %v: from 0 to 1e6", check.Tolerance)
			case check.Batch < 1 || check.Batch > 1024:
				return badUsage(name, "--batch %d: from 1 to 1024", check.Batch)
			case slices.Contains(check.Golden, ""):
				return badUsage(name, "--golden: a folder or files are needed")
			}
			if err := classify.CheckDevice(check.Device); err != nil {
				return badUsage(name, "%w", err)
			}
			return p.modelCheck(c.Context, check, c.Bool("json"))
		},
	}
}

func deviceFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "device", Value: "cpu",
		Usage: "`NAME`what runs the model: cpu, cuda, cuda:N, tensorrt, tensorrt:N, openvino or coreml; nothing falls back to the CPU (default: cpu)",
	}
}

func (p *program) modelInspect(ctx context.Context, path string, specOnly, asJSON bool) error {
	var info classify.ModelInfo
	if err := askModelChild(ctx, "model "+path, modelRequest{Inspect: path}, &info); err != nil {
		return err
	}
	switch {
	case asJSON:
		return writeIndented(p.stdout, info)
	case !specOnly:
		return writeModelInfo(p.stdout, info)
	case info.Spec == "":
		return noSpec(info)
	}
	_, err := fmt.Fprint(p.stdout, info.Spec)
	return err
}

func (p *program) modelCheck(ctx context.Context, check classify.ModelCheck, asJSON bool) error {
	var v classify.ModelVerdict
	if err := askModelChild(ctx, "model "+check.Model, modelRequest{Check: &check}, &v); err != nil {
		return err
	}
	write := func() error { return writeVerdict(p.stdout, v) }
	if asJSON {
		write = func() error { return writeIndented(p.stdout, v) }
	}
	if err := write(); err != nil {
		return err
	}
	return verdictError(v)
}

// figure writes a difference with three digits.
func figure(v float64) string {
	if v == 0 || v == math.Trunc(v) && v < 1e6 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}
