package rank

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/tabular"
	"github.com/shardmill/shardmill/mapreduce"
)

// words is the state of a group: its count, then the words of its cells of state. An array and not
// a slice, so that a group needs no memory besides its place in the combiner's table.
type words interface {
	[2]uint64 | [4]uint64 | [8]uint64 | [16]uint64
}

// maxWords is the room of the largest state.
const maxWords = 16

// groupStages chooses the smallest state that has room.
func groupStages(p Params, target mapreduce.Target) ([]mapreduce.Stage, error) {
	a, err := p.aggregates()
	if err != nil {
		return nil, err
	}
	key, err := kindOf(p.KeyType)
	if err != nil {
		return nil, err
	}
	switch {
	case a.words <= 2:
		return (&grouping[[2]uint64]{params: p, agg: a, key: key}).stages(target), nil
	case a.words <= 4:
		return (&grouping[[4]uint64]{params: p, agg: a, key: key}).stages(target), nil
	case a.words <= 8:
		return (&grouping[[8]uint64]{params: p, agg: a, key: key}).stages(target), nil
	default:
		return (&grouping[[16]uint64]{params: p, agg: a, key: key}).stages(target), nil
	}
}

// groupRow is a row on its way to its group.
type groupRow[W words] struct {
	tabular.Place
	key     value
	numbers W // bits of the columns that are aggregated
}

// Reset implements mapreduce.Resetter: a text keeps its memory.
func (r *groupRow[W]) Reset() {
	r.Place, r.numbers = tabular.Place{}, *new(W)
	r.key.reset()
}

// group is a row of the dataset groups.
type group[W words] struct {
	key   value
	state W
}

// grouping is what the parameters say.
type grouping[W words] struct {
	params  Params
	agg     aggregates
	key     kind
	numbers numbersPool
}

func (g *grouping[W]) stages(target mapreduce.Target) []mapreduce.Stage {
	groups := &mapreduce.Dataset[group[W]]{
		Name: "groups", Ext: "parquet",
		Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[group[W]], error) {
			return parquetfile.Create(w, g.columns())
		},
	}
	states := &mapreduce.Stream[groupKey, W]{
		Name: "groups", Key: keyCodec{g.key}, Value: stateCodec[W]{g.agg.words},
		BytesPerRow: int64(numberBytes * (1 + g.agg.words)),
		Merge:       func(into *W, w W) { merge(g.agg.cells, into, &w) },
		Reduce: func(context.Context, *mapreduce.Env) (mapreduce.Reducer[groupKey, W], error) {
			return newMerger(groups, g.agg), nil
		},
		Writes: []mapreduce.Port{groups},
	}
	st := mapreduce.NewStage("group", tabular.NewSource(g.table(target)), batch,
		func(context.Context, *mapreduce.Env) (mapreduce.Mapper[groupRow[W]], error) {
			return &grouper[W]{stream: states, key: g.key, cells: g.agg.cells}, nil
		}, states)
	return []mapreduce.Stage{st}
}

func (g *grouping[W]) table(target mapreduce.Target) tabular.Table[groupRow[W]] {
	type row = groupRow[W]
	cols := append(tabular.PlaceColumns(func(r *row) *tabular.Place { return &r.Place }),
		shardColumn(g.key, "key", func(r *row) *value { return &r.key }))
	needs, at := []string{g.params.Key}, make([]int, len(g.agg.columns))
	for i, name := range g.agg.columns {
		cols = append(cols, table.Int64(fmt.Sprintf("number_%d", i),
			func(r *row) int64 { return int64(r.numbers[i]) }, func(r *row, n int64) { r.numbers[i] = uint64(n) }))
		if name != g.params.Key { // at 0
			at[i] = len(needs)
			needs = append(needs, name)
		}
	}
	return tabular.Table[row]{
		Needs: needs, Shards: cols, Target: target, InPlace: g.params.Shards == inPlace,
		Size: func(r *row) int64 { return int64(len(r.key.text) + numberBytes*len(needs)) },
		Fill: func(rows []row, b *tabular.Block) (int, error) { return g.fill(rows, b, at) },
	}
}

// grouper maps rows to the stream. It holds what the rows of a batch emit.
type grouper[W words] struct {
	stream *mapreduce.Stream[groupKey, W]
	key    kind
	cells  []stateCell
	states []W
	keys   []byte
	ends   []uint32 // of the keys
}

// Map implements mapreduce.Mapper. All states are set before the first is copied: a processor waits where it copies
// more bytes at once than it has just written.
func (g *grouper[W]) Map(_ context.Context, rows []groupRow[W], out *mapreduce.Out) error {
	if len(g.states) < len(rows) {
		g.states = make([]W, len(rows))
	}
	begin(g.cells, rows, g.states)
	if g.key == text {
		g.textKeys(rows)
	} else {
		g.numberKeys(rows)
	}
	g.stream.EmitAll(out, g.keys, g.ends, g.states[:len(rows)])
	return nil
}

// textKeys writes the keys of rows where they are strings.
func (g *grouper[W]) textKeys(rows []groupRow[W]) {
	g.keys, g.ends = g.keys[:0], g.ends[:0]
	for i := range rows {
		g.keys = rows[i].key.appendGroup(g.keys)
		g.ends = append(g.ends, uint32(len(g.keys)))
	}
}

// numberKeys writes the keys of rows where they are numbers, which all end where those of another batch do.
func (g *grouper[W]) numberKeys(rows []groupRow[W]) {
	for i := len(g.ends); i < len(rows); i++ {
		g.ends = append(g.ends, uint32(numberBytes*(i+1)))
		g.keys = append(g.keys, make([]byte, numberBytes)...)
	}
	g.ends, g.keys = g.ends[:len(rows)], g.keys[:numberBytes*len(rows)]
	for i := range rows {
		binary.BigEndian.PutUint64(g.keys[numberBytes*i:], rows[i].key.bits)
	}
}

// Close implements mapreduce.Mapper.
func (*grouper[W]) Close() error { return nil }

// fill sets rows from those of a block: the key is the first column, number j the one at at[j].
func (g *grouping[W]) fill(rows []groupRow[W], b *tabular.Block, at []int) (int, error) {
	s := g.numbers.get()
	defer g.numbers.put(s)
	n, err := s.read(g.key, s.keys[:b.Len()], b, 0, g.params.Key)
	for i := range rows[:n] {
		row := &rows[i]
		row.Place = b.Place(i)
		if g.key != text {
			row.key.setBits(g.key, s.keys[i])
			continue
		}
		var digits [32]byte
		key, _ := b.Text(i, 0, digits[:0])
		row.key.setText(key)
	}
	for j, column := range at {
		m, bad := s.read(g.agg.kind, s.values[:n], b, column, g.agg.columns[j])
		if bad != nil {
			n, err = m, bad
		}
		for i := range rows[:n] {
			rows[i].numbers[j] = s.values[i]
		}
	}
	return n, err
}

// columns are those of groups: the key, then the aggregates as they were asked for.
func (g *grouping[W]) columns() table.Columns[group[W]] {
	type row = group[W]
	var ours []string
	for _, a := range g.agg.list {
		ours = append(ours, a.name())
	}
	cols := table.Columns[row]{
		column(g.key, renamed(ours, []string{g.params.Key})[0], func(r *row) *value { return &r.key }),
	}
	for i, a := range g.agg.list {
		switch {
		case a.op == opMean || a.op != opCount && g.agg.kind == float:
			cols = append(cols, table.Float64(ours[i], func(r *row) float64 { return floatOf(a, g.agg.kind, &r.state) },
				func(*row, float64) {}))
		default:
			cols = append(cols, table.Int64(ours[i], func(r *row) int64 { return intOf(a, &r.state) }, func(*row, int64) {}))
		}
	}
	return cols
}

// merger merges what the mappers made of a group.
type merger[W words] struct {
	groups *mapreduce.Dataset[group[W]]
	agg    aggregates
	row    group[W]
	first  bool                              // no state of the group has come yet
	each   func(_ groupKey, w W) (more bool) // add, made once
}

func newMerger[W words](groups *mapreduce.Dataset[group[W]], agg aggregates) *merger[W] {
	m := &merger[W]{groups: groups, agg: agg}
	m.each = m.add
	return m
}

// add takes a state of the group.
func (m *merger[W]) add(_ groupKey, w W) bool {
	if m.first {
		m.row.state, m.first = w, false
	} else {
		merge(m.agg.cells, &m.row.state, &w)
	}
	return true
}

// Reduce implements mapreduce.Reducer.
func (m *merger[W]) Reduce(_ context.Context, key groupKey, values iter.Seq2[groupKey, W], out *mapreduce.Out) error {
	m.row, m.first = group[W]{key: key.value()}, true
	values(m.each)
	if err := overflow(m.agg.list, m.agg.kind, &m.row.state); err != nil {
		return &mapreduce.Error{Class: mapreduce.BadRecord, Err: err}
	}
	m.groups.Write(out, 0, m.row)
	return nil
}

// Close implements mapreduce.Reducer.
func (*merger[W]) Close() error { return nil }
