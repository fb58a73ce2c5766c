package recommend

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/rules"
	"github.com/shardmill/shardmill/jobs/internal/tabular"
	"github.com/shardmill/shardmill/mapreduce"
)

// attributeReader takes over the attributes of items.
type attributeReader struct {
	comparisons, limits []rules.Rule
	at                  []int // for each rule of both, its column
	passes              [][]bool
	groups              [][]uint32 // for each limit, 1 + the number of the item's value, or 0
	numbers             []map[string]uint32
	read                []bool // items
	rows, unknown       int64
}

func newAttributeReader(p *Params, items int) *attributeReader {
	a := &attributeReader{comparisons: p.comparisons(), limits: p.limits(), read: make([]bool, items)}
	columns := p.attributes()
	for _, r := range append(slices.Clone(a.comparisons), a.limits...) {
		a.at = append(a.at, slices.Index(columns, r.Column))
	}
	for range a.comparisons {
		a.passes = append(a.passes, make([]bool, items))
	}
	for range a.limits {
		a.groups, a.numbers = append(a.groups, make([]uint32, items)), append(a.numbers, map[string]uint32{})
	}
	return a
}

// item takes the attributes of one item.
func (a *attributeReader) item(n uint32, cells []tabular.Cell) error {
	if a.read[n] {
		return errors.New("the item has had a row before")
	}
	a.read[n] = true
	for i := range a.comparisons {
		var err error
		if a.passes[i][n], err = a.comparisons[i].Passes(attributeOf(&cells[a.at[i]])); err != nil {
			return fmt.Errorf("--rule %s: %w", a.comparisons[i], err)
		}
	}
	for q := range a.limits {
		v := attributeOf(&cells[a.at[len(a.comparisons)+q]])
		if v.Missing() {
			continue
		}
		numbers := a.numbers[q]
		if _, known := numbers[v.Text]; !known {
			numbers[v.Text] = uint32(len(numbers))
		}
		a.groups[q][n] = 1 + numbers[v.Text]
	}
	return nil
}

func attributeOf(c *tabular.Cell) rules.Value {
	if c.Kind == tabular.Float && math.IsNaN(c.Float) {
		return rules.Value{}
	}
	return rules.Of(string(c.AppendText(nil)))
}

func (m *ruleMaker) attributes() error {
	f, given := m.file("items")
	if !given {
		return nil
	}
	a := newAttributeReader(&m.params, len(m.items))
	err := f.each(func(ids [][]byte, cells []tabular.Cell) error {
		a.rows++
		n, ok := m.names.items.Find(ids[0])
		if !ok {
			a.unknown++
			return nil
		}
		return a.item(n, cells)
	})
	if err != nil {
		return err
	}
	for i, r := range a.comparisons {
		if err := m.keep("--rule "+r.String(), a.rows, a.unknown, func(n int) bool { return a.passes[i][n] }); err != nil {
			return err
		}
	}
	for _, r := range a.limits {
		m.tell("--rule "+r.String(), a.rows, a.unknown)
	}
	return m.writeGroups(a)
}

func (m *ruleMaker) writeGroups(a *attributeReader) error {
	limits := uint64(len(a.limits))
	for n := range m.items {
		m.columns = m.columns[:0]
		for q, groups := range a.groups {
			if g := uint64(groups[n]); g > 0 {
				c := (g-1)*limits + uint64(q)
				if c >= math.MaxUint32 {
					return mapreduce.BadInput(fmt.Errorf("--rule %s: too many values", a.limits[q]))
				}
				m.columns = append(m.columns, uint32(c))
			}
		}
		if slices.Sort(m.columns); len(m.columns) > 0 {
			m.ruleSets.groups.Write(m.out, 0, matrix.Row{Index: uint32(n), Columns: m.columns})
		}
	}
	return nil
}
