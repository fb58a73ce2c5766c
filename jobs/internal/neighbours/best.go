package neighbours

import "slices"

// tiny is below any similarity that is kept.
const tiny = 1e-300

// best keeps the n best of what it is offered: the highest values above tiny, and of equal ones the lowest index.
type best struct {
	n    int
	heap []Neighbour // the worst is first
	cut  float64     // what is less than it is not kept
}

func newBest(n int) *best {
	return &best{n: n, cut: tiny}
}

// worse tells whether a comes after b in the order of results.
func worse(a, b Neighbour) bool {
	return a.Similarity < b.Similarity || a.Similarity == b.Similarity && a.Index > b.Index
}

// offer takes x, if it is among the best so far, and returns the cut.
func (b *best) offer(x Neighbour) float64 {
	switch {
	case !(x.Similarity >= b.cut):
	case len(b.heap) < b.n:
		b.heap = append(b.heap, x)
		b.up()
		if len(b.heap) == b.n {
			b.cut = b.heap[0].Similarity
		}
	case worse(b.heap[0], x):
		b.heap[0] = x
		down(b.heap)
		b.cut = b.heap[0].Similarity
	}
	return b.cut
}

func (b *best) up() {
	h := b.heap
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !worse(h[i], h[parent]) {
			return
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

func down(h []Neighbour) {
	x := h[0]
	i := 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && worse(h[child+1], h[child]) {
			child++
		}
		if !worse(h[child], x) {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = x
}

// sorted returns what is kept, the best first, and begins again. It is valid until the next offer.
func (b *best) sorted() []Neighbour {
	slices.SortFunc(b.heap, func(x, y Neighbour) int {
		if worse(y, x) {
			return -1
		}
		return 1
	})
	kept := b.heap
	b.heap, b.cut = b.heap[:0], tiny
	return kept
}
