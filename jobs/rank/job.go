package rank

import (
	"context"
	"io"
	"iter"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/mapreduce"
)

// Version of the job: it grows when equal inputs and parameters would give other bytes.
const Version = 1

// batch is the number of rows that one call of Map gets.
const batch = 4096

// Job ranks the rows of each key, or aggregates them.
func Job() mapreduce.Job {
	return mapreduce.New("rank", Version, Defaults(), stages)
}

func stages(p Params) ([]mapreduce.Stage, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if len(p.Agg) > 0 {
		return groupStages(p)
	}
	return rankStages(p)
}

// rankedRow is a row on its way to a ranking.
type rankedRow struct {
	place
	key, by value
	carried string // packed
}

// size is about the number of bytes of input that a row stands for.
func (r *rankedRow) size() int64 {
	return int64(len(r.key.text)+len(r.by.text)+len(r.carried)) + 2*numberBytes
}

// rankBytes estimates what a row sends through the shuffle.
const rankBytes = 64

func rankStages(p Params) ([]mapreduce.Stage, error) {
	r, err := newRanking(p)
	if err != nil {
		return nil, err
	}
	ranked := &mapreduce.Dataset[rankedOut]{
		Name: "ranked", Ext: "parquet",
		Create: func(env *mapreduce.Env, w io.Writer) (mapreduce.Sink[rankedOut], error) {
			cols, err := r.columns(env)
			if err != nil {
				return nil, err
			}
			return parquetfile.Create(w, cols)
		},
	}
	codec := orderCodec{key: r.key, by: r.by, descending: r.descending}
	rows := &mapreduce.Stream[orderKey, string]{
		Name: "rows", Key: codec, Value: mapreduce.String{}, Group: codec.group, BytesPerRow: rankBytes,
		Reduce: func(context.Context, *mapreduce.Env) (mapreduce.Reducer[orderKey, string], error) {
			return &ranker{ranked: ranked, top: p.Top}, nil
		},
		Writes: []mapreduce.Port{ranked},
	}
	st := mapreduce.NewStage("rank", r.reading().source(), batch,
		func(context.Context, *mapreduce.Env) (mapreduce.Mapper[rankedRow], error) {
			return &sender{rows: rows, shrinker: newShrinker(p.Top, r.descending)}, nil
		}, rows)
	return []mapreduce.Stage{st}, nil
}

// ranking is what the parameters say.
type ranking struct {
	params     Params
	column     string // ranked by
	descending bool
	key, by    kind
}

func newRanking(p Params) (ranking, error) {
	r := ranking{params: p}
	r.column, r.descending = p.order()
	var err error
	if r.key, err = kindOf(p.KeyType); err != nil {
		return r, err
	}
	r.by, err = kindOf(p.ByType)
	return r, err
}

func (r ranking) reading() reading[rankedRow] {
	type row = rankedRow
	cols := append(placeColumns(func(r *row) *place { return &r.place }),
		shardColumn(r.key, "key", func(r *row) *value { return &r.key }),
		shardColumn(r.by, "by", func(r *row) *value { return &r.by }),
		table.String("carried", func(r *row) string { return r.carried }, func(r *row, v string) { r.carried = v }),
	)
	return reading[row]{
		params: r.params, needs: []string{r.params.Key, r.column}, carries: true, columns: cols,
		size: (*row).size, row: r.row,
	}
}

func (r ranking) row(at place, cells []cell) (rankedRow, error) {
	key, err := r.key.parseCell(r.params.Key, cells[0])
	if err != nil {
		return rankedRow{}, err
	}
	by, err := r.by.parseCell(r.column, cells[1])
	if err != nil {
		return rankedRow{}, err
	}
	return rankedRow{place: at, key: key, by: by, carried: pack(cells[2:])}, nil
}

// sender maps rows to the stream.
type sender struct {
	rows     *mapreduce.Stream[orderKey, string]
	shrinker *shrinker
}

// Map implements mapreduce.Mapper.
func (s *sender) Map(_ context.Context, rows []rankedRow, out *mapreduce.Out) error {
	drop := s.shrinker.shrink(rows, out.Rejected)
	for i := range rows {
		if r := &rows[i]; !drop[i] && !out.Rejected(i) {
			s.rows.Emit(out, i, orderKey{r.key, r.by}, r.carried)
		}
	}
	return nil
}

// Close implements mapreduce.Mapper.
func (*sender) Close() error { return nil }

// ranker writes the first rows of each key.
type ranker struct {
	ranked *mapreduce.Dataset[rankedOut]
	top    int64
	notes  []note
}

// Reduce implements mapreduce.Reducer.
func (r *ranker) Reduce(_ context.Context, _ orderKey, values iter.Seq2[orderKey, string], out *mapreduce.Out) error {
	rank := int64(0)
	for k, packed := range values {
		rank++
		var err error
		if r.notes, err = unpack(r.notes[:0], packed); err != nil {
			return err
		}
		r.ranked.Write(out, 0, rankedOut{key: k.key, rank: rank, by: k.by, carried: r.notes})
		if rank == r.top {
			break
		}
	}
	return nil
}

// Close implements mapreduce.Reducer.
func (*ranker) Close() error { return nil }
