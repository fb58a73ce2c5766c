package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// reread checks every file of the results and rejects: size and checksum, then its rows as a reader counts
// them. It returns the tasks whose files are missing or damaged.
func (d *driver) reread(ctx context.Context) ([]lostOutput, error) {
	var mu sync.Mutex
	lost := map[task.ID]error{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(d.cfg.Workers)
	check := func(files iter.Seq2[resultFile, error], see func(task.Output)) error {
		for f, err := range files {
			if err != nil {
				return err
			}
			see(f.out)
			g.Go(func() error {
				bad, err := d.recount(ctx, f)
				if bad != nil {
					mu.Lock()
					defer mu.Unlock()
					lost[f.attempt.Task] = bad
				}
				return err
			})
		}
		return nil
	}
	err := d.rereadAll(check)
	err = errors.Join(err, g.Wait())
	return lostOutputs(lost), err
}

// rereadAll passes the files of each final dataset, and those of the rejects, to check, and sums them up.
func (d *driver) rereadAll(check func(files iter.Seq2[resultFile, error], see func(task.Output)) error) error {
	d.summary.Datasets = nil
	for i := range d.stages {
		for _, ds := range d.stages[i].datasets {
			if ds.side() {
				continue
			}
			sum := DatasetSummary{Name: ds.portName()}
			err := check(d.files(i, ds.portName()), func(o task.Output) {
				sum.Rows += o.Rows
				sum.Bytes += o.Bytes
				sum.Files++
			})
			if err != nil {
				return err
			}
			if err := account("rows of dataset "+sum.Name, sum.Rows, d.counts[i].Datasets[sum.Name].Rows); err != nil {
				return err
			}
			d.summary.Datasets = append(d.summary.Datasets, sum)
		}
	}
	return check(d.rejectFiles(), func(task.Output) {})
}

type lostOutput struct {
	id  task.ID
	err error
}

func lostOutputs(lost map[task.ID]error) []lostOutput {
	var all []lostOutput
	for _, id := range slices.SortedFunc(maps.Keys(lost), task.ID.Compare) {
		all = append(all, lostOutput{id, lost[id]})
	}
	return all
}

// recount checks one file. Damage is no error: the task runs again. Another number of rows than the
// task counted is a bug.
func (d *driver) recount(ctx context.Context, f resultFile) (bad, err error) {
	if err := checkCanceled(ctx); err != nil {
		return nil, err
	}
	if bad := d.dir.VerifyOutput(f.attempt, f.out); bad != nil {
		return bad, nil
	}
	count := d.opts.Count[f.out.Ext]
	if count == nil || f.out.Kind != task.DataFile {
		return nil, nil
	}
	n, err := count(f.path)
	if err != nil {
		return nil, fmt.Errorf("re-reading %s: %w", f.path, err)
	}
	return nil, account("rows re-read from "+f.path, n, f.out.Rows)
}
