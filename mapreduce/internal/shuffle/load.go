package shuffle

import "encoding/binary"

// slack is how far behind its end an arena may be written, in bytes.
const slack = 16

// load adds the records of the segment's current block, as far as there is room.
// It decodes them in one loop, since a call for each would cost more than the rest.
func (b *batch) load(s *Segment) error {
	ok := true
	switch {
	case b.keyed && b.shape.value > 0:
		b.loadFixed(s)
	case b.keyed:
		ok = b.loadKeyed(s)
	default:
		ok = b.loadFramed(s)
	}
	if !ok {
		return s.badRecord()
	}
	return nil
}

// loadFixed loads records of two fixed widths.
func (b *batch) loadFixed(s *Segment) {
	k, v := b.shape.key, b.shape.value
	n := min(s.inBlock, b.fits(b.shape.heldSize(k, v)))
	raw := s.raw[:n*(k+v)]
	s.take(n, len(raw))
	if b.inline && k == 8 && v == 8 {
		for ; len(raw) >= 16; raw = raw[16:] {
			b.narrow = append(b.narrow, narrow{binary.BigEndian.Uint64(raw), binary.BigEndian.Uint64(raw[8:])})
		}
		return
	}
	for ; len(raw) > 0; raw = raw[k+v:] {
		first, second := keyWords(raw[:k])
		ref := uint64(len(b.arena))
		if b.inline {
			ref = prefix(raw[k : k+v])
		} else {
			b.arena = append(b.arena, raw[k:k+v]...)
		}
		b.put(first, second, ref)
	}
}

// fits returns how many records with n bytes in the arena there is room for.
func (b *batch) fits(n int) int {
	m := b.records - b.len()
	if n > 0 {
		m = min(m, (b.limit-len(b.arena))/n)
	}
	if b.len() == 0 {
		return max(m, 1)
	}
	return max(m, 0)
}

// put appends an index entry.
func (b *batch) put(first, second, ref uint64) {
	if b.slim {
		b.narrow = append(b.narrow, narrow{first, ref})
	} else {
		b.wide = append(b.wide, wide{first, second, ref})
	}
}

// loadKeyed loads records of a key that the index holds and a value of variable
// length. It reports whether they are well formed.
func (b *batch) loadKeyed(s *Segment) bool {
	k, raw, arena := b.shape.key, s.raw, b.arena
	slim, narrows, wides := b.slim, b.narrow, b.wide
	n, room := 0, b.room()
	for ; n < s.inBlock; n++ {
		v, at := 0, 1
		if len(raw) > 0 && raw[0] < 0x80 {
			v = int(raw[0])
		} else {
			v, at = length(raw, 0)
		}
		if at < 0 || v > len(raw)-at-k {
			return false
		}
		if room <= 0 || len(arena)+at+v > b.limit && len(arena) > 0 {
			break
		}
		room--
		first, second := keyWords(raw[at : at+k])
		if slim {
			narrows = append(narrows, narrow{first, uint64(len(arena))})
		} else {
			wides = append(wides, wide{first, second, uint64(len(arena))})
		}
		arena = putValue(arena, raw, at, k, v)
		raw = raw[at+k+v:]
	}
	b.arena, b.narrow, b.wide = arena, narrows, wides
	s.take(n, len(s.raw)-len(raw))
	return true
}

// room returns how many more entries the index may have.
func (b *batch) room() int {
	if b.len() == 0 {
		return max(b.records, 1)
	}
	return b.records - b.len()
}

// putValue appends to the arena the frame of at bytes and the value of v bytes of
// the record at the start of raw, without the key of k bytes between them.
func putValue(arena, raw []byte, at, k, v int) []byte {
	m := len(arena)
	if v < slack && at <= 1 && len(raw) >= 1+k+slack && cap(arena)-m > slack {
		// A constant number of bytes is copied without a call.
		to := arena[m : m+1+slack]
		to[0] = raw[0]
		*(*[slack]byte)(to[at&1:]) = *(*[slack]byte)(raw[at+k:])
		return arena[:m+at+v]
	}
	return append(append(arena, raw[:at]...), raw[at+k:at+k+v]...)
}

// loadFramed loads records whose keys the arena holds: a block at once if it
// fits. It reports whether they are well formed.
func (b *batch) loadFramed(s *Segment) bool {
	if b.len()+s.inBlock > b.records || len(b.arena)+len(s.raw) > b.limit {
		return b.loadSome(s)
	}
	ref, raw := uint64(len(b.arena)), s.raw
	b.arena = append(b.arena, raw...)
	for range s.inBlock {
		_, _, n := b.shape.split(raw)
		if n == 0 {
			return false
		}
		b.wide = append(b.wide, wide{0, 0, ref})
		ref += uint64(n)
		raw = raw[n:]
	}
	s.take(s.inBlock, len(s.raw)-len(raw))
	return true
}

// loadSome does the same one by one.
func (b *batch) loadSome(s *Segment) bool {
	for s.inBlock > 0 {
		key, value, n := b.shape.split(s.raw)
		if n == 0 {
			return false
		}
		if !b.add(key, value) {
			break
		}
		s.take(1, n)
	}
	return true
}

// keyWords returns a key of at most 16 bytes as two words, filled up with zeros.
func keyWords(key []byte) (first, second uint64) {
	if len(key) == 16 {
		return binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(key[8:])
	}
	if len(key) <= 8 {
		return prefix(key), 0
	}
	return binary.BigEndian.Uint64(key), prefix(key[8:])
}
