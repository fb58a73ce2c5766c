package dense

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
)

// The users and items of a tile.
const (
	tileUsers = 12
	tileItems = 32
)

// Items are the vectors of all items, laid out for a kernel. Scorers share them.
type Items struct {
	n, f   int
	panels []float32    // of 32 items each, [factor][item]; behind the last item zeros; made by lay
	rows   []float32    // by place, where coarse is
	coarse *coarseItems // nil where no kernel uses them, or they are not to be had
	room   Room
	laid   sync.Once
	failed error     // of laying out the panels
	order  []uint32  // index of the item at each place in the panels
	places []uint32  // place of each item: the inverse of order
	norms  []float64 // the greatest norm in each panel, descending
}

// PackedBytes is the memory that n items of f factors take when packed, at most, while no user has a factor above 2^40.
func PackedBytes(n, f int) int64 {
	panels, floats := (int64(n)+tileItems-1)/tileItems, int64(f)
	size := panels*(floats*tileItems*4+8) + 8*int64(n)
	if f >= coarseFactors {
		size += panels * ((floats+1)/2*tileItems*4 + 12)
	}
	return size
}

// Pack lays out n items of f factors: item i has factors[i*f : (i+1)*f]. Factors that are not finite are an error.
// While it works it takes 8 bytes an item more than PackedBytes.
func Pack(factors []float32, n, f int) (*Items, error) {
	if err := checkShape(factors, n, f); err != nil {
		return nil, fmt.Errorf("pack items: %w", err)
	}
	return PackRows(n, f, func(i int) []float32 { return factors[i*f : (i+1)*f] }, Heap{})
}

// PackRows is Pack of items whose factors row returns, valid until it is called again, and some times over. Room has all that takes more than
// 16 bytes an item.
func PackRows(n, f int, row func(i int) []float32, room Room) (*Items, error) {
	if f < 1 {
		return nil, fmt.Errorf("pack items: %w", errNoFactors)
	}
	if uint64(n) > math.MaxUint32 {
		return nil, fmt.Errorf("pack items: %d are more than an index of 32 bits counts", n)
	}
	count := (n + tileItems - 1) / tileItems
	it := &Items{
		n: n, f: f, room: room,
		order:  make([]uint32, n),
		places: make([]uint32, n),
		norms:  make([]float64, count),
	}
	norms := make([]float64, n)
	for i := range n {
		norms[i] = norm(row(i))
		if !(norms[i] <= math.MaxFloat64) {
			return nil, fmt.Errorf("pack items: item %d has a factor that is not finite", i)
		}
		it.order[i] = uint32(i)
	}
	slices.SortFunc(it.order, func(a, b uint32) int { return cmp.Or(cmp.Compare(norms[b], norms[a]), cmp.Compare(a, b)) })
	for place, i := range it.order {
		it.places[i] = uint32(place)
	}
	if err := it.pack(func(place int) []float32 { return row(int(it.order[place])) }); err != nil {
		return nil, fmt.Errorf("pack items: %w", err)
	}
	for p := range it.norms {
		it.norms[p] = norms[it.order[p*tileItems]]
	}
	return it, nil
}

// pack lays the vectors out as the best kernel has them.
func (it *Items) pack(row func(place int) []float32) error {
	if Kernels()[0].coarse != nil {
		if err := it.packCoarse(row); err != nil || it.coarse != nil {
			return err
		}
	}
	it.laid.Do(func() { it.failed = it.lay(row) })
	return it.failed
}

// packCoarse lays the vectors out for a coarseFunc, if it can have them.
func (it *Items) packCoarse(row func(place int) []float32) (err error) {
	if it.f < coarseFactors || it.f > coarseMost {
		return nil
	}
	it.rows, err = it.room.Floats(it.n, it.f, func(place int, to []float32) { copy(to, row(place)) })
	if err != nil {
		return err
	}
	if it.coarse, err = newCoarseItems(it.room, it.rows, it.f); it.coarse == nil {
		it.rows = nil
	}
	return err
}

// needPanels lays out the panels where that has not been done.
func (it *Items) needPanels() error {
	it.laid.Do(func() {
		it.failed = it.lay(func(place int) []float32 { return it.rows[place*it.f : (place+1)*it.f] })
	})
	return it.failed
}

// lay lays the vectors out in panels.
func (it *Items) lay(row func(place int) []float32) (err error) {
	it.panels, err = it.room.Floats(len(it.norms), tileItems*it.f, func(p int, panel []float32) {
		for lane := range min(tileItems, it.n-p*tileItems) {
			for k, v := range row(p*tileItems + lane) {
				panel[k*tileItems+lane] = v
			}
		}
	})
	return err
}

// Len is the number of items.
func (it *Items) Len() int { return it.n }

var errNoFactors = errors.New("vectors have no factors")

// checkShape tells whether factors can be n vectors of f.
func checkShape(factors []float32, n, f int) error {
	switch {
	case f < 1:
		return errNoFactors
	case n < 0 || n != len(factors)/f || len(factors)%f != 0:
		return fmt.Errorf("%d numbers are not %d vectors of %d factors", len(factors), n, f)
	}
	return nil
}

// panel has the vectors of the places from 32*p, [factor][item].
func (it *Items) panel(p int) []float32 {
	size := tileItems * it.f
	return it.panels[p*size : (p+1)*size]
}

// valid has a bit for each item of a panel: the last one may have less than 32.
func (it *Items) valid(p int) uint32 {
	if left := it.n - p*tileItems; left < tileItems {
		return 1<<left - 1
	}
	return math.MaxUint32
}

// norm is the Euclidean norm, which is not finite if a factor is not. The square of a float32 is exact and in the range of float64.
func norm(vector []float32) float64 {
	sum := 0.0
	for _, v := range vector {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}
