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
	laid   sync.Once
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
	if uint64(n) > math.MaxUint32 {
		return nil, fmt.Errorf("pack items: %d are more than an index of 32 bits counts", n)
	}
	count := (n + tileItems - 1) / tileItems
	it := &Items{
		n: n, f: f,
		order:  make([]uint32, n),
		places: make([]uint32, n),
		norms:  make([]float64, count),
	}
	norms := make([]float64, n)
	for i := range n {
		norms[i] = norm(factors[i*f : (i+1)*f])
		if !(norms[i] <= math.MaxFloat64) {
			return nil, fmt.Errorf("pack items: item %d has a factor that is not finite", i)
		}
		it.order[i] = uint32(i)
	}
	slices.SortFunc(it.order, func(a, b uint32) int { return cmp.Or(cmp.Compare(norms[b], norms[a]), cmp.Compare(a, b)) })
	for place, i := range it.order {
		it.places[i] = uint32(place)
	}
	row := func(place int) []float32 { i := int(it.order[place]); return factors[i*f : (i+1)*f] }
	if Kernels()[0].coarse == nil || !it.packCoarse(row) {
		it.laid.Do(func() { it.lay(row) })
	}
	for p := range it.norms {
		it.norms[p] = norms[it.order[p*tileItems]]
	}
	return it, nil
}

// packCoarse lays the vectors out for a coarseFunc, if it can have them.
func (it *Items) packCoarse(row func(place int) []float32) bool {
	it.rows = make([]float32, 0, it.n*it.f)
	for place := range it.n {
		it.rows = append(it.rows, row(place)...)
	}
	if it.coarse = newCoarseItems(it.rows, it.f); it.coarse == nil {
		it.rows = nil
	}
	return it.coarse != nil
}

// needPanels lays out the panels where that has not been done.
func (it *Items) needPanels() {
	it.laid.Do(func() {
		it.lay(func(place int) []float32 { return it.rows[place*it.f : (place+1)*it.f] })
	})
}

// lay lays the vectors out in panels.
func (it *Items) lay(row func(place int) []float32) {
	it.panels = make([]float32, len(it.norms)*tileItems*it.f)
	for place := range it.n {
		it.put(place, row(place))
	}
}

// checkShape tells whether factors can be n vectors of f.
func checkShape(factors []float32, n, f int) error {
	switch {
	case f < 1:
		return errors.New("vectors have no factors")
	case n < 0 || n != len(factors)/f || len(factors)%f != 0:
		return fmt.Errorf("%d numbers are not %d vectors of %d factors", len(factors), n, f)
	}
	return nil
}

// put lays a vector at a place in the panels.
func (it *Items) put(place int, vector []float32) {
	lane := it.panel(place / tileItems)[place%tileItems:]
	for k, v := range vector {
		lane[k*tileItems] = v
	}
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
