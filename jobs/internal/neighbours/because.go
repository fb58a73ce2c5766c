package neighbours

import "math"

// reasons finds which items of a history contributed most to the candidates of a user.
type reasons struct {
	most  int     // for each candidate
	place []uint8 // of each item: 1 + its place in the chunk of candidates that is looked at, or 0
	parts []Neighbour
	items []uint32
}

// chunk is the number of candidates that are looked at in one pass over the rows of a history.
const chunk = math.MaxUint8

func newReasons(items, top, most int) reasons {
	return reasons{
		most: most, place: make([]uint8, items),
		parts: make([]Neighbour, min(top, chunk)*most), items: make([]uint32, top*most),
	}
}

// find sets Because of all candidates.
func (r *reasons) find(neighbours Matrix, history []uint32, values []float32, candidates []Scored) {
	free := r.items
	for len(candidates) > 0 {
		n := min(len(candidates), chunk)
		free = r.findChunk(neighbours, history, values, candidates[:n], free)
		candidates = candidates[n:]
	}
}

func (r *reasons) findChunk(neighbours Matrix, history []uint32, values []float32, candidates []Scored, free []uint32) []uint32 {
	clear(r.parts)
	for p, c := range candidates {
		r.place[c.Index] = uint8(p + 1)
	}
	for q, h := range history {
		columns, similarities := neighbours.Row(int(h))
		if searchCost*len(candidates) < len(columns) {
			r.search(h, weightOf(values, q), columns, similarities, candidates)
		} else {
			r.look(h, weightOf(values, q), columns, similarities)
		}
	}
	for p := range candidates {
		r.place[candidates[p].Index] = 0
		n := 0
		for _, part := range r.of(p) {
			if part.Similarity > 0 {
				free[n] = part.Index
				n++
			}
		}
		candidates[p].Because, free = free[:n:n], free[n:]
	}
	return free
}

// of is the largest contributions so far to the candidate at place p.
func (r *reasons) of(p int) []Neighbour {
	return r.parts[p*r.most : (p+1)*r.most]
}

// searchCost is what a binary search costs, in entries that look passes over.
const searchCost = 8

// search finds the candidates in the row of history item h, each for itself.
func (r *reasons) search(h uint32, w float64, columns []uint32, similarities []float32, candidates []Scored) {
	for p := range candidates {
		if q := last(columns, candidates[p].Index); columns[q] == candidates[p].Index {
			r.add(p, Neighbour{h, w * weightOf(similarities, q)})
		}
	}
}

// last is the place of the last column that is not above c, or 0; there is at least one column. It has no branch that
// depends on columns, which none could predict.
func last(columns []uint32, c uint32) int {
	base := 0
	for n := len(columns); n > 1; {
		half := n / 2
		above := (int64(c) - int64(columns[base+half])) >> 63 // all ones or zero
		base += half &^ int(above)
		n -= half
	}
	return base
}

// look finds the candidates in the row of history item h.
func (r *reasons) look(h uint32, w float64, columns []uint32, similarities []float32) {
	place := r.place
	q := 0
	for ; q+4 <= len(columns); q += 4 {
		c := columns[q : q+4 : q+4]
		if place[c[0]]|place[c[1]]|place[c[2]]|place[c[3]] != 0 {
			r.pick(h, w, c, similarities, q)
		}
	}
	r.pick(h, w, columns[q:], similarities, q)
}

// pick adds the contributions of the columns that begin at entry q of a row.
func (r *reasons) pick(h uint32, w float64, columns []uint32, similarities []float32, q int) {
	for k, c := range columns {
		if p := r.place[c]; p != 0 {
			r.add(int(p-1), Neighbour{h, w * weightOf(similarities, q+k)})
		}
	}
}

// add puts a contribution in its place; of equal ones the first stays before, and history is ascending.
func (r *reasons) add(p int, part Neighbour) {
	parts := r.of(p)
	i := len(parts) - 1
	if !(parts[i].Similarity < part.Similarity) {
		return
	}
	for ; i > 0 && parts[i-1].Similarity < part.Similarity; i-- {
		parts[i] = parts[i-1]
	}
	parts[i] = part
}
