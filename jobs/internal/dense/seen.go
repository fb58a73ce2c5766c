package dense

import "math/bits"

// A set of items: an open hash table of a power of two of slots, at most half of them taken. A slot has an item plus 1,
// or 0.
type set struct {
	slots []uint32
	shift uint8 // from a hash of 32 bits to a slot
}

// slotBits is the binary logarithm of the slots for n items.
func slotBits(n int) int { return bits.Len(uint(2*n - 1)) }

// fill makes a set of items, in slots that are zeros.
func fill(slots []uint32, items []uint32) set {
	s := set{slots: slots, shift: uint8(33 - bits.Len(uint(len(slots))))}
	for _, item := range items {
		slot := s.slot(item)
		for slots[slot] != 0 {
			slot = (slot + 1) & (len(slots) - 1)
		}
		slots[slot] = item + 1
	}
	return s
}

func (s set) slot(item uint32) int { return int(item * 0x9e3779b1 >> s.shift) }

func (s set) has(item uint32) bool {
	if len(s.slots) == 0 {
		return false
	}
	for slot := s.slot(item); s.slots[slot] != 0; slot = (slot + 1) & (len(s.slots) - 1) {
		if s.slots[slot] == item+1 {
			return true
		}
	}
	return false
}
