package mapreduce

// Resetter is implemented by *R where R is a row that keeps memory for the next one, such as that of its []byte fields.
// The engine fills the same rows over and over: before that it calls Reset, which leaves the row as good as
// zero; rows without it are set to zero. So what a row points to is valid until Map, or Write of a Sink, returns. Memory far
// above what is usual should be let go.
type Resetter interface{ Reset() }

// slots are rows that are filled over and over.
type slots[R any] struct {
	rows   []R
	resets []Resetter // the rows, if they reset themselves
}

func newSlots[R any](n int) slots[R] {
	s := slots[R]{rows: make([]R, n)}
	for i := range s.rows {
		if r, ok := any(&s.rows[i]).(Resetter); ok {
			s.resets = append(s.resets, r)
		}
	}
	return s
}

// shift moves rows [at, at+n) to the front, where all before them are reset, and the reset ones behind them.
func (s *slots[R]) shift(at, n int) {
	for i := range n {
		s.rows[i], s.rows[at+i] = s.rows[at+i], s.rows[i]
	}
}

// reset resets rows [lo, hi).
func (s *slots[R]) reset(lo, hi int) {
	if s.resets == nil {
		clear(s.rows[lo:hi])
		return
	}
	for _, r := range s.resets[lo:hi] {
		r.Reset()
	}
}
