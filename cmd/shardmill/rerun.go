package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/mapreduce"
)

const rerunText = `
Continues a job with the parameters and inputs that its directory holds. With
one of the first three flags, work that is done already is done again, with all
that was made from it.

Examples:
  shardmill rerun job
  shardmill rerun --task 01-classify/map-000007 job
  shardmill rerun --rejected job        (the missing photos have arrived)
`

func (p *program) rerunCommand() *cli.Command {
	return &cli.Command{
		Name: "rerun", Usage: "continue a job, or do parts of it again",
		ArgsUsage: "JOB", Description: rerunText,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "task", Usage: "`STAGE/TASK`do this task again, named as in messages"},
			&cli.StringFlag{Name: "from", Usage: "`WHAT`reduce or STAGE/reduce: do the reduce tasks of the last stage, or of that one, again"},
			&cli.BoolFlag{Name: "rejected", Usage: "do the tasks again that have rejects"},
		}, runFlags(), []cli.Flag{contentFlag()}),
		Action: func(c *cli.Context) error {
			cfg, err := rerunConfig(c)
			if err != nil {
				return err
			}
			return p.runJob(c.Context, styleOf(c), cfg, func(ctx context.Context, cfg mapreduce.Config) (mapreduce.Summary, error) {
				return mapreduce.Resume(ctx, jobs.Standard(), jobs.All(), cfg)
			})
		},
	}
}

func rerunConfig(c *cli.Context) (mapreduce.Config, error) {
	dir, err := jobArgument(c)
	if err != nil {
		return mapreduce.Config{}, err
	}
	cfg, err := runConfig(c)
	if err != nil {
		return cfg, err
	}
	cfg.Dir = dir
	cfg.Rerun = mapreduce.Rerun{Task: c.String("task"), From: c.String("from"), Rejected: c.Bool("rejected")}
	asked := 0
	for _, f := range []string{"task", "from", "rejected"} {
		if c.IsSet(f) {
			asked++
		}
	}
	if asked > 1 {
		return cfg, badUsage(commandName(c), "--task, --from and --rejected exclude each other")
	}
	return cfg, nil
}
