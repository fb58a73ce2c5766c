package recommend

import (
	"fmt"

	"github.com/shardmill/shardmill/jobs/internal/als"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/mapreduce"
)

// ground is what a configuration learns from and what it is measured by.
type ground struct {
	users, items sparse  // to learn from: by users, and its transpose
	relevant     sparse  // what users took besides
	known        int     // users that have something to learn from
	catalogue    int     // items that min-item leaves
	whole        *ground // that of all users, of which it is a sample; nil if it is that of all
}

// fits finds what keeps a configuration from all users, where only a sample is tried: the best there would have no next rung.
func (g *ground) fits(p Params) error {
	if g.whole == nil {
		return nil // who trains it looks
	}
	return p.fits(g.whole.users, g.whole.items)
}

// ground is that of the validation part, of a share of the users. A sample that is too large for the heap goes to a file of a folder.
func (e *evaluation) ground(env *mapreduce.Env, share float64, folder string) (*ground, error) {
	g, err := e.matricesOf(env, e.fit, e.fitItems, e.valid)
	if err != nil || share == 1 {
		return g, err
	}
	return e.library.sample(g, share, folder)
}

// testGround is that of the test part, which only the winner sees.
func (e *evaluation) testGround(env *mapreduce.Env) (*ground, error) {
	return e.matricesOf(env, e.known, e.knownItems, e.test)
}

func (e *evaluation) matricesOf(env *mapreduce.Env, byUser, byItem, relevant mapreduce.Port) (*ground, error) {
	d, err := e.names(env)
	if err != nil {
		return nil, err
	}
	users, err := e.library.matrix(env, byUser, d.users.Len(), d.items.Len())
	if err != nil {
		return nil, err
	}
	items, err := e.library.matrix(env, byItem, d.items.Len(), d.users.Len())
	if err != nil {
		return nil, err
	}
	r, err := e.library.matrix(env, relevant, d.users.Len(), d.items.Len())
	if err != nil {
		return nil, err
	}
	catalogue := side{ids: d.items, least: e.params.MinItem}
	return &ground{users: users, items: items, relevant: r, known: withEntry(users), catalogue: catalogue.kept()}, nil
}

// withEntry counts the rows that have an entry.
func withEntry(m sparse) (n int) {
	for i := range m.Rows() {
		if columns, _ := m.Row(i); len(columns) > 0 {
			n++
		}
	}
	return n
}

// someRows is a matrix of which only some rows have entries.
type someRows struct {
	sparse
	taken []bool
}

// Row implements sparse.
func (m someRows) Row(i int) (columns []uint32, values []float32) {
	if !m.taken[i] {
		return nil, nil
	}
	return m.sparse.Row(i)
}

// sampleSeed makes the users of a rung others than the items that a loss is measured on.
const sampleSeed = 0x72756e67

// sampleOf is the ground with a share of the users: those of a smaller share are among those of a larger one.
func sampleOf(g *ground, share float64, keep keeper) (*ground, error) {
	n := g.users.Rows()
	taken := make([]bool, n)
	for i := range taken {
		taken[i] = als.InSample(sampleSeed, i, n, int(share*float64(n)))
	}
	users := someRows{g.users, taken}
	items, err := someColumns(g.items, taken, keep)
	return &ground{users: users, items: items, relevant: g.relevant, known: withEntry(users), catalogue: g.catalogue, whole: g}, err
}

// someColumns is a matrix with the entries of some columns.
func someColumns(m sparse, taken []bool, keep keeper) (sparse, error) {
	return keep.matrix(m.Rows(), m.Columns(), func(add func(matrix.Row) error) error {
		var row matrix.Row
		for i := range m.Rows() {
			row = matrix.Row{Index: uint32(i), Columns: row.Columns[:0], Values: row.Values[:0]}
			columns, values := m.Row(i)
			for q, c := range columns {
				if !taken[c] {
					continue
				}
				if row.Columns = append(row.Columns, c); values != nil {
					row.Values = append(row.Values, values[q])
				}
			}
			if err := add(row); err != nil {
				return err
			}
		}
		return nil
	})
}

// sample is sampleOf, made once for all configurations of a rung. That of another rung is let go: nobody trains on it any more.
func (l *library) sample(g *ground, share float64, folder string) (*ground, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := fmt.Sprintf("%p %v", g.users, share)
	if l.sampled.name == name {
		return l.sampled.ground, nil
	}
	if l.sampled.keep != nil {
		if err := l.sampled.keep.Close(); err != nil {
			return nil, err
		}
	}
	keep := newKeeper(int64(share*growth*entryBytes*float64(entriesOf(g.items))), folder)
	sampled, err := sampleOf(g, share, keep)
	l.sampled.name, l.sampled.ground, l.sampled.keep = name, sampled, keep
	if err != nil {
		l.sampled.name = ""
	}
	return sampled, err
}

// entriesOf counts the entries of a matrix.
func entriesOf(m sparse) (n int) {
	for i := range m.Rows() {
		columns, _ := m.Row(i)
		n += len(columns)
	}
	return n
}
