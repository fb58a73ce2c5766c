package interactions

import "bytes"

// fields are those of a line that are still to come.
type fields struct {
	rest      []byte
	separator []byte // nil for runs of spaces and tabs
}

// more tells whether there is another field. A separator at the end of a line ends its last one.
func (f *fields) more() bool {
	if f.separator == nil {
		for len(f.rest) > 0 && isBlank(f.rest[0]) {
			f.rest = f.rest[1:]
		}
	}
	return len(f.rest) > 0
}

// next returns the next field, which is there as more has told.
func (f *fields) next() (field []byte) {
	if f.separator != nil {
		field, f.rest, _ = bytes.Cut(f.rest, f.separator)
		return field
	}
	n := 1
	for n < len(f.rest) && !isBlank(f.rest[n]) {
		n++
	}
	field, f.rest = f.rest[:n], f.rest[n:]
	return field
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }
