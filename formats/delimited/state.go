package delimited

import "bytes"

// State is what the bytes of the input before a place make of the bytes after it.
type State uint8

// The states, and how a byte moves between them:
//
//	           | separator | "        | \n       | \r      | other
//	AtRecord   | AtField   | Quoted   | AtRecord | Return  | Plain
//	Return     | AtField   | Broken   | AtRecord | Plain   | Plain
//	AtField    | AtField   | Quoted   | AtRecord | Plain   | Plain
//	Plain      | AtField   | Broken   | AtRecord | Plain   | Plain
//	Quoted     | Quoted    | AfterQuote | Quoted | Quoted  | Quoted
//	AfterQuote | AtField   | Quoted   | AtRecord | Broken  | Broken
//	Broken     | Broken    | Broken   | AtRecord | Broken  | Broken
const (
	AtRecord   State  = iota // at the start of a line that is not inside quotes
	Return                   // after "\r" at the start of such a line, which may be blank
	AtField                  // after a separator
	Plain                    // in a field without quotes
	Quoted                   // inside quotes
	AfterQuote               // after a quote that ends a field or is the first of a doubled one
	Broken                   // after a quote where none may be
	States     = iota        // the number of states
)

// step returns the state after c.
func (s State) step(c, comma byte) State {
	switch s {
	case Quoted:
		if c == '"' {
			return AfterQuote
		}
		return Quoted
	case AfterQuote:
		return afterQuote(c, comma)
	case Broken:
		if c == '\n' {
			return AtRecord
		}
		return Broken
	default:
		return s.outside(c, comma)
	}
}

func afterQuote(c, comma byte) State {
	switch c {
	case comma:
		return AtField
	case '"':
		return Quoted
	case '\n':
		return AtRecord
	default: // also '\r', which a line end ends in any case
		return Broken
	}
}

// outside is step for AtRecord, Return, AtField and Plain.
func (s State) outside(c, comma byte) State {
	switch {
	case c == comma:
		return AtField
	case c == '\n':
		return AtRecord
	case c == '"' && (s == AtRecord || s == AtField):
		return Quoted
	case c == '"':
		return Broken
	case c == '\r' && s == AtRecord:
		return Return
	default:
		return Plain
	}
}

// starts reports whether a record starts at c.
func (s State) starts(c byte) bool {
	return s == AtRecord && c != '\n' && c != '\r' || s == Return && c != '\n'
}

// walk follows b from state s to behind the first line end that is not inside quotes,
// or to its end: n bytes, to state end. opened is the index of the last quote that
// opened a field, or -1.
func walk(s State, b []byte, comma byte) (end State, n, opened int) {
	opened = -1
	for n < len(b) {
		if s == Quoted || s == Broken {
			i := bytes.IndexByte(b[n:], stopper(s))
			if i < 0 {
				return s, len(b), opened
			}
			n += i
		}
		next := s.step(b[n], comma)
		if next == Quoted && s != AfterQuote {
			opened = n
		}
		n++
		if s = next; b[n-1] == '\n' && s == AtRecord {
			break
		}
	}
	return s, n, opened
}

// stopper returns the byte up to which text in state s has no quote that counts.
func stopper(s State) byte {
	if s == Broken {
		return '\n'
	}
	return '"'
}
