package shuffle

import (
	"bytes"
	"errors"
	"io"
)

// source yields records in order. A record is valid until the following call;
// the end is io.EOF.
type source interface {
	next() (key, value []byte, err error)
	close() error
}

// way is one sorted input of a merge and its current record.
type way struct {
	segment    *Segment
	key, value []byte
	done       bool
}

// player is a way in the tree, with the prefix of its key behind the merge's
// depth, so that most matches touch the tree only.
type player struct {
	prefix uint64
	way    int
}

// merger merges sorted segments with a loser tree (Knuth, TAOCP vol. 3, 5.4.1).
// Equal keys come in order of the segments.
type merger struct {
	ways   []way
	losers []player // losers[p] lost the match at node p; node 0 holds the winner
	depth  int      // length of the prefix that all keys share
	exact  bool     // prefixes decide
	begun  bool
	beat   func()
	count  int
}

// newMerger opens runs whose keys share their first depth bytes.
func newMerger(runs []run, s shape, depth int, beat func()) (*merger, error) {
	m := &merger{depth: depth, exact: s.key > 0 && s.key <= depth+8, beat: beat}
	for _, r := range runs {
		segment, err := Open(r.path, 0, 0)
		if err != nil {
			_ = m.close()
			return nil, spillError(r.path, err)
		}
		m.ways = append(m.ways, way{segment: segment})
	}
	return m, nil
}

// next implements source.
func (m *merger) next() (key, value []byte, err error) {
	if err := m.forward(); err != nil {
		return nil, nil, err
	}
	w := &m.ways[m.losers[0].way]
	if w.done {
		return nil, nil, io.EOF
	}
	if m.count++; m.count%beatRecords == 0 {
		m.beat()
	}
	return w.key, w.value, nil
}

// forward replaces the record returned last and finds the next winner.
func (m *merger) forward() error {
	if !m.begun {
		return m.build()
	}
	winner := m.losers[0]
	prefix, err := m.advance(winner.way)
	if err != nil {
		return err
	}
	if m.exact && prefix == winner.prefix && !m.ways[winner.way].done {
		return nil // an equal key of the same way still precedes all others
	}
	winner.prefix = prefix
	for p := (winner.way + len(m.ways)) / 2; p > 0; p /= 2 {
		if l := m.losers[p]; l.prefix < winner.prefix || l.prefix == winner.prefix && m.breakTie(l.way, winner.way) {
			winner, m.losers[p] = l, winner
		}
	}
	m.losers[0] = winner
	return nil
}

// build reads the first record of each way and plays all matches: the leaves of
// the tree are nodes k to 2k-1 for k ways.
func (m *merger) build() error {
	m.begun = true
	k := len(m.ways)
	winners := make([]player, 2*k)
	m.losers = make([]player, k)
	for i := range m.ways {
		prefix, err := m.advance(i)
		if err != nil {
			return err
		}
		winners[k+i] = player{prefix, i}
	}
	for p := k - 1; p > 0; p-- {
		a, b := winners[2*p], winners[2*p+1]
		if b.prefix < a.prefix || b.prefix == a.prefix && m.breakTie(b.way, a.way) {
			a, b = b, a
		}
		winners[p], m.losers[p] = a, b
	}
	m.losers[0] = winners[1]
	return nil
}

// advance reads the next record of a way and returns its prefix.
func (m *merger) advance(i int) (uint64, error) {
	w := &m.ways[i]
	if w.done {
		return ^uint64(0), nil
	}
	var err error
	w.key, w.value, err = w.segment.Next()
	switch {
	case errors.Is(err, io.EOF):
		w.done = true
		return ^uint64(0), nil
	case err != nil:
		return 0, spillError(w.segment.path, err)
	case len(w.key) < m.depth:
		return 0, &DamagedError{Path: w.segment.path, What: "key is too short", Spill: true}
	}
	return prefix(w.key[m.depth:]), nil
}

// breakTie reports whether way a precedes way b when their prefixes are equal.
func (m *merger) breakTie(a, b int) bool {
	x, y := &m.ways[a], &m.ways[b]
	if x.done || y.done {
		return !x.done
	}
	if !m.exact {
		if c := bytes.Compare(x.key[m.depth:], y.key[m.depth:]); c != 0 {
			return c < 0
		}
	}
	return a < b
}

// close implements source.
func (m *merger) close() error {
	var errs []error
	for i := range m.ways {
		errs = append(errs, m.ways[i].segment.Close())
	}
	return errors.Join(errs...)
}
