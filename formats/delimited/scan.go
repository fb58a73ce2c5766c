package delimited

import (
	"bytes"
	"slices"
)

// Scanned is what a part of the input says for each state in which it may begin. Its JSON may be kept: names and numbers of
// states do not change.
type Scanned struct {
	Size  int64           `json:"size"`  // bytes
	Lines int64           `json:"lines"` // line ends
	From  [States]Outcome `json:"from"`  // by the state in which the part begins
}

// Outcome is what becomes of a part that begins in one state. Where a line begins outside quotes,
// a record or a blank line begins: that is a place to read from.
type Outcome struct {
	End     State `json:"end"`     // the state in which the part ends
	Found   bool  `json:"found"`   // there is such a place
	First   int64 `json:"first"`   // offset of the first one in the part, or its size, or -1 if that is a "\r" before the part
	Before  int64 `json:"before"`  // line ends of the part before First
	Records int64 `json:"records"` // records that start in the part
}

// head is how a part goes on to its first line end outside quotes.
type head struct {
	end State // AtRecord unless there is no such line end
	n   int   // bytes
}

// tail is how a part goes on from offset at, in state AtRecord.
type tail struct {
	at      int
	end     State
	records int64
}

// Scan scans a part of the input. comma is the separator.
//
// After its first line end outside quotes a part goes on in one way only. At the very first
// line end, each state has become AtRecord or Quoted, and all that are Quoted then go on
// together, so there are no more than two such places, and the part is followed from the farther
// one, from the nearer one until it meets the other, and from its beginning until it meets either.
func Scan(part []byte, comma byte) Scanned {
	s := Scanned{Size: int64(len(part)), Lines: countLines(part)}
	var heads [States]head
	near, far := len(part), -1
	for state := Return; state < States; state++ {
		end, n, _ := walk(state, part, comma)
		heads[state] = head{end, n}
		if end == AtRecord && n > 0 {
			near, far = min(near, n), max(far, n)
		}
	}
	t := tails{part: part, comma: comma}
	if far >= 0 {
		t.add(far)
		t.add(near)
	}
	t.add(0)
	s.From[AtRecord] = Outcome{End: t.at(0).end, Found: true, Records: t.at(0).records}
	for state := Return; state < States; state++ {
		s.From[state] = t.outcome(state, heads[state])
	}
	return s
}

// tails follows a part from some of its line ends outside quotes to its end.
type tails struct {
	part  []byte
	comma byte
	known []tail // the farthest first
}

func (t *tails) at(n int) tail {
	i := slices.IndexFunc(t.known, func(k tail) bool { return k.at == n })
	return t.known[i]
}

// add follows the part from offset at, which is not behind what is known, until it meets what is known.
func (t *tails) add(at int) {
	found := tail{at: at}
	for i := len(t.known) - 1; i >= 0; i-- {
		k := t.known[i]
		var records int64
		found.end, records = follow(found.end, t.part[at:k.at], t.comma)
		found.records += records
		if at = k.at; found.end == AtRecord {
			found.end, found.records = k.end, found.records+k.records
			t.known = append(t.known, found)
			return
		}
	}
	end, records := follow(found.end, t.part[at:], t.comma)
	found.end, found.records = end, found.records+records
	t.known = append(t.known, found)
}

// outcome returns what becomes of the part from state s, which is not AtRecord.
func (t *tails) outcome(s State, h head) Outcome {
	o := Outcome{End: h.end}
	if s == Return {
		o.Found, o.First = true, -1
		if len(t.part) > 0 && s.starts(t.part[0]) {
			o.Records = 1
		}
	}
	if h.end != AtRecord || h.n == 0 {
		return o
	}
	rest := t.at(h.n)
	o.End, o.Records = rest.end, o.Records+rest.records
	if s != Return {
		o.Found, o.First, o.Before = true, int64(h.n), countLines(t.part[:h.n])
	}
	return o
}

// follow follows b from s to its end, in leaps from quote to quote, and counts the records that start.
func follow(s State, b []byte, comma byte) (end State, records int64) {
	for len(b) > 0 {
		if s == AfterQuote {
			s, b = s.step(b[0], comma), b[1:]
			continue
		}
		i := bytes.IndexByte(b, stopper(s))
		piece := b
		if i >= 0 {
			piece = b[:i]
		}
		if s != Quoted && s != Broken {
			records += startsIn(s, piece)
			s = s.through(piece, comma)
		}
		if b = b[len(piece):]; len(b) == 0 {
			break
		}
		if s.starts(b[0]) {
			records++
		}
		s, b = s.step(b[0], comma), b[1:]
	}
	return s, records
}

// startsIn counts the records that start in b, which has no quote and is not inside quotes.
func startsIn(s State, b []byte) int64 {
	switch s {
	case AtRecord:
		return countStarts(b, 0, '\n')
	case Return:
		return countStarts(b, '\n', '\r')
	default:
		return countStarts(b, 0, 0)
	}
}

// through returns the state after b, which has no quote and is not inside quotes.
func (s State) through(b []byte, comma byte) State {
	if n := len(b); n > 2 { // no state lasts for more than two bytes
		s, b = Plain, b[n-2:]
	}
	for _, c := range b {
		s = s.step(c, comma)
	}
	return s
}
