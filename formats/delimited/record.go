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
func (r *Record) Field(i int) []byte {
	f := r.fields[i]
	return r.text[f.from:f.to:f.to]
}

// CanonicalInt is CanonicalInt(r.Field(i)). It takes less time, since it may look at what is behind the field.
func (r *Record) CanonicalInt(i int) (int64, bool) {
	if w, n := r.word(i); n > 0 {
		v, ok := sum(w, n)
		if ok && (n == 1 || r.text[r.fields[i].from] != '0') {
			return int64(v), true
		}
	}
	return CanonicalInt(r.Field(i))
}

// Float is Float(r.Field(i)). It takes less time, since it may look at what is behind the field.
func (r *Record) Float(i int) (float64, bool) {
	if w, n := r.word(i); n > 0 {
		mantissa, scale, ok := shortDecimal(w, n)
		if ok {
			return float64(mantissa) / powers[scale&15], true
		}
	}
	return Float(r.Field(i))
}

// word returns the n bytes of field i in the highest lanes of a word; n is 0 if they are more than that or none. There
// is always room behind a field to load a word at its start.
func (r *Record) word(i int) (w uint64, n int) {
	f := r.fields[i]
	n = int(f.to - f.from)
	if n == 0 || n > word {
		return 0, 0
	}
	return load(r.text[f.from:]) << (uint(word*(word-n)) % bitsOfWord), n
}
