package recommend

import (
	"fmt"

	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
	"github.com/shardmill/shardmill/mapreduce"
)

// lengthened is a scorer of which one with longer lists can be made.
type lengthened interface {
	scorer
	// withTop is a scorer of lists of top items, without reasons.
	withTop(top int) (scorer, error)
}

// explainer is a scorer that finds reasons for a list later.
type explainer interface {
	explain(r *matrix.Row, list []neighbours.Scored)
}

// limited is a scorer whose lists obey limits. Lists are taken from longer ones, which are made twice as long where that was not enough, so
// that a list is what the whole ranking would give.
type limited struct {
	of     lengthened
	limits *limits
	top    int
	items  int      // a list cannot be longer
	levels []scorer // of lists of a quarter more than top, and 2, 4, 8 and more times that
	first  int      // level that a batch begins with: at which few lists of the last one were too short

	taken   []neighbours.Scored // of all rows of the batch
	because []uint32            // of these
	spans   []span
	rows    []*matrix.Row // of a level
	pending []int         // their places in the batch
	again   []int         // those of the next level
	last    took
}

// span is where the list of a row is in taken.
type span struct {
	from, to int
	took     took
}

// limiting is a learner whose lists obey the limits, if there are some.
func (j *recommendation) limiting(l learner) learner {
	if len(j.params.limits()) == 0 {
		return l
	}
	plain := l.scorer
	l.scorer = func(env *mapreduce.Env, d names) (scorer, error) {
		s, err := plain(env, d)
		if err != nil {
			return nil, err
		}
		return j.limit(env, d, s)
	}
	return l
}

// limit is a scorer that obeys the limits, if there are some.
func (j *recommendation) limit(env *mapreduce.Env, d names, s scorer) (scorer, error) {
	r, err := j.rules(env, d)
	if err != nil || r == nil || r.groups == nil {
		return s, err
	}
	of, ok := s.(lengthened)
	if !ok {
		return nil, fmt.Errorf("%s: a scorer without longer lists", env.Stage())
	}
	return &limited{of: of, limits: newLimits(r), top: j.params.Top, items: d.items.Len()}, nil
}

// length is that of the lists of a level.
func (l *limited) length(level int) int { return min((l.top+l.top/4+1)<<level, l.items) }

// level is a scorer of longer lists.
func (l *limited) level(level int) (scorer, error) {
	for len(l.levels) <= level {
		s, err := l.of.withTop(l.length(len(l.levels)))
		if err != nil {
			return nil, err
		}
		l.levels = append(l.levels, s)
	}
	return l.levels[level], nil
}

// score implements scorer.
func (l *limited) score(rows []*matrix.Row, pass func(*matrix.Row, []neighbours.Scored)) error {
	l.taken, l.because = l.taken[:0], l.because[:0]
	l.spans, l.pending = append(l.spans[:0], make([]span, len(rows))...), l.pending[:0]
	for at := range rows {
		l.pending = append(l.pending, at)
	}
	first := l.first
	for level := first; len(l.pending) > 0; level++ {
		if err := l.scoreLevel(level, rows); err != nil {
			return err
		}
		if level == first && 8*len(l.again) > len(rows) && l.length(level) < l.items {
			l.first = level + 1
		}
		l.pending, l.again = l.again, l.pending[:0]
	}
	for at, r := range rows {
		list := l.taken[l.spans[at].from:l.spans[at].to]
		l.last = l.spans[at].took
		pass(r, list)
	}
	return nil
}

// scoreLevel makes the lists of the rows that are pending, and notes in again those that are too short.
func (l *limited) scoreLevel(level int, rows []*matrix.Row) error {
	s, err := l.level(level)
	if err != nil {
		return err
	}
	l.rows, l.again = l.rows[:0], l.again[:0]
	for _, at := range l.pending {
		l.rows = append(l.rows, rows[at])
	}
	length, n := l.length(level), 0
	return s.score(l.rows, func(r *matrix.Row, list []neighbours.Scored) {
		at, from := l.pending[n], len(l.taken)
		n++
		exhausted := len(list) < length || length == l.items
		kept, took := takeWithin(l.limits, list, l.top, func(s *neighbours.Scored) uint32 { return s.Index })
		if len(kept) < l.top && !exhausted {
			l.again = append(l.again, at)
			return
		}
		l.explain(r, kept)
		l.taken = append(l.taken, kept...)
		l.spans[at] = span{from, len(l.taken), took}
	})
}

// explain finds the reasons of a list, while what they are found in is in the caches.
func (l *limited) explain(r *matrix.Row, list []neighbours.Scored) {
	e, ok := l.of.(explainer)
	if !ok || len(list) == 0 {
		return
	}
	e.explain(r, list)
	for i := range list {
		from := len(l.because)
		l.because = append(l.because, list[i].Because...)
		list[i].Because = l.because[from:]
	}
}

// took implements limiter.
func (l *limited) took() took { return l.last }
