package recommend

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/shardmill/shardmill/jobs/internal/dense"
	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
	"github.com/shardmill/shardmill/mapreduce"
)

// catalogue is the items that have a vector other than zeros: of the others nothing is known.
type catalogue struct {
	items *dense.Items
	// numbers are those of the items, ascending, and places where each item is among them, or none. Both are nil if all items
	// are there.
	numbers []uint32
	places  []uint32
}

const nowhere = math.MaxUint32

// newCatalogue packs vectors of f numbers, which vector makes of the rows of a matrix: those that are allowed, or all if that is nil. What
// vector returns is valid until it is called again.
func newCatalogue(m *factors.Matrix, f int, allowed []bool, vector func(row []float32) []float32, room dense.Room) (*catalogue, error) {
	c := &catalogue{places: make([]uint32, m.Rows()), numbers: make([]uint32, 0, m.Rows())}
	for i := range m.Rows() {
		c.places[i] = nowhere
		if row := m.Row(i); !zero(row) && (allowed == nil || allowed[i]) {
			c.places[i] = uint32(len(c.numbers))
			c.numbers = append(c.numbers, uint32(i))
		}
	}
	numbers := c.numbers
	items, err := dense.PackRows(len(numbers), f, func(i int) []float32 { return vector(m.Row(int(numbers[i]))) }, room)
	if err != nil {
		return nil, err
	}
	c.items = items
	if len(c.numbers) == m.Rows() {
		c.numbers, c.places = nil, nil
	}
	return c, nil
}

func zero(v []float32) bool {
	for _, x := range v {
		if x != 0 {
			return false
		}
	}
	return true
}

// number is that of the item at a place.
func (c *catalogue) number(place uint32) uint32 {
	if c.numbers == nil {
		return place
	}
	return c.numbers[place]
}

// find appends the places of items to dst, or returns the items themselves if those are their places.
func (c *catalogue) find(items, dst []uint32) []uint32 {
	if c.places == nil {
		return items
	}
	for _, i := range items {
		if p := c.places[i]; p != nowhere {
			dst = append(dst, p)
		}
	}
	return dst
}

// byFactors is a scorer by the products of vectors.
type byFactors struct {
	catalogue *catalogue
	scorer    *dense.Scorer
	vector    func(dst []float32, row uint32) []float32 // appends that of a user
	base      func(row uint32) float64                  // what all scores of a user have in addition, or nil
	vectors   []float32
	unknown   []bool // users whose vector is zeros
	seen      [][]uint32
	places    []uint32
	list      []neighbours.Scored
	rules     *ruling  // or nil
	except    *except  // nil: a list leaves out what the user has
	last      struct { // what is known of the user of the list that is passed on
		unknown bool // whether there is no list
		seen    int  // items of the catalogue that the list leaves out
	}
}

// scorer is one by the vectors of users and items.
func (a *alternation) scorer(env *mapreduce.Env, d names, r *room, userFactors, itemFactors *mapreduce.Dataset[factors.Row]) (scorer, error) {
	users, err := a.library.factors(env, userFactors, d.users.Len(), a.model.width())
	if err != nil {
		return nil, err
	}
	items, err := a.library.factors(env, itemFactors, d.items.Len(), a.model.width())
	if err != nil {
		return nil, err
	}
	mean := 0.
	if a.model.ratings {
		if mean, err = a.mean(env); err != nil {
			return nil, err
		}
	}
	rules, err := a.rules(env, d)
	if err != nil {
		return nil, err
	}
	return newByFactors(&a.model, users, items, mean, rules, a.params.Top, r)
}

// newByFactors is a scorer by vectors, with those of items packed in a room. The mean is that of ratings; rules may be nil.
func newByFactors(m *model, users, items *factors.Matrix, mean float64, rules *ruling, top int, room dense.Room) (*byFactors, error) {
	f := m.width()
	c, err := newCatalogue(items, f, rules.items(), func(row []float32) []float32 { return row[:f] }, room)
	if err != nil {
		return nil, err
	}
	b := &byFactors{
		catalogue: c, scorer: dense.NewScorer(c.items, top), rules: rules, except: newExcept(rules),
		vector: func(dst []float32, row uint32) []float32 { return append(dst, users.Row(int(row))[:f]...) },
	}
	if m.ratings { // x.y + b_i, and what is the same for all items later
		b.vector = func(dst []float32, row uint32) []float32 { return append(append(dst, users.Row(int(row))[:f-1]...), 1) }
		b.base = func(row uint32) float64 { return mean + float64(users.Row(int(row))[f-1]) }
	}
	return b, nil
}

// score implements scorer.
func (b *byFactors) score(rows []*matrix.Row, pass func(*matrix.Row, []neighbours.Scored)) error {
	b.vectors, b.unknown, b.places, b.seen = b.vectors[:0], b.unknown[:0], b.places[:0], b.seen[:0]
	b.except.begin()
	for _, r := range rows {
		from := len(b.vectors)
		b.vectors = b.vector(b.vectors, r.Index)
		b.unknown = append(b.unknown, zero(b.vectors[from:]))
		from = len(b.places)
		seen := b.catalogue.find(b.except.of(r), b.places)
		if b.catalogue.places != nil {
			b.places, seen = seen, seen[from:]
		}
		b.seen = append(b.seen, seen)
	}
	n := 0
	return b.scorer.Score(b.vectors, func(u int) []uint32 { return b.seen[u] }, func(_ int, list []dense.Scored) error {
		base := 0.
		if b.base != nil {
			base = b.base(rows[n].Index)
		}
		b.list = b.list[:0]
		b.last.seen, b.last.unknown = len(b.seen[n]), b.unknown[n] || len(rows[n].Columns) == 0
		if b.last.unknown {
			list = nil // all scores would be equal, or tell nothing
		}
		for _, s := range list {
			b.list = append(b.list, neighbours.Scored{Index: b.catalogue.number(s.Item), Score: float64(s.Score) + base})
		}
		pass(rows[n], b.list)
		n++
		return nil
	})
}

// nearestStage finds the items nearest to each item by the cosine of their vectors, without their biases.
func (a *alternation) nearestStage(itemFactors *mapreduce.Dataset[factors.Row]) mapreduce.Stage {
	writes, reads := []mapreduce.Port{a.recommendation.items, a.similar}, []mapreduce.Port{a.userIDs, a.itemIDs, itemFactors}
	var begin *mapreduce.Stream[uint32, int64]
	if a.params.Explicit && a.alone() {
		begin = a.meanStream()
		writes, reads = append(writes, begin), append(reads, a.userItems)
	}
	st := mapreduce.NewStage(a.stageName("nearest"), a.itemUsers, scoreBatch,
		func(_ context.Context, env *mapreduce.Env) (mapreduce.Mapper[matrix.Row], error) {
			d, err := a.names(env)
			if err != nil {
				return nil, err
			}
			items, err := a.library.factors(env, itemFactors, d.items.Len(), a.model.width())
			if err != nil {
				return nil, err
			}
			f := a.model.implicit.Factors
			var unit []float32
			r := newRoom(env, a.places(d.items.Len()))
			c, err := newCatalogue(items, f, nil, func(row []float32) []float32 { unit = appendUnit(unit[:0], row[:f]); return unit }, r)
			if err != nil {
				return nil, errors.Join(fmt.Errorf("%s: %w", env.Stage(), err), r.Close())
			}
			m := &nearestByFactors{room: r, begin: begin, items: a.recommendation.items, similar: a.similar, most: a.params.Similar}
			m.scorer = &byFactors{
				catalogue: c, scorer: dense.NewScorer(c.items, a.params.Similar),
				vector: func(dst []float32, row uint32) []float32 { return appendUnit(dst, items.Row(int(row))[:f]) },
			}
			return m, nil
		}, writes...)
	st.Reads = reads
	return st
}

// appendUnit appends a vector divided by its length.
func appendUnit(dst, v []float32) []float32 {
	sum := 0.
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	scale := 0.
	if sum > 0 {
		scale = 1 / math.Sqrt(sum)
	}
	for _, x := range v {
		dst = append(dst, float32(float64(x)*scale))
	}
	return dst
}

// nearestByFactors finds the nearest items of each item.
type nearestByFactors struct {
	room    *room
	scorer  *byFactors
	begin   *mapreduce.Stream[uint32, int64] // what is made of all ratings, or nil
	most    int
	items   *mapreduce.Dataset[itemRow]
	similar *mapreduce.Dataset[similarRow]
	own     []matrix.Row // an item each, which has seen itself
	live    []*matrix.Row
	at      []int
	rows    []similarRow
}

// Map implements mapreduce.Mapper.
func (m *nearestByFactors) Map(_ context.Context, batch []matrix.Row, out *mapreduce.Out) error {
	m.room.enter(out)
	if m.begin != nil {
		m.begin.Emit(out, noRow, 0, 1)
	}
	m.own, m.live, m.at = m.own[:0], m.live[:0], m.at[:0]
	for i := range batch {
		if !out.Rejected(i) {
			m.own = append(m.own, matrix.Row{Index: batch[i].Index, Columns: []uint32{batch[i].Index}})
			m.at = append(m.at, i)
		}
	}
	for i := range m.own {
		m.live = append(m.live, &m.own[i])
	}
	n := 0
	return m.scorer.score(m.live, func(r *matrix.Row, list []neighbours.Scored) {
		m.write(m.at[n], &batch[m.at[n]], list, out)
		n++
	})
}

func (m *nearestByFactors) write(i int, r *matrix.Row, list []neighbours.Scored, out *mapreduce.Out) {
	m.rows = m.rows[:0]
	for rank, s := range list {
		m.rows = append(m.rows, similarRow{r.Index, s.Index, int32(rank + 1), s.Score})
	}
	m.similar.WriteRows(out, i, m.rows)
	row := itemRow{item: r.Index, users: int64(len(r.Columns)), length: int32(len(list))}
	if len(list) < m.most {
		row.reason = reasonNoMore
	}
	m.items.Write(out, i, row)
}

// Close implements mapreduce.Mapper.
func (m *nearestByFactors) Close() error { return m.room.Close() }
