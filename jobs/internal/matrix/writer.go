package matrix

import (
	"errors"
	"fmt"
	"io"

	"github.com/shardmill/shardmill/jobs/internal/mapped"
)

// kind is the kind of file. Its sections are rows, pointers and about.
func kind() mapped.Kind {
	return mapped.Kind{Name: "matrix", Magic: "shardmill-mat\r\n\x1a", Version: 1, Sections: 3}
}

// Is tells whether a file begins as those of a Writer do.
func Is(head []byte) bool { return kind().Is(head) }

// A pointer is where a row begins, shifted by pointerShift, and these bits.
const (
	hasValues    = 1 << 0
	isWritten    = 1 << 1
	pointerShift = 2
)

// aboutSize is the length of section about.
const aboutSize = 5 * 8

// ErrRow reports a row that cannot be written.
var ErrRow = errors.New("not a row of a matrix")

// Writer writes a file of rows. It is a mapreduce.Sink[Row].
type Writer struct {
	w        *mapped.Writer
	first    uint64 // row
	pointers []uint64
	words    uint64 // written to section rows
	columns  uint64 // one more than the largest
	entries  uint64
	valued   uint64 // rows with values
}

// NewWriter begins a file. The Writer buffers.
func NewWriter(w io.Writer) *Writer { return &Writer{w: mapped.NewWriter(w, kind())} }

// Write writes a row, whose Index must be above that of the row before. Rows left out are empty. A row is refused with ErrRow if its columns
// do not ascend, if it has values but not one for each column, or if one of them is not finite. Values that are all 1 are left out.
func (w *Writer) Write(r Row) error {
	values, err := w.check(r)
	if err != nil {
		return fmt.Errorf("%w: row %d: %w", ErrRow, r.Index, err)
	}
	w.begin(uint64(r.Index), len(values) > 0)
	if n := len(r.Columns); n > 0 {
		w.columns = max(w.columns, uint64(r.Columns[n-1])+1)
		w.entries += uint64(n)
	}
	w.words += uint64(len(r.Columns) + len(values))
	if _, err := w.w.Write(mapped.Bytes(r.Columns)); err != nil {
		return err
	}
	_, err = w.w.Write(mapped.Bytes(values))
	return err
}

// begin sets the pointers of row i and of the gap before it.
func (w *Writer) begin(i uint64, values bool) {
	if len(w.pointers) == 0 {
		w.first = i
	}
	at := w.words << pointerShift
	for w.first+uint64(len(w.pointers)) < i {
		w.pointers = append(w.pointers, at)
	}
	at |= isWritten
	if values {
		at |= hasValues
		w.valued++
	}
	w.pointers = append(w.pointers, at)
}

// check returns the values to be written, none if all are 1.
func (w *Writer) check(r Row) ([]float32, error) {
	if next := w.first + uint64(len(w.pointers)); uint64(r.Index) < next && len(w.pointers) > 0 {
		return nil, fmt.Errorf("comes after row %d", next-1)
	}
	for i := 1; i < len(r.Columns); i++ {
		if a, b := r.Columns[i-1], r.Columns[i]; a >= b {
			return nil, fmt.Errorf("column %d comes after column %d", b, a)
		}
	}
	if len(r.Values) == 0 {
		return nil, nil
	}
	if len(r.Values) != len(r.Columns) {
		return nil, fmt.Errorf("%d values for %d columns", len(r.Values), len(r.Columns))
	}
	ones := true
	for i, v := range r.Values {
		if v-v != 0 { // an infinity or not a number
			return nil, fmt.Errorf("the value of column %d is %v", r.Columns[i], v)
		}
		ones = ones && v == 1
	}
	if ones {
		return nil, nil
	}
	return r.Values, nil
}

// Close ends the file, but does not close what it is written to.
func (w *Writer) Close() error {
	last := w.first + uint64(len(w.pointers))
	if err := w.w.End(); err != nil {
		return err
	}
	w.pointers = append(w.pointers, w.words<<pointerShift)
	if _, err := w.w.Write(mapped.Bytes(w.pointers)); err != nil {
		return err
	}
	if err := w.w.End(); err != nil {
		return err
	}
	if err := w.w.Uint64s(w.first, last, w.columns, w.entries, w.valued); err != nil {
		return err
	}
	if err := w.w.End(); err != nil {
		return err
	}
	return w.w.Close()
}
