package mapreduce

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/shuffle"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
	"github.com/shardmill/shardmill/mapreduce/internal/worker"
)

// taskRun is one attempt while it runs: what it counts and the files it makes, all in its own folder.
type taskRun struct {
	env     *Env
	stage   *Stage
	as      task.Assignment
	folder  string
	listing string
	cell    *worker.Cell
	rejects Dataset[Reject]
	limit   int64 // rows that the task takes of its ranges, 0 for all
	touched touched
	spare   *spareBuffers

	out      Out
	counts   task.Counts
	outputs  []task.Output
	files    []*outputFile // open ones
	digests  map[string]string
	scanned  []task.Scanned
	rejected *rowWriter[Reject]
	run      *outputFile
	shuffle  *shuffle.Writer
}

const (
	// outputBuffer is what an open file buffers before it is written, in bytes.
	outputBuffer = 256 << 10
	// directWrite is the size of what is written without a copy.
	directWrite = 64 << 10
	// maxSpare is how many buffers are kept for the next files.
	maxSpare = 4
)

// outputFile is a file that an attempt is writing. It takes the checksum on the way.
type outputFile struct {
	out task.Output
	at  int // among the outputs of the attempt
	f   *os.File
	w   *bufio.Writer
	crc hash.Hash32
}

// create starts a file in the attempt's folder.
func (t *taskRun) create(o task.Output) (*outputFile, error) {
	o.File = fmt.Sprintf("%04d-%s-%s.%s", len(t.outputs), o.Kind, o.Dataset, o.Ext)
	f, err := os.OpenFile(filepath.Join(t.folder, o.File), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	t.outputs = append(t.outputs, o)
	file := &outputFile{out: o, at: len(t.outputs) - 1, f: f, crc: crc32.New(crc32.MakeTable(crc32.Castagnoli))}
	file.w = t.spare.take(sumWriter{file})
	t.files = append(t.files, file)
	return file, nil
}

// spareBuffers are those of files that have ended, for the next ones: a task may be short. Without any, nil, all are new.
type spareBuffers []*bufio.Writer

func (s *spareBuffers) take(to io.Writer) *bufio.Writer {
	if s == nil || len(*s) == 0 {
		return bufio.NewWriterSize(to, outputBuffer)
	}
	last := len(*s) - 1
	b := (*s)[last]
	*s = (*s)[:last]
	b.Reset(to)
	return b
}

func (s *spareBuffers) give(b *bufio.Writer) {
	if s != nil && len(*s) < maxSpare {
		b.Reset(nil)
		*s = append(*s, b)
	}
}

// sumWriter passes bytes to the file and adds them to its checksum and size.
type sumWriter struct{ o *outputFile }

func (s sumWriter) Write(p []byte) (int, error) {
	n, err := s.o.f.Write(p)
	s.o.crc.Write(p[:n])
	s.o.out.Bytes += int64(n)
	return n, err
}

func (o *outputFile) Write(p []byte) (int, error) {
	if len(p) < directWrite {
		return o.w.Write(p)
	}
	if err := o.w.Flush(); err != nil {
		return 0, err
	}
	return sumWriter{o}.Write(p)
}

// abandon closes the files of a failed attempt.
func (t *taskRun) abandon() {
	for _, o := range t.files {
		_ = o.f.Close() // nobody will read it
	}
	t.files = nil
}

// keep ends a file and lists it among the attempt's outputs.
func (t *taskRun) keep(o *outputFile) error {
	err := errors.Join(o.w.Flush(), o.f.Close())
	t.spare.give(o.w)
	o.w = nil
	t.files = slices.DeleteFunc(t.files, func(f *outputFile) bool { return f == o })
	o.out.CRC32C = o.crc.Sum32()
	t.outputs[o.at] = o.out
	return err
}

func (t *taskRun) digest(path, sum string) {
	if t.digests == nil {
		t.digests = map[string]string{}
	}
	t.digests[path] = sum
}

func (t *taskRun) setStream(name string, c task.StreamCount) {
	if t.counts.Streams == nil {
		t.counts.Streams = map[string]task.StreamCount{}
	}
	t.counts.Streams[name] = c
}

// reject writes a row to the attempt's rejects.
func (t *taskRun) reject(ordinal int64, o Origin, reason error) error {
	return t.addReject(Reject{
		Stage: t.env.stage, Task: t.as.Task.Name(), Ordinal: ordinal, Input: o.Input, Line: o.Line,
		ID: o.ID, Class: rejectClass(reason), Reason: reason.Error(), Record: o.Record,
	})
}

func (t *taskRun) rejectGroup(stream string, ordinal int64, key string, records int64, reason error) error {
	return t.addReject(Reject{
		Stage: t.env.stage, Task: t.as.Task.Name(), Ordinal: ordinal, ID: key, Class: rejectClass(reason),
		Reason: fmt.Sprintf("group of %d records in stream %s: %v", records, stream, reason),
	})
}

func (t *taskRun) addReject(r Reject) error {
	if t.rejected == nil {
		t.rejected = &rowWriter[Reject]{d: &t.rejects, t: t}
		f, err := t.create(task.Output{Kind: task.RejectFile, Ext: t.rejects.Ext})
		if err != nil {
			return err
		}
		if t.rejected.sink, err = t.rejects.Create(t.env, f); err != nil {
			return err
		}
		t.rejected.file = f
	}
	return t.rejected.write(&r)
}

// rejectClass names why a row was rejected: a plain error is one of the record.
func rejectClass(err error) string {
	if c := ClassOf(err); c.Suspicious() {
		return c.String()
	}
	return BadRecord.String()
}

// partitioning is how the records of a stream are spread.
type partitioning struct {
	n  int                 // partitions
	by shuffle.Partitioner // nil: by hash
}

// openMapWrites makes the writers of a split or map attempt.
func (t *taskRun) openMapWrites(streams []partitioning) error {
	t.openWriters(t.stage.mapWrites())
	if len(t.stage.streams) == 0 {
		return nil
	}
	shape := make([]shuffle.Stream, len(t.stage.streams))
	for i, s := range t.stage.streams {
		k, v := s.widths()
		shape[i] = shuffle.Stream{Name: s.portName(), Partitions: streams[i].n, KeyWidth: k, ValueWidth: v}
	}
	var err error
	if t.run, err = t.create(task.Output{Kind: task.RunFile, Ext: "run"}); err != nil {
		return err
	}
	if t.shuffle, err = shuffle.NewWriter(t.run, shape); err != nil {
		return err
	}
	for i, s := range t.stage.streams {
		t.out.emitters = append(t.out.emitters, s.newEmitter(t.shuffle, streams[i].by))
	}
	return nil
}

// openWriters makes a writer for each of the datasets; the others of the stage stay closed.
func (t *taskRun) openWriters(writes []datasetPort) {
	t.out.task, t.out.folder = t.as.Task.Name(), t.folder
	t.out.writers = make([]datasetWriter, len(t.stage.datasets))
	for i, d := range t.stage.datasets {
		for _, w := range writes {
			if w == d {
				t.out.writers[i] = d.newWriter(t, t.as.Task.Kind == task.Split)
			}
		}
	}
}

// closeWrites ends all files and gathers their counts.
func (t *taskRun) closeWrites() error {
	for _, e := range t.out.emitters {
		if err := e.close(); err != nil {
			return err
		}
		name, c := e.counts()
		t.setStream(name, c)
	}
	if t.shuffle != nil {
		if err := t.closeRun(); err != nil {
			return err
		}
	}
	for _, w := range t.out.writers {
		if w == nil {
			continue
		}
		if err := w.close(); err != nil {
			return err
		}
		name, c := w.counts()
		if t.counts.Datasets == nil {
			t.counts.Datasets = map[string]task.DatasetCount{}
		}
		t.counts.Datasets[name] = c
	}
	if t.rejected != nil {
		return t.rejected.roll()
	}
	return nil
}

func (t *taskRun) closeRun() error {
	if _, err := t.shuffle.Close(); err != nil {
		return err
	}
	for _, c := range t.counts.Streams {
		t.run.out.Rows += c.Written
	}
	return t.keep(t.run)
}

// result is what a finished attempt reports.
func (t *taskRun) result(start time.Time, cpu float64) task.Result {
	return task.Result{
		Version: task.Version, Attempt: t.as.Attempt, Outputs: t.outputs, Counts: t.counts,
		Excluded: t.as.Exclude, Digests: t.digests, Scanned: t.scanned, Input: t.as.Input,
		Usage: task.Usage{CPUSeconds: cpuSeconds() - cpu, WallSeconds: time.Since(start).Seconds(), PeakRSS: peakRSS()},
	}
}

// origin asks a row where it came from; a row that does not know is shown as JSON.
func origin(row any) Origin {
	if o, ok := row.(Originer); ok {
		return o.Origin()
	}
	b, err := json.Marshal(row)
	if err != nil {
		return Origin{}
	}
	return Origin{Record: string(b)}
}

// checkCanceled turns a context's end into an error of class Canceled.
func checkCanceled(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return task.New(task.Canceled, err)
	}
	return nil
}
