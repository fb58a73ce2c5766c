package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// Mapper maps batches of rows. One instance serves one worker process and stage, so it may
// hold what is costly to make, such as a model.
type Mapper[In any] interface {
	// Map maps rows that follow one another in a shard or in the input, always cut at the same ordinals: behind
	// so many as NewStage says, and behind a row with which they reach 4 MiB of input, as Source.Size counts it, unless the
	// mapper is a Preparer, of whose rows the engine bounds what they hold once prepared. Rows for which
	// out.Rejected is true must be skipped and their place left empty. An error fails the
	// attempt; a bad row is for out.Reject.
	Map(ctx context.Context, batch []In, out *Out) error
	Close() error
}

// Preparer is an optional power of a Mapper. The engine calls Prepare for rows ahead of the batch
// that is being mapped, one at a time and in order, on another goroutine than Map. It returns the
// bytes that the row now holds, by which the engine bounds how far it looks ahead. An error rejects the row.
type Preparer[In any] interface {
	Prepare(ctx context.Context, row *In) (bytes int64, err error)
}

// Fetcher is an optional power of a Preparer, for rows that name bytes on slow storage. The engine calls Fetch for
// some rows ahead of the one that is being prepared, several at a time on goroutines of their own, so that their latencies
// overlap. It returns the bytes that the row holds until it is prepared, by which, and by Source.Size before it is
// fetched, the engine bounds how much is fetched ahead. An error rejects the row, which is then not prepared.
type Fetcher[In any] interface {
	Fetch(ctx context.Context, row *In) (bytes int64, err error)
}

// Feed is what a stage may read: a *Source of foreign input, or a *Dataset of an earlier stage.
type Feed[In any] interface {
	feed() (src sourcePort, dataset string)
	open(env *Env, path string) (Reader[In], error)
}

// File is a file besides the inputs that can change output bytes: its digest is part of the job's identity.
type File struct {
	Role    string // what messages call it: "model"
	Path    string
	Content []byte // what is digested instead of the file, where it is not nil
}

// Stage is one step of a job: a map over shards, or over the input itself, and the reduce of each stream that it writes.
// Make one with NewStage and set the fields that differ from the default.
type Stage struct {
	Name string
	// Timeout is how long an attempt may go on without finishing a row, batch or block. 0 means 10 minutes.
	Timeout time.Duration
	// Probe makes the mapper once in a child process before the job starts, so that a model that does
	// not load, or crashes, ends the job with exit code 4 before any work is done.
	Probe bool
	// Files, if set, names files whose content is part of the job's identity. Only the driver asks.
	Files func() ([]File, error)
	// Reads lists datasets of earlier stages that the stage opens by Env.Files.
	Reads []Port

	src      sourcePort
	input    string // dataset that the stage maps, or nothing where it maps the source in place
	mapper   func(ctx context.Context, env *Env) (mapRunner, error)
	writes   []Port
	streams  []streamPort
	datasets []datasetPort
	folder   string
	kind     task.Kind
}

const defaultTimeout = 10 * time.Minute

// NewStage makes a stage that maps the rows of in, at most batch rows at a time, and writes the given
// streams and datasets.
func NewStage[In any](name string, in Feed[In], batch int,
	newMapper func(ctx context.Context, env *Env) (Mapper[In], error), writes ...Port,
) Stage {
	src, dataset := in.feed()
	mapper := func(ctx context.Context, env *Env) (mapRunner, error) {
		m, err := newMapper(ctx, env)
		if err != nil {
			return nil, err
		}
		r := &mapperRun[In]{m: m, feed: in, batch: max(1, batch)}
		r.prepare, _ = m.(Preparer[In])
		r.fetch, _ = m.(Fetcher[In])
		return r, nil
	}
	return Stage{Name: name, src: src, input: dataset, mapper: mapper, writes: writes, kind: task.Map}
}

// MapFunc is a Mapper of single rows: it gets row i of the batch, and skips rejected rows by itself. An
// error of class BadRecord rejects the row, any other fails the attempt.
type MapFunc[In any] func(ctx context.Context, i int, row *In, out *Out) error

// Map implements Mapper.
func (f MapFunc[In]) Map(ctx context.Context, batch []In, out *Out) error {
	for i := range batch {
		if out.Rejected(i) {
			continue
		}
		err := f(ctx, i, &batch[i], out)
		if err == nil {
			continue
		}
		if ClassOf(err) != BadRecord {
			return err
		}
		out.Reject(i, err)
	}
	return nil
}

// Close implements Mapper.
func (MapFunc[In]) Close() error { return nil }

// Mapper makes the Mapper, as NewStage wants it.
func (f MapFunc[In]) Mapper(context.Context, *Env) (Mapper[In], error) { return f, nil }

// mapRunner is a Mapper without its type.
type mapRunner interface {
	run(ctx context.Context, t *taskRun, path string) error
	runRanges(ctx context.Context, t *taskRun, ranges []Range) error
	close() error
}

// sourcePort is a Source without its type.
type sourcePort interface {
	stages() ([]Stage, error)
	inPlace() bool
	list(ctx context.Context, l *Lister) error
	target() Target
	changed(ctx context.Context, env *Env, shard string) (name string, err error)
	scan(ctx context.Context, env *Env, rg Range, in *Scan) (any, error)
	cut(env *Env, files iter.Seq[[]Scanned], c *Cutter) error
	split(ctx context.Context, t *taskRun, ranges []Range, limit int64) error
}

// shardsName is the dataset of the split stage that the next stage maps.
const shardsName = "shards"

func (s *Source[R]) feed() (sourcePort, string) { return s, shardsName }

func (s *Source[R]) open(env *Env, path string) (Reader[R], error) { return s.Shards.open(env, path) }

func (d *Dataset[R]) feed() (sourcePort, string) { return nil, d.Name }

func (d *Dataset[R]) open(env *Env, path string) (Reader[R], error) {
	if d.Open == nil {
		return nil, fmt.Errorf("dataset %s: it is read, and has no Open", d.Name)
	}
	return d.Open(env, path)
}

// stages are those that come before the job's own: a scan, a split, or one after the other.
func (s *Source[R]) stages() ([]Stage, error) {
	if (s.Scan == nil) != (s.Cut == nil) || s.InPlace && s.Scan == nil {
		return nil, errors.New("the source needs Scan and Cut together, and both where it is read in place")
	}
	_, names := any(new(R)).(Changer)
	if s.InPlace && (s.Emit != nil || len(s.Writes) > 0 || names) {
		return nil, errors.New("the source is read in place: it cannot Emit or have Writes, nor can its rows name other files")
	}
	s.Shards.Name, s.Shards.Side = shardsName, true
	scan := Stage{Name: "scan", kind: task.Scan, src: s}
	split := Stage{Name: "split", writes: append([]Port{&s.Shards}, s.Writes...), kind: task.Split, src: s}
	switch {
	case s.InPlace:
		return []Stage{scan}, nil
	case s.Scan != nil:
		return []Stage{scan, split}, nil
	}
	return []Stage{split}, nil
}

func (s *Source[R]) inPlace() bool { return s.InPlace }

func (s *Source[R]) scan(ctx context.Context, env *Env, rg Range, in *Scan) (any, error) {
	return s.Scan(ctx, env, rg, in)
}

func (s *Source[R]) cut(env *Env, files iter.Seq[[]Scanned], c *Cutter) error {
	return s.Cut(env, files, c)
}

func (s *Source[R]) list(ctx context.Context, l *Lister) error { return s.List(ctx, l) }

func (s *Source[R]) target() Target { return s.Target }

func (s *Source[R]) split(ctx context.Context, t *taskRun, ranges []Range, limit int64) error {
	w := s.Shards.writer(t.out.writers)
	if w == nil {
		return fmt.Errorf("%s does not write shards", t.env.stage)
	}
	rows := newShardRows(t, s, w)
	if err := s.readRanges(ctx, t, ranges, limit, rows); err != nil {
		return err
	}
	return rows.close()
}

// mapWrites lists the datasets that map (or split) tasks write, and reduceWrites those of a stream.
func (s *Stage) mapWrites() []datasetPort { return onlyDatasets(s.writes) }

// writers are the kinds of the stage's tasks that write a dataset: to find its files in the records of others would be in
// vain, and of maps there may be 100,000.
func (s *Stage) writers(dataset string) (kinds []task.Kind) {
	writes := func(ports []Port) bool {
		return slices.ContainsFunc(onlyDatasets(ports), func(d datasetPort) bool { return d.portName() == dataset })
	}
	if writes(s.writes) {
		kinds = append(kinds, s.kind)
	}
	if slices.ContainsFunc(s.streams, func(st streamPort) bool { return writes(st.writes()) }) {
		kinds = append(kinds, task.Reduce)
	}
	return kinds
}

func onlyDatasets(ports []Port) []datasetPort {
	var ds []datasetPort
	for _, p := range ports {
		if d, ok := p.(datasetPort); ok {
			ds = append(ds, d)
		}
	}
	return ds
}

// inPlace tells whether the stage's map tasks read ranges of the input.
func (s *Stage) inPlace() bool { return s.kind == task.Map && s.src != nil && s.src.inPlace() }

// readsInput tells whether the stage's first tasks read ranges of the input.
func (s *Stage) readsInput() bool { return s.kind != task.Map || s.inPlace() }

func (s *Stage) files() ([]File, error) {
	if s.Files == nil {
		return nil, nil
	}
	return s.Files()
}
