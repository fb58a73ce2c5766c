package recommend

import (
	"fmt"
	"slices"

	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
	"github.com/shardmill/shardmill/mapreduce"
)

// lengthened is a scorer of which one with longer lists can be made.
type lengthened interface {
	scorer
	// withTop is a scorer of lists of top items, without reasons, which have of the classes of the rules no more than they may, or any.
	withTop(top int, classes bool) (counting, error)
}

// counting is a scorer that keeps quotas, and tells how many candidates there were for the list that it passes on, if that is short.
type counting interface {
	scorer
	offered() int
}

// explainer is a scorer that finds reasons for a list later.
type explainer interface {
	explain(r *matrix.Row, list []neighbours.Scored)
}

// limited is a scorer whose lists obey limits. Lists are taken from longer ones, which are made twice as long where that was not enough, so
// that a list is what the whole ranking would give. Where only short lists tell what limits took, longer ones have no more of a class than any list.
// Lists with a single limit are made with it where a longer one was not enough: of vectors, those without are the quicker ones.
type limited struct {
	of     lengthened
	limits *limits
	top    int
	items  int      // a list cannot be longer
	levels []scorer // of lists of a bit more than top, and 2, 4, 8 and more times that
	first  int      // level that a batch begins with: at which few lists of the last one were too short
	// classes tells whether longer lists keep the classes; whole is then what is asked for what limits took from short ones.
	classes bool
	whole   scorer
	alone   counting // makes lists with a single limit; nil with several

	taken   []neighbours.Scored // of all rows of the batch
	because []uint32            // of these
	spans   []span
	rows    []*matrix.Row // of a level
	pending []int         // their places in the batch
	again   []int         // those of the next level
	short   []int         // those of whole
	last    took
}

// span is where the list of a row is in taken.
type span struct {
	from, to int
	took     took
}

// limiting is a learner whose lists obey the limits, if there are some. It is for a blend in which it has a weight, or for none.
func (j *recommendation) limiting(l learner, weighs bool) learner {
	if len(j.params.limits()) == 0 {
		return l
	}
	plain := l.scorer
	l.scorer = func(env *mapreduce.Env, d names, r *room) (scorer, error) {
		s, err := plain(env, d, r)
		if err != nil {
			return nil, err
		}
		return j.limit(env, d, s, weighs)
	}
	return l
}

// limit is a scorer that obeys the limits, if there are some. What limits took from a full list is of no use, but in a blend that is short
// itself. That cannot be where there is one limit and the list has a weight.
func (j *recommendation) limit(env *mapreduce.Env, d names, s scorer, weighs bool) (scorer, error) {
	if _, ok := s.(limiter); ok {
		return s, nil
	}
	r, err := j.rules(env, d)
	if err != nil || r == nil || r.groups == nil {
		return s, err
	}
	of, ok := s.(lengthened)
	if !ok {
		return nil, fmt.Errorf("%s: a scorer without longer lists", env.Stage())
	}
	l := &limited{of: of, limits: newLimits(r), top: j.params.Top, items: d.items.Len()}
	if len(r.most) == 1 && weighs {
		l.alone, err = of.withTop(l.top, true)
	} else {
		l.classes = j.label == ""
	}
	return l, err
}

// length is that of the lists of a level. Before lists that keep a single limit, those without are hardly longer than top: each item
// more costs all lists what one that is too short costs once.
func (l *limited) length(level int) int {
	more := l.top / 4
	if l.alone != nil {
		more = l.top / 16
	}
	return min((l.top+more+1)<<level, l.items)
}

// level is a scorer of longer lists.
func (l *limited) level(level int) (scorer, error) {
	for len(l.levels) <= level {
		s, err := l.of.withTop(l.length(len(l.levels)), l.classes)
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
	l.spans, l.pending, l.short = append(l.spans[:0], make([]span, len(rows))...), l.pending[:0], l.short[:0]
	for at := range rows {
		l.pending = append(l.pending, at)
	}
	first := l.first
	for level := first; len(l.pending) > 0; level++ {
		if err := l.take(level, rows); err != nil {
			return err
		}
		if level == first && 8*len(l.again) > len(rows) && l.length(level) < l.items {
			l.first = level + 1
		}
		l.pending, l.again = l.again, l.pending
	}
	if err := l.scoreShort(rows); err != nil {
		return err
	}
	for at, r := range rows {
		list := l.taken[l.spans[at].from:l.spans[at].to]
		l.last = l.spans[at].took
		pass(r, list)
	}
	return nil
}

// scoreShort makes again, from whole rankings, the lists that are short for good.
func (l *limited) scoreShort(rows []*matrix.Row) (err error) {
	if len(l.short) == 0 {
		return nil
	}
	if l.whole == nil {
		if l.whole, err = l.of.withTop(l.items, false); err != nil {
			return err
		}
	}
	l.pending, l.short = l.short, l.pending[:0]
	slices.Sort(l.pending)
	return l.takeFrom(l.whole, l.items, rows)
}

// take makes the lists of the rows that are pending, and notes in again, and in short, those that are too short.
func (l *limited) take(level int, rows []*matrix.Row) error {
	if level > 0 && l.alone != nil {
		return l.takeAlone(rows)
	}
	s, err := l.level(level)
	if err != nil {
		return err
	}
	return l.takeFrom(s, l.length(level), rows)
}

// takeFrom takes lists from those of a length.
func (l *limited) takeFrom(s scorer, length int, rows []*matrix.Row) error {
	return l.scorePending(s, rows, func(at int, r *matrix.Row, list []neighbours.Scored) {
		all := len(list) < length || length == l.items
		kept, took := takeWithin(l.limits, list, l.top, func(s *neighbours.Scored) uint32 { return s.Index })
		switch {
		case len(kept) < l.top && !all:
			l.again = append(l.again, at)
		case len(kept) < l.top && l.classes && s != l.whole:
			l.short = append(l.short, at)
		default:
			l.keep(at, r, kept, took)
		}
	})
}

// takeAlone takes lists that are made with the limit.
func (l *limited) takeAlone(rows []*matrix.Row) error {
	return l.scorePending(l.alone, rows, func(at int, r *matrix.Row, list []neighbours.Scored) {
		var t took
		if len(list) < l.top { // what was left out was over the limit
			t.n = l.alone.offered() - len(list)
		}
		l.keep(at, r, list, t)
	})
}

// scorePending scores the rows that are pending, each with its place in the batch.
func (l *limited) scorePending(s scorer, rows []*matrix.Row, do func(at int, r *matrix.Row, list []neighbours.Scored)) error {
	l.rows, l.again = l.rows[:0], l.again[:0]
	for _, at := range l.pending {
		l.rows = append(l.rows, rows[at])
	}
	n := 0
	return s.score(l.rows, func(r *matrix.Row, list []neighbours.Scored) {
		do(l.pending[n], r, list)
		n++
	})
}

// keep keeps a list until the whole batch is passed on.
func (l *limited) keep(at int, r *matrix.Row, list []neighbours.Scored, t took) {
	from := len(l.taken)
	l.explain(r, list)
	l.taken = append(l.taken, list...)
	l.spans[at] = span{from, len(l.taken), t}
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
