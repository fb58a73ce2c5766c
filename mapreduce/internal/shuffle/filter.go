package shuffle

import (
	"bytes"
	"math"
)

const (
	filterSlots = 4096    // groups watched
	fewSlots    = 256     // groups watched where watching more does not pay
	settleAfter = 1 << 18 // records after which that is known
	payingShare = 4       // watching pays if one of so many records is left out
	filterBytes = 4 << 20 // of order words, and as many of group prefixes
	warmScore   = 8       // a group with that score is held
	maxScore    = 64      // so many records of others displace a group
	heldBit     = 1 << 31 // of a score: the group is held
	wordLen     = 8       // bytes of a key that an order word holds
)

// Filter finds records that [Config.First] would cut anyway, before they are
// written: those of groups with very many. It watches a few thousand groups, one in
// each slot of a table indexed by hash. A slot counts up with each record of its
// group and down with each of another, which takes the slot over at zero. For a
// group with a high count it holds the first eight bytes behind the group prefix
// of the First least records kept. Where that leaves out few records, a Sender
// makes it watch fewer groups. What it keeps depends on the sequence of calls
// only. It is not safe for concurrent use.
type Filter struct {
	first int
	slots []filterSlot
	hot   []hotGroup // by slot
	bytes int        // of group prefixes
	moved int        // records that have taken the place of another
	seen  int        // records of batches until the filter has settled
	gone  int        // of the last half of them, those left out
}

// filterSlot has what settles most records of a held group without a look at the hotGroup: there are many of them,
// and each is memory that is in no near cache.
type filterSlot struct {
	hash  uint64
	score uint32 // and heldBit
	group uint32 // length of the prefix of the group that is held
	head  uint64 // first bytes of it
	bar   uint64 // a greater order word is not among the first
}

// hotGroup holds the order words of records of a group that were kept.
type hotGroup struct {
	group   []byte
	words   []uint64 // a heap, the greatest first
	longest int      // of what stood behind the group prefix, in bytes
}

// NewFilter returns a Filter for groups that are cut to the first records. It takes
// 88 bytes for each of up to 4,096 slots, and up to 4 MiB each for order words and
// for group prefixes. With first below 1 it keeps all.
func NewFilter(first int) *Filter {
	f := &Filter{first: first}
	if first < 1 {
		return f
	}
	n := filterSlots
	for n > filterBytes/wordLen/first {
		n /= 2
	}
	f.slots, f.hot = make([]filterSlot, n), make([]hotGroup, n)
	return f
}

// Keep reports whether a record must be kept, being given the [Hash] of its group
// prefix, its full key and the length of the group prefix. It returns false only
// if First records of the same group with full keys that are not greater have been
// kept before.
func (f *Filter) Keep(hash uint64, key []byte, group int) bool {
	if len(f.slots) == 0 {
		return true
	}
	if s := f.slot(hash); s.hash != hash {
		s.miss(hash)
		return true
	}
	return f.keep(hash, key, group)
}

// slot returns the slot of a hash.
func (f *Filter) slot(hash uint64) *filterSlot { return &f.slots[int(hash)&(len(f.slots)-1)] }

// keep is Keep for a record of the group in the slot.
func (f *Filter) keep(hash uint64, key []byte, group int) bool {
	i := int(hash) & (len(f.slots) - 1)
	s := &f.slots[i]
	if s.score&^heldBit < maxScore {
		s.score++
	}
	if s.score < warmScore || s.score < heldBit && !f.hold(i, key[:group]) {
		return true
	}
	if group <= wordLen && s.worse(key, group) {
		return false
	}
	h := &f.hot[i]
	if !bytes.Equal(h.group, key[:group]) {
		return true
	}
	full := len(h.words) == f.first
	if !h.keep(key[group:], f.first) {
		return false
	}
	if full {
		f.moved++
	}
	if len(h.words) == f.first {
		s.bar = h.words[0]
	}
	return true
}

// worse tells that a record is not among the first of the group in the slot, by what the slot knows: of a group of more
// than wordLen bytes it knows a part.
func (s *filterSlot) worse(key []byte, group int) bool {
	return prefix(key[group:]) > s.bar && int(s.group) == group && prefix(key[:group]) == s.head
}

// Displaced returns how many records were kept since the last call that are among the first of their group as far as the
// Filter knows, while as many others no longer are. Those may have been kept before, and are [Filter.Worse] now.
func (f *Filter) Displaced() int {
	moved := f.moved
	f.moved = 0
	return moved
}

// Worse reports whether First records with lesser full keys have been kept, so that
// this one, which was kept too, need not be. It changes nothing.
func (f *Filter) Worse(hash uint64, key []byte, group int) bool {
	if len(f.slots) == 0 {
		return false
	}
	i := int(hash) & (len(f.slots) - 1)
	s := &f.slots[i]
	return s.hash == hash && s.score >= heldBit && s.worse(key, group) && (group <= wordLen || bytes.Equal(f.hot[i].group, key[:group]))
}

// settle counts a batch. To look at each record of very many groups of which none is hot costs 27 ns a record (6 M rows of
// 53,424 users, of which it left out 9 %), more than it saves: then only groups are watched that have about a record in
// 256 or more. A few thousand groups are worth it: most of their records are left out.
func (f *Filter) settle(records, gone int) {
	if f.seen >= settleAfter {
		return
	}
	if f.seen >= settleAfter/2 {
		f.gone += gone
	}
	if f.seen += records; f.seen >= settleAfter && f.gone*payingShare < settleAfter/2 && len(f.slots) > fewSlots {
		f.slots, f.hot, f.bytes = make([]filterSlot, fewSlots), make([]hotGroup, fewSlots), 0
	}
}

// miss counts a record of another group than the slot's. Which way it goes cannot
// be predicted, so it is written to compile without a branch.
func (s *filterSlot) miss(hash uint64) {
	owner, score := s.hash, s.score
	if score&^heldBit == 0 {
		owner = hash
	}
	if score&^heldBit == 0 {
		score = 2
	}
	s.hash, s.score = owner, score-1
}

// hold begins to hold a group, if there is memory for it.
func (f *Filter) hold(i int, group []byte) bool {
	h := &f.hot[i]
	if more := len(group) - cap(h.group); more > 0 {
		if f.bytes+more > filterBytes {
			return false
		}
		f.bytes += more
		h.group = make([]byte, 0, len(group))
	}
	if h.words == nil {
		h.words = make([]uint64, 0, f.first)
	}
	h.group = append(h.group[:0], group...)
	h.words, h.longest = h.words[:0], 0
	s := &f.slots[i]
	s.score |= heldBit
	s.group, s.head, s.bar = uint32(len(group)), prefix(group), math.MaxUint64
	return true
}

// keep reports whether a record is kept whose key ends with rest, and notes it.
func (h *hotGroup) keep(rest []byte, first int) bool {
	word := prefix(rest)
	if len(h.words) == first {
		worst := h.words[0]
		// A record that is equal to the worst comes later. Words filled up with
		// zeros do not tell which is less of two rests, but the shorter is.
		if word > worst || word == worst && h.longest <= min(wordLen, len(rest)) {
			return false
		}
	}
	h.longest = max(h.longest, len(rest))
	if len(h.words) < first {
		h.push(word)
	} else {
		h.replace(word)
	}
	return true
}

// push adds a word to the heap.
func (h *hotGroup) push(word uint64) {
	h.words = append(h.words, word)
	i := len(h.words) - 1
	for i > 0 && h.words[(i-1)/2] < word {
		h.words[i] = h.words[(i-1)/2]
		i = (i - 1) / 2
	}
	h.words[i] = word
}

// replace puts a word in the place of the greatest.
func (h *hotGroup) replace(word uint64) {
	i, n := 0, len(h.words)
	for {
		child := 2*i + 1
		if child+1 < n && h.words[child+1] > h.words[child] {
			child++
		}
		if child >= n || h.words[child] <= word {
			break
		}
		h.words[i] = h.words[child]
		i = child
	}
	h.words[i] = word
}
