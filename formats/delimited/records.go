package delimited

// mostFields bounds the fields of records that are read together: these and their text stay in the cache of a core.
const mostFields = 1 << 13

// Records are records that follow each other, none of them bad, all with as many fields. Fields are counted from 0, and
// so are records.
type Records struct {
	text   []byte  // the window
	fields []span  // values in it, of one record after the other
	width  int     // fields of a record
	lines  []int64 // physical lines on which they start
	count  int
	row    int64 // records of the input before them
}

// Len returns the number of records.
func (r *Records) Len() int { return r.count }

// Line returns the physical line on which record i starts, 1-based.
func (r *Records) Line(i int) int64 { return r.lines[i] }

// Row returns how many records are before record i, good ones and bad ones.
func (r *Records) Row(i int) int64 { return r.row + int64(i) }

// Fields returns the number of fields of each record.
func (r *Records) Fields() int { return r.width }

// Field returns the value of a field of record i, which is valid until the next read.
func (r *Records) Field(i, field int) []byte { return r.fields[i*r.width+field].of(r.text) }

// Record returns record i.
func (r *Records) Record(i int) Record {
	end := (i + 1) * r.width
	return Record{Line: r.Line(i), Row: r.Row(i), text: r.text, fields: r.fields[i*r.width : end : end]}
}

// CanonicalInts sets to to the values of a field of the records from the given one on, as CanonicalInt reads them. It
// returns how many there are before the first that is none.
func (r *Records) CanonicalInts(from, field int, to []int64) int {
	text, fields, width := r.text, r.fields[from*r.width:], r.width
	for i := range to {
		f := fields[i*width+field]
		if n := int(f.to - f.from); uint(n-1) < word {
			w := load(text[f.from:])
			v, ok := sum(w<<(uint(word*(word-n))%bitsOfWord), n)
			if ok && (n == 1 || byte(w) != '0') {
				to[i] = int64(v)
				continue
			}
		}
		v, ok := CanonicalInt(f.of(text))
		if !ok {
			return i
		}
		to[i] = v
	}
	return len(to)
}

// Floats is CanonicalInts for values as Float reads them.
func (r *Records) Floats(from, field int, to []float64) int {
	text, fields, width := r.text, r.fields[from*r.width:], r.width
	for i := range to {
		f := fields[i*width+field]
		if n := int(f.to - f.from); uint(n-1) < word {
			mantissa, scale, ok := shortDecimal(load(text[f.from:])<<(uint(word*(word-n))%bitsOfWord), n)
			if ok {
				to[i] = float64(mantissa) / powers[scale&15]
				continue
			}
		}
		v, ok := Float(f.of(text))
		if !ok {
			return i
		}
		to[i] = v
	}
	return len(to)
}

// begin makes room for records of r, and returns how many are read together: up to most, and one as long as nobody knows
// how many fields it has.
func (r *Records) begin(from *Reader, most int) int {
	if from.width < 0 {
		most = 1
	}
	most = max(1, min(most, mostFields/max(from.width, 1)))
	if len(r.lines) < most {
		r.lines = make([]int64, most)
	}
	r.row, r.count = from.row, 0
	r.shape(from, most)
	return most
}

// shape makes room for records that have as many fields as those of the Reader.
func (r *Records) shape(from *Reader, records int) {
	r.text, r.width = from.buf, max(from.width, 0)
	if n := records * r.width; len(r.fields) < n {
		r.fields = make([]span, n)
	}
}

// add adds the record that the Reader has split.
func (r *Records) add(from *Reader) {
	r.shape(from, 1) // the first record may tell the number of fields, and the window may have moved
	copy(r.fields[r.count*r.width:], from.fields[:r.width])
	r.lines[r.count] = from.line
	r.count++
}
