package manifest

import "bytes"

// quotes follows the quoting of one record, just so far as to know whether a line
// end is inside quotes. The states and moves are those of encoding/csv:
//
//	         | ,      | "      | other
//	start    | start  | quoted | plain
//	plain    | start  | broken | plain
//	quoted   | quoted | after  | quoted
//	after    | start  | quoted | broken
//	broken   | broken | broken | broken
//
// A line end goes on with the record in quoted, and ends it in all other states.
type quotes struct {
	state quoteState
	opens int // quoted fields so far
}

type quoteState uint8

const (
	start  quoteState = iota // at the start of a field
	plain                    // in a field without quotes
	quoted                   // inside quotes
	after                    // after a quote that ends the field or is the first of a doubled one
	broken                   // after an error, which encoding/csv reports
)

func (q *quotes) scan(b []byte) {
	if q.state != quoted && q.state != after && bytes.IndexByte(b, '"') < 0 {
		q.skip(b)
		return
	}
	for len(b) > 0 {
		if q.state == quoted {
			i := bytes.IndexByte(b, '"')
			if i < 0 {
				return
			}
			b = b[i:]
		}
		q.step(b[0])
		b = b[1:]
	}
}

// skip is scan for text without quotes, outside of quotes.
func (q *quotes) skip(b []byte) {
	switch {
	case q.state == broken || len(b) == 0:
	case b[len(b)-1] == ',':
		q.state = start
	default:
		q.state = plain
	}
}

func (q *quotes) step(c byte) {
	switch q.state {
	case start, plain:
		q.unquoted(c)
	case quoted:
		if c == '"' {
			q.state = after
		}
	case after:
		switch c {
		case ',':
			q.state = start
		case '"':
			q.state = quoted
		default:
			q.state = broken
		}
	case broken:
	}
}

func (q *quotes) unquoted(c byte) {
	switch {
	case c == ',':
		q.state = start
	case c != '"':
		q.state = plain
	case q.state == start:
		q.state = quoted
		q.opens++
	default:
		q.state = broken
	}
}
