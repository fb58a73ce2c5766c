package shuffle

import "encoding/binary"

// maxRecord is the largest framed record, and so the largest block, in bytes.
const maxRecord = 1 << 30

// shape is the framing of a stream's records: the widths of key and value in
// bytes, zero for a variable one.
type shape struct{ key, value int }

// fixed reports whether records are packed without lengths.
func (s shape) fixed() bool { return s.key > 0 && s.value > 0 }

// inline reports whether key and value fit a word each.
func (s shape) inline() bool { return s.fixed() && s.key <= 8 && s.value <= 8 }

// matches reports whether lengths k and v respect the fixed widths.
func (s shape) matches(k, v int) bool {
	return (s.key == 0 || s.key == k) && (s.value == 0 || s.value == v)
}

// size returns the framed length of a record with a key of k and a value of v
// bytes.
func (s shape) size(k, v int) int {
	n := k + v
	if s.key == 0 {
		n += uvarintLen(k)
	}
	if s.value == 0 {
		n += uvarintLen(v)
	}
	return n
}

// append frames one record behind b.
func (s shape) append(b, key, value []byte) []byte {
	if s.key == 0 {
		b = binary.AppendUvarint(b, uint64(len(key)))
	}
	if s.value == 0 {
		b = binary.AppendUvarint(b, uint64(len(value)))
	}
	b = append(b, key...)
	return append(b, value...)
}

// split returns the first record of b and its framed length, which is zero if b
// does not begin with a record.
func (s shape) split(b []byte) (key, value []byte, n int) {
	k, v, at := s.key, s.value, 0
	if k == 0 {
		k, at = length(b, 0)
	}
	if v == 0 && at >= 0 {
		v, at = length(b, at)
	}
	if at < 0 || k > len(b)-at || v > len(b)-at-k {
		return nil, nil, 0
	}
	mid, end := at+k, at+k+v
	return b[at:mid:mid], b[mid:end:end], end
}

// length decodes the varint at b[at:] and returns it with the offset behind it,
// which is -1 if there is none or it exceeds maxRecord.
func length(b []byte, at int) (n, next int) {
	if at < len(b) && b[at] < 0x80 {
		return int(b[at]), at + 1
	}
	x, w := binary.Uvarint(b[at:])
	if w <= 0 || x > maxRecord {
		return 0, -1
	}
	return int(x), at + w
}

func uvarintLen(n int) int {
	w := 1
	for n >= 0x80 {
		n >>= 7
		w++
	}
	return w
}
