package recommend

import (
	"errors"
	"strconv"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/shardmill/shardmill/jobs/internal/interactions"
)

// How a part of the pairs is cut off.
const (
	byHash = "hash" // a share of the pairs, by their ids
	byLast = "last" // the newest pair of each user
	byTime = "time" // pairs from a time on
)

// cutting is how the test part or the validation part is cut off. The zero value cuts nothing off.
type cutting struct {
	kind  string
	share float64 // byHash: above 0 and below 1
	from  int64   // byTime: the second of Unix time with which the part begins
}

var errCutting = errors.New("hash:SHARE with a share above 0 and below 1, such as hash:0.2, last, or time:DATE, such as time:2026-01-31")

// parseCutting reads "hash:0.2", "last" or "time:2026-01-31".
func parseCutting(text string) (c cutting, err error) {
	kind, value, _ := strings.Cut(text, ":")
	c.kind = kind
	ok := false
	switch kind {
	case byHash:
		c.share, err = strconv.ParseFloat(value, 64)
		ok = err == nil && c.share > 0 && c.share < 1
	case byLast:
		ok = text == byLast
	case byTime:
		c.from, ok = interactions.ParseTime(value)
	}
	if !ok {
		return cutting{}, errCutting
	}
	return c, nil
}

// timed tells whether times of pairs decide.
func (c cutting) timed() bool { return c.kind == byLast || c.kind == byTime }

// before is the cutting of as long a time before a part that ends with the newest interaction.
func (c cutting) before(newest int64) cutting {
	return cutting{kind: byTime, from: c.from - (newest - c.from) - 1}
}

// subset is the part of the pairs that a pair is in.
type subset uint8

const (
	inFit   subset = iota // configurations are trained on
	inValid               // they are chosen by
	inTest                // the one that was chosen is measured by
)

// Seeds of the hashes by which pairs are cut off.
const (
	testSeed  = 1
	validSeed = 2
)

// cutter tells which part each pair of a user is in. What it tells follows from the user's pairs alone.
type cutter struct {
	test, valid cutting
	subsets     []subset // of the user's pairs
	id          []byte   // of a user and an item
}

// pairs are those of a user: the items, ascending, and the time of each, that of its newest interaction.
type pairs struct {
	user   []byte // id
	items  []uint32
	time   func(i int) int64 // of pair i; only called where a cutting is timed
	itemID func(dst []byte, item uint32) []byte
}

// cut tells the part of each pair, valid until the next call.
func (c *cutter) cut(p *pairs) []subset {
	c.subsets = c.subsets[:0]
	for range p.items {
		c.subsets = append(c.subsets, inFit)
	}
	least := 2 // pairs of a user of which the newest is cut off
	if c.test.kind == byLast && c.valid.kind == byLast {
		if least = 3; len(p.items) < least {
			return c.subsets
		}
	}
	c.cutOff(p, c.test, inTest, testSeed, least)
	c.cutOff(p, c.valid, inValid, validSeed, 2)
	return c.subsets
}

// cutOff moves pairs from the fit part to another one.
func (c *cutter) cutOff(p *pairs, by cutting, to subset, seed uint64, least int) {
	switch by.kind {
	case byHash:
		c.id = append(append(c.id[:0], p.user...), 0)
		n := len(c.id)
		for i, item := range p.items {
			c.id = p.itemID(c.id[:n], item)
			if c.subsets[i] == inFit && float64(xxh3.HashSeed(c.id, seed)) < by.share*(1<<64) {
				c.subsets[i] = to
			}
		}
	case byTime:
		for i, s := range c.subsets {
			if s == inFit && p.time(i) >= by.from {
				c.subsets[i] = to
			}
		}
	case byLast:
		if newest, n := c.newest(p); n >= least {
			c.subsets[newest] = to
		}
	}
}

// newest is the place of the newest pair of the fit part, of several the one with the highest item, and the number of pairs there.
func (c *cutter) newest(p *pairs) (at, n int) {
	for i, s := range c.subsets {
		if s != inFit {
			continue
		}
		if n == 0 || p.time(i) >= p.time(at) {
			at = i
		}
		n++
	}
	return at, n
}
