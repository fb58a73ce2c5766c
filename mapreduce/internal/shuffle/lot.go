package shuffle

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// lotSize is for how many records groups are looked up at once: the loads of their slots, and those of their runs,
// overlap.
const lotSize = 64

// lot is some records of a block that tops look at.
type lot struct {
	n            int
	group, order [lotSize]uint64  // of their keys
	at           [lotSize + 1]int // where they begin in the block, and where the last ends
	key          [lotSize]int     // where their keys begin
	picked       [lotSize]int     // those that are below the bars of their groups
	slot         [lotSize]int     // and the slots of these
	touched      uint64
}

// decode finds the first n records of raw.
func (l *lot) decode(raw []byte, n int, t *tops) bool {
	k, v, at := t.shape.key, t.shape.value, 0
	mask, width := t.mask, 8*t.width
	for i := range l.at[:n] {
		l.at[i] = at
		if t.shape.value == 0 {
			if at < len(raw) && raw[at] < 0x80 {
				v, at = int(raw[at]), at+1
			} else if v, at = length(raw, at); at < 0 {
				return false
			}
		}
		if v > len(raw)-at-k {
			return false
		}
		var first, second uint64
		if key := raw[at : at+k]; k == 16 {
			first, second = binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(key[8:])
		} else {
			first, second = keyWords(key)
		}
		l.group[i], l.order[i] = first&mask, first<<width|second>>(64-width)
		l.key[i] = at
		at += k + v
	}
	l.at[n], l.n = at, n
	return true
}

// pick finds the slots of the groups, takes slots for new ones, and finds the records that are below the bars. How many
// these are cannot be predicted, so it does without a branch for each.
func (t *tops) pick(l *lot) (picked int) {
	t.touchSlots(l)
	slots, first := t.slots, uint64(t.first)
	for i, group := range l.group[:l.n] {
		n := t.slot(group)
		s := &slots[n]
		for s.at == 0 || s.group != group {
			if s.at == 0 {
				*s = topSlot{group: group, bar: math.MaxUint64, at: noRun}
				t.groups++
				break
			}
			n = (n + 1) & (len(slots) - 1)
			s = &slots[n]
		}
		_, below := bits.Sub64(l.order[i], s.bar, 0)
		_, room := bits.Sub64(uint64(s.size), first, 0)
		l.picked[picked&(lotSize-1)], l.slot[picked&(lotSize-1)] = i, n
		picked += int(below | room)
	}
	return picked
}

// touchSlots loads the slots of the groups.
func (t *tops) touchSlots(l *lot) {
	sum := uint64(0)
	for _, group := range l.group[:l.n] {
		sum += t.slots[t.slot(group)].group
	}
	l.touched = sum // so that the loads are not left out
}

// touchRuns loads the runs of the groups of the records picked.
func (t *tops) touchRuns(l *lot, picked int) {
	sum := uint64(0)
	for _, n := range l.slot[:picked] {
		s := &t.slots[n]
		if s.room == 0 {
			continue
		}
		run := t.items[s.at:][:s.room]
		for i := 0; i < len(run); i += 4 {
			sum += run[i][0]
		}
		sum += run[len(run)-1][0]
	}
	l.touched = sum // so that the loads are not left out
}

// place puts the records picked into the runs of their groups. It returns how many records of the lot are done with, which
// are all unless there is no room.
func (t *tops) place(raw []byte, l *lot, picked int) (done int) {
	t.touchRuns(l, picked)
	for p, i := range l.picked[:picked] {
		s, order := &t.slots[l.slot[p]], l.order[i]
		var last *narrow
		switch {
		case int(s.size) == t.first:
			if order >= s.bar {
				continue // since the bar sank
			}
			last = &t.items[int(s.at)+t.first-1]
		case s.size == s.room && !t.widen(s):
			return i
		}
		word, ok := t.value(raw, l, i, last)
		if !ok {
			return i
		}
		t.insert(s, narrow{order, word})
	}
	return l.n
}
