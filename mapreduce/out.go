package mapreduce

import (
	"errors"
	"math"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// Port is what a stage may write to: a Stream, which is shuffled and reduced, or a Dataset.
type Port interface{ portName() string }

// Out takes what a mapper or reducer makes of one batch or group. It is valid until the call it was
// given to returns, and used by one goroutine.
type Out struct {
	task     string
	folder   string
	direct   bool // reduce: rows go straight to the files
	writers  []datasetWriter
	emitters []emitter
	rows     []rowState
	measures []rowMeasure
	base     int   // of what the rows are counted from: 0, or in a split the last one
	rejected int   // rows of the batch
	marked   bool  // some row of the batch is rejected or dropped
	writes   int64 // rows written for this group
	err      error
}

// rowState is the fate of one row of the batch.
type rowState struct {
	reason error  // rejected, with class
	rule   string // dropped
}

// rowMeasure is what row i measured.
type rowMeasure struct {
	i    int
	name string
	m    task.Measure
}

// errNoRows says that a reducer did what only a mapper can do.
var errNoRows = errors.New("Reject and Drop are for mappers: a reducer returns an error of class BadRecord")

// Task is the name of the task that runs, such as "map-000007". It is the same in every attempt.
func (o *Out) Task() string { return o.task }

// Scratch is a folder, that of this attempt, for files with names of the pattern "scratch-*" that job code keeps for itself while it
// works, such as what does not fit into memory. They are gone when the attempt ends, and if it is killed, or the driver is, at the latest
// when the job goes on. Outside of an attempt it is "".
func (o *Out) Scratch() string { return o.folder }

// Reject ends row i of the batch as a reject with a reason: whatever it emitted or wrote is taken back.
// The text of the reason lands in an output: it must be the same in every attempt, so it names no
// pid, no temporary path and no time.
func (o *Out) Reject(i int, reason error) {
	if o.direct {
		o.fail(errNoRows)
	}
	if i += o.base; i >= 0 && i < len(o.rows) && o.rows[i].reason == nil && reason != nil {
		o.rows[i] = rowState{reason: reason}
		o.rejected++
		o.marked = true
	}
}

// Rejected tells whether row i has ended as a reject: a mapper skips such rows and leaves their
// slot in the batch empty. Rows whose Prepare failed and rows that killed a worker are so from the start.
func (o *Out) Rejected(i int) bool { return !o.live(i + o.base) }

// Drop ends row i of the batch as left out by a named rule, such as "threshold". What it emitted
// or wrote stays. In Source.Emit it keeps the row out of the shards.
func (o *Out) Drop(i int, rule string) {
	if o.direct {
		o.fail(errNoRows)
	}
	if i += o.base; i >= 0 && i < len(o.rows) && o.rows[i].reason == nil {
		o.rows[i].rule = rule
		o.marked = true
	}
}

// Measure adds n values, whose sum is given, to the measure of the stage that has a name, such as "loss", of which status and
// summary.json tell the mean. In a map they belong to row i of the batch and do not count if that row is rejected; in a
// reduce i is ignored. Sums are rounded to millionths, so that the mean does not depend on the order of tasks; one that is
// not finite, or not below a million millions, is left out.
func (o *Out) Measure(i int, name string, sum float64, n int64) { o.addMeasure(i, name, sum, n, false) }

// MeasureSquares is Measure for squares, such as those of errors: what is told is the root of their mean.
func (o *Out) MeasureSquares(i int, name string, sum float64, n int64) {
	o.addMeasure(i, name, sum, n, true)
}

func (o *Out) addMeasure(i int, name string, sum float64, n int64, root bool) {
	if math.Abs(sum) < 1e12 {
		m := task.Measure{Sum: int64(math.RoundToEven(sum * 1e6)), N: n, Root: root}
		o.measures = append(o.measures, rowMeasure{i + o.base, name, m})
	}
}

// live tells whether a row of the batch, counted from its first, is not rejected.
func (o *Out) live(i int) bool {
	return o.rejected == 0 || i < 0 || i >= len(o.rows) || o.rows[i].reason == nil
}

// fail keeps the first error of a Write or Emit, which have no result of their own.
func (o *Out) fail(err error) {
	if o.err == nil {
		o.err = err
	}
}

// begin makes the Out ready for a batch of n rows.
func (o *Out) begin(n int) {
	if o.marked {
		clear(o.rows)
		o.rejected, o.marked = 0, false
	}
	if cap(o.rows) < n {
		o.rows = make([]rowState, n)
	}
	o.rows, o.base = o.rows[:n], 0
}

// more adds a row to the batch. It is row 0 of what follows.
func (o *Out) more() {
	o.base = len(o.rows)
	o.rows = append(o.rows, rowState{})
}

// gone tells whether the row that more added last has ended as a reject or a drop, and the reason if it is a reject.
func (o *Out) gone() (reason error, gone bool) {
	if !o.marked {
		return nil, false
	}
	r := &o.rows[o.base]
	return r.reason, r.reason != nil || r.rule != ""
}

// flush ends a batch: what live rows made goes to the files, and the rows are counted.
func (o *Out) flush(c *task.Counts) error {
	if o.err != nil {
		return o.err
	}
	for _, e := range o.emitters {
		if err := e.flush(o); err != nil {
			return err
		}
	}
	for _, w := range o.writers {
		if w == nil { // written by a reduce only
			continue
		}
		if err := w.flush(o); err != nil {
			return err
		}
	}
	o.measure(c)
	o.count(c)
	return nil
}

// measure counts what live rows, or all groups of a reduce, have measured.
func (o *Out) measure(c *task.Counts) {
	for _, m := range o.measures {
		if o.direct || o.live(m.i) {
			c.Measure(m.name, m.m)
		}
	}
	o.measures = o.measures[:0]
}

// count counts the rows of the batch.
func (o *Out) count(c *task.Counts) {
	if !o.marked {
		c.Mapped += int64(len(o.rows))
		return
	}
	for i := range o.rows {
		r := &o.rows[i]
		switch {
		case r.reason != nil:
			c.Rejected++
		case r.rule != "":
			c.Drop(r.rule, 1)
		default:
			c.Mapped++
		}
	}
}
