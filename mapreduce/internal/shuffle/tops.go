package shuffle

import (
	"math"
	"math/bits"
)

const (
	maxTops   = 1 << 10     // records of a group, up to which they are kept in order
	fewTops   = 1           // room that a group begins with; then it has four times as much
	minSlots  = 4 * lotSize // of an empty table
	slotBytes = 24 + 2*16/2 // with what sorts the groups: half of the slots are taken at most
	itemBytes = 16
	noRun     = math.MaxUint32 // the place of a run that is still to be made
)

// tops hold the first records of each group, and keep or refuse each other record when it comes. They are for keys of at
// most 16 bytes of which at most 8, the order, follow the group. Groups stand in a hash table with linear probing. Each has
// a run of items, which are in order once there are as many as there may be; then the order of the last is the bar, and
// what is not less is refused.
type tops struct {
	shape   shape
	first   int
	width   int    // of the group, in bytes
	mask    uint64 // of the group in the first word of a key
	budget  int64
	beat    func()
	removed *int64 // counts what is refused or has lost its place
	topMemory
	shift  int   // of a hash, so that it is the number of a slot
	groups int   // slots taken
	held   int   // records
	seen   int64 // records, with those refused
	tried  bool
	free   [6]uint32 // where runs begin that groups have outgrown, by size: the first of a list
	live   int       // bytes of the arena that are values of records held
	lot    lot
	reader topReader
}

// topMemory is what tops keep from one input to the next.
type topMemory struct {
	slots       []topSlot
	items       []narrow // order and value of records; the first is no record's
	arena       []byte   // values that no item has room for, framed
	order, temp []narrow // groups, and their runs
}

// topSlot is a group, or free if at is 0.
type topSlot struct {
	group, bar uint64
	at         uint32 // where its run begins
	size, room uint16 // of the run
}

// newTops returns tops for an input, or nil if they cannot serve it.
func newTops(cfg *Config, c *cutter) *tops {
	s := shape{cfg.KeyWidth, cfg.ValueWidth}
	if c.first == 0 || c.first > maxTops || c.width < 0 || c.width > min(s.key, 8) || s.key-c.width > 8 {
		return nil
	}
	t := &tops{shape: s, first: c.first, width: c.width, mask: c.mask[0], budget: cfg.Budget, beat: cfg.Beat, removed: &c.removed}
	cfg.Buffers.lendTops(t)
	t.reset()
	return t
}

// reset empties the tops.
func (t *tops) reset() {
	if len(t.slots) == 0 {
		t.slots = make([]topSlot, minSlots)
	}
	clear(t.slots)
	t.setShift()
	t.items, t.arena = append(t.items[:0], narrow{}), t.arena[:0]
	t.groups, t.held, t.live, t.free = 0, 0, 0, [len(t.free)]uint32{}
}

func (t *tops) setShift() { t.shift = 64 - bits.TrailingZeros(uint(len(t.slots))) }

// slot returns where the search for a group begins.
func (t *tops) slot(group uint64) int {
	const golden = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio: Fibonacci hashing
	return int(group * golden >> (t.shift & 63))
}

// bytes returns the memory of the tops, with what sorting takes, but for that of an empty table.
func (m *topMemory) bytes() int64 {
	return int64(slotBytes*max(len(m.slots)-minSlots, 0)) + int64(itemBytes*cap(m.items)) + int64(cap(m.arena))
}

// fit returns the first of some numbers of elements of size bytes of which there is room for beside all that is held,
// and which is at least need; or need, if nothing is held; or 0.
func (t *tops) fit(need, size int, wants ...int) int {
	for _, n := range wants {
		if n >= need && t.bytes()+int64(n)*int64(size) <= t.budget {
			return n
		}
	}
	if t.held == 0 {
		return need
	}
	return 0
}

// makeRoom implements store: groups are cut already.
func (t *tops) makeRoom() bool {
	t.sort()
	return false
}

// load implements store.
func (t *tops) load(s *Segment) error {
	l := &t.lot
	for s.inBlock > 0 {
		n := t.admit(min(s.inBlock, lotSize))
		if n == 0 {
			return nil
		}
		if !l.decode(s.raw, n, t) {
			return s.badRecord()
		}
		held := t.held
		done := t.place(s.raw, l, t.pick(l))
		*t.removed += int64(done - (t.held - held))
		t.seen += int64(done)
		s.take(done, l.at[done])
		if done < n {
			return nil
		}
	}
	return nil
}

// try reports, once a part of all records has been seen, whether groups have so few that to sort all is quicker, and takes
// less memory: there is little to cut then.
func (t *tops) try(all int64) bool {
	const part, few = 8, 2
	if t.tried || t.seen < all/part {
		return false
	}
	t.tried = true
	return int64(t.groups)*few > t.seen
}

// admit returns for how many of n groups more there are slots.
func (t *tops) admit(n int) int {
	free := len(t.slots)/2 - t.groups
	if free < n && t.fit(0, slotBytes, 2*len(t.slots)) > 0 {
		t.rehash()
		return n
	}
	return min(free, n)
}

// rehash doubles the table.
func (t *tops) rehash() {
	old := t.slots
	t.slots = huge(make([]topSlot, 2*len(old)))
	t.setShift()
	for _, s := range old {
		if s.at == 0 {
			continue
		}
		i := t.slot(s.group)
		for t.slots[i].at != 0 {
			i = (i + 1) & (len(t.slots) - 1)
		}
		t.slots[i] = s
	}
}

// widen gives a group more room, and reports whether there is some.
func (t *tops) widen(s *topSlot) bool {
	room := min(max(4*int(s.room), fewTops), t.first)
	at := t.run(room)
	if at == 0 {
		return false
	}
	if s.room > 0 {
		copy(t.items[at:], t.items[s.at:][:s.size])
		list := &t.free[runClass(int(s.room))]
		t.items[s.at][0], *list = uint64(*list), s.at
	}
	s.at, s.room = at, uint16(room)
	return true
}

// runClass numbers the sizes of runs that are outgrown: powers of four.
func runClass(room int) int { return bits.Len(uint(room)) / 2 }

// run returns where there is a run of free items, or 0.
func (t *tops) run(room int) (at uint32) {
	if room < t.first {
		list := &t.free[runClass(room)]
		if at = *list; at > 0 {
			*list = uint32(t.items[at][0])
			return at
		}
	}
	n, have := len(t.items), cap(t.items)
	if n+room > have {
		size := t.fit(n+room, itemBytes, max(2*have, 64*room), have+have/4, have+have/16+room)
		if size == 0 || size >= noRun {
			return 0
		}
		t.items = append(huge(make([]narrow, 0, size)), t.items...)
	}
	t.items = t.items[:n+room]
	return uint32(n)
}

// insert puts a record into the run of a group, behind what is equal. If that is full, its last record loses its place.
func (t *tops) insert(s *topSlot, it narrow) {
	run := t.items[s.at:][:s.room]
	if n := int(s.size); n < t.first {
		run[n] = it
		s.size++
		t.held++
		if n+1 == t.first {
			sortRun(run)
			s.bar = run[n][0]
		}
		return
	}
	i := len(run) - 1
	for ; i > 0 && run[i-1][0] > it[0]; i-- {
		run[i] = run[i-1]
	}
	run[i] = it
	s.bar = run[len(run)-1][0]
}
