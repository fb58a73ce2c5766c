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

// narrow reports whether the key fits a word.
func (s shape) narrow() bool { return s.key > 0 && s.key <= 8 }

// keyed reports whether the key fits two words.
func (s shape) keyed() bool { return s.key > 0 && s.key <= 16 }

// itemSize returns the memory of a record's entry in a batch's index and of its
// place in the second array of the radix sort, in bytes.
func (s shape) itemSize() int64 {
	if s.narrow() {
		return 2 * 16
	}
	return 2 * 24
}

// held returns how many of the framed bytes of that many records a batch holds
// in its arena.
func (s shape) held(records, bytes int64) int64 {
	switch {
	case s.inline():
		return 0
	case s.keyed():
		return max(bytes-records*int64(s.key), 0)
	}
	return bytes
}

// heldSize is held for one record with a key of k and a value of v bytes.
func (s shape) heldSize(k, v int) int { return int(s.held(1, int64(s.size(k, v)))) }

// appendValue frames a value without its key behind b.
func (s shape) appendValue(b, value []byte) []byte {
	if s.value == 0 {
		b = binary.AppendUvarint(b, uint64(len(value)))
	}
	return append(b, value...)
}

// firstValue returns the first of the values that appendValue framed.
func (s shape) firstValue(b []byte) []byte {
	v, at := s.value, 0
	if v == 0 {
		v, at = length(b, 0)
	}
	return b[at : at+v : at+v]
}

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

// put frames one record into b, which has its size, without calls for short keys
// and values.
func (s shape) put(b, key, value []byte) {
	if s.key == 0 {
		b = putLength(b, len(key))
	}
	if s.value == 0 {
		b = putLength(b, len(value))
	}
	putBytes(b, key)
	putBytes(b[len(key):], value)
}

// putLength writes a length and returns what is behind it.
func putLength(b []byte, n int) []byte {
	if n < 0x80 {
		b[0] = byte(n)
		return b[1:]
	}
	return b[binary.PutUvarint(b, uint64(n)):]
}

// putBytes copies from to the beginning of to. What is short takes two moves that may
// overlap, where copy would be a call.
func putBytes(to, from []byte) {
	n := len(from)
	to = to[:n]
	switch {
	case n > 32:
		copy(to, from)
	case n >= 16:
		first, last := (*[16]byte)(from), (*[16]byte)(from[n-16:])
		*(*[16]byte)(to) = *first
		*(*[16]byte)(to[n-16:]) = *last
	case n >= 8:
		le.PutUint64(to, le.Uint64(from))
		le.PutUint64(to[n-8:], le.Uint64(from[n-8:]))
	case n >= 4:
		le.PutUint32(to, le.Uint32(from))
		le.PutUint32(to[n-4:], le.Uint32(from[n-4:]))
	case n > 0:
		to[0], to[n/2], to[n-1] = from[0], from[n/2], from[n-1]
	}
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
