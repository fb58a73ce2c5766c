package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/shardmill/shardmill/mapreduce"
)

// style is how a run shows its progress.
type style struct {
	command     string
	json, quiet bool
}

func styleOf(c *cli.Context) style {
	return style{command: commandName(c), json: c.Bool("json"), quiet: c.Bool("quiet")}
}

// watcher shows the events of a run. The engine calls it from one goroutine.
type watcher interface {
	event(e mapreduce.Event)
	end() // no more events
}

func (p *program) watcher(s style) watcher {
	switch {
	case s.quiet:
		return silent{}
	case s.json:
		return &jsonLines{w: p.stdout}
	case terminalWidth(p.stderr) > 0:
		return newBars(p)
	}
	return &plainLines{p: p}
}

type silent struct{}

func (silent) event(mapreduce.Event) {}
func (silent) end()                  {}

// runJob runs a job to its end, shows how it goes and says how it ended.
func (p *program) runJob(ctx context.Context, s style, cfg mapreduce.Config,
	job func(context.Context, mapreduce.Config) (mapreduce.Summary, error),
) error {
	w := p.watcher(s)
	cfg.Observe = w.event
	cfg.Hook = p.hook
	sum, err := job(ctx, cfg)
	w.end()
	return errors.Join(p.writeResult(s, sum, cfg.Dir), jobEnd(s.command, sum, cfg.Dir, err))
}

func (p *program) writeResult(s style, sum mapreduce.Summary, dir string) error {
	switch {
	case s.quiet || sum.Job == "": // it ended before there was a job
		return nil
	case !s.json && len(sum.Stages) == 0: // nothing was done
		return nil
	}
	models, err := evaluated(sum, dir)
	if s.json {
		err = errors.Join(err, p.writeEvaluation(s, sum, models, dir), p.writeCompared(s, sum, dir))
		return errors.Join(err, writeJSON(p.stdout, summaryLine{Kind: "summary", Summary: sum}))
	}
	err = errors.Join(err, writeLines(p.stdout, resultLines(sum, dir)))
	return errors.Join(err, p.writeEvaluation(s, sum, models, dir), p.writeCompared(s, sum, dir))
}
