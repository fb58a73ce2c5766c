package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"

	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// rejectsPerPart is the number of rows of one rejects/part-*.parquet.
const rejectsPerPart = 1 << 20

// maxLost is how often the files of one task may get lost in a run.
const maxLost = 3

// finish re-reads the results, checks them against what the tasks counted, judges the gates and lays
// everything out. again is true when a result turned out damaged: its task then runs again.
func (d *driver) finish(ctx context.Context) (again bool, err error) {
	d.cfg.Hook("finish")
	lost, err := d.reread(ctx)
	if err != nil {
		return false, err
	}
	if len(lost) > 0 {
		for _, l := range lost {
			if err := d.takeBackLost(l.id, l.err.Error()); err != nil {
				return false, err
			}
		}
		return true, nil
	}
	d.cfg.Hook("layout")
	gate := d.gate()
	if err := d.layOut(gate != nil); err != nil {
		return false, err
	}
	if gate != nil {
		return false, gate
	}
	d.cfg.Hook("finished")
	return false, d.dropWorkSpace()
}

// resultFile is one committed file of a dataset.
type resultFile struct {
	attempt task.Attempt
	out     task.Output
	path    string
}

// files are the committed files of a dataset of a stage, in task order.
func (d *driver) files(stage int, dataset string) iter.Seq2[resultFile, error] {
	return func(yield func(resultFile, error) bool) {
		s := &d.stages[stage]
		for rec, err := range d.dir.Records(s.folder, s.writers(dataset)...) {
			if err != nil {
				yield(resultFile{}, err)
				return
			}
			for _, o := range rec.Outputs {
				if o.Kind != task.DataFile || o.Dataset != dataset {
					continue
				}
				if !yield(resultFile{rec.Attempt, o, d.dir.OutputPath(rec.Attempt, o)}, nil) {
					return
				}
			}
		}
	}
}

// gate judges the rejects over all rows of the job.
func (d *driver) gate() error {
	r := sumRows(d.stages, d.counts)
	if d.cfg.MaxRejects.exceeded(r.Rejected, r.Read) {
		return &GateError{Rejects: r.Rejected, Rows: r.Read, Limit: d.cfg.MaxRejects, Held: true}
	}
	return nil
}

// layOut puts the results in out/, or in held/, and the rejects beside them.
func (d *driver) layOut(held bool) error {
	l := jobdir.Layout{Results: d.parts(), Held: held, Rejects: d.rejectParts()}
	for i := range d.stages {
		for _, ds := range d.stages[i].datasets {
			if !ds.side() {
				l.Datasets = append(l.Datasets, ds.portName())
			}
		}
	}
	return d.dir.Finish(l)
}

// parts names the files of the results: by partition where reduces wrote them, by map number else.
func (d *driver) parts() iter.Seq2[jobdir.Part, error] {
	return func(yield func(jobdir.Part, error) bool) {
		for i := range d.stages {
			for _, ds := range d.stages[i].datasets {
				if ds.side() {
					continue
				}
				for f, err := range d.files(i, ds.portName()) {
					if err != nil {
						yield(jobdir.Part{}, err)
						return
					}
					if !yield(d.part(i, f)) {
						return
					}
				}
			}
		}
	}
}

func (d *driver) part(stage int, f resultFile) (jobdir.Part, error) {
	n := f.attempt.Task.Index
	if f.attempt.Task.Kind == task.Reduce {
		_, partition, err := d.plans[stage].Reduce(n)
		if err != nil {
			return jobdir.Part{}, err
		}
		n = partition
	}
	name := fmt.Sprintf("part-%06d", n)
	if f.out.Many {
		name += fmt.Sprintf("-%04d", f.out.Seq)
	}
	return jobdir.Part{From: f.path, To: path.Join(f.out.Dataset, f.out.Sub, name+"."+f.out.Ext)}, nil
}

// rejectParts are the files of rejects/: the rejects of all tasks in order, a million rows a file.
func (d *driver) rejectParts() []jobdir.File {
	var total int64
	for _, c := range d.counts {
		total += c.Rejected + c.RejectedGroups
	}
	var files []jobdir.File
	for n := int64(0); n*rejectsPerPart < total; n++ {
		files = append(files, jobdir.File{
			Name:  fmt.Sprintf("part-%06d.%s", n, d.opts.RejectParts.Ext),
			Write: func(w io.Writer) error { return d.writeRejects(w, n*rejectsPerPart, (n+1)*rejectsPerPart) },
		})
	}
	return files
}

// writeRejects writes rejects [lo, hi) of the job, counted in order of stage, task and row.
func (d *driver) writeRejects(w io.Writer, lo, hi int64) error {
	env := &Env{}
	sink, err := d.opts.RejectParts.Create(env, w)
	if err != nil {
		return fmt.Errorf("rejects: %w", err)
	}
	var at int64
	for f, err := range d.rejectFiles() {
		if err != nil {
			return errors.Join(err, sink.Close())
		}
		if at+f.out.Rows > lo && at < hi {
			if err := copyRejects(d.opts.Rejects, env, f.path, sink, lo-at, hi-at); err != nil {
				return errors.Join(err, sink.Close())
			}
		}
		at += f.out.Rows
	}
	return sink.Close()
}

func copyRejects(from Dataset[Reject], env *Env, path string, to Sink[Reject], lo, hi int64) error {
	r, err := from.Open(env, path)
	if err != nil {
		return fmt.Errorf("rejects: %w", err)
	}
	for n := int64(0); n < hi; n++ {
		var row Reject
		if err = r.Read(&row); err != nil {
			break
		}
		if n >= lo {
			if err = to.Write(row); err != nil {
				break
			}
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, r.Close())
}

// rejectFiles are the reject files of all committed tasks, in order of stage and task. Records of stages that are known to have
// rejected nothing are not read.
func (d *driver) rejectFiles() iter.Seq2[resultFile, error] {
	return func(yield func(resultFile, error) bool) {
		for i := range d.stages {
			if d.counts != nil && d.counts[i].Rejected+d.counts[i].RejectedGroups == 0 {
				continue
			}
			for rec, err := range d.dir.Records(d.stages[i].folder) {
				if err != nil {
					yield(resultFile{}, err)
					return
				}
				for _, o := range rec.Outputs {
					if o.Kind == task.RejectFile && !yield(resultFile{rec.Attempt, o, d.dir.OutputPath(rec.Attempt, o)}, nil) {
						return
					}
				}
			}
		}
	}
}

// rejects is the number of rejected rows and groups of committed stages so far.
func (d *driver) rejects() int64 {
	var n int64
	for _, c := range d.counts {
		n += c.Rejected + c.RejectedGroups
	}
	return n
}

// cleanUp removes the work space that nobody needs once stage i is done: its run files, and the side
// datasets of earlier stages that no later one reads. As long as some task has rejects everything stays, so that
// only the tasks with rejects have to run again when they are asked for.
func (d *driver) cleanUp(i int) error {
	if d.cfg.KeepIntermediate || d.rejects() > 0 {
		return nil
	}
	if len(d.stages[i].streams) > 0 {
		if err := d.dir.RemoveRuns(d.stages[i].folder); err != nil {
			return err
		}
	}
	for k := range i {
		for _, ds := range d.stages[k].datasets {
			if ds.side() && !d.readAfter(i, ds.portName()) {
				if err := d.dir.RemoveData(d.stages[k].folder, ds.portName()); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// readAfter tells whether a stage after i reads a dataset.
func (d *driver) readAfter(i int, dataset string) bool {
	for k := i + 1; k < len(d.stages); k++ {
		s := &d.stages[k]
		if s.kind == task.Map && s.input == dataset {
			return true
		}
		for _, p := range s.Reads {
			if p.portName() == dataset {
				return true
			}
		}
	}
	return false
}

// dropWorkSpace removes what earlier runs of a job with rejects kept, once it has ended with none.
func (d *driver) dropWorkSpace() error {
	for i := range d.stages {
		if err := d.cleanUp(i); err != nil {
			return err
		}
	}
	return nil
}
