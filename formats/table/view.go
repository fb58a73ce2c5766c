package table

import (
	"fmt"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/shardmill/shardmill/formats"
)

// View reads records out of Arrow arrays, one array for each column.
type View[R any] struct {
	cols    Columns[R]
	cursors []cursor[R]
	rows    int
	next    int
}

// NewView returns an empty view.
func NewView[R any](cols Columns[R]) *View[R] {
	v := &View[R]{cols: cols}
	for _, c := range cols {
		v.cursors = append(v.cursors, c.cursor())
	}
	return v
}

// Load puts arrays under the view: arrays[i] holds column i, each of rows values.
// It checks them so far that Read cannot fail; the arrays must stay unchanged while
// the view is on them. An error wraps formats.ErrDamaged.
func (v *View[R]) Load(arrays []arrow.Array, rows int) error {
	v.rows, v.next = 0, 0
	for i, c := range v.cols {
		a := arrays[i]
		if a.Len() != rows {
			return fmt.Errorf("%w: column %q holds %d values, want %d", formats.ErrDamaged, c.Name(), a.Len(), rows)
		}
		if err := v.cursors[i].load(a); err != nil {
			return fmt.Errorf("%w: column %q: %w", formats.ErrDamaged, c.Name(), err)
		}
	}
	v.rows = rows
	return nil
}

// Left returns the number of records that have not been read.
func (v *View[R]) Left() int { return v.rows - v.next }

// Read sets all columns of r from the next record and reports whether there was one.
func (v *View[R]) Read(r *R) bool { return v.ReadRows(unsafe.Slice(r, 1)) == 1 }

// ReadRows sets all columns of rows from the next records, one column after the other, and returns how many there were.
func (v *View[R]) ReadRows(rows []R) int {
	rows = rows[:min(len(rows), v.rows-v.next)]
	if len(rows) == 0 {
		return 0
	}
	for _, c := range v.cursors {
		c.read(v.next, rows)
	}
	v.next += len(rows)
	return len(rows)
}

// Recover is for deferring around calls of the Arrow library, which panics on
// damaged input: it turns a panic of the calling goroutine into an error that
// wraps formats.ErrDamaged, and the panic's value where that is an error.
func Recover(file string, err *error) {
	switch p := recover().(type) {
	case nil:
	case error:
		*err = fmt.Errorf("%s: %w: %w", file, formats.ErrDamaged, p)
	default:
		*err = fmt.Errorf("%s: %w: %v", file, formats.ErrDamaged, p)
	}
}
