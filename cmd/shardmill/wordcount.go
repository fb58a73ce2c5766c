package main

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/wordcount"
	"github.com/shardmill/shardmill/mapreduce"
)

const wordcountText = `
Counts the words of text files, which may be compressed by gzip or zstd; folders
and glob patterns are listed. Words are what white space separates. The same
command continues where an earlier run stopped.
` + shardsText + `
Examples:
  shardmill wordcount --out words books/*.txt
  shardmill wordcount --shards in-place --out words books/*.txt logs/*.gz
  shardmill show words
`

func (p *program) wordcountCommand() *cli.Command {
	return &cli.Command{
		Name: "wordcount", Usage: "count the words of text files",
		ArgsUsage: "INPUT...", Description: wordcountText,
		Flags: slices.Concat([]cli.Flag{outFlag(), shardsFlag(wordcount.Defaults().Shards)}, identityFlags(), runFlags()),
		Action: func(c *cli.Context) error {
			cfg, err := jobConfig(c)
			if err == nil {
				cfg.Params, err = json.Marshal(wordcount.Params{Shards: c.String("shards")})
			}
			if err != nil {
				return err
			}
			return p.runJob(c.Context, styleOf(c), cfg, func(ctx context.Context, cfg mapreduce.Config) (mapreduce.Summary, error) {
				return mapreduce.Run(ctx, jobs.Standard(), wordcount.Job(), cfg)
			})
		},
	}
}
