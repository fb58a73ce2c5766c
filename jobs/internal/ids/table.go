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
	homes   uint64
}

// check returns what is wrong with a table of n ids, of which no slot may lead out of the ids or of the text.
func (t *table) check(n int) string {
	const bad = "table does not fit the ids"
	if t.homes > uint64(len(t.slots)/2) || len(t.slots)%2 != 0 {
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

func (t *table) findInt(v int64) (index uint32, ok bool) {
	slots := t.slots
	for s := 2 * home(hashInt(v), t.homes); s+1 < uint64(len(slots)); s += 2 {
		value := slots[s+1]
		if value == 0 {
			break
		}
		if slots[s] == uint64(v) {
			return uint32(value) - 1, true
		}
	}
	return 0, false
}

func (t *table) findText(id []byte) (index uint32, ok bool) {
	hash := xxh3.Hash(id)
	slots := t.slots
	for s := 2 * home(hash, t.homes); s+1 < uint64(len(slots)); s += 2 {
		value := slots[s+1]
		if value == 0 {
			break
		}
		if uint32(value>>32) == uint32(hash) && string(at(t.text, slots[s])) == string(id) {
			return uint32(value) - 1, true
		}
	}
	return 0, false
}

// home is the slot from which on an id is looked for.
func home(hash, homes uint64) uint64 {
	h, _ := bits.Mul64(hash, homes)
	return h
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

// writeHashed writes the hashed table of ids of which n is the index now, and brings them in another order. Spans are nil if they are numbers.
func writeHashed(w *mapped.Writer, ids []held, spans []span) (homes uint64, err error) {
	homes = uint64(len(ids)) + uint64(len(ids))/2
	hash := func(id held) uint64 { return id.key }
	if spans == nil {
		hash = func(id held) uint64 { return hashInt(int64(id.key)) }
	}
	slices.SortFunc(ids, func(a, b held) int { return cmp.Or(cmp.Compare(hash(a), hash(b)), cmp.Compare(a.n, b.n)) })
	next := uint64(0)
	free := func(until uint64) error {
		for ; next < until; next++ {
			if err := w.Uint64s(0, 0); err != nil {
				return err
			}
		}
		return nil
	}
	for _, id := range ids {
		if err := free(home(hash(id), homes)); err != nil {
			return 0, err
		}
		key, value := id.key, uint64(id.n)+1
		if spans != nil {
			key, value = spans[id.n], value|id.key<<32
		}
		if err := w.Uint64s(key, value); err != nil {
			return 0, err
		}
		next++
	}
	return homes, free(homes)
}
