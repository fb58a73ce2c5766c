package sched

import (
	"fmt"
	"strings"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// String is the state as text for people: a line for each kind, then a line for each task, where
// consecutive tasks in the same state share one.
func (s *State) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "stage %s", s.stage)
	if s.stopped {
		b.WriteString(" (stopped)")
	}
	b.WriteByte('\n')
	maps, reduces := s.Counts()
	writeCounts(&b, s.first, s.split, maps)
	writeCounts(&b, task.Reduce, len(s.items)-s.split, reduces)
	until := map[int]time.Time{}
	for _, t := range s.delayed {
		until[t.pos] = t.until
	}
	for lo := 0; lo < len(s.items); {
		line, hi := s.line(lo, until), lo+1
		for hi < len(s.items) && hi != s.split && s.line(hi, until) == line {
			hi++
		}
		name := s.id(lo).Name()
		if hi-lo > 1 {
			name += fmt.Sprintf("..%06d", s.id(hi-1).Index)
		}
		fmt.Fprintf(&b, "  %-21s %s\n", name, line)
		lo = hi
	}
	return b.String()
}

func writeCounts(b *strings.Builder, k task.Kind, n int, c Counts) {
	if n == 0 {
		return
	}
	fmt.Fprintf(b, "%d %s: %d waiting, %d running, %d isolating, %d committed, %d failed\n",
		n, k, c.Waiting, c.Running, c.Isolating, c.Committed, c.Failed)
}

// line is the state of one task without its name.
func (s *State) line(pos int, until map[int]time.Time) string {
	t := &s.items[pos]
	text := [...]string{
		waiting: "waiting", running: "running", isolating: "isolating", committed: "committed", failed: "failed",
	}[t.phase]
	if t.phase == committed {
		text += fmt.Sprintf(" a%d", t.won)
	} else if t.last > 0 {
		text += fmt.Sprintf(" a%d", t.last)
	}
	if t.tries > 0 {
		text += fmt.Sprintf(", %d of %d tries failed", t.tries, s.cfg.Tries)
	}
	if t.phase == isolating {
		text += t.iso.text(t.busy)
	}
	if t.iso != nil && len(t.iso.excluded) > 0 {
		text += ", excluded"
		for _, x := range t.iso.excluded {
			text += fmt.Sprintf(" %d", x.Ordinal)
		}
	}
	if at, ok := until[pos]; ok {
		text += ", until " + at.Format(time.TimeOnly)
	}
	if f, ok := s.failed[pos]; ok {
		text += fmt.Sprintf(", %v: %v", f.Class, f.Err)
	}
	return text
}

func (i *isolation) text(busy bool) string {
	s := ", to probe"
	if busy {
		s = ", probing"
	}
	for _, span := range i.spans {
		s += " " + spanText(span)
	}
	if i.died {
		s += " again"
	}
	return s
}

// spanText writes a span as "[lo,hi)".
func spanText(s task.Span) string { return fmt.Sprintf("[%d,%d)", s.Lo, s.Hi) }
