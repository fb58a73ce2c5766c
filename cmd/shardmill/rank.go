package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/rank"
	"github.com/shardmill/shardmill/mapreduce"
)

const rankText = `
Writes the N best rows of each value of a column, or counts, sums, least,
greatest and mean values of its groups. Inputs are CSV, TSV and JSON-lines
files, also as .gz or .zst, and Parquet files; folders and glob patterns are
listed. Ties are in order of the input. The same command continues where an
earlier run stopped.
` + shardsText + `From one to the other, sums of floats may differ in their last digits.

Examples:
  shardmill rank --key user --by score:desc --top 10 --out best plays/*.csv
  shardmill rank --key user --agg count,mean:score --out users plays/*.csv
  shardmill rank --shards in-place --key user --by score --top 10 \
    --columns item --out best plays.parquet
`

func rankFlags() []cli.Flag {
	d := rank.Defaults()
	return []cli.Flag{
		&cli.StringFlag{Name: "key", Usage: "`COL`column that groups the rows"},
		&cli.StringFlag{Name: "key-type", Value: d.KeyType, Usage: "`TYPE`of the key: string, int or float (default: string)"},
		&cli.StringFlag{Name: "by", Usage: "`COL[:asc|desc]`column that ranks the rows of a key (default: desc)"},
		&cli.StringFlag{Name: "by-type", Value: d.ByType, Usage: "`TYPE`of what ranks or is added up: string, int or float (default: float)"},
		&cli.Int64Flag{Name: "top", Usage: "`N`rows of a key"},
		&cli.StringFlag{Name: "columns", Usage: "`A,B`columns that come along (default: all; needed for JSON lines)"},
		&cli.StringFlag{Name: "agg", Usage: "`LIST`instead of --by: count,sum:COL,min:COL,max:COL,mean:COL"},
		outFlag(),
		&cli.Int64Flag{Name: "shard-rows", Value: d.ShardRows, Usage: "`N`most rows of a shard on disk (default: 4000000)"},
		shardsFlag(d.Shards),
	}
}

func (p *program) rankCommand() *cli.Command {
	return &cli.Command{
		Name: "rank", Usage: "write the best rows of each key, or grouped sums",
		ArgsUsage: "INPUT...", Description: rankText,
		Flags: slices.Concat(rankFlags(), identityFlags(), runFlags()),
		Action: func(c *cli.Context) error {
			cfg, err := jobConfig(c)
			if err == nil {
				cfg.Params, err = rankParams(c)
			}
			if err != nil {
				return err
			}
			return p.runJob(c.Context, styleOf(c), cfg, func(ctx context.Context, cfg mapreduce.Config) (mapreduce.Summary, error) {
				return mapreduce.Run(ctx, jobs.Standard(), rank.Job(), cfg)
			})
		},
	}
}

// rankParams are the job's parameters as JSON. --columns "" carries none, and without it all are carried.
func rankParams(c *cli.Context) ([]byte, error) {
	params := rank.Params{
		Key: c.String("key"), KeyType: c.String("key-type"), By: c.String("by"), ByType: c.String("by-type"),
		Top: c.Int64("top"), ShardRows: c.Int64("shard-rows"), Shards: c.String("shards"), Agg: list(c.String("agg")),
	}
	if c.IsSet("columns") {
		params.Columns = append([]string{}, list(c.String("columns"))...)
	}
	return json.Marshal(params)
}

// list splits "a,b" at its commas; nothing is no list.
func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
