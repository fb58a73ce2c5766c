package main

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
)

const recommendText = `
Reads who had what: rows of a user, an item and, if named, a value (a rating, a
number of plays) and a time. Writes the best N items of each user, without those
that the user has, and the nearest items of each item.

Inputs are CSV and TSV files, other separators by --separator ("::" too), JSON
lines and Parquet, plain or as gzip or zstd; folders and glob patterns are
listed. Columns have names or, from 1 on, numbers. --input-format lines reads
lines of a user and its items, --input-format baskets lines of items alone.

A row without a user or an item, or with a value that is no number, is rejected
with its file and line. A value of 0 or below is no interest: its row is dropped
(nonpositive); --min-value V drops values below V instead. Without --value-col
each row counts 1. A pair that comes several times is worth what --duplicates
says. With --half-life 30d a row that is 30 days older than the newest one
counts half.

Algorithms:
  rp3beta     (default) walks from item to user to item, popular items damped by
              --beta; --k 200, --alpha 1, --beta 0.2
  cosine, tfidf, bm25, jaccard, llr
              nearest items by their users, --k 100; --shrink damps rare items
  als         vectors by alternating least squares (Hu, Koren and Volinsky), on
              all cores: --factors, --iterations, --regularization, --alpha 10;
              --explicit predicts ratings
  ease        one inverse of all items or users, at most 15,000 of the fewer
              (Steck); --lambda 100
  popularity  what most users have: a baseline

Several, as als,rp3beta,popularity, learn one after the other, and their lists
are merged into one: --blend rrf adds up reciprocal ranks, --blend weighted
scores that are scaled to 0..1, each times its number in --weights. A flag is
for all that have it; parameters of one stand behind its name:
als:factors=32:alpha=40,rp3beta:k=100. Then recommendations has the rank in each
list too (als_rank, 0 if not in it), and similar_items are of the first one that
is not popularity or ease.

With --model JOB nothing is trained: users that are new, or have more items than
before, are scored by what the complete job JOB has learned. Rows of an item
that it does not know are dropped (unknown-item).

Rules say who is served and what is listed; what is learned does not depend on
them. --allow FILE lists only these items, --block FILE never these,
--block-pairs FILE (user, item) never these for these users; --seen include
lists what the user has too; --users FILE makes lists for these users alone.
With the attributes of items in --items FILE, --rule 'price <= 20', 'category
in rock,pop', 'category not in news' and so on let only items pass that have a
value which fits, and 'max 3 per brand' limits a list. An item that is not in
FILE, or has no value, passes no comparison, and no max counts it. With
--min-history M users with fewer than M items get the most popular ones, under
the same rules (column fallback). If a list is shorter than --top, users names
the rule that took most; the dataset rules has what each left. A FILE is CSV,
TSV, JSON lines or Parquet with the columns of --user-col and --item-col (or
user and item), or, by any other name, text: an id, or user TAB item, a line.

Results in JOB/out, as Parquet: recommendations (user, rank, item, score,
because), similar_items (item, rank, neighbour, similarity), users and items
(counts, length of the list, reason if it is shorter), and of als user_factors
and item_factors. Ids are numbers if all of
them are whole numbers, else texts; --id-type overrides that.

Examples:
  shardmill recommend --user-col userId --item-col movieId --out job ratings.csv
  shardmill recommend --algorithm cosine --k 50 --out job log/*.csv.gz
  shardmill recommend --separator :: --no-header --user-col 1 --item-col 2 \
    --value-col 3 --out job ratings.dat
  shardmill recommend --model job --out today new-ratings.csv
  shardmill recommend --items items.csv --rule 'price <= 20' \
    --rule 'max 2 per brand' --min-history 3 --out job log/*.csv.gz
  shardmill show --user 42 job
`

func recommendFlags() []cli.Flag {
	d := recommend.Defaults()
	return []cli.Flag{
		&cli.StringFlag{Name: "algorithm", Value: d.Algorithm, Usage: "`NAME`" + strings.Join(recommend.Algorithms(), ", ") + "; or several, with commas" + " (default: " + d.Algorithm + ")"},
		&cli.StringFlag{Name: "blend", Usage: "`HOW`several algorithms are merged: rrf, by ranks, or weighted, by scores (default: rrf)"},
		&cli.StringFlag{Name: "weights", Usage: "`W,W`of several algorithms (default: equal)"},
		&cli.StringFlag{Name: "model", Usage: "`JOB`score users by what this complete recommend job has learned, without training"},
		&cli.StringFlag{Name: "user-col", Value: d.UserCol, Usage: "`COL`column of the user: name or number (default: " + d.UserCol + ")"},
		&cli.StringFlag{Name: "item-col", Value: d.ItemCol, Usage: "`COL`column of the item (default: " + d.ItemCol + ")"},
		&cli.StringFlag{Name: "value-col", Usage: "`COL`column of the value (default: each row counts 1)"},
		&cli.StringFlag{Name: "time-col", Usage: "`COL`column of the time: unix seconds or milliseconds, or 2026-01-31, 2026-01-31T23:59:59Z"},
		&cli.StringFlag{Name: "input-format", Value: d.Format, Usage: "`FORMAT`csv, tsv, jsonl, parquet, lines, baskets, or auto: by the name (default: auto)"},
		&cli.StringFlag{Name: "separator", Usage: "`TEXT`between columns (default: by the format)"},
		&cli.BoolFlag{Name: "no-header", Usage: "the first line is a row: columns have numbers"},
		&cli.IntFlag{Name: "top", Value: d.Top, Usage: "`N`items of a user (default: 10)"},
		&cli.IntFlag{Name: "similar", Value: d.Similar, Usage: "`N`items of an item, at most --k (default: 20)"},
		&cli.IntFlag{Name: "because", Value: d.Because, Usage: "`N`items named as the reasons of a recommendation (default: 3)"},
		&cli.Float64Flag{Name: "min-value", Usage: "`V`drop rows with a value below V (default: 0 or below)"},
		&cli.StringFlag{Name: "duplicates", Value: d.Duplicates, Usage: "`HOW`worth of a pair that comes several times: sum, max, last or count (default: sum)"},
		&cli.StringFlag{Name: "half-life", Usage: "`TIME`age at which a row counts half, such as 12h, 30d or 8w; needs --time-col"},
		&cli.Int64Flag{Name: "min-user", Usage: "`N`drop users with fewer rows"},
		&cli.Int64Flag{Name: "min-item", Usage: "`N`drop items with fewer rows"},
		&cli.StringFlag{Name: "id-type", Value: d.IDType, Usage: "`TYPE`auto, string or int64 (default: auto)"},
		&cli.IntFlag{Name: "k", Usage: "`K`neighbours that are kept of an item (default: by the algorithm)"},
		&cli.Float64Flag{Name: "shrink", Usage: "`S`added to the denominator of a similarity (default: 0)"},
		&cli.Float64Flag{Name: "alpha", Usage: "`A`rp3beta: power of the steps' probabilities (default: 1); als: confidence of a value (default: 10)"},
		&cli.Float64Flag{Name: "beta", Usage: "`B`rp3beta: power of the popularity that is divided by (default: 0.2)"},
		&cli.Float64Flag{Name: "k1", Usage: "`K1`bm25: how slowly values saturate (default: 1.2)"},
		&cli.IntFlag{Name: "factors", Usage: "`N`als: numbers of a vector (default: 64)"},
		&cli.IntFlag{Name: "iterations", Usage: "`N`als: rounds over all users and all items (default: 15)"},
		&cli.Float64Flag{Name: "regularization", Usage: "`L`als: weight of the squares of the vectors (default: 50; with --explicit 0.1)"},
		&cli.StringFlag{Name: "regularize-by", Usage: "`HOW`als: plain, or count: times the rows of the user or item (default: plain; with --explicit count)"},
		&cli.StringFlag{Name: "confidence", Usage: "`HOW`als: alpha-r, or one-plus-alpha-r (default: alpha-r)"},
		&cli.StringFlag{Name: "solver", Usage: "`HOW`als: cg, three steps, or cholesky, exact (default: cg)"},
		&cli.Uint64Flag{Name: "seed", Usage: "`N`als: of the numbers that vectors begin with (default: 0)"},
		&cli.BoolFlag{Name: "explicit", Usage: "als: values are ratings to predict, with a bias for each user and item"},
		&cli.Float64Flag{Name: "lambda", Usage: "`L`ease: regularization (default: 100)"},
		&cli.Float64Flag{Name: "b", Usage: "`B`bm25: how much popular items count less, 0 to 1 (default: 0.75)"},
		&cli.StringFlag{Name: "seen", Usage: "`HOW`exclude, or include: what the user has may be listed (default: exclude)"},
		&cli.StringFlag{Name: "allow", Usage: "`FILE`items: only these are listed"},
		&cli.StringFlag{Name: "block", Usage: "`FILE`items that are never listed"},
		&cli.StringFlag{Name: "block-pairs", Usage: "`FILE`users and items: never listed for that user"},
		&cli.StringFlag{Name: "users", Usage: "`FILE`users: only these have lists, also if they are new"},
		&cli.StringFlag{Name: "items", Usage: "`FILE`attributes of items, for --rule"},
		&cli.StringSliceFlag{Name: "rule", Usage: "`RULE`such as 'price <= 20', 'category in a,b' or 'max 3 per brand'; repeatable"},
		&cli.Int64Flag{Name: "min-history", Usage: "`M`users with fewer items get the most popular ones"},
		outFlag(),
		&cli.Int64Flag{Name: "shard-rows", Value: d.ShardRows, Usage: "`N`most rows of a shard on disk (default: 1000000)"},
	}
}

func (p *program) recommendCommand() *cli.Command {
	return &cli.Command{
		Name: "recommend", Usage: "rank items for each user, and find items near each item",
		ArgsUsage: "INPUT...", Description: recommendText,
		Flags: slices.Concat(recommendFlags(), identityFlags(), runFlags()),
		Action: func(c *cli.Context) error {
			cfg, err := jobConfig(c)
			if err != nil {
				return err
			}
			params := recommendParams(c)
			if params.ServingOptions, err = servingOptions(c); err != nil {
				return err
			}
			if params.Model != "" {
				if params, err = foldParams(c, params); err != nil {
					return err
				}
			}
			if cfg.Params, err = json.Marshal(params); err != nil {
				return err
			}
			return p.runJob(c.Context, styleOf(c), cfg, func(ctx context.Context, cfg mapreduce.Config) (mapreduce.Summary, error) {
				return mapreduce.Run(ctx, jobs.Standard(), recommend.Job(), cfg)
			})
		},
	}
}

// foldParams are the job's parameters with those of the model.
func foldParams(c *cli.Context, p recommend.Params) (recommend.Params, error) {
	if !c.IsSet("algorithm") {
		p.Algorithm = ""
	}
	p, err := recommend.FoldIn(p)
	var usage *mapreduce.UsageError
	if errors.As(err, &usage) {
		return p, &commandError{"recommend", usage}
	}
	return p, err
}

// recommendParams are the job's parameters.
func recommendParams(c *cli.Context) recommend.Params {
	p := recommend.Defaults()
	p.UserCol, p.ItemCol, p.ValueCol, p.TimeCol = c.String("user-col"), c.String("item-col"), c.String("value-col"), c.String("time-col")
	p.Format, p.Separator, p.NoHeader = c.String("input-format"), c.String("separator"), c.Bool("no-header")
	p.Algorithm, p.Top, p.Similar, p.Because = c.String("algorithm"), c.Int("top"), c.Int("similar"), c.Int("because")
	p.Blend, p.Weights = c.String("blend"), c.String("weights")
	p.Duplicates, p.HalfLife, p.IDType = c.String("duplicates"), c.String("half-life"), c.String("id-type")
	p.MinUser, p.MinItem, p.ShardRows = c.Int64("min-user"), c.Int64("min-item"), c.Int64("shard-rows")
	p.Model = c.String("model")
	p.K, p.Shrink = c.Int("k"), c.Float64("shrink")
	p.MinValue, p.Alpha, p.Beta, p.K1, p.B = given(c, "min-value"), given(c, "alpha"), given(c, "beta"), given(c, "k1"), given(c, "b")
	p.Factors, p.Iterations, p.Regularization, p.Lambda = givenInt(c, "factors"), givenInt(c, "iterations"), given(c, "regularization"), given(c, "lambda")
	p.RegularizeBy, p.Confidence, p.Solver = c.String("regularize-by"), c.String("confidence"), c.String("solver")
	p.Seed, p.Explicit = c.Uint64("seed"), c.Bool("explicit")
	return p
}

// servingOptions are the rules by which lists are served.
func servingOptions(c *cli.Context) (recommend.ServingOptions, error) {
	o := recommend.ServingOptions{Seen: c.String("seen"), Rules: c.StringSlice("rule"), MinHistory: c.Int64("min-history")}
	for name, path := range map[string]*string{"allow": &o.Allow, "block": &o.Block, "block-pairs": &o.BlockPairs, "users": &o.Users, "items": &o.Items} {
		if !c.IsSet(name) {
			continue
		}
		if c.String(name) == "" {
			return o, badUsage("recommend", "--%s: a file is needed", name)
		}
		abs, err := filepath.Abs(c.String(name))
		if err != nil {
			return o, err
		}
		*path = abs
	}
	return o, nil
}

// givenInt is given for whole numbers.
func givenInt(c *cli.Context, name string) *int {
	if !c.IsSet(name) {
		return nil
	}
	v := c.Int(name)
	return &v
}

// given is the value of a flag that was given, or nil.
func given(c *cli.Context, name string) *float64 {
	if !c.IsSet(name) {
		return nil
	}
	v := c.Float64(name)
	return &v
}
