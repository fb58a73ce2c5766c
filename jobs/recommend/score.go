package recommend

import (
	"context"

	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
	"github.com/shardmill/shardmill/mapreduce"
)

// userRow is a row of users.
type userRow struct {
	user   uint32
	items  int64
	length int32
	reason string
	// fallback tells that the list is of the most popular items, for too short a history.
	fallback bool
}

// recommended is a row of recommendations. Users and items are their numbers.
type recommended struct {
	user, item uint32
	rank       int32
	score      float64
	because    []uint32 // valid until the next batch
	ranks      []int32  // in the lists of several algorithms, 0 where one is without the item; valid as because
	fallback   bool     // as that of the user
}

// scorer makes the lists of users out of the items that they have.
type scorer interface {
	// score passes on the list of each row, in their order. A list is valid during the call.
	score(rows []*matrix.Row, pass func(r *matrix.Row, list []neighbours.Scored)) error
}

// oneByOne is a scorer that takes the users one after the other.
type oneByOne struct {
	one  func(history []uint32, values []float32, dst []neighbours.Scored) []neighbours.Scored
	list []neighbours.Scored
}

func (o *oneByOne) score(rows []*matrix.Row, pass func(*matrix.Row, []neighbours.Scored)) error {
	for _, r := range rows {
		values := r.Values
		if len(values) == 0 {
			values = nil // all are 1
		}
		o.list = o.one(r.Columns, values, o.list[:0])
		pass(r, o.list)
	}
	return nil
}

// scoring writes the list of each user.
type scoring struct {
	scorer    scorer
	ranks     func(place int) []int32 // of the list that is passed on; nil of one algorithm
	top       int
	catalogue int // items that there are
	users     *mapreduce.Dataset[userRow]
	lists     *mapreduce.Dataset[recommended]
	live      []*matrix.Row // of the batch
	at        []int         // which rows of the batch these are
	rows      []recommended // of a user
	because   []uint32      // of all rows of the batch
	allRanks  []int32       // of all rows of the batch
	serving   *serving      // nil without rules
	room      *room         // of the scorer
}

// Map implements mapreduce.Mapper.
func (m *scoring) Map(_ context.Context, batch []matrix.Row, out *mapreduce.Out) error {
	m.room.enter(out)
	m.live, m.at, m.because, m.allRanks = m.live[:0], m.at[:0], m.because[:0], m.allRanks[:0]
	for i := range batch {
		if !out.Rejected(i) && m.serving.asks(batch[i].Index) {
			m.live, m.at = append(m.live, &batch[i]), append(m.at, i)
		}
	}
	m.serving.beginBatch()
	n := 0
	err := m.scorer.score(m.live, func(r *matrix.Row, list []neighbours.Scored) {
		m.serving.writeRowless(m, batch, m.at[n]+1, out)
		m.write(m.at[n], r, list, out)
		n++
	})
	if err != nil {
		return err
	}
	return m.serving.endBatch(m, batch, out)
}

func (m *scoring) write(i int, r *matrix.Row, list []neighbours.Scored, out *mapreduce.Out) {
	m.rows = m.rows[:0]
	fallback := m.serving.fallsBack(r)
	for rank, s := range list {
		from := len(m.because)
		m.because = append(m.because, s.Because...)
		m.rows = append(m.rows, recommended{r.Index, s.Index, int32(rank + 1), s.Score, m.because[from:], m.keepRanks(rank, fallback), fallback})
	}
	m.lists.WriteRows(out, i, m.rows)
	row := userRow{user: r.Index, items: int64(len(r.Columns)), length: int32(len(list)), fallback: fallback}
	switch {
	case len(list) == m.top:
	case m.serving != nil:
		row.reason = m.serving.reason(r, len(list), m.catalogue)
	case len(r.Columns) == 0:
		row.reason = reasonNoneKnown
	case len(list)+len(r.Columns) >= m.catalogue:
		row.reason = reasonHasAll
	default:
		row.reason = reasonNoCandidates
	}
	m.users.Write(out, i, row)
}

// keepRanks copies the ranks of the item at a place. Those of a fallback are in none of the lists.
func (m *scoring) keepRanks(place int, fallback bool) []int32 {
	switch {
	case m.ranks == nil:
		return nil
	case fallback:
		return m.serving.none
	}
	from := len(m.allRanks)
	m.allRanks = append(m.allRanks, m.ranks(place)...)
	return m.allRanks[from:]
}

// Close implements mapreduce.Mapper.
func (m *scoring) Close() error { return m.room.Close() }
