package main

import (
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
)

const evaluateText = `
Finds the algorithm and the parameters that rank best for the users of some
interactions. Inputs are those of shardmill recommend, with the same flags.

Pairs of a user and an item are cut into three parts. Each configuration, an
algorithm with its parameters, learns from the first part and is measured on the
second one, the validation part. The best by --pick learns again, from both, and
is measured on the third one, the test part, which nothing has seen before. It
is printed as a command line of shardmill recommend, which reads all INPUT, and
the FILE of --test only if you add it.

Parts:
  --split hash:0.2    (default) a fifth of all pairs by their hash is the test
                      part, and a fifth of the others the validation part
  --split last        of each user the newest item is the test part, and the one
                      before it the validation part; needs --time-col
  --split time:DATE   pairs from DATE on are the test part, those of as long a
                      time before it the validation part; needs --time-col
  --test FILE         the pairs of FILE that no INPUT has are the test part;
                      --split is not given
  --validation HOW    hash:SHARE, last or time:DATE (default: as --split)

Configurations:
  --algorithm als:factors=32,rp3beta
                      what to compare (default: all algorithms, each with a
                      small grid of its parameters)
  --grid k=20,50,200  all values, for each algorithm that has the parameter;
                      with several --grid all combinations
  --grid als:regularization=1,10
                      the same for one algorithm
A flag such as --factors 32 is for all algorithms that have it. Configurations
are trained by all workers side by side, each by one of them.

With --budget N the work is about that of N configurations on all users: all are
tried on few users, and the best third of them on three times as many, until the
last ones are tried on all.

Metrics, each at each of --cutoffs, with 95 % intervals by the bootstrap over
users: precision, recall, NDCG, MAP, MRR, hit_rate, coverage (without interval),
novelty, diversity. --pick chooses by one of the first six.

Results in JOB/out, as Parquet: trials (configuration, algorithm, part, rung,
task, share, users, reason), metrics (configuration, algorithm, part, rung,
metric, k, value, low, high; NaN is what there is not), winner (configuration,
algorithm, metric, k, and its values on both parts). shardmill show JOB prints
them again, with the time and memory of each configuration.

Examples:
  shardmill evaluate --out job ratings.csv
  shardmill evaluate --algorithm als,rp3beta --grid als:factors=32,64,128 \
    --grid rp3beta:beta=0.2,0.4,0.6 --pick recall@20 --out job plays.csv
  shardmill evaluate --time-col timestamp --split time:2024-06-01 --budget 8 \
    --user-col userId --item-col movieId --out job ratings.csv
  shardmill evaluate --test test.csv --out job train.csv
`

// sharedFlags are the flags of recommend that say how inputs are read, and the parameters of algorithms.
func sharedFlags() []cli.Flag {
	shared := []string{
		"user-col", "item-col", "value-col", "time-col", "input-format", "separator", "no-header", "min-value", "duplicates", "half-life",
		"min-user", "min-item", "id-type", "k", "shrink", "alpha", "beta", "k1", "b", "factors", "iterations", "regularization",
		"regularize-by", "confidence", "solver", "seed", "explicit", "lambda", "out", "shard-rows",
	}
	return slices.DeleteFunc(recommendFlags(), func(f cli.Flag) bool { return !slices.Contains(shared, f.Names()[0]) })
}

func evaluateFlags() []cli.Flag {
	d := recommend.EvaluationDefaults()
	return append([]cli.Flag{
		&cli.StringFlag{Name: "algorithm", Usage: "`LIST`what to compare, with commas, of " + strings.Join(recommend.Algorithms(), ", ") + " (default: all)"},
		&cli.StringSliceFlag{Name: "grid", Usage: "`KEY=V,V`values of a parameter, all of which are tried; may be given several times"},
		&cli.StringFlag{Name: "split", Usage: "`HOW`the test part is cut off: hash:SHARE, last or time:DATE (default: hash:0.2)"},
		&cli.StringFlag{Name: "test", Usage: "`FILE`its pairs are the test part"},
		&cli.StringFlag{Name: "validation", Usage: "`HOW`the validation part is cut off the rest (default: as --split; with --test hash:0.2)"},
		&cli.StringFlag{Name: "cutoffs", Value: d.Cutoffs, Usage: "`K,K`lengths of lists that are measured (default: " + d.Cutoffs + ")"},
		&cli.StringFlag{Name: "pick", Value: d.Pick, Usage: "`METRIC@K`that chooses (default: " + d.Pick + ")"},
		&cli.Float64Flag{Name: "budget", Usage: "`N`about as much work as N configurations on all users (default: all of them)"},
	}, sharedFlags()...)
}

func (p *program) evaluateCommand() *cli.Command {
	return &cli.Command{
		Name: "evaluate", Usage: "find the best algorithm and parameters for recommend",
		ArgsUsage: "INPUT...", Description: evaluateText,
		Flags: slices.Concat(evaluateFlags(), identityFlags(), runFlags()),
		Action: func(c *cli.Context) error {
			cfg, err := jobConfig(c)
			if err != nil {
				return err
			}
			if c.IsSet("budget") && c.Float64("budget") <= 0 {
				return badUsage("evaluate", "--budget: a number above 0 is needed")
			}
			params := evaluationParams(c)
			if params.Test != "" {
				if cfg.Limit > 0 {
					return badUsage("evaluate", "--limit and --test: the first rows are those of INPUT, and none would be of %s", params.Test)
				}
				cfg.Inputs = append(cfg.Inputs, params.Test)
			}
			if cfg.Params, err = json.Marshal(params); err != nil {
				return err
			}
			return p.runJob(c.Context, styleOf(c), cfg, func(ctx context.Context, cfg mapreduce.Config) (mapreduce.Summary, error) {
				return mapreduce.Run(ctx, jobs.Standard(), recommend.EvaluationJob(), cfg)
			})
		},
	}
}

// evaluationParams are the job's parameters.
func evaluationParams(c *cli.Context) recommend.EvaluationParams {
	p, d := recommend.EvaluationDefaults(), recommend.Defaults()
	p.Params = recommendParams(c)
	p.Top, p.Similar, p.Because = d.Top, d.Similar, d.Because
	p.Grid, p.Split, p.Test, p.Validation = c.StringSlice("grid"), c.String("split"), c.String("test"), c.String("validation")
	p.Cutoffs, p.Pick, p.Budget = c.String("cutoffs"), c.String("pick"), c.Float64("budget")
	return p
}

// compared reads what an evaluation of recommendations has found, if the job that has ended is one with results.
func compared(s mapreduce.Summary, dir string) (*recommend.Comparison, []jobs.Table, error) {
	if s.Job != recommend.EvaluationJob().Name() || len(s.Datasets) == 0 {
		return nil, nil, nil
	}
	return jobs.ShowComparison(s.Job, jobs.View{Out: filepath.Join(dir, resultFolder(s)), Rows: mostCompared})
}

// mostCompared is how many configurations are printed at the end of a run.
const mostCompared = 50

// comparisonLine is the line of a run before its summary.
type comparisonLine struct {
	Kind string `json:"kind"` // "comparison"
	*recommend.Comparison
}

// writeCompared prints what compared has read, as the end of a run.
func (p *program) writeCompared(s style, sum mapreduce.Summary, dir string) error {
	c, tables, err := compared(sum, dir)
	switch {
	case c == nil:
		return err
	case s.json:
		return writeJSON(p.stdout, comparisonLine{"comparison", c})
	}
	return p.writeComparison(c, tables, dir)
}

// writeComparison prints the tables of a comparison, and the command line of the winner.
func (p *program) writeComparison(c *recommend.Comparison, tables []jobs.Table, dir string) error {
	for _, t := range tables {
		if err := writeTable(p.stdout, t, terminalWidth(p.stdout)); err != nil {
			return err
		}
		if _, err := io.WriteString(p.stdout, "\n"); err != nil {
			return err
		}
	}
	if c.Winner == nil {
		return nil
	}
	_, err := io.WriteString(p.stdout, "the best one, for all of the input:\n  "+winnerCommand(c.Winner.Command, dir)+"\n")
	return err
}

// winnerCommand is a command line for a shell.
func winnerCommand(args []string, dir string) string {
	line := "shardmill " + args[0] + " --out " + shellQuoted(filepath.Clean(dir)+"-best")
	for _, a := range args[1:] {
		line += " " + shellQuoted(a)
	}
	return line
}

// shellQuoted is a word as a POSIX shell reads it.
func shellQuoted(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:=,+@%", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// showCompared prints what an evaluation has found.
func (p *program) showCompared(job, dir string, v jobs.View, asJSON bool) error {
	c, tables, err := jobs.ShowComparison(job, v)
	switch {
	case err != nil:
		return showError(err, dir)
	case asJSON:
		return writeIndented(p.stdout, c)
	}
	return p.writeComparison(c, tables, dir)
}
