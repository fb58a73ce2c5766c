package recommend

import (
	"context"
	"slices"

	"github.com/shardmill/shardmill/jobs/internal/matrix"
)

// turnedAtOnce is how many entries a transpose holds, if no column has more: 16 MiB.
const turnedAtOnce = 2 << 20

// turn adds the columns of a matrix that have entries, in their order, as rows. It goes over the matrix once for each so many entries,
// and holds these, and 4 bytes a row and 8 bytes a column.
func turn(ctx context.Context, m sparse, atOnce int, add func(matrix.Row) error) error {
	t := turning{next: make([]uint32, m.Rows())}
	counts := make([]uint32, m.Columns())
	err := withEntries(ctx, m, func(_ int, columns []uint32, _ []float32) error {
		for _, c := range columns {
			counts[c]++
		}
		return nil
	})
	for lo := 0; err == nil && lo < len(counts); lo += len(t.ends) {
		t.take(lo, counts[lo:], atOnce)
		if err = withEntries(ctx, m, t.row); err == nil {
			err = t.pass(add)
		}
	}
	return err
}

// turning turns some columns at a time.
type turning struct {
	first   uint32
	ends    []uint32 // of the columns, in what follows; where their next entry goes while rows come
	rows    []uint32
	values  []float32
	next    []uint32 // entry of each row; those before are done
	started uint32   // where the next column to be passed begins
}

// take begins as many columns as have so many entries, but at least one.
func (t *turning) take(lo int, counts []uint32, atOnce int) {
	t.first, t.ends, t.started = uint32(lo), t.ends[:0], 0
	n := 0
	for _, count := range counts {
		if len(t.ends) > 0 && n+int(count) > atOnce {
			break
		}
		t.ends = append(t.ends, uint32(n))
		n += int(count)
	}
	t.rows, t.values = slices.Grow(t.rows[:0], n)[:n], slices.Grow(t.values[:0], n)[:n]
}

// row takes the entries of a row.
func (t *turning) row(i int, columns []uint32, values []float32) error {
	q := t.next[i]
	for ; int(q) < len(columns) && columns[q]-t.first < uint32(len(t.ends)); q++ {
		at := &t.ends[columns[q]-t.first]
		t.rows[*at], t.values[*at] = uint32(i), 1
		if values != nil {
			t.values[*at] = values[q]
		}
		*at++
	}
	t.next[i] = q
	return nil
}

// pass adds the columns.
func (t *turning) pass(add func(matrix.Row) error) error {
	for c, end := range t.ends {
		from := t.started
		if t.started = end; from == end {
			continue
		}
		if err := add(matrix.Row{Index: t.first + uint32(c), Columns: t.rows[from:end], Values: t.values[from:end]}); err != nil {
			return err
		}
	}
	return nil
}
