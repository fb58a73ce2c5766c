package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
)

const doctorText = `
Says what is found on this machine, where, and in which version. It ends with 1
if images cannot be classified here, and says the one thing to do.

Example:
  shardmill doctor
`

func (p *program) doctorCommand() *cli.Command {
	return &cli.Command{
		Name: "doctor", Usage: "say what is found on this machine",
		Description: doctorText,
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return badUsage("doctor", "doctor takes no arguments")
			}
			return p.doctor(c.Context)
		},
	}
}

func (p *program) doctor(ctx context.Context) error {
	libs, missing := classify.FindLibraries()
	lines := []pair{{"shardmill", buildVersion()}, {"Go", runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH}}
	if missing == nil {
		lines = append(lines, pair{"ONNX Runtime", fmt.Sprintf("%s, %s: %s", libs.RuntimeVersion, libs.RuntimeSource, libs.RuntimePath)}, pair{"providers", providers(ctx)})
	} else {
		lines = append(lines, pair{"ONNX Runtime", "not found"})
	}
	for _, passed := range libs.PassedOver {
		lines = append(lines, pair{"", passed})
	}
	lines = append(lines, pair{"JPEG", libs.JPEG})
	if err := writeLines(p.stdout, append(lines, machineLines()...)); err != nil {
		return err
	}
	if missing != nil {
		return &exitError{code: mapreduce.ExitFailed, err: missing}
	}
	return nil
}

// providers lists the execution providers that the runtime was built with. Their own libraries and drivers
// are looked for when --device asks for one.
func providers(ctx context.Context) string {
	var names []string
	if err := askModelChild(ctx, "ONNX Runtime", modelRequest{Providers: true}, &names); err != nil {
		return "unknown: " + err.Error()
	}
	for i, name := range names {
		names[i] = strings.TrimSuffix(name, "ExecutionProvider")
	}
	return strings.Join(names, ", ")
}

// machineLines describes what limits a run on this machine.
func machineLines() []pair {
	m := machine{root: "/"}
	lines := []pair{
		{"cores", m.cores()},
		{"CPU", cpuFeatures()},
		{"memory", m.memory()},
	}
	folder, err := os.Getwd()
	if err != nil {
		folder = "."
	}
	free, ok := freeDisk(folder)
	if !ok {
		return append(lines, pair{"disk", "unknown"})
	}
	return append(lines, pair{"disk", fmt.Sprintf("%s free in %s", sized(free), folder)})
}
