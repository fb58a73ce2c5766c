package recommend

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"

	"github.com/shardmill/shardmill/jobs/internal/ease"
	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/mapped"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// inFiles is the keeper of what is too large for the heap: files of a folder, such as the stages of a job leave them, mapped into
// memory. A file has no name any more once it is mapped: its blocks are free when it is closed, or its process dies. The heap holds a row
// of vectors, 8 bytes a row of a matrix, and of a transpose 12 bytes a row and a column and a block of entries.
type inFiles struct {
	folder string
	heap   int64 // bytes of an array of zeros that is in the heap all the same
	open   []io.Closer
}

// scratchError says that files cannot be kept, as on a full disk. That is no fault of what is tried.
type scratchError struct{ err error }

func (e *scratchError) Error() string {
	return fmt.Sprintf("keep what is too large for --worker-memory in a file: %v", e.err)
}

func (e *scratchError) Unwrap() error { return e.err }

func scratch(err error) error {
	if err == nil {
		return nil
	}
	return &scratchError{err}
}

// scratchFile tells its own errors from those of who writes.
type scratchFile struct{ *os.File }

func (f scratchFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	return n, scratch(err)
}

// keepFile writes a file and opens it. Where its bytes cannot be mapped they are read, so it needs its name no longer.
func keepFile[F io.Closer](f *inFiles, write func(io.Writer) error, open func(path string) (F, error)) (kept F, err error) {
	file, err := os.CreateTemp(f.folder, "scratch-*")
	if err != nil {
		return kept, scratch(err)
	}
	defer func() { err = errors.Join(err, scratch(os.Remove(file.Name()))) }()
	if err = errors.Join(write(scratchFile{file}), scratch(file.Close())); err != nil {
		return kept, err
	}
	if kept, err = open(file.Name()); err != nil {
		return kept, scratch(err)
	}
	f.open = append(f.open, kept)
	return kept, nil
}

// vectors implements keeper.
func (f *inFiles) vectors(ctx context.Context, of sparse, k int, former *factors.Matrix, solve solver) (*factors.Matrix, error) {
	before := func(int) []float32 { return nil }
	if former != nil {
		before = former.Row
	}
	dst := make([]float32, vector.Stride(k))
	write := func(to io.Writer) error {
		w := factors.NewWriter(to)
		err := withEntries(ctx, of, func(i int, columns []uint32, values []float32) error {
			if !solve(i, columns, values, before(i), dst) {
				return nil
			}
			return w.Write(factors.Row{Index: uint32(i), Values: dst[:k]})
		})
		return errors.Join(err, w.Close())
	}
	m, err := keepFile(f, write, func(path string) (*factors.Matrix, error) {
		return factors.Reopen([]string{path}, of.Rows(), k)
	})
	if err == nil && former != nil {
		err = scratch(former.Close())
	}
	return m, err
}

// matrix implements keeper.
func (f *inFiles) matrix(rows, columns int, fill filler) (sparse, error) {
	write := func(to io.Writer) error {
		w := matrix.NewWriter(to)
		return errors.Join(fill(w.Write), w.Close())
	}
	return keepFile(f, write, func(path string) (*matrix.Matrix, error) { return matrix.Reopen([]string{path}, rows, columns) })
}

// transpose implements keeper.
func (f *inFiles) transpose(ctx context.Context, rows, columns int, fill filler) (sparse, error) {
	m, err := f.matrix(rows, columns, func(add func(matrix.Row) error) error {
		return fill(func(r matrix.Row) error {
			sort.Sort(byColumn(r))
			return add(r)
		})
	})
	if err != nil {
		return nil, err
	}
	return f.matrix(columns, rows, func(add func(matrix.Row) error) error { return turn(ctx, m, turnedAtOnce, add) })
}

// byColumn sorts the entries of a row.
type byColumn matrix.Row

// Len implements sort.Interface.
func (r byColumn) Len() int { return len(r.Columns) }

// Less implements sort.Interface.
func (r byColumn) Less(i, j int) bool { return r.Columns[i] < r.Columns[j] }

// Swap implements sort.Interface.
func (r byColumn) Swap(i, j int) {
	r.Columns[i], r.Columns[j] = r.Columns[j], r.Columns[i]
	if len(r.Values) > 0 {
		r.Values[i], r.Values[j] = r.Values[j], r.Values[i]
	}
}

// zeros implements keeper. They are in the heap if there is room: while a file changes the system writes it to the disk time and again.
func (f *inFiles) zeros(n int) ([]float32, error) {
	if 4*int64(n) <= f.heap {
		return inHeap{}.zeros(n)
	}
	all, err := keepArray(f, (n+zerosAtOnce-1)/zerosAtOnce, zerosAtOnce, mapped.OpenScratch, func(int, []float32) {})
	return all[:min(n, len(all))], err
}

// zerosAtOnce are written at once.
const zerosAtOnce = 1 << 16

// inverse implements keeper.
func (f *inFiles) inverse(inv *ease.Inverse) (*ease.Model, error) {
	return keepFile(f, inv.Write, ease.Reopen)
}

// Floats implements dense.Room.
func (f *inFiles) Floats(parts, size int, fill func(part int, to []float32)) ([]float32, error) {
	return keepArray(f, parts, size, mapped.Open, fill)
}

// Words implements dense.Room.
func (f *inFiles) Words(parts, size int, fill func(part int, to []uint32)) ([]uint32, error) {
	return keepArray(f, parts, size, mapped.Open, fill)
}

// keepArray keeps an array part by part.
func keepArray[T mapped.Number](f *inFiles, parts, size int, open func(path string) (*mapped.File, error), fill func(int, []T)) ([]T, error) {
	part := make([]T, size)
	write := func(to io.Writer) error {
		b := bufio.NewWriter(to)
		for p := range parts {
			clear(part)
			fill(p, part)
			if _, err := b.Write(mapped.Bytes(part)); err != nil {
				return err
			}
		}
		return b.Flush()
	}
	file, err := keepFile(f, write, open)
	if err != nil {
		return nil, err
	}
	return mapped.View[T](file.Bytes()), nil
}

// Close implements keeper.
func (f *inFiles) Close() error {
	var errs []error
	for _, c := range f.open {
		errs = append(errs, c.Close())
	}
	f.open = nil
	return scratch(errors.Join(errs...))
}
