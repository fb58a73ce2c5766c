package mapreduce

import (
	"context"
	"errors"
	"io"
	"iter"
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

// Source turns foreign input into rows of type R. It is what the scan and split stages run, which come first.
type Source[R any] struct {
	// Shards says how rows rest on disk between split and map: Name, Ext, Create and Open.
	Shards Dataset[R]
	Target Target
	// Size is the number of bytes of input that a row stands for; nil counts rows only. It ends shards, see Target, and batches,
	// see Mapper. It must follow from the row alone.
	Size func(r *R) int64
	// List plans the ranges: it runs in the driver, so it only lists folders and reads small headers.
	List func(ctx context.Context, l *Lister) error
	// Read parses one range, in a child process. It passes each row or reject to rows, in input order.
	Read func(ctx context.Context, env *Env, rg Range, rows *Rows[R]) error
	// Scan and Cut, if set, let tasks read parts of files. Scan looks at one range, in a child process, before
	// anything is read; what it returns is kept as JSON. It must follow from the range's bytes alone.
	Scan func(ctx context.Context, env *Env, rg Range, in *Scan) (any, error)
	// Cut says, in the driver, what there is to read: it is given what was found in the ranges of each file, in
	// the order of the inputs, and passes ranges to c in that order. It must follow from that alone: it is asked again when a
	// job is resumed.
	Cut func(env *Env, files iter.Seq[[]Scanned], c *Cutter) error
	// InPlace lets the stages that map this source read ranges of its files, as Cut made them, instead of shards. It
	// needs Scan. There is no split stage then, so neither Emit nor Writes, nor rows that name other files (Changer).
	InPlace bool
	// Emit, if set, sends pairs of a row into the streams of the split stage, as row 0. It may reject or drop
	// the row, which then does not go into the shards: rows read = rows in shards + dropped + rejected. A row that kills the
	// process there is rejected too; one at which Read does is not known, and the task fails.
	Emit func(r *R, out *Out)
	// Writes lists the streams that Emit sends pairs into, and datasets that it writes. Later stages may read the datasets
	// of both.
	Writes []Port
}

// Entry is one line of the listing.
type Entry struct {
	Name  string // as messages and outputs show it
	Path  string // absolute
	Found bool   // below a folder, while the inputs are listed: its name was not given
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
