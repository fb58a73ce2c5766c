// Command shardmill runs batch jobs over images and text on one machine.
package main

import (
	"context"
	"io"
	"os"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/mapreduce"
)

func main() {
	if mapreduce.IsWorker() {
		os.Exit(mapreduce.WorkerMain(jobs.Standard(), jobs.All()...))
	}
	if isModelChild() {
		os.Exit(modelChild())
	}
	os.Exit(start(func(string) {}))
}

// start runs the program until it is done or interrupted.
func start(hook func(point string)) int {
	return mapreduce.Interruptible(os.Stderr, func(ctx context.Context) int {
		return run(ctx, os.Args, os.Stdout, os.Stderr, hook)
	})
}

// run is one call of the program. It returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, hook func(point string)) int {
	p := &program{stdout: stdout, stderr: stderr, hook: hook}
	return p.exit(p.app().RunContext(ctx, args))
}
