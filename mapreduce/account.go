package mapreduce

import (
	"errors"
	"fmt"
	"slices"

	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/plan"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// errAccount marks sums that do not add up: a fault of the engine or of a job, never of the input.
var errAccount = errors.New("the accounting does not add up; this is a bug, please report it with summary.json")

func account(what string, got, want int64) error {
	if got == want {
		return nil
	}
	return &accountError{what, got, want}
}

// accountError is an errAccount with the sum that is wrong.
type accountError struct {
	what      string
	got, want int64
}

func (e *accountError) Error() string { return e.sum() + ": " + errAccount.Error() }

func (e *accountError) Unwrap() error { return errAccount }

// sum says what is wrong without whose fault it may be.
func (e *accountError) sum() string { return fmt.Sprintf("%s: %d, expected %d", e.what, e.got, e.want) }

// checkCounts checks the sums of one attempt before it is committed.
func (r *stageRun) checkCounts(res task.Result) error { return checkTask(r.p, res.Commit()) }

// checkTask checks the sums of a task of a plan.
func checkTask(p *plan.Stage, res task.Record) error {
	c := res.Counts
	if res.Task.Kind == task.Reduce {
		return nil
	}
	err := account("rows mapped, dropped and rejected", c.Rows(), c.Read)
	switch n := res.Task.Index; res.Task.Kind {
	case task.Scan:
		err = errors.Join(err, account("ranges scanned", int64(len(res.Scanned)), int64(len(p.Scans[n].Ranges))))
	case task.Split:
		err = errors.Join(err, account("rows in shards", c.Datasets[shardsName].Rows, c.Mapped))
	}
	if rows, known := p.TaskRows(res.Task.Index); known {
		err = errors.Join(err, account("rows read of the shard or range", c.Read, rows))
	}
	var rejects int64
	for _, o := range res.Outputs {
		if o.Kind == task.RejectFile {
			rejects += o.Rows
		}
	}
	return errors.Join(err, account("rows in the rejects file", rejects, c.Rejected))
}

// checkStage checks the sums over all tasks of a stage.
func checkStage(s *Stage, p *plan.Stage, done jobdir.Done) error {
	var errs []error
	c := done.Counts
	_, first := p.First()
	errs = append(errs, account("committed tasks", int64(done.Tasks), int64(first+p.Reduces())))
	rows := c.Rows()
	if want, known := p.Rows(); known && (s.kind == task.Split || s.kind == task.Map) {
		errs = append(errs, account("rows mapped, dropped and rejected", rows, want))
	}
	for _, st := range s.streams {
		n := c.Streams[st.portName()]
		errs = append(errs, account("records of stream "+st.portName()+" reduced", n.Reduced, n.Written))
	}
	for _, d := range s.datasets {
		n := c.Datasets[d.portName()]
		errs = append(errs, account("rows in the files of dataset "+d.portName(), done.Data[d.portName()].Rows, n.Rows))
		if d.conserving() {
			errs = append(errs, conserved(s, d, c, rows))
		}
	}
	return errors.Join(errs...)
}

// conserved checks that the rows of a conserving dataset, those dropped and those rejected are all input
// rows. A rejected key group takes the input rows of its records with it, how many is not
// known: then the difference must not be negative and not above the number of those records.
func conserved(s *Stage, d datasetPort, c task.Counts, rows int64) error {
	var groups int64
	for _, st := range s.streams {
		if slices.ContainsFunc(st.writes(), func(p Port) bool { return p == Port(d) }) {
			groups += c.Streams[st.portName()].Rejected
		}
	}
	got := c.Datasets[d.portName()].Standing + c.DroppedRows() + c.Rejected
	if got <= rows && rows <= got+groups {
		return nil
	}
	return account("input rows in dataset "+d.portName()+", dropped or rejected", got, rows)
}
