package shuffle

import "bytes"

// cutter leaves the first records of each group and counts the rest.
type cutter struct {
	first   int                  // 0: all
	group   func(key []byte) int // nil: the whole key
	width   int                  // of a key's group in the index, -1 if keys stand in the arena
	mask    [2]uint64            // of the group in the words of a key in the index
	removed int64
}

// newCutter returns the cutter of an input.
func newCutter(cfg *Config) cutter {
	s := shape{cfg.KeyWidth, cfg.ValueWidth}
	c := cutter{first: cfg.First, group: cfg.Group, width: -1}
	if c.first == 0 || !s.keyed() {
		return c
	}
	c.width = groupLen(cfg.Group, make([]byte, s.key))
	w := min(max(c.width, 0), s.key)
	c.mask[0] = ^(^uint64(0) >> min(8*w, 64))
	c.mask[1] = ^(^uint64(0) >> max(8*w-64, 0))
	if s.narrow() {
		c.mask[1] = 0 // the second word is no part of the key
	}
	return c
}

// groupLen returns the length of the group's prefix of a key.
func groupLen(group func([]byte) int, key []byte) int {
	if group == nil {
		return len(key)
	}
	return group(key)
}

// cut removes all but the first records of each group from a sorted batch.
func (b *batch) cut() {
	if b.cutter.first == 0 {
		return
	}
	before := b.len()
	switch {
	case b.slim:
		b.narrow = b.narrow[:cutItems(b.narrow, b.cutter)]
	case b.keyed:
		b.wide = b.wide[:cutItems(b.wide, b.cutter)]
	default:
		b.wide = b.wide[:b.cutKeys(b.wide)]
	}
	b.cutter.removed += int64(before - b.len())
	if b.keyed {
		b.sorted = b.len()
	}
}

// cutItems moves the first items of each group to the front and returns how many
// these are.
func cutItems[T item](items []T, c *cutter) (kept int) {
	for i := 0; i < len(items); {
		j := i + 1
		for j < len(items) && (items[j][0]^items[i][0])&c.mask[0]|(items[j][1]^items[i][1])&c.mask[1] == 0 {
			j++
		}
		kept += copy(items[kept:], items[i:min(j, i+c.first)])
		i = j
	}
	return kept
}

// cutKeys is cutItems where keys stand in the arena.
func (b *batch) cutKeys(items []wide) (kept int) {
	var group []byte
	count := 0
	for i := range items {
		key := b.key(items[i][2])
		prefix := b.cutter.prefix(key)
		if i == 0 || !bytes.Equal(prefix, group) {
			group, count = prefix, 0
		}
		if count++; count <= b.cutter.first {
			items[kept] = items[i]
			kept++
		}
		b.tick(1)
	}
	return kept
}

// heldAt returns how many bytes the record at ref takes in the arena.
func (b *batch) heldAt(ref uint64) int {
	if !b.keyed {
		_, _, n := b.shape.split(b.arena[ref:])
		return n
	}
	v, at := b.shape.value, 0
	if v == 0 {
		v, at = length(b.arena, int(ref))
		at -= int(ref)
	}
	return at + v
}

// makeRoom implements store: to cut groups must free half of the batch.
func (b *batch) makeRoom() bool {
	held := b.len()
	b.sort()
	if b.cutter.first == 0 || 2*b.len() > min(held, b.records) {
		return false
	}
	b.compact()
	return true
}

// compact closes the gaps in an arena that is more than half full. The records of
// a batch that was cut are moved in order of loading and then sorted again.
func (b *batch) compact() {
	if b.inline || 2*len(b.arena) <= b.limit {
		return
	}
	end := uint64(0)
	if b.slim {
		radix(b.narrow, b.temp.narrow[:len(b.narrow)], 1, 0, varyingBits(b.narrow, 1), b.beat)
		for i := range b.narrow {
			end = b.move(&b.narrow[i][1], end)
		}
	} else {
		radix(b.wide, b.temp.wide[:len(b.wide)], 2, 0, varyingBits(b.wide, 2), b.beat)
		for i := range b.wide {
			end = b.move(&b.wide[i][2], end)
		}
	}
	b.arena = b.arena[:end]
	if b.keyed {
		b.sorted = 0
		b.order()
		b.sorted = b.len()
	}
}

// move moves a record down to an offset in the arena and returns its end.
func (b *batch) move(ref *uint64, to uint64) (end uint64) {
	n := b.heldAt(*ref)
	copy(b.arena[to:], b.arena[*ref:*ref+uint64(n)])
	*ref = to
	return to + uint64(n)
}

// cutting is a source without what the cutter takes away.
type cutting struct {
	source
	cutter *cutter
	group  []byte
	count  int
}

// next implements source.
func (c *cutting) next() (key, value []byte, err error) {
	for {
		key, value, err := c.source.next()
		if err != nil {
			return nil, nil, err
		}
		if c.keeps(key) {
			return key, value, nil
		}
		c.cutter.removed++
	}
}

// keeps reports whether the record of that key is among the first of its group.
func (c *cutting) keeps(key []byte) bool {
	prefix := c.cutter.prefix(key)
	if c.count == 0 || !bytes.Equal(prefix, c.group) {
		c.group, c.count = append(c.group[:0], prefix...), 0
	}
	c.count++
	return c.count <= c.cutter.first
}

// prefix returns what the key shares with its group. A wrong length is reported
// when the group is yielded.
func (c *cutter) prefix(key []byte) []byte {
	return key[:min(max(groupLen(c.group, key), 0), len(key))]
}
