package mapreduce

import (
	"fmt"
	"io"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// Sink writes the rows of one file of a dataset. What a row points to may be used again when Write returns, if R is a
// Resetter. Close ends the file but does not close the writer below it.
type Sink[R any] interface {
	Write(r R) error
	Close() error
}

// BatchSink is a Sink that writes several rows quicker than one after the other.
type BatchSink[R any] interface {
	Sink[R]
	// WriteRows writes rows in their order, as Write does.
	WriteRows(rows []R) error
}

// Reader reads the rows of one file of a dataset in order, each into a row that is reset; Read returns io.EOF at the end.
type Reader[R any] interface {
	Read(r *R) error
	Close() error
}

// BatchReader is a Reader that reads several rows quicker than one after the other.
type BatchReader[R any] interface {
	Reader[R]
	// ReadRows sets the first n of rows, which are reset, from the next ones. n is 0 only with an error.
	ReadRows(rows []R) (n int, err error)
}

// Dataset is a named, typed output of a stage: every task writes its own files, which are committed
// with the task. A dataset is laid out in out/NAME when the job ends, unless it is Side.
type Dataset[R any] struct {
	Name string
	Ext  string // file name extension without the dot: "parquet", "arrow"
	// Create starts a file. Rows arrive in a deterministic order, and equal rows must give equal bytes.
	Create func(env *Env, w io.Writer) (Sink[R], error)
	// Open reads a committed file back, whose size and checksum this process has compared. It is needed where a later stage
	// maps the dataset.
	Open func(env *Env, path string) (Reader[R], error)
	// Side keeps the dataset out of out/: it is an input of later stages and removed once none needs it.
	Side bool
	// Stands, if set, makes the dataset conserving: each input row of the stage must end as exactly one
	// row for which Stands is true, as a drop or as a reject. The engine checks the sums.
	Stands func(r *R) bool
	// Folder, if set, spreads rows over folders such as "label=7" inside the dataset. Rows of a
	// folder must arrive together in each task.
	Folder func(r *R) string

	index int
}

// Write writes a row. In a map it belongs to row i of the batch and is dropped if that row is
// rejected; in a reduce i is ignored.
func (d *Dataset[R]) Write(o *Out, i int, r R) {
	w := d.writer(o.writers)
	if w == nil {
		o.fail(d.foreign())
		return
	}
	o.writes++
	if o.direct {
		w.row = r
		o.fail(w.write(&w.row))
		return
	}
	w.pending = append(w.pending, r)
	w.own(i+o.base, 1)
}

// WriteRows is Write for several rows, all of row i of the batch, and quicker. It does not keep them.
func (d *Dataset[R]) WriteRows(o *Out, i int, rows []R) {
	w := d.writer(o.writers)
	if w == nil {
		o.fail(d.foreign())
		return
	}
	o.writes += int64(len(rows))
	if o.direct {
		o.fail(w.writeRows(rows))
		return
	}
	w.pending = append(w.pending, rows...)
	w.own(i+o.base, len(rows))
}

// foreign says that a dataset is not the task's.
func (d *Dataset[R]) foreign() error {
	return fmt.Errorf("dataset %s: not among what this mapper or reducer writes", d.Name)
}

// writer is the dataset's own among the writers of a task, or nil.
func (d *Dataset[R]) writer(all []datasetWriter) *rowWriter[R] {
	if d.index >= len(all) {
		return nil
	}
	if w, ok := all[d.index].(*rowWriter[R]); ok && w.d == d {
		return w
	}
	return nil
}

func (d *Dataset[R]) portName() string { return d.Name }

func (d *Dataset[R]) bind(index int) error {
	d.index = index
	if d.Create == nil || d.Ext == "" {
		return fmt.Errorf("dataset %s: Create and Ext are needed", d.Name)
	}
	return nil
}

func (d *Dataset[R]) side() bool { return d.Side }

func (d *Dataset[R]) conserving() bool { return d.Stands != nil }

func (d *Dataset[R]) newWriter(t *taskRun, many bool) datasetWriter {
	return &rowWriter[R]{d: d, t: t, many: many}
}

// datasetPort is a Dataset without its type.
type datasetPort interface {
	Port
	bind(index int) error
	side() bool
	conserving() bool
	newWriter(t *taskRun, many bool) datasetWriter
}

// datasetWriter is what a task does with one of its datasets, whatever its rows are.
type datasetWriter interface {
	flush(o *Out) error // ends a batch: writes the rows that were not rejected
	roll() error        // ends the current file; the next row starts another
	close() error
	counts() (name string, c task.DatasetCount)
}

// owned tells that the rows up to one are of row i of the batch.
type owned struct{ i, end int }

// rowWriter writes the rows of a dataset in one attempt: one open file at a time.
type rowWriter[R any] struct {
	d       *Dataset[R]
	t       *taskRun
	many    bool
	pending []R     // rows of the batch
	owners  []owned // of them, in their order
	row     R       // being written, in a reduce
	sink    Sink[R]
	file    *outputFile
	folder  string
	done    map[string]bool // folders already closed
	seq     int
	count   task.DatasetCount
}

// own notes that the last n rows that wait are of row i of the batch.
func (w *rowWriter[R]) own(i, n int) {
	if k := len(w.owners); k > 0 && w.owners[k-1].i == i {
		w.owners[k-1].end += n
		return
	}
	w.owners = append(w.owners, owned{i, len(w.pending)})
}

func (w *rowWriter[R]) flush(o *Out) error {
	from, at := 0, 0 // of rows that are to be written, and of those that are not looked at
	for _, of := range w.owners {
		if !o.live(of.i) {
			if err := w.writeRows(w.pending[from:at]); err != nil {
				return err
			}
			from = of.end
		}
		at = of.end
	}
	if err := w.writeRows(w.pending[from:at]); err != nil {
		return err
	}
	clear(w.pending)
	w.pending, w.owners = w.pending[:0], w.owners[:0]
	return nil
}

func (w *rowWriter[R]) write(r *R) error {
	if w.d.Folder != nil {
		if f := w.d.Folder(r); f != w.folder || w.sink == nil {
			if err := w.enter(f); err != nil {
				return err
			}
		}
	}
	if w.sink == nil {
		if err := w.start(); err != nil {
			return err
		}
	}
	if err := w.sink.Write(*r); err != nil {
		return fmt.Errorf("dataset %s: %w", w.d.Name, err)
	}
	w.file.out.Rows++
	w.count.Rows++
	if w.d.Stands != nil && w.d.Stands(r) {
		w.count.Standing++
	}
	return nil
}

// writeRows writes rows, together where they are neither in folders nor counted as standing.
func (w *rowWriter[R]) writeRows(rows []R) error {
	if len(rows) == 0 {
		return nil
	}
	if w.sink == nil && w.d.Folder == nil {
		if err := w.start(); err != nil {
			return err
		}
	}
	many, ok := w.sink.(BatchSink[R])
	if !ok || w.d.Folder != nil || w.d.Stands != nil {
		for i := range rows {
			if err := w.write(&rows[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if err := many.WriteRows(rows); err != nil {
		return fmt.Errorf("dataset %s: %w", w.d.Name, err)
	}
	w.file.out.Rows += int64(len(rows))
	w.count.Rows += int64(len(rows))
	return nil
}

func (w *rowWriter[R]) enter(folder string) error {
	if err := w.roll(); err != nil {
		return err
	}
	if w.done[folder] {
		return fmt.Errorf("dataset %s: rows of folder %s do not arrive together", w.d.Name, folder)
	}
	if w.done == nil {
		w.done = map[string]bool{}
	}
	w.done[folder] = true
	w.folder = folder
	return nil
}

func (w *rowWriter[R]) start() error {
	f, err := w.t.create(task.Output{
		Kind: task.DataFile, Dataset: w.d.Name, Sub: w.folder, Ext: w.d.Ext, Many: w.many, Seq: w.seq,
	})
	if err != nil {
		return err
	}
	w.seq++
	sink, err := w.d.Create(w.t.env, f)
	if err != nil {
		return fmt.Errorf("dataset %s: %w", w.d.Name, err)
	}
	w.file, w.sink = f, sink
	return nil
}

func (w *rowWriter[R]) roll() error {
	if w.sink == nil {
		return nil
	}
	sink, file := w.sink, w.file
	w.sink, w.file = nil, nil
	if err := sink.Close(); err != nil {
		return fmt.Errorf("dataset %s: %w", w.d.Name, err)
	}
	return w.t.keep(file)
}

// close ends the dataset. A task that wrote no row still leaves an empty file, so that every
// partition has its part; datasets in folders or of several files leave none.
func (w *rowWriter[R]) close() error {
	if w.seq == 0 && !w.many && w.d.Folder == nil {
		if err := w.start(); err != nil {
			return err
		}
	}
	return w.roll()
}

func (w *rowWriter[R]) counts() (string, task.DatasetCount) { return w.d.Name, w.count }
