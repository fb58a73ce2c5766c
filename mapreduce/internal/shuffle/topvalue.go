package shuffle

import "encoding/binary"

// The second word of an item of tops is the value of its record: one with a fixed width of at most 8 bytes as prefix has
// it, one of variable length up to 7 bytes in the same way with the length in the last byte, and for any other inArena in
// that byte and in front of it where the arena has the value.
const (
	shortValue = 7
	inArena    = 0xff
)

// value returns the second word of the item of record i of the lot. The value may take the place of the one that last,
// an item, has in the arena. It reports whether there was room.
func (t *tops) value(raw []byte, l *lot, i int, last *narrow) (word uint64, ok bool) {
	start, end := l.key[i]+t.shape.key, l.at[i+1]
	switch n := end - start; {
	case t.shape.value > 0 && n <= 8:
		word = prefix(raw[start:end])
	case t.shape.value > 0 || n > shortValue:
		return t.long(raw[l.at[i]:l.key[i]], raw[start:end], last)
	case len(raw)-start >= 8:
		word = binary.BigEndian.Uint64(raw[start:])&^(^uint64(0)>>(8*n&63)) | uint64(n)
	default:
		word = prefix(raw[start:end]) | uint64(n)
	}
	if last != nil {
		t.live -= t.longSize(last)
	}
	return word, true
}

// longSize returns how many bytes of the arena an item has.
func (t *tops) longSize(it *narrow) int {
	if !t.isLong(it) {
		return 0
	}
	n, at := t.shape.value, int(it[1]>>8)
	if n == 0 {
		n, at = length(t.arena, at)
		n += at - int(it[1]>>8)
	}
	return n
}

// isLong reports whether the value of an item is in the arena.
func (t *tops) isLong(it *narrow) bool {
	return t.shape.value > 8 || t.shape.value == 0 && it[1]&0xff == inArena
}

// long puts a value into the arena, framed.
func (t *tops) long(frame, value []byte, last *narrow) (word uint64, ok bool) {
	n, old, at := len(frame)+len(value), 0, len(t.arena)
	if last != nil {
		old = t.longSize(last)
	}
	switch {
	case old >= n:
		at = int(last[1] >> 8)
		copy(t.arena[at+copy(t.arena[at:], frame):], value)
	case n > cap(t.arena)-at && !t.moreArena(n):
		return 0, false
	default:
		at = len(t.arena)
		t.arena = append(append(t.arena, frame...), value...)
	}
	t.live += n - old
	return uint64(at)<<8 | inArena, true
}

// moreArena makes room for n bytes more, and closes the gaps that records have left which lost their places.
func (t *tops) moreArena(n int) bool {
	have := cap(t.arena)
	more, most := have, max(2*have, 4<<10)
	if 2*t.live > len(t.arena) {
		more = most
	}
	size := t.fit(t.live+n, 1, more, most, have+have/4, 2*t.live, t.live+t.live/4+n)
	if size == 0 {
		return false
	}
	arena := make([]byte, 0, size)
	for i := range t.slots {
		s := &t.slots[i]
		for j := range s.size {
			it := &t.items[s.at+uint32(j)]
			if held := t.longSize(it); held > 0 {
				from := int(it[1] >> 8)
				it[1] = uint64(len(arena))<<8 | inArena
				arena = append(arena, t.arena[from:from+held]...)
			}
		}
	}
	t.arena = arena
	return true
}
