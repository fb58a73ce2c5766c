package delimited

import (
	"bytes"
	"encoding/csv"
	"errors"
	"math/bits"
)

// errOpen stands for a quote that is not closed in the window; rowError says more.
var errOpen = errors.New("quote is never closed")

// span is where the value of a field is, from its first byte to the one behind it.
type span struct{ from, to uint32 }

// splitter cuts records into fields. It goes from one separator, quote or line end to the next; these special
// bytes it finds for a chunk at a time.
type splitter struct {
	comma    byte
	patterns patterns
	chunk    int      // index of the current chunk
	special  uint64   // special bytes of the chunk that are still to come, a bit for each, the first one lowest
	strange  bool     // the chunk may have a NUL or a byte outside ASCII
	odd      bool     // one of the chunks of the record may
	fields   []span   // of the record; len is room, only the first count are set
	count    int      // fields
	lines    int64    // line ends of the record that are inside quotes
	dropped  []uint32 // bytes inside quotes that no value has: the second quote of two, "\r" of a line end
	opened   int      // index of the last quote that opened a field
}

func newSplitter(comma byte) splitter { return splitter{comma: comma, patterns: newPatterns(comma)} }

// seek goes on at index i.
func (s *splitter) seek(i int) { s.chunk, s.special, s.strange = i-chunkSize, 0, false }

// look makes the chunk at index i of b the current one.
func (s *splitter) look(b []byte, i int) (special uint64) {
	special, s.strange = s.patterns.find((*[chunkSize]byte)(b[i:]))
	s.odd = s.odd || s.strange
	return special
}

// split cuts the record at index start of b, up to its line end at index at, or to end if it goes on behind that. The error is
// csv.ErrBareQuote, csv.ErrQuote, or errOpen if end is inside quotes. b[end] has to be a line end with a chunk of room behind it.
func (s *splitter) split(b []byte, start, end int) (at int, err error) {
	s.count, s.odd, s.lines, s.dropped = 0, s.strange, 0, s.dropped[:0]
	from, at := s.plain(b, start)
	if b[at] == '"' {
		return s.quoted(b, from, at, end)
	}
	return at, nil
}

// plain adds the fields from index start on, to the first line end or quote, at index at. A line end ends the
// last field; at a quote, the field that begins at from is not added.
func (s *splitter) plain(b []byte, start int) (from, at int) {
	special, chunk := s.special, s.chunk
	for from = start; ; from = at + 1 {
		for special == 0 {
			chunk += chunkSize
			special = s.look(b, chunk)
		}
		at = chunk + bits.TrailingZeros64(special)
		special &= special - 1
		if b[at] == s.comma {
			s.add(from, at)
			continue
		}
		if b[at] == '\n' {
			s.add(from, from+len(trimReturn(b[from:at])))
		}
		s.special, s.chunk = special, chunk
		return from, at
	}
}

// add sets the next field.
func (s *splitter) add(from, to int) {
	if s.count == len(s.fields) {
		s.fields = append(s.fields, make([]span, 8+len(s.fields))...)
	}
	s.fields[s.count] = span{uint32(from), uint32(to)}
	s.count++
}

func trimReturn(b []byte) []byte {
	if len(b) > 0 && b[len(b)-1] == '\r' {
		return b[:len(b)-1]
	}
	return b
}

// quoted goes on where plain met a quote.
func (s *splitter) quoted(b []byte, from, at, end int) (int, error) {
	for from == at {
		s.opened = at
		last, next := s.closing(b, end)
		switch {
		case last < 0:
			return end, errOpen
		case next != last+1 && (next != last+2 || b[last+1] != '\r' || b[next] != '\n'):
			return lineEnd(b, last), csv.ErrQuote
		}
		s.add(from+1, last)
		if b[next] == '\n' {
			return next, nil
		}
		if from, at = s.plain(b, next+1); b[at] == '\n' {
			return at, nil
		}
	}
	return lineEnd(b, at), csv.ErrBareQuote
}

// closing returns the index of the quote that ends a field and of the special byte behind it, or -1 if end is inside quotes.
func (s *splitter) closing(b []byte, end int) (last, next int) {
	special, chunk, last := s.special, s.chunk, -1
	for {
		for special == 0 {
			chunk += chunkSize
			special = s.look(b, chunk)
		}
		at := chunk + bits.TrailingZeros64(special)
		special &= special - 1
		c := b[at]
		switch {
		case c == '"' && at == last+1:
			s.dropped = append(s.dropped, uint32(at))
			last = -1
		case last >= 0:
			s.special, s.chunk = special, chunk
			return last, at
		case at >= end:
			return -1, end
		case c == '"':
			last = at
		case c == '\n':
			s.lines++
			if b[at-1] == '\r' {
				s.dropped = append(s.dropped, uint32(at-1))
			}
		}
	}
}

// drop takes what no value has out of the fields, in place.
func (s *splitter) drop(b []byte) {
	dropped := s.dropped
	for i, f := range s.fields[:s.count] {
		from, to := f.from, f.from
		for len(dropped) > 0 && dropped[0] < f.to {
			to += uint32(copy(b[to:], b[from:dropped[0]]))
			from, dropped = dropped[0]+1, dropped[1:]
		}
		if from > f.from {
			s.fields[i].to = to + uint32(copy(b[to:], b[from:f.to]))
		}
	}
}

// lineEnd returns the index of the first line end from i on.
func lineEnd(b []byte, i int) int { return i + bytes.IndexByte(b[i:], '\n') }
