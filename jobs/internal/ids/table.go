package ids

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/shardmill/shardmill/formats/delimited"
	"github.com/shardmill/shardmill/jobs/internal/mapped"
)

// table finds the indexes of ids. See the package comment.
type table struct {
	numeric bool
	text    []byte
	direct  []uint32 // of a direct table, by number from least on: one more than the index, or 0
	least   int64
	slots   []uint64 // of a hashed table: key and one more than the index, in turn
	lines   uint64   // that an id can be looked for from
}

// check returns what is wrong with a table of n ids, of which no slot may lead out of the ids or of the text.
func (t *table) check(n int) string {
	const bad = "table does not fit the ids"
	if t.lines > uint64(len(t.slots)/lineWords) || len(t.slots)%lineWords != 0 {
		return bad
	}
	for _, k := range t.direct {
		if int64(k) > int64(n) {
			return bad
		}
	}
	for s := 0; s < len(t.slots); s += 2 {
		key, value := t.slots[s], t.slots[s+1]
		outside := !t.numeric && key>>lengthBits+key&maxLength > uint64(len(t.text))
		if int64(uint32(value)) > int64(n) || outside {
			return bad
		}
	}
	return ""
}

// find returns the index of an id.
func (t *table) find(id []byte) (index uint32, ok bool) {
	if !t.numeric {
		return t.findText(id)
	}
	v, ok := delimited.CanonicalInt(id)
	if !ok {
		return 0, false
	}
	if len(t.direct) > 0 {
		k := uint64(v) - uint64(t.least) // wraps around below least
		if k >= uint64(len(t.direct)) {
			return 0, false
		}
		return t.direct[k] - 1, t.direct[k] != 0
	}
	return t.findInt(v)
}

// findInt looks at all slots of a line without a branch: which of them an id is in cannot be predicted.
func (t *table) findInt(v int64) (index uint32, ok bool) {
	key := uint64(v)
	for s := line(hashInt(v), t.lines); s+lineWords <= uint64(len(t.slots)); s += lineWords {
		l := (*[lineWords]uint64)(t.slots[s:])
		value := l[1]&^differ(l[0], key) | l[3]&^differ(l[2], key) | l[5]&^differ(l[4], key) | l[7]&^differ(l[6], key)
		if value != 0 {
			return uint32(value) - 1, true
		}
		if l[lineWords-1] == 0 {
			break
		}
	}
	return 0, false
}

// differ is 0 if a and b are equal, and all ones if not.
func differ(a, b uint64) uint64 {
	x := a ^ b
	return uint64(int64(x|-x) >> 63)
}

func (t *table) findText(id []byte) (index uint32, ok bool) {
	hash := xxh3.Hash(id)
	for s := line(hash, t.lines); s+1 < uint64(len(t.slots)); s += 2 {
		key, value := t.slots[s], t.slots[s+1]
		if value == 0 {
			break
		}
		if uint32(value>>32) == uint32(hash) && string(at(t.text, key)) == string(id) {
			return uint32(value) - 1, true
		}
	}
	return 0, false
}

// lineWords is the size of a line of four slots in numbers.
const lineWords = 8

// line is where the line begins from which on an id is looked for.
func line(hash, lines uint64) uint64 {
	n, _ := bits.Mul64(hash, lines)
	return n * lineWords
}

// hashInt mixes the bits of v. No two numbers have the same hash.
func hashInt(v int64) uint64 {
	x := uint64(v)
	x ^= x >> 32
	x *= 0x9E3779B97F4A7C15
	x ^= x >> 29
	return x * 0xBF58476D1CE4E5B9
}

// held is what a Writer holds of an id: what it is found by, and its number of interactions or, later, its index.
type held struct {
	key uint64 // the id itself or its hash
	n   int64
}

// directWords is how many 4 bytes a direct table has for an id at most. It is no larger than a hashed table then.
const directWords = 6

// isDirect tells whether the table of ascending numbers is a direct one.
func isDirect(ids []held) bool {
	if len(ids) == 0 {
		return false
	}
	return ids[len(ids)-1].key-ids[0].key < directWords*uint64(len(ids))
}

// writeDirect writes the direct table of ascending numbers.
func writeDirect(w *mapped.Writer, ids []held) error {
	next := ids[0].key
	for i, id := range ids {
		for ; next != id.key; next++ {
			if err := w.Uint32(0); err != nil {
				return err
			}
		}
		if err := w.Uint32(uint32(i) + 1); err != nil {
			return err
		}
		next++
	}
	return nil
}

// writeHashed writes the hashed table of ids of which n is the index now, and brings them in another order. Spans are nil
// if they are numbers.
func writeHashed(w *mapped.Writer, ids []held, spans []span) (lines uint64, err error) {
	lines = (3*uint64(len(ids)) + 7) / 8
	hash := func(id held) uint64 { return id.key }
	if spans == nil {
		hash = func(id held) uint64 { return hashInt(int64(id.key)) }
	}
	slices.SortFunc(ids, func(a, b held) int { return cmp.Or(cmp.Compare(hash(a), hash(b)), cmp.Compare(a.n, b.n)) })
	next := uint64(0) // slot, counted in numbers
	free := func(until uint64) error {
		for ; next < until; next += 2 {
			if err := w.Uint64s(0, 0); err != nil {
				return err
			}
		}
		return nil
	}
	for _, id := range ids {
		if err := free(line(hash(id), lines)); err != nil {
			return 0, err
		}
		key, value := id.key, uint64(id.n)+1
		if spans != nil {
			key, value = spans[id.n], value|id.key<<32
		}
		if err := w.Uint64s(key, value); err != nil {
			return 0, err
		}
		next += 2
	}
	return lines, free(max(lines*lineWords, (next+lineWords-1)/lineWords*lineWords))
}
