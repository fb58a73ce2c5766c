package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/shardmill/shardmill/mapreduce"
)

// identityFlags can change the output, so they must be the same each time a job directory is used.
func identityFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "partitions", Usage: "`N`parts of each result whose number the job does not fix (default: by size)"},
		&cli.Int64Flag{Name: "limit", Usage: "`N`take the first N rows only (default: all)"},
	}
}

// runFlags say how to run, and may change from one run of a job directory to the next.
func runFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "workers", Usage: "`N`worker processes (default: one a core)"},
		&cli.StringFlag{Name: "worker-memory", Value: "2GiB", Usage: "`SIZE`most resident memory of a worker (default: 2GiB)"},
		&cli.IntFlag{Name: "tries", Usage: "`N`tries of a task (default: 3)"},
		&cli.StringFlag{Name: "max-rejects", Value: "50%", Usage: "`N|P%`stop above this number or share of rejected rows (default: 50%)"},
		&cli.BoolFlag{Name: "fail-fast", Usage: "stop at the first failed task"},
		&cli.BoolFlag{Name: "keep-intermediate", Usage: "keep shards and run files when the job is done"},
		&cli.BoolFlag{Name: "in-process", Usage: "run tasks in this process, to debug them; no memory limit"},
		&cli.StringFlag{Name: "profile", Usage: "`DIR`write CPU and heap profiles of the driver and of each worker process there"},
		&cli.BoolFlag{Name: "json", Usage: "print events as JSON, one a line, then the summary"},
		&cli.BoolFlag{Name: "quiet", Usage: "print errors only"},
	}
}

// contentFlag is for jobs whose inputs name other files.
func contentFlag() cli.Flag {
	return &cli.BoolFlag{Name: "check-content", Usage: "at a rerun, compare the photos that a manifest names with what was read before"}
}

func outFlag() cli.Flag {
	return &cli.StringFlag{Name: "out", Usage: "`JOB`job directory: a new one, or that of the same command"}
}

// shardsText explains --shards.
const shardsText = `
With --shards disk the input is copied into shards in the job directory, and
these are mapped. With --shards in-place the input itself is mapped: no copy is
made, which is faster and needs less disk, and the results are the same. The
input must then stay as it is until the job is complete; this is checked by
digests, and a file that has changed is exit code 4. A compressed file is mapped
by one worker, so a few large ones go faster by way of shards.
`

func shardsFlag(value string) cli.Flag {
	return &cli.StringFlag{Name: "shards", Value: value, Usage: "`WHERE`disk, or in-place: map the input itself, without a copy; it must not change (default: " + value + ")"}
}

// leastWorkerMemory is what a worker needs to start at all.
const leastWorkerMemory = 64 << 20

// runConfig reads the run flags and, where the command has them, the identity flags.
func runConfig(c *cli.Context) (mapreduce.Config, error) {
	cfg := mapreduce.Config{
		Dir: c.String("out"), Partitions: c.Int("partitions"), Limit: c.Int64("limit"), Workers: c.Int("workers"),
		Tries: c.Int("tries"), FailFast: c.Bool("fail-fast"), KeepIntermediate: c.Bool("keep-intermediate"),
		CheckContent: c.Bool("check-content"), InProcess: c.Bool("in-process"), Profile: c.String("profile"), Tool: buildVersion(),
	}
	name := commandName(c)
	for _, f := range []string{"workers", "tries", "partitions", "limit"} {
		if c.IsSet(f) && c.Int64(f) < 1 {
			return cfg, badUsage(name, "--%s: at least 1 is needed", f)
		}
	}
	if c.Bool("json") && c.Bool("quiet") {
		return cfg, badUsage(name, "--json and --quiet exclude each other")
	}
	if c.IsSet("profile") && cfg.Profile == "" {
		return cfg, badUsage(name, "--profile: a folder is needed")
	}
	var err error
	if cfg.WorkerMemory, err = mapreduce.ParseBytes(c.String("worker-memory")); err != nil {
		return cfg, badUsage(name, "--worker-memory: %w", err)
	}
	if cfg.WorkerMemory < leastWorkerMemory {
		return cfg, badUsage(name, "--worker-memory %s: at least 64MiB is needed", c.String("worker-memory"))
	}
	if cfg.MaxRejects, err = mapreduce.ParseMaxRejects(c.String("max-rejects")); err != nil {
		return cfg, badUsage(name, "--max-rejects: %w", err)
	}
	return cfg, nil
}

// jobConfig is runConfig of a command that starts a job from inputs.
func jobConfig(c *cli.Context) (mapreduce.Config, error) {
	args, err := arguments(c)
	if err != nil {
		return mapreduce.Config{}, err
	}
	cfg, err := runConfig(c)
	switch {
	case err != nil:
		return cfg, err
	case cfg.Dir == "":
		return cfg, badUsage(commandName(c), "--out is needed: the job directory to make, or to continue")
	case len(args) == 0:
		return cfg, badUsage(commandName(c), "no input: name at least one file or folder after the flags")
	}
	cfg.Inputs = args
	return cfg, nil
}

// parseCount reads a count: "100M", "250k" or plain "1000000". The prefixes are decimal.
func parseCount(s string) (int64, error) {
	factor := 1.0
	number := s
	for suffix, f := range map[string]float64{"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9} {
		if n, ok := strings.CutSuffix(s, suffix); ok {
			number, factor = n, f
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || v*factor < 1 || v*factor > 1e15 || v*factor != math.Trunc(v*factor) {
		return 0, fmt.Errorf("%q is not a count: write 100M or 100000000", s)
	}
	return int64(v * factor), nil
}
