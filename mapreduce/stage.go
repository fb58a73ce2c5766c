package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// Mapper maps batches of rows. One instance serves one worker process and stage, so it may
// hold what is costly to make, such as a model.
type Mapper[In any] interface {
	// Map maps rows [n*Batch, (n+1)*Batch) of a shard, always cut at the same ordinals. Rows for which
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

// Stage is one step of a job: a map over shards, and the reduce of each stream that it writes.
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
	input    string // dataset that the stage maps
	mapper   func(ctx context.Context, env *Env) (mapRunner, error)
	writes   []Port
	streams  []streamPort
	datasets []datasetPort
	folder   string
	kind     task.Kind
}

const defaultTimeout = 10 * time.Minute

// NewStage makes a stage that maps the rows of in, batch rows at a time, and writes the given
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
		if err := f(ctx, i, &batch[i], out); ClassOf(err) == BadRecord {
			out.Reject(i, err)
		} else if err != nil {
			return err
		}
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
	close() error
}

// sourcePort is a Source without its type.
type sourcePort interface {
	stage() Stage
	list(ctx context.Context, l *Lister) error
	target() Target
	changed(ctx context.Context, env *Env, shard string) (name string, err error)
	split(ctx context.Context, t *taskRun, ranges []Range, limit int64) error
}

// shardsName is the dataset of 00-split that the next stage maps.
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

func (s *Source[R]) stage() Stage {
	s.Shards.Name, s.Shards.Side = shardsName, true
	return Stage{Name: "split", writes: append([]Port{&s.Shards}, s.Writes...), kind: task.Split, src: s}
}

func (s *Source[R]) list(ctx context.Context, l *Lister) error { return s.List(ctx, l) }

func (s *Source[R]) target() Target { return s.Target }

func (s *Source[R]) split(ctx context.Context, t *taskRun, ranges []Range, limit int64) error {
	w := s.Shards.writer(t.out.writers)
	if w == nil {
		return fmt.Errorf("%s does not write shards", t.env.stage)
	}
	rows := &Rows[R]{t: t, src: s, w: w, left: -1, stopped: ctx.Err}
	if limit > 0 {
		rows.left = limit
	}
	for _, rg := range ranges {
		if err := s.Read(ctx, t.env, rg, rows); err != nil {
			return err
		}
	}
	return nil
}

// maxStages is how many stages the two digits in their folders' names can count, so that names sort by number.
const maxStages = 100

// link names the stages of a job, puts the split stage in front, and numbers each stage's ports.
func link(stages []Stage) ([]Stage, error) {
	if len(stages) == 0 {
		return nil, errors.New("the job has no stages")
	}
	src := stages[0].src
	if src == nil {
		return nil, fmt.Errorf("stage %s: the first stage maps a Source", stages[0].Name)
	}
	stages = append([]Stage{src.stage()}, stages...)
	if len(stages) > maxStages {
		return nil, fmt.Errorf("the job has %d stages, more than %d", len(stages), maxStages)
	}
	written := map[string]bool{} // datasets of the stages before
	for i := range stages {
		s := &stages[i]
		s.folder = fmt.Sprintf("%02d-%s", i, s.Name)
		if s.Timeout == 0 {
			s.Timeout = defaultTimeout
		}
		if s.src != nil && s.src != src {
			return nil, fmt.Errorf("stage %s: a job has one source", s.Name)
		}
		if err := s.link(written); err != nil {
			return nil, fmt.Errorf("stage %s: %w", s.Name, err)
		}
	}
	return stages, nil
}

// link checks the stage's names and what it reads, and numbers its ports.
func (s *Stage) link(written map[string]bool) error {
	reads := slices.Clone(s.Reads)
	if s.kind == task.Map {
		reads = append(reads, named(s.input))
	}
	for _, p := range reads {
		if !written[p.portName()] {
			return fmt.Errorf("dataset %s: it is read, and no earlier stage writes it", p.portName())
		}
	}
	if err := s.bindPorts(); err != nil {
		return err
	}
	names := []string{s.Name}
	for _, st := range s.streams {
		names = append(names, st.portName())
	}
	for _, d := range s.datasets {
		names = append(names, d.portName())
		if written[d.portName()] {
			return fmt.Errorf("dataset %s: written by two stages, or two datasets of one name", d.portName())
		}
		written[d.portName()] = true
	}
	return checkNames(names)
}

// named is a port of which only the name is known.
type named string

func (n named) portName() string { return string(n) }

// checkNames refuses what cannot be the name of a folder: names are letters, digits, '-' and '_'.
func checkNames(names []string) error {
	for _, n := range names {
		bad := strings.IndexFunc(n, func(r rune) bool {
			return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_'
		})
		if n == "" || bad >= 0 {
			return fmt.Errorf("%q is not a name: use letters, digits, - and _", n)
		}
	}
	return nil
}

func (s *Stage) bindPorts() error {
	for _, p := range s.writes {
		var err error
		switch p := p.(type) {
		case streamPort:
			err = s.addStream(p)
		case datasetPort:
			err = s.addDataset(p)
		default:
			err = fmt.Errorf("%s is neither a Stream nor a Dataset", p.portName())
		}
		if err != nil {
			return err
		}
	}
	for _, st := range s.streams {
		for _, p := range st.writes() {
			d, ok := p.(datasetPort)
			if !ok {
				return fmt.Errorf("stream %s: %s is not a Dataset", st.portName(), p.portName())
			}
			if err := s.addDataset(d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Stage) addStream(p streamPort) error {
	for _, old := range s.streams {
		if old.portName() == p.portName() {
			return fmt.Errorf("stream %s: two streams of one name", p.portName())
		}
	}
	s.streams = append(s.streams, p)
	return p.bind(len(s.streams) - 1)
}

func (s *Stage) addDataset(d datasetPort) error {
	for _, old := range s.datasets {
		if old == d {
			return nil
		}
	}
	s.datasets = append(s.datasets, d)
	return d.bind(len(s.datasets) - 1)
}

// mapWrites lists the datasets that map (or split) tasks write, and reduceWrites those of a stream.
func (s *Stage) mapWrites() []datasetPort { return onlyDatasets(s.writes) }

func onlyDatasets(ports []Port) []datasetPort {
	var ds []datasetPort
	for _, p := range ports {
		if d, ok := p.(datasetPort); ok {
			ds = append(ds, d)
		}
	}
	return ds
}

func (s *Stage) files() ([]File, error) {
	if s.Files == nil {
		return nil, nil
	}
	return s.Files()
}
