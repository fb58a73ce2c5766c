package mapreduce

import "github.com/shardmill/shardmill/mapreduce/internal/task"

// A split works on rows where it lets them emit, where it sends on what they emitted and where it writes them into a shard: they
// are suspect if the process dies then. A death while the source reads is that of no row: where one that is left out would begin
// and end, only reading tells.

// choosy tells whether some rows of the task may not be touched.
func (s *shardRows[R]) choosy() bool { return s.t.as.Probe != nil || len(s.t.as.Exclude) > 0 }

// examine finds out whether the row that next has given is to be left out: it is rejected then, or not probed.
func (s *shardRows[R]) examine() (out bool, err error) {
	ordinal, probe := s.t.counts.Read, s.t.as.Probe
	if probe != nil && ordinal >= probe.Hi {
		return true, ErrLimit
	}
	if reason, ok := s.t.excluded(ordinal); ok {
		return true, s.reject(origin(&s.batch.rows[s.n]), reason)
	}
	if probe != nil && !probe.Contains(ordinal) {
		s.t.counts.Read++
		return true, nil
	}
	return false, nil
}

// emitting says that rows emit: from that ordinal on to the last one read, if there are any.
func (s *shardRows[R]) emitting(from int64) {
	s.t.cell.InFlight(task.Span{Lo: from, Hi: s.t.counts.Read})
}

// sending says that what rows before that ordinal have emitted is grouped, and its partition looked for.
func (s *shardRows[R]) sending(before int64) {
	if len(s.t.out.rows) > 0 {
		s.t.cell.InFlight(task.Span{Lo: s.waits, Hi: before})
	}
}

// writing says that the rows that wait are written: they are among those read since there were none.
func (s *shardRows[R]) writing() { s.t.cell.InFlight(task.Span{Lo: s.first, Hi: s.t.counts.Read}) }
