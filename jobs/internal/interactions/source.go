package interactions

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/shardmill/shardmill/jobs/internal/tabular"
	"github.com/shardmill/shardmill/mapreduce"
)

// Why a row is rejected.
var (
	ErrNoUser   = errors.New("no user")
	ErrNoItem   = errors.New("no item")
	ErrInfinite = errors.New("not a finite number")
	ErrTime     = errors.New("not a time in seconds or milliseconds of Unix time, 2006-01-02, 2006-01-02 15:04:05 or RFC 3339")
)

// NewSource makes a Source of interactions of options that Check has found good. target bounds shards, and parts of files. A column
// that is asked for twice is found when the inputs are listed, as are other errors of class Input.
func NewSource(o Options, target mapreduce.Target) *mapreduce.Source[Row] {
	if o.isLines() {
		return o.withTest(newLineSource(o, target))
	}
	f := newFiller(o)
	src := tabular.NewSource(tabular.Table[Row]{
		Needs: f.columns, Form: o.form(), Fill: f.fillRows,
		Shards: o.shardColumns(), Size: (*Row).size, Target: target,
	})
	list := src.List
	src.List = func(ctx context.Context, l *mapreduce.Lister) error {
		if err := o.checkColumns(); err != nil {
			return mapreduce.BadInput(err)
		}
		return list(ctx, l)
	}
	return o.withTest(src)
}

// filler makes rows of cells: those of users, items and, where they are asked for, values and times.
type filler struct {
	columns        []string
	test           string // file of Options.Test
	value, time    int    // indexes of cells, or 0
	noUser, noItem error
}

func newFiller(o Options) *filler {
	f := &filler{columns: o.columns(), test: o.Test}
	n := 2 // of users and items
	if o.ValueCol != "" {
		f.value = n
		n++
	}
	if o.TimeCol != "" {
		f.time = n
	}
	f.noUser = fmt.Errorf("%w: column %q has no value", ErrNoUser, f.columns[0])
	f.noItem = fmt.Errorf("%w: column %q has no value", ErrNoItem, f.columns[1])
	return f
}

// fillRows fills the rows of a block.
func (f *filler) fillRows(rows []Row, b *tabular.Block) (n int, err error) {
	var room [4]tabular.Cell
	cells := room[:len(f.columns)]
	for n := range rows {
		for c := range cells {
			cells[c] = b.Cell(n, c)
		}
		if err := f.fill(&rows[n], b.Place(n), cells); err != nil {
			return n, err
		}
		rows[n].Test = f.test != "" && rows[n].Input == f.test
	}
	return len(rows), nil
}

func (f *filler) fill(r *Row, at tabular.Place, cells []tabular.Cell) (err error) {
	r.Place, r.Value = at, 1
	if r.User = appendID(r.User[:0], &cells[0]); len(r.User) == 0 {
		return f.noUser
	}
	if r.Item = appendID(r.Item[:0], &cells[1]); len(r.Item) == 0 {
		return f.noItem
	}
	if f.value > 0 {
		if r.Value, err = cells[f.value].Number(); err == nil && math.IsInf(r.Value, 0) {
			err = ErrInfinite
		}
		if err != nil {
			return fmt.Errorf("column %q: %w", f.columns[f.value], err)
		}
	}
	if f.time > 0 {
		if r.Time, err = unixTime(&cells[f.time]); err != nil {
			return fmt.Errorf("column %q: %w", f.columns[f.time], err)
		}
	}
	return nil
}

// appendID appends the id that a cell is. What is no id, a NaN say, appends nothing.
func appendID(b []byte, c *tabular.Cell) []byte {
	switch {
	case c.Kind == tabular.Text:
		return append(b, c.Text...)
	case c.Kind != tabular.Float:
		return c.AppendText(b)
	case math.IsNaN(c.Float) || math.IsInf(c.Float, 0):
		return b
	}
	n := len(b)
	b = c.AppendText(b)
	if math.Trunc(c.Float) == c.Float && !isExponent(b[n:]) {
		b = append(b, ".0"...)
	}
	return b
}

func isExponent(b []byte) bool {
	for _, c := range b {
		if c == 'e' {
			return true
		}
	}
	return false
}
