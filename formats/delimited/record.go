package delimited

// Record is one record.
type Record struct {
	Line   int64  // physical line on which it starts, 1-based
	Row    int64  // records before it, good ones and bad ones
	text   []byte // the window
	fields []span // values in it
}

// Len returns the number of fields.
func (r *Record) Len() int { return len(r.fields) }

// Field returns the value of field i, counted from 0, which is valid until the next Read.
func (r *Record) Field(i int) []byte { return r.fields[i].of(r.text) }

// of returns the bytes of a span.
func (s span) of(text []byte) []byte { return text[s.from:s.to:s.to] }
