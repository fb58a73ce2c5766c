package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/wordcount"
	"github.com/shardmill/shardmill/mapreduce"
)

const wordcountText = `
Counts the words of text files; folders and glob patterns are listed. Words are
what white space separates. The same command continues where an earlier run
stopped.

Example:
  shardmill wordcount --out words books/*.txt
  shardmill show words
`

func (p *program) wordcountCommand() *cli.Command {
	return &cli.Command{
		Name: "wordcount", Usage: "count the words of text files",
		ArgsUsage: "INPUT...", Description: wordcountText,
		Flags: slices.Concat([]cli.Flag{outFlag()}, identityFlags(), runFlags()),
		Action: func(c *cli.Context) error {
			cfg, err := jobConfig(c)
			if err != nil {
				return err
			}
			return p.runJob(c.Context, styleOf(c), cfg, func(ctx context.Context, cfg mapreduce.Config) (mapreduce.Summary, error) {
				return mapreduce.Run(ctx, jobs.Standard(), wordcount.Job(), cfg)
			})
		},
	}
}
