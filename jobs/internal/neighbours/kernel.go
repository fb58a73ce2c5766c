package neighbours

import (
	"fmt"
	"math"
)

// Kernel computes rows of similarities of items. It holds an accumulator, and mostly a copy of the matrix, so that each goroutine
// needs its own.
type Kernel struct {
	method       Method
	users, items Matrix
	measure      measure
	weights      weights
	best         *best
	ahead        rowsAhead

	// One of the accumulators is used for a row. They are zero between rows.
	counts []uint16  // where users are counted, and are few enough
	wide   []uint32  // where users are counted
	floats []float64 // where weights are summed
}

// NewKernel prepares to compare the items of a matrix of interactions, given by users (a row for each user, a column
// for each item) and by items (its transpose). It reads all entries once where the method weighs them, and the lengths
// of rows otherwise. Memory: numbers for each user and item; where values do not count, 2 bytes for each entry if these
// are 128 MiB and a quarter of the soft memory limit of the process at most, and items no more than 65,536; and 4 bytes for each entry where values are transformed
// (tfidf, bm25, rp3beta with an alpha other than 1). Errors: a method that does not pass Check, matrices that do not
// belong together, values that the method cannot take.
func NewKernel(m Method, users, items Matrix) (*Kernel, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	if users.Rows() != items.Columns() || users.Columns() != items.Rows() {
		return nil, fmt.Errorf("%s: users are %d x %d and items %d x %d: one is not the transpose of the other",
			m.Algorithm, users.Rows(), users.Columns(), items.Rows(), items.Columns())
	}
	k := &Kernel{method: m, users: users, items: items, best: newBest(min(m.K, max(items.Rows(), 1)))}
	if err := k.prepare(); err != nil {
		return nil, fmt.Errorf("%s: %w", m.Algorithm, err)
	}
	return k, nil
}

// Row appends to dst the K items that are most similar to an item, the most similar first, of equal ones the lowest
// index first. Only similarities above 0 are among them, and not the item itself.
func (k *Kernel) Row(item int, dst []Neighbour) []Neighbour {
	of, values := k.items.Row(item)
	switch {
	case !k.weights.counted:
		k.floats = sized(k.floats, k.items.Rows())
		keep(k, item, of, k.floats, k.addUp(item, of, values))
	case len(of) <= math.MaxUint16:
		k.counts = sized(k.counts, k.items.Rows())
		keep(k, item, of, k.counts, count(k, of, k.counts))
	default:
		k.wide = sized(k.wide, k.items.Rows())
		keep(k, item, of, k.wide, count(k, of, k.wide))
	}
	return append(dst, k.best.sorted()...)
}

// sized makes an accumulator when it is first needed. Its capacity is at least that of numbers of 16 bits.
func sized[S sum](sums []S, n int) []S {
	if sums == nil {
		return make([]S, max(n, narrowColumns))[:n]
	}
	return sums
}

// count adds up in how many rows of users each item is, and returns the number of additions.
func count[S uint16 | uint32](k *Kernel, of []uint32, sums []S) (work int) {
	if n := k.weights.narrow; n != nil {
		all := wide(sums)
		for q := range of {
			columns := n.read(of, q)
			addNarrowOnes(all, columns)
			work += len(columns)
		}
		return work
	}
	k.ahead.begin(k.users, of)
	for range of {
		columns, _ := k.ahead.read()
		addOnes(sums, columns)
		work += len(columns)
	}
	return work
}

// addUp adds up the weights of the items of an item's users, and returns the number of additions.
func (k *Kernel) addUp(item int, of []uint32, values []float32) (work int) {
	w := &k.weights
	if w.narrow != nil {
		return k.addUpNarrow(of)
	}
	k.ahead.begin(w.users, of)
	for q, u := range of {
		columns, others := k.ahead.read()
		switch {
		case !w.valued:
			addWeight(k.floats, columns, w.factor(u))
		case others == nil:
			addWeight(k.floats, columns, w.factor(u)*w.value(item, values, q))
		default:
			addValues(k.floats, columns, others, w.factor(u)*w.value(item, values, q))
		}
		work += len(columns)
	}
	return work
}

// addUpNarrow is addUp where values do not count.
func (k *Kernel) addUpNarrow(of []uint32) (work int) {
	all := wide(k.floats)
	for q, u := range of {
		columns := k.weights.narrow.read(of, q)
		addNarrowWeight(all, columns, k.weights.factor(u))
		work += len(columns)
	}
	return work
}

// keep offers the others of an item to the best, and clears the sums.
func keep[S sum](k *Kernel, item int, of []uint32, sums []S, work int) {
	sums[item] = 0
	if 2*work < len(sums) {
		sweep(k, item, of, sums)
		return
	}
	switch k.method.Algorithm {
	case Jaccard:
		scanJaccard(k, item, sums)
	case LLR:
		scanLLR(k, item, sums)
	default:
		scanRatio(k, item, sums)
	}
	clear(sums)
}

// sweep offers and clears what the rows of users have touched, where that is little.
func sweep[S sum](k *Kernel, item int, of []uint32, sums []S) {
	for _, u := range of {
		columns, _ := k.users.Row(int(u))
		for _, j := range columns {
			x := sums[j]
			if x == 0 {
				continue
			}
			sums[j] = 0
			k.best.offer(Neighbour{j, k.measure.similarity(item, int(j), float64(x))})
		}
	}
}

// slack makes a filter let through what rounding may have made too small.
const slack = 1 - 1e-12

// scanRatio offers what has, as sum / (left * right + shrink), a chance.
func scanRatio[S sum](k *Kernel, item int, sums []S) {
	m, b := &k.measure, k.best
	left, right, shrink := m.left[item], m.right[:len(sums)], m.shrink
	floor := b.cut * slack
	for j, s := range sums {
		x := float64(s)
		if x < floor*(left*right[j]+shrink) || s == 0 {
			continue
		}
		floor = slack * b.offer(Neighbour{uint32(j), m.similarity(item, j, x)})
	}
}

func scanJaccard[S sum](k *Kernel, item int, sums []S) {
	m, b := &k.measure, k.best
	count := m.count[:len(sums)]
	n := count[item] + m.shrink
	floor := b.cut * slack
	for j, s := range sums {
		x := float64(s)
		if x < floor*(n+count[j]-x) || s == 0 {
			continue
		}
		floor = slack * b.offer(Neighbour{uint32(j), m.similarity(item, j, x)})
	}
}

// scanLLR passes over what is not together more often than by chance, and what is below the cut by a bound that takes
// no logarithm: G is at most twice Pearson's chi-squared, as ln x <= x-1.
func scanLLR[S sum](k *Kernel, item int, sums []S) {
	m, b := &k.measure, k.best
	count, rest := m.count[:len(sums)], m.rest[:len(sums)]
	n := count[item]
	scale := 2 * m.users * rest[item]
	floor := lowestG(b.cut)
	for j, s := range sums {
		more := float64(s)*m.users - n*count[j] // users together more than by chance, times users
		if more <= 0 || more*more*rest[j]*scale < floor {
			continue
		}
		floor = lowestG(b.offer(Neighbour{uint32(j), m.similarity(item, j, float64(s))}))
	}
}

// lowestG is a G that is low enough for a similarity of 1 - 1/(1+G) to be less than cut.
func lowestG(cut float64) float64 {
	return 0.999 * cut / (1 - min(cut, 1-1e-9))
}
