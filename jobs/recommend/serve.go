package recommend

import (
	"slices"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
	"github.com/shardmill/shardmill/mapreduce"
)

// serving is what a scoring does under rules. Nil is none.
type serving struct {
	rules   *ruling // nil where there is only a fallback
	least   int     // items that a user must have for a list of its own
	popular scorer  // lists of those who have less, or nil
	main    scorer
	none    []int32 // ranks of an item in no list of a blend

	forRowless scorer // as popular, of users without a row
	empty      matrix.Row
	one        [1]*matrix.Row
	next       int // row of the batch before which they are written
	failed     error
}

// serve lets a scoring obey the rules, if there are some.
func (j *recommendation) serve(env *mapreduce.Env, d names, m *scoring) error {
	rules, err := j.rules(env, d)
	if err != nil || rules == nil && j.params.MinHistory == 0 {
		return err
	}
	m.serving = &serving{rules: rules, main: m.scorer, none: make([]int32, len(labels(j.parts)))}
	if j.params.MinHistory == 0 {
		return nil
	}
	m.serving.least = int(j.params.MinHistory)
	if m.serving.popular, err = j.fallback(env, d); err != nil {
		return err
	}
	if m.serving.forRowless, err = j.fallback(env, d); err != nil {
		return err
	}
	m.scorer = &falling{serving: m.serving}
	return nil
}

// popularityReads are what the fallback reads.
func (j *recommendation) popularityReads() []mapreduce.Port {
	if j.params.Model != "" {
		return nil
	}
	return []mapreduce.Port{j.itemUsers}
}

// fallback scores those with too short a history.
func (j *recommendation) fallback(env *mapreduce.Env, d names) (scorer, error) {
	score := j.popularity
	if j.params.Model != "" {
		score = j.storedPopularity
	}
	return score(env, d, nil)
}

// asks tells whether a user has a list.
func (s *serving) asks(user uint32) bool {
	return s == nil || s.rules == nil || s.rules.asked == nil || s.rules.asked[user]
}

// fallsBack tells whether the list of a user is of the most popular items.
func (s *serving) fallsBack(r *matrix.Row) bool { return s != nil && len(r.Columns) < s.least }

// falling is a scorer that gives users with too short a history the most popular items.
type falling struct {
	*serving
	rest []*matrix.Row
	one  [1]*matrix.Row
}

// score implements scorer.
func (f *falling) score(rows []*matrix.Row, pass func(*matrix.Row, []neighbours.Scored)) error {
	f.rest = f.rest[:0]
	for _, r := range rows {
		if !f.fallsBack(r) {
			f.rest = append(f.rest, r)
		}
	}
	var failed error
	next := 0
	before := func(end *matrix.Row) { // passes those who come before a row
		for ; next < len(rows) && rows[next] != end; next++ {
			f.one[0] = rows[next]
			if err := f.popular.score(f.one[:], pass); err != nil && failed == nil {
				failed = err
			}
		}
	}
	err := f.main.score(f.rest, func(r *matrix.Row, list []neighbours.Scored) {
		before(r)
		pass(r, list)
		next++
	})
	if err != nil {
		return err
	}
	before(nil)
	return failed
}

// Reasons why a list is short, under rules.
const (
	reasonTooFew   = "too few candidates after "
	reasonNotThere = "the user is not in the data"
	reasonDropped  = "all rows of the user were dropped"
)

// reason tells why the list of a user has only n items.
func (s *serving) reason(r *matrix.Row, n, catalogue int) string {
	falls := s.fallsBack(r)
	seen := len(r.Columns)
	if s.rules != nil && s.rules.includesSeen {
		seen = 0
	}
	switch {
	case !falls && s.isRowless(r) && r.Index >= s.rules.firstOther:
		return reasonNotThere
	case !falls && s.isRowless(r):
		return reasonDropped
	case !falls && len(r.Columns) == 0:
		return reasonNoneKnown
	case n+seen >= catalogue && seen > 0:
		return reasonHasAll
	}
	of := s.main
	switch {
	case s.isRowless(r):
		of = s.forRowless
	case falls:
		of = s.popular
	}
	switch rule := s.worst(r, of); {
	case rule != "":
		return reasonTooFew + rule
	case falls || n+seen >= catalogue:
		return reasonNoMore
	}
	return reasonNoCandidates
}

// isRowless tells whether a row is that of a user without one.
func (s *serving) isRowless(r *matrix.Row) bool { return r == &s.empty }

// worst is the rule that took most candidates from a user; of equal ones the last.
func (s *serving) worst(r *matrix.Row, of scorer) (rule string) {
	if s.rules == nil {
		return ""
	}
	rule, most := s.rules.worst, s.rules.took
	if n := s.rules.blockedCandidates(r); n > 0 && n >= most {
		rule, most = "--block-pairs", n
	}
	if l, ok := of.(limiter); ok {
		if t := l.took(); t.n > 0 && t.n >= most {
			rule = s.rules.limited[t.limit]
		}
	}
	return rule
}

// blockedCandidates counts the items that are blocked for a user, and were candidates but for that.
func (r *ruling) blockedCandidates(row *matrix.Row) (n int) {
	for _, i := range r.blockedFor(row.Index) {
		allowed := r.allowed == nil || r.allowed[i]
		_, has := slices.BinarySearch(row.Columns, i)
		if allowed && (r.includesSeen || !has) {
			n++
		}
	}
	return n
}

func (s *serving) hasRowless() bool { return s != nil && s.rules != nil && len(s.rules.rowless) > 0 }

// beginBatch begins a batch.
func (s *serving) beginBatch() {
	if s != nil {
		s.next, s.failed = 0, nil
	}
}

// writeRowless writes the users without a row who come before the n-th row of a batch, if they are not yet written.
func (s *serving) writeRowless(m *scoring, batch []matrix.Row, n int, out *mapreduce.Out) {
	if !s.hasRowless() {
		return
	}
	for ; s.next < n; s.next++ {
		s.carry(m, s.next, batch[s.next].Index, false, out)
	}
}

// endBatch writes those who are left.
func (s *serving) endBatch(m *scoring, batch []matrix.Row, out *mapreduce.Out) error {
	if !s.hasRowless() {
		return nil
	}
	s.writeRowless(m, batch, len(batch), out)
	if n := len(batch); n > 0 {
		s.carry(m, n-1, batch[n-1].Index, true, out)
	}
	return s.failed
}

// carry writes those whose carrier is row i of the batch, a user: those who come before it, or behind it.
func (s *serving) carry(m *scoring, i int, user uint32, behind bool, out *mapreduce.Out) {
	r := s.rules
	k, _ := slices.BinarySearch(r.carriers, user)
	for ; k < len(r.carriers) && r.carriers[k] == user; k++ {
		if r.places[k] > user == behind {
			s.writeEmpty(m, i, matrix.Row{Index: r.rowless[k]}, out)
		}
	}
}

func (s *serving) writeEmpty(m *scoring, i int, r matrix.Row, out *mapreduce.Out) {
	s.empty = r
	if s.forRowless == nil {
		m.write(i, &s.empty, nil, out)
		return
	}
	s.one[0] = &s.empty
	err := s.forRowless.score(s.one[:], func(r *matrix.Row, list []neighbours.Scored) { m.write(i, r, list, out) })
	if s.failed == nil {
		s.failed = err
	}
}

// userColumn is the column of users, of whom some may not be in the data.
func userColumn[R any](d names, get func(*R) uint32) table.Column[R] {
	if d.others == nil {
		return idColumn("user", d.users, get)
	}
	first := d.users.Len()
	if d.users.Numeric() {
		return table.Int64("user", func(r *R) int64 {
			if n := int(get(r)); n >= first {
				return d.others.Int(n - first)
			}
			return d.users.Int(int(get(r)))
		}, nil)
	}
	return table.Text("user", func(r *R) []byte {
		if n := int(get(r)); n >= first {
			return d.others.Text(n - first)
		}
		return d.users.Text(int(get(r)))
	}, nil)
}

// fallbackColumn is there with --min-history.
const fallbackColumn = "fallback"

// withFallback adds the column fallback where there is one.
func withFallback[R any](p Params, columns func(names) table.Columns[R], get func(*R) bool) func(names) table.Columns[R] {
	if p.MinHistory == 0 {
		return columns
	}
	return func(d names) table.Columns[R] { return append(columns(d), table.Bool(fallbackColumn, get, nil)) }
}
