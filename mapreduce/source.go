package mapreduce

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// InputFile is one input of the job as the user gave it.
type InputFile struct {
	Name string // as given: a file, a folder or a glob pattern
	Path string // absolute
}

// Target bounds a shard: a shard ends at the first row that reaches either.
type Target struct {
	Rows  int64
	Bytes int64 // as counted by Source.Size
}

// Source turns foreign input into rows of type R. It is what the split stage, 00-split, runs.
type Source[R any] struct {
	// Shards says how rows rest on disk between split and map: Name, Ext, Create and Open.
	Shards Dataset[R]
	Target Target
	// Size is the number of bytes of input that a row stands for; nil counts rows only.
	Size func(r *R) int64
	// List plans the ranges: it runs in the driver, so it only lists folders and reads small headers.
	List func(ctx context.Context, l *Lister) error
	// Read parses one range, in a child process. It passes each row or reject to rows, in input order.
	Read func(ctx context.Context, env *Env, rg Range, rows *Rows[R]) error
	// Emit, if set, sends pairs of a row into the streams of the split stage, as row 0. It may reject
	// the row.
	Emit   func(r *R, out *Out)
	Writes []Port
}

// Entry is one line of the listing.
type Entry struct {
	Name  string // as messages and outputs show it
	Path  string // absolute
	Found bool   // below a folder, while the inputs are listed: its name was not given
}

// Rows takes what a Source reads.
type Rows[R any] struct {
	t    *taskRun
	src  *Source[R]
	w    *rowWriter[R]
	size int64 // of the current shard
	rows int64
	left int64 // rows until the limit, or -1
	// stopped tells whether the attempt has been canceled.
	stopped func() error
}

// ErrLimit is returned by Row and Reject when the job's --limit is reached: Read returns it as it is.
var ErrLimit = errors.New("the limit of rows is reached")

// Row adds a row to the shards.
func (s *Rows[R]) Row(r R) error {
	if err := s.step(); err != nil {
		return err
	}
	t := s.t
	t.out.begin(1)
	if s.src.Emit != nil {
		s.src.Emit(&r, &t.out)
	}
	if reason := t.out.rows[0].reason; reason != nil {
		if err := t.reject(t.counts.Read-1, origin(&r), reason); err != nil {
			return err
		}
		return t.out.flush(&t.counts)
	}
	if err := s.w.write(r); err != nil {
		return err
	}
	if err := t.out.flush(&t.counts); err != nil {
		return err
	}
	s.rows++
	if s.src.Size != nil {
		s.size += s.src.Size(&r)
	}
	if full(s.src.Target, s.rows, s.size) {
		s.rows, s.size = 0, 0
		return s.w.roll()
	}
	return nil
}

func full(t Target, rows, size int64) bool {
	return t.Rows > 0 && rows >= t.Rows || t.Bytes > 0 && size >= t.Bytes
}

// Reject records a row that could not be parsed.
func (s *Rows[R]) Reject(o Origin, reason error) error {
	if err := s.step(); err != nil {
		return err
	}
	s.t.counts.Rejected++
	return s.t.reject(s.t.counts.Read-1, o, reason)
}

func (s *Rows[R]) step() error {
	if s.left == 0 {
		return ErrLimit
	}
	if s.left > 0 {
		s.left--
	}
	s.t.counts.Read++
	if s.t.counts.Read%beatEvery == 0 {
		s.t.cell.Beat()
		if err := s.stopped(); err != nil {
			return task.New(task.Canceled, err)
		}
	}
	return nil
}

// Open opens an input file for reading. Its SHA-256 is taken on the way and recorded, so
// that a later run can tell whether the file is still the same. Close reads what is left.
func (s *Rows[R]) Open(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, BadInput(err)
	}
	return &digestReader{f: f, h: sha256.New(), path: path, t: s.t}, nil
}

// Entries lists the entries of a range of the listing.
func (s *Rows[R]) Entries(rg Range, yield func(Entry) error) error {
	return readListing(s.t.listing, rg, yield)
}

type digestReader struct {
	f    *os.File
	h    hash.Hash
	path string
	t    *taskRun
}

func (d *digestReader) Read(p []byte) (int, error) {
	n, err := d.f.Read(p)
	d.h.Write(p[:n])
	d.t.cell.Beat()
	return n, err
}

func (d *digestReader) Close() error {
	_, err := io.Copy(io.Discard, d)
	err = errors.Join(err, d.f.Close())
	if err != nil {
		return fmt.Errorf("reading to the end: %w", err)
	}
	d.t.digest(d.path, hex.EncodeToString(d.h.Sum(nil)))
	return nil
}

// Origin tells where a row came from; rows that have it make rejects that name file and line.
type Origin struct {
	Input  string // file as the user named it
	Line   int64  // 1-based line where the row starts, or 0
	ID     string // what the user calls the row
	Record string // the row itself, as text
}

// Changer is implemented by rows that name other files, such as photos. Changed tells whether such a file is
// another one than the split saw, by what the row keeps of it: its size and time, say. A run with
// Config.CheckContent asks every row in the shards; name is what the message calls the file.
type Changer interface {
	Changed() (name string, changed bool)
}

// changed looks for a row of a shard that names a changed file.
func (s *Source[R]) changed(ctx context.Context, env *Env, shard string) (name string, err error) {
	if _, ok := any(new(R)).(Changer); !ok {
		return "", nil
	}
	in, err := s.Shards.open(env, shard)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	for {
		var row R
		if err := in.Read(&row); errors.Is(err, io.EOF) {
			return "", checkCanceled(ctx)
		} else if err != nil {
			return "", err
		}
		if c, ok := any(&row).(Changer); ok {
			if name, changed := c.Changed(); changed {
				return name, checkCanceled(ctx)
			}
		}
	}
}

// Originer is implemented by rows that know their origin.
type Originer interface{ Origin() Origin }
