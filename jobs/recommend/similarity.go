package recommend

import (
	"context"

	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
	"github.com/shardmill/shardmill/mapreduce"
)

// similarRow is a row of similar_items. Items are their numbers.
type similarRow struct {
	item, neighbour uint32
	rank            int32
	similarity      float64
}

// itemRow is a row of items.
type itemRow struct {
	item   uint32
	users  int64
	length int32
	reason string
}

// Why a list is shorter than what was asked for.
const (
	reasonNoNeighbours = "no more items share a user with it"
	reasonNoCandidates = "no more items are near those of the user"
	reasonNoMore       = "there are no more items"
	reasonNoneKnown    = "none of the user's items is known"
	reasonHasAll       = "the user has all other items"
)

// nearest finds the nearest items of each item.
type nearest struct {
	kernel     *neighbours.Kernel
	transposed bool                        // an entry is stored at the neighbour, for the item
	kept       int                         // neighbours that the kernel keeps
	most       int                         // of them in similar_items
	items      *mapreduce.Dataset[itemRow] // nil, as similar, where another algorithm writes them
	similar    *mapreduce.Dataset[similarRow]
	neighbours *rowStream
	list       []neighbours.Neighbour
	piece      piece // of a row of neighbours
	encoded    []byte
	rows       []similarRow // of an item
}

// Map implements mapreduce.Mapper.
func (m *nearest) Map(_ context.Context, batch []matrix.Row, out *mapreduce.Out) error {
	for i := range batch {
		if !out.Rejected(i) {
			m.row(i, &batch[i], out)
		}
	}
	return nil
}

func (m *nearest) row(i int, r *matrix.Row, out *mapreduce.Out) {
	m.list = m.kernel.Row(int(r.Index), m.list[:0])
	m.rows = m.rows[:0]
	for rank, n := range m.list {
		if rank < m.most {
			m.rows = append(m.rows, similarRow{r.Index, n.Index, int32(rank + 1), n.Similarity})
		}
		if m.transposed {
			m.emit(i, n.Index, r.Index, n.Similarity, out)
		} else {
			m.emit(i, r.Index, n.Index, n.Similarity, out)
		}
	}
	if m.items == nil {
		return
	}
	m.similar.WriteRows(out, i, m.rows)
	row := itemRow{item: r.Index, users: int64(len(r.Columns)), length: int32(min(len(m.list), m.most))}
	if int(row.length) < m.most && len(m.list) < m.kept {
		row.reason = reasonNoNeighbours
	}
	m.items.Write(out, i, row)
}

// emit sends an entry of the matrix of neighbours.
func (m *nearest) emit(i int, row, column uint32, similarity float64, out *mapreduce.Out) {
	m.piece.reset()
	m.piece.add(column, weight{value: similarity})
	m.encoded = m.piece.append(m.encoded[:0])
	m.neighbours.Emit(out, i, row, m.encoded)
}

// Close implements mapreduce.Mapper.
func (*nearest) Close() error { return nil }

// counted writes items, where there are no neighbours.
type counted struct{ items *mapreduce.Dataset[itemRow] }

// Map implements mapreduce.Mapper.
func (m counted) Map(_ context.Context, batch []matrix.Row, out *mapreduce.Out) error {
	for i := range batch {
		if r := &batch[i]; !out.Rejected(i) {
			m.items.Write(out, i, itemRow{item: r.Index, users: int64(len(r.Columns))})
		}
	}
	return nil
}

// Close implements mapreduce.Mapper.
func (counted) Close() error { return nil }
