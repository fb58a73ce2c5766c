package factors

import (
	"errors"
	"fmt"
	"io"

	"github.com/shardmill/shardmill/jobs/internal/mapped"
	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// kind is the kind of file. Its sections are rows and about.
func kind() mapped.Kind {
	return mapped.Kind{Name: "factors", Magic: "shardmill-fac\r\n\x1a", Version: 1, Sections: 2}
}

// Is tells whether a file begins as those of a Writer do.
func Is(head []byte) bool { return kind().Is(head) }

// aboutSize is the length of section about.
const aboutSize = 3 * 8

// ErrRow reports a row that cannot be written.
var ErrRow = errors.New("not a row of factors")

// Writer writes a file of rows. It is a mapreduce.Sink[Row].
type Writer struct {
	w           *mapped.Writer
	first, next uint64 // rows
	k           int
	padded      []float32
}

// NewWriter begins a file. The Writer buffers.
func NewWriter(w io.Writer) *Writer { return &Writer{w: mapped.NewWriter(w, kind())} }

// Write writes a row, whose Index must be above that of the row before. Rows left out are zeros. A row is refused with ErrRow if it has another
// number of factors than the row before, or none, or if one of them is not finite.
func (w *Writer) Write(r Row) error {
	if err := w.check(r); err != nil {
		return fmt.Errorf("%w: row %d: %w", ErrRow, r.Index, err)
	}
	if w.k == 0 {
		w.k, w.first, w.next = len(r.Values), uint64(r.Index), uint64(r.Index)
		w.padded = make([]float32, vector.Stride(w.k))
	}
	clear(w.padded)
	for ; w.next < uint64(r.Index); w.next++ {
		if err := w.put(); err != nil {
			return err
		}
	}
	copy(w.padded, r.Values)
	w.next++
	return w.put()
}

func (w *Writer) put() error {
	_, err := w.w.Write(mapped.Bytes(w.padded))
	return err
}

// check says why a row cannot be written.
func (w *Writer) check(r Row) error {
	switch {
	case len(r.Values) == 0:
		return errors.New("has no factors")
	case w.k > 0 && len(r.Values) != w.k:
		return fmt.Errorf("has %d factors, the row before has %d", len(r.Values), w.k)
	case w.k > 0 && uint64(r.Index) < w.next:
		return fmt.Errorf("comes after row %d", w.next-1)
	}
	if vector.Finite(r.Values) {
		return nil
	}
	for i, v := range r.Values {
		if v-v != 0 {
			return fmt.Errorf("factor %d is %v", i, v)
		}
	}
	return nil
}

// Close ends the file, but does not close what it is written to.
func (w *Writer) Close() error {
	if err := w.w.End(); err != nil {
		return err
	}
	if err := w.w.Uint64s(w.first, w.next, uint64(w.k)); err != nil {
		return err
	}
	if err := w.w.End(); err != nil {
		return err
	}
	return w.w.Close()
}
