package neighbours

import (
	"slices"

	"github.com/shardmill/shardmill/jobs/internal/quota"
)

// within is best under quotas.
type within struct {
	n       int
	quotas  *quota.Quotas
	list    []classed // the worst is first
	cut     float64   // what is less than it is not kept
	floors  []float64 // by class, what is less than it is not kept of the class; 0 between lists
	touched []uint32  // classes whose floors are above
	offered int       // while the list is short
	best    []Neighbour
}

// classed is an item with its class.
type classed struct {
	Neighbour
	class uint32
}

func newWithin(n int, q *quota.Quotas) *within {
	return &within{n: n, quotas: q, cut: tiny, floors: make([]float64, len(q.Most))}
}

// offer takes x, of a class of its own quota, if it is among the best so far, and returns the cut.
func (w *within) offer(x Neighbour) float64 {
	if !(x.Similarity >= w.cut) {
		return w.cut
	}
	w.offered++
	class := w.quotas.Of[x.Index]
	if x.Similarity < w.floors[class] {
		return w.cut
	}
	out, taken := w.leaves(x, class)
	if !taken {
		return w.cut
	}
	if out >= 0 {
		w.list = slices.Delete(w.list, out, out+1)
	}
	at := 0
	for at < len(w.list) && worse(w.list[at].Neighbour, x) {
		at++
	}
	w.list = slices.Insert(w.list, at, classed{x, class})
	w.raise(class)
	if len(w.list) == w.n {
		w.cut = w.list[0].Similarity
	}
	return w.cut
}

// leaves tells whether x is taken, and whose place it takes; -1 is of none.
func (w *within) leaves(x Neighbour, class uint32) (at int, taken bool) {
	at = -1
	if len(w.list) == w.n {
		at = 0
	}
	if class != 0 {
		if first, n := w.find(class); n >= w.quotas.Most[class] {
			at = first
		}
	}
	return at, at < 0 || worse(w.list[at].Neighbour, x)
}

// raise notes the floor of a class.
func (w *within) raise(class uint32) {
	if class == 0 {
		return
	}
	if first, n := w.find(class); n >= w.quotas.Most[class] {
		if w.floors[class] == 0 {
			w.touched = append(w.touched, class)
		}
		w.floors[class] = w.list[first].Similarity
	}
}

// find counts a class in the list, and finds the worst of it.
func (w *within) find(class uint32) (first, n int) {
	for i := len(w.list) - 1; i >= 0; i-- {
		if w.list[i].class == class {
			first = i
			n++
		}
	}
	return first, n
}

// sorted returns what is kept, the best first, and how many were offered if there is place for more, and begins again. It is valid until the
// next call.
func (w *within) sorted() (kept []Neighbour, offered int) {
	w.best = w.best[:0]
	for _, c := range slices.Backward(w.list) {
		w.best = append(w.best, c.Neighbour)
	}
	for _, class := range w.touched {
		w.floors[class] = 0
	}
	offered = w.offered
	w.list, w.touched, w.cut, w.offered = w.list[:0], w.touched[:0], tiny, 0
	return w.best, offered
}
