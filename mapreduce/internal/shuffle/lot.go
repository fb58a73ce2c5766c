package shuffle

import (
	"encoding/binary"
	"math/bits"
)

// lotSize is for how many records bars are looked up at once: the loads of their
// slots overlap.
const lotSize = 64

// lot is some records of a block that are on their way into a batch with bars.
type lot struct {
	n             int
	first, second [lotSize]uint64  // their keys
	at            [lotSize + 1]int // where they begin in the block, and where the last ends
	key           [lotSize]int     // where their keys begin
	picked        [lotSize]int     // those that are below the bars of their groups
	slot          [lotSize]int     // and the slots of these
	end           [lotSize]int     // and where the groups end in the index, 0 if that is not known
	touched       uint64
}

// loadBarred loads records of a key that the index holds, as far as they are below
// the bars of their groups. It reports whether they are well formed.
func (b *batch) loadBarred(s *Segment) bool {
	l := &b.lot
	for s.inBlock > 0 {
		if !l.decode(s.raw, min(s.inBlock, lotSize), b.shape) {
			return false
		}
		picked := b.cutter.bars.pick(l)
		n := b.place(s.raw, l, picked)
		s.take(n, l.at[n])
		if n < l.n {
			break
		}
	}
	return true
}

// decode finds the first n records of raw.
func (l *lot) decode(raw []byte, n int, s shape) bool {
	k, v, at := s.key, s.value, 0
	for i := range l.at[:n] {
		l.at[i] = at
		if s.value == 0 {
			if at < len(raw) && raw[at] < 0x80 {
				v, at = int(raw[at]), at+1
			} else if v, at = length(raw, at); at < 0 {
				return false
			}
		}
		if v > len(raw)-at-k {
			return false
		}
		if key := raw[at : at+k]; k == 16 {
			l.first[i], l.second[i] = binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(key[8:])
		} else {
			l.first[i], l.second[i] = keyWords(key)
		}
		l.key[i] = at
		at += k + v
	}
	l.at[n], l.n = at, n
	return true
}

// pick finds the slots of the groups and the records that are below the bars there.
// How many these are cannot be predicted, so it does without a branch for each.
func (t *bars) pick(l *lot) (picked int) {
	t.touch(l)
	for i := range l.first[:l.n] {
		first, second := l.first[i], l.second[i]
		slot := t.slot(first)
		bar := &t.slots[slot]
		for (bar[0]^first)&t.mask != 0 && bar[0]|bar[1] != 0 {
			slot = (slot + 1) & (len(t.slots) - 1)
			bar = &t.slots[slot]
		}
		_, below := bits.Sub64(second, bar[1], 0)
		_, below = bits.Sub64(first, bar[0], below)
		if bar[0]|bar[1] == 0 {
			below = 1
		}
		l.picked[picked&(lotSize-1)], l.slot[picked&(lotSize-1)] = i, slot
		picked += int(below)
	}
	return picked
}

// touch loads the slots of the groups, so that the loads overlap.
func (t *bars) touch(l *lot) {
	sum := uint64(0)
	for _, first := range l.first[:l.n] {
		sum += t.slots[t.slot(first)][0]
	}
	l.touched = sum // so that the loads are not left out
}

// place puts the records picked into the batch: in the place of the last of their
// group, if it is known where that stands, else behind all. It returns how many
// records of the lot are done with, which are all unless there is no room.
func (b *batch) place(raw []byte, l *lot, picked int) (done int) {
	if b.slim {
		locate(l, picked, b.narrow, b.cutter)
	} else {
		locate(l, picked, b.wide, b.cutter)
	}
	had, room := b.len(), b.room()
	done = l.n
	for p, i := range l.picked[:picked] {
		at, key, next := l.at[i], l.key[i], l.at[i+1]
		frame, v := key-at, next-key-b.shape.key
		ref, held := uint64(len(b.arena)), frame+v
		if b.inline {
			ref, held = prefix(raw[next-v:next]), 0
		}
		full := l.end[p] > 0
		if !full && room <= 0 || len(b.arena) > 0 && held > b.limit-len(b.arena) {
			done = i
			break
		}
		if !full {
			b.put(l.first[i], l.second[i], ref)
			room--
		} else if !b.replace(l, p, ref) {
			continue
		}
		if !b.inline {
			b.arena = putValue(b.arena, raw[at:], frame, b.shape.key, v)
		}
	}
	b.cutter.removed += int64(done - (b.len() - had))
	return done
}

// locate finds where the groups of the records picked end in the index, and loads
// what stands there, so that the loads overlap.
func locate[T item](l *lot, picked int, items []T, c *cutter) {
	if c.bars.ends == nil {
		clear(l.end[:picked])
		return
	}
	for p, slot := range l.slot[:picked] {
		l.end[p] = int(c.bars.ends[slot])
	}
	sum := uint64(0)
	for _, end := range l.end[:picked] {
		if end > 0 {
			for i := end - c.first; i < end; i += 2 {
				sum += items[i][0]
			}
			sum += items[end-1][1]
		}
	}
	l.touched = sum // so that the loads are not left out
}

// replace puts record number p of those picked in the place of the last of its group
// and lowers the bar. It reports whether the record belongs there.
func (b *batch) replace(l *lot, p int, ref uint64) bool {
	i, end, n := l.picked[p], l.end[p], b.cutter.first
	var last [2]uint64
	if b.slim {
		if !replaceLast(b.narrow[end-n:end], narrow{l.first[i], ref}) {
			return false
		}
		last[0] = b.narrow[end-1][0]
	} else {
		if !replaceLast(b.wide[end-n:end], wide{l.first[i], l.second[i], ref}) {
			return false
		}
		last[0], last[1] = b.wide[end-1][0], b.wide[end-1][1]
	}
	b.cutter.bars.put(l.slot[p], last[0], last[1])
	b.replaced++
	return true
}

// replaceLast puts it where it belongs in sorted items, behind what is equal. The
// last one is lost. It reports whether the new one was less than that.
func replaceLast[T item](items []T, it T) bool {
	i := len(items) - 1
	if !exceeds(&items[i], &it) {
		return false
	}
	for ; i > 0 && exceeds(&items[i-1], &it); i-- {
		items[i] = items[i-1]
	}
	items[i] = it
	return true
}
