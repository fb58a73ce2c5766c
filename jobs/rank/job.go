package rank

import (
	"context"
	"io"
	"iter"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/jobs/internal/tabular"
	"github.com/shardmill/shardmill/mapreduce"
)

// Version of the job: it grows when equal inputs and parameters would give other bytes.
const Version = 3

// batch is the number of rows that one call of Map gets: some 64 kB, which stay in the cache of a core.
const batch = 512

// partBytes bounds the values of one shard, and one part of a file, in bytes.
const partBytes = 64 << 20

// Job ranks the rows of each key, or aggregates them.
func Job() mapreduce.Job {
	return mapreduce.New("rank", Version, Defaults(), func(p Params) ([]mapreduce.Stage, error) {
		return stages(p, partBytes)
	})
}

// stages have shards, and parts of files, of about so many bytes.
func stages(p Params, bytes int64) ([]mapreduce.Stage, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	target := mapreduce.Target{Rows: p.ShardRows, Bytes: bytes}
	if len(p.Agg) > 0 {
		return groupStages(p, target)
	}
	return rankStages(p, target)
}

// rankedRow is a row on its way to a ranking.
type rankedRow struct {
	tabular.Place
	bytes []byte // the key, as order writes it, and what is carried, packed
	mid   int    // end of the key
}

func (r *rankedRow) key() []byte { return r.bytes[:r.mid] }

func (r *rankedRow) carried() []byte { return r.bytes[r.mid:] }

// Reset implements mapreduce.Resetter: bytes keep their memory.
func (r *rankedRow) Reset() {
	r.Place, r.mid = tabular.Place{}, 0
	empty(&r.bytes)
}

// size is about the number of bytes of input that a row stands for.
func (r *rankedRow) size() int64 { return int64(len(r.bytes)) }

func rankStages(p Params, target mapreduce.Target) ([]mapreduce.Stage, error) {
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
	rows := &mapreduce.Stream[orderKey, []byte]{
		Name: "rows", Key: orderCodec{r.order}, Value: mapreduce.Bytes{}, Group: r.order.group, First: p.Top, BytesPerRow: r.bytesPerRow(),
		Reduce: func(context.Context, *mapreduce.Env) (mapreduce.Reducer[orderKey, []byte], error) {
			return &ranker{ranked: ranked}, nil
		},
		Writes: []mapreduce.Port{ranked},
	}
	st := mapreduce.NewStage("rank", tabular.NewSource(r.table(target)), batch,
		func(context.Context, *mapreduce.Env) (mapreduce.Mapper[rankedRow], error) {
			return sender{rows}, nil
		}, rows)
	return []mapreduce.Stage{st}, nil
}

// ranking is what the parameters say.
type ranking struct {
	params  Params
	column  string // ranked by
	order   order
	numbers numbersPool
}

func newRanking(p Params) (*ranking, error) {
	r := &ranking{params: p}
	r.column, r.order.descending = p.order()
	var err error
	if r.order.key, err = kindOf(p.KeyType); err != nil {
		return r, err
	}
	r.order.by, err = kindOf(p.ByType)
	return r, err
}

// bytesPerRow estimates what a row sends through the shuffle. It is needed before the files are opened, so
// texts, and columns of which the number is not known, are guessed.
func (r *ranking) bytesPerRow() int64 {
	const textBytes, carriedBytes, columns = 16, 8, 4
	n := int64(columns)
	if r.params.Columns != nil {
		n = int64(len(r.params.Columns))
	}
	n *= carriedBytes
	for _, k := range []kind{r.order.key, r.order.by} {
		if n += numberBytes; k == text {
			n += textBytes - numberBytes
		}
	}
	return n
}

func (r *ranking) table(target mapreduce.Target) tabular.Table[rankedRow] {
	type row = rankedRow
	place := tabular.PlaceColumns(func(r *row) *tabular.Place { return &r.Place })
	return tabular.Table[row]{
		Needs:   []string{r.params.Key, r.column},
		Carries: true, Columns: r.params.Columns, Fill: r.fill,
		Shards: append(place, r.order.shardColumn()), Size: (*row).size, Target: target, InPlace: r.params.Shards == inPlace,
	}
}

// fill sets rows from those of a block, whose first columns are the key and what ranks; the others are carried.
func (r *ranking) fill(rows []rankedRow, b *tabular.Block) (int, error) {
	s := r.numbers.get()
	defer r.numbers.put(s)
	n, err := s.read(r.order.key, s.keys[:b.Len()], b, 0, r.params.Key)
	if m, bad := s.read(r.order.by, s.values[:n], b, 1, r.column); bad != nil {
		n, err = m, bad
	}
	for i := range rows[:n] {
		row := &rows[i]
		row.Place = b.Place(i)
		key := r.order.appendKey(row.bytes[:0], s.keys[i], s.values[i], b, i)
		row.mid = len(key)
		row.bytes = pack(key, b, i, 2)
	}
	return n, err
}

// sender maps rows to the stream.
type sender struct {
	rows *mapreduce.Stream[orderKey, []byte]
}

// Map implements mapreduce.Mapper.
func (s sender) Map(_ context.Context, rows []rankedRow, out *mapreduce.Out) error {
	for i := range rows {
		if r := &rows[i]; !out.Rejected(i) {
			s.rows.EmitEncoded(out, i, r.key(), r.carried())
		}
	}
	return nil
}

// Close implements mapreduce.Mapper.
func (sender) Close() error { return nil }

// Rows of a group are written together, up to so many, and of about so many bytes.
const (
	writeRows  = 64
	writeBytes = 64 << 10
)

// ranker writes the first rows of each key.
type ranker struct {
	ranked *mapreduce.Dataset[rankedOut]
	rows   []rankedOut // that wait to be written
	carry  []byte      // what they carry
	bytes  int         // of them
}

// Reduce implements mapreduce.Reducer.
func (r *ranker) Reduce(_ context.Context, _ orderKey, values iter.Seq2[orderKey, []byte], out *mapreduce.Out) error {
	r.rows, r.carry, r.bytes = r.rows[:0], r.carry[:0], 0 // a group that was refused may have left some
	rank := int64(0)
	for k, packed := range values {
		rank++
		if err := r.add(rank, k, packed); err != nil {
			return err
		}
		if len(r.rows) == writeRows || r.bytes >= writeBytes {
			r.write(out)
		}
	}
	r.write(out)
	return nil
}

// add makes a row of what is valid until the next one. Where the texts move that are carried, rows keep what they had.
func (r *ranker) add(rank int64, k orderKey, packed []byte) error {
	n, at := len(r.rows), len(r.carry)
	if n < cap(r.rows) {
		r.rows = r.rows[:n+1]
	} else {
		r.rows = append(r.rows, rankedOut{})
	}
	r.carry = append(r.carry, packed...)
	r.bytes += len(k.bytes) + len(packed)
	row := &r.rows[n]
	row.rank = rank
	return row.set(k, r.carry[at:])
}

// write writes the rows that wait. Large ones leave no memory to the next.
func (r *ranker) write(out *mapreduce.Out) {
	r.ranked.WriteRows(out, 0, r.rows)
	if r.rows, r.carry = r.rows[:0], r.carry[:0]; r.bytes >= writeBytes {
		r.rows, r.carry = nil, nil
	}
	r.bytes = 0
}

// Close implements mapreduce.Reducer.
func (*ranker) Close() error { return nil }
