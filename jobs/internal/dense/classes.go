package dense

import "github.com/shardmill/shardmill/jobs/internal/quota"

// classes are what a Scorer knows of the classes in the lists of its block. Nil is no quotas.
type classes struct {
	most []int    // by class, items in a list
	at   []uint32 // of the item at each place
	of   []uint32 // of the keys of all lists
}

func newClasses(it *Items, q *quota.Quotas, top int) *classes {
	c := &classes{most: q.Most, at: make([]uint32, it.n), of: make([]uint32, blockUsers*top)}
	for place, i := range it.order {
		c.at[place] = q.Of[i]
	}
	return c
}

// reset begins a block.
func (c *classes) reset() {
	if c != nil {
		clear(c.of)
	}
}

// classesOf are the classes of the keys of a user's list.
func (s *Scorer) classesOf(user int) []uint32 { return s.classes.of[user*s.top : (user+1)*s.top] }

// offer puts a key of the item at a place, which is above the first key, in the list of a user. It returns what quota.Offer does.
func (s *Scorer) offer(user int, k key, place uint32) (floor key) {
	l, c := s.list(user), s.classes
	if c == nil {
		l.replace(k)
		return 0
	}
	class := c.at[place]
	return quota.Offer(l, s.classesOf(user), k, class, c.most[class])
}

// clearList empties the list of a user.
func (s *Scorer) clearList(user int) {
	clear(s.list(user))
	if s.classes != nil {
		clear(s.classesOf(user))
	}
}

// full says of which classes a user's list has as many as there may be: of no class whose bit, of its last six, is not set. It is 0 without quotas.
func (s *Scorer) full(user int) (bits uint64) {
	if s.classes == nil {
		return 0
	}
	l, of := s.list(user), s.classesOf(user)
	for _, class := range of {
		if bit := uint64(1) << (class % 64); bits&bit == 0 && quota.Floor(l, of, class, s.classes.most[class]) != 0 {
			bits |= bit
		}
	}
	return bits
}

// within tells whether the item at a place, of a score up to most, may have a place in the list of a user, whose list is full of some classes.
func (s *Scorer) within(user int, full uint64, place uint32, most float32) bool {
	if full == 0 {
		return true
	}
	class := s.classes.at[place]
	if full>>(class%64)&1 == 0 {
		return true
	}
	floor := quota.Floor(s.list(user), s.classesOf(user), class, s.classes.most[class])
	return floor == 0 || most >= floor.score()
}
