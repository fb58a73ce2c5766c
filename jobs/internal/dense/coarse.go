package dense

import (
	"math"
)

// coarseKernel is what a Kernel has to find by sums of whole numbers what is to be scored.
type coarseKernel struct {
	tile  coarseFunc
	most  mostFunc
	place placeFunc
	dots  dotsFunc
}

// A dotsFunc scores a user and some rows, which begin at places of rows, as a tileFunc does.
type dotsFunc func(user, rows []float32, at *[settled]int, out *[settled]float32)

// settled is how many rows a dotsFunc takes.
const settled = 8

// A mostFunc raises most to what the sums of candidates are at least, in units of the user: unit*(sum - (the user's slack + slack)).
type mostFunc func(found *coarseFound, limits *limits, unit, slack float32, most *[tileUsers][tileItems]float32)

// A placeFunc lowers least to the n-th greatest of each user, if that is less.
type placeFunc func(most *[tileUsers][tileItems]float32, n int, least *[16]float32)

// A coarseFunc scores 12 users and a panel of 32 items in whole numbers, [pair of factors][user] and [pair of factors][item], and
// finds the candidates: sums that are not below the user's limit, of items that the user wants. That limit is
// least*perUnit - (the user's slack + slack). It returns a bit for each user with candidates.
type coarseFunc func(users, panel []uint32, limits *limits, perUnit, slack float32, wanted *[tileUsers]uint32, out *coarseFound) (found uint32)

// limits are what 12 users ask of a score. Behind the last user is nothing.
type limits struct {
	least [16]float32 // in units of the user
	slack [16]float32 // in units of sums
}

// coarseFound is what a coarseFunc finds.
type coarseFound struct {
	masks [tileUsers]uint32 // a bit for each item that is a candidate
	_     [4]uint32
	_     [16]int32                   // limits in units of sums, for kernels
	sums  [tileUsers][tileItems]int32 // of users with candidates, all 32; undefined for others
}

const (
	// coarseFactors is how many factors there must be: with fewer there is nothing to be won.
	coarseFactors = 16
	coarseMost    = 1 << 16 // factors at most
	// coarseRange bounds factors, so that no sum of products is infinite.
	coarseRange = 0x1p40
	// leastRange is a factor that is as good as 0.
	leastRange = 0x1p-40
	// roundings is more than all limits, sums and scores that are floats lose in their last bits, in units of sums, which are
	// below 2^31.
	roundings = 1024
)

// steps is how many steps a factor of f may have so that sums of products stay below 2^31.
func steps(f int) float64 {
	return math.Floor(math.Min(math.MaxInt16, math.Sqrt(math.MaxInt32/float64(f+1))))
}

// unit is the step in which factors up to greatest are counted.
func unit(greatest float64, f int) float64 { return max(greatest, leastRange) / steps(f) }

// round is x to the nearest whole number, in 16 bits: x is between -2^15 and 2^15.
func round(x float64) uint16 { return uint16(math.Float64bits(x + 0x1.8p52)) }

// put16 lays a vector in steps of a unit into a lane, [pair of factors][width].
func put16(lane []uint32, width int, vector []float32, unit float64) {
	per := 1 / unit
	k := 0
	for ; k+1 < len(vector); k += 2 {
		lane[0] = uint32(round(float64(vector[k])*per)) | uint32(round(float64(vector[k+1])*per))<<16
		lane = lane[min(width, len(lane)):]
	}
	if k < len(vector) {
		lane[0] = uint32(round(float64(vector[k]) * per))
	}
}

// extent is the greatest absolute value of a vector, and the sum of all.
func extent(vector []float32) (greatest, sum float64) {
	most := uint32(0) // as numbers that are not negative, their bits are in order
	for _, v := range vector {
		b := math.Float32bits(v) &^ (1 << 31)
		most = max(most, b)
		sum += float64(math.Float32frombits(b))
	}
	return float64(math.Float32frombits(most)), sum
}

// coarseItems are all items in whole numbers: each panel in steps of its own unit.
type coarseItems struct {
	pairs  int
	panels []uint32  // [pair of factors][item]
	units  []float64 // of each panel
	slack  []float32 // of each panel, see slack
}

// slack is by how much a sum of products can be wrong for one of the two vectors, in units of sums: each factor of the other
// one is wrong by half a step at most, where this one has so much in all.
func slack(sum, unit float64) float64 { return sum / unit / 2 }

// newCoarseItems makes them of rows of f factors, in the order of their places. It returns nil for those that it cannot have.
func newCoarseItems(room Room, rows []float32, f int) (*coarseItems, error) {
	n := len(rows) / f
	count, pairs := (n+tileItems-1)/tileItems, (f+1)/2
	c, fits := &coarseItems{pairs: pairs, units: make([]float64, count), slack: make([]float32, count)}, true
	var err error
	c.panels, err = room.Words(count, pairs*tileItems, func(p int, panel []uint32) {
		all := rows[p*tileItems*f : min((p+1)*tileItems, n)*f]
		greatest, sum := 0., 0.
		for i := 0; i < len(all); i += f {
			g, s := extent(all[i : i+f])
			greatest, sum = max(greatest, g), max(sum, s)
		}
		if fits = fits && greatest <= coarseRange; !fits {
			return
		}
		c.units[p] = unit(greatest, f)
		c.slack[p] = float32(slack(sum, c.units[p]))
		for i := 0; i < len(all); i += f {
			put16(panel[i/f:], tileItems, all[i:i+f], c.units[p])
		}
	})
	if err != nil || !fits {
		return nil, err
	}
	return c, nil
}

// panel has the items of the places from 32*p, [pair of factors][item].
func (c *coarseItems) panel(p int) []uint32 {
	size := tileItems * c.pairs
	return c.panels[p*size : (p+1)*size]
}

// survivor is an item that may have a place in a list.
type survivor struct {
	place uint32
	most  float32 // its score is no greater
}

// coarseScorer finds the few items that may be among a user's best by sums of whole numbers, which take half the time. Their scores are
// made as all others are.
type coarseScorer struct {
	*coarseKernel
	items     *coarseItems
	rows      []float32 // of the users of the block
	users     []uint32  // of the block, [tile][pair of factors][user]
	units     [blockUsers]float64
	limits    [blockTiles]limits
	survivors [blockUsers][]survivor
	found     coarseFound
	lanes     [tileUsers][tileItems]float32 // see begin
	places    [2][]uint32                   // of the survivors that are scored, of two users in turns
	at        [settled]int
	scores    [settled]float32
}

func newCoarseScorer(k Kernel, items *Items) *coarseScorer {
	if k.coarse == nil || items.coarse == nil {
		return nil
	}
	return &coarseScorer{coarseKernel: k.coarse, items: items.coarse, users: make([]uint32, blockUsers*items.coarse.pairs)}
}

// vectors are the factors of the users of a tile, [pair of factors][user].
func (c *coarseScorer) vectors(tile int) []uint32 {
	size := tileUsers * c.items.pairs
	return c.users[tile*size : (tile+1)*size]
}

// load begins a block of users. It returns false for users whose factors are too large.
func (c *coarseScorer) load(users []float32, f int) bool {
	c.rows = users
	for t := range c.limits {
		for u := range c.limits[t].least { // of nobody
			c.limits[t].least[u], c.limits[t].slack[u] = float32(math.Inf(1)), 0
		}
	}
	for u := range len(users) / f {
		vector := users[u*f : (u+1)*f]
		greatest, sum := extent(vector)
		if greatest > coarseRange {
			return false
		}
		c.units[u] = unit(greatest, f)
		c.survivors[u] = c.survivors[u][:0]
		l, lane := &c.limits[u/tileUsers], u%tileUsers
		// A sum of whole numbers is wrong by sum(|v|)/2 in steps of the item's unit for the user's steps, and by sum(|a|)/2 for the
		// item's, a being the user's steps: sum(|u|) and half a step for each. A score has lost less than f*2^-22 of the product
		// of the norms, see Scorer.done, which is at most f*steps^2 < 2^31.
		l.least[lane] = float32(math.Inf(-1))
		l.slack[lane] = float32(slack(sum, c.units[u]) + float64(f)/4 + 512*float64(f) + roundings)
		put16(c.vectors(u / tileUsers)[lane:], tileUsers, vector, c.units[u])
	}
	return true
}
