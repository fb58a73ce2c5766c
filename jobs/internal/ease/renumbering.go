package ease

import "math"

// renumbering gives entries the numbers that rows of the inverse have.
type renumbering struct {
	numbers []uint32 // by index; nil if they are the same
	index   []uint32 // of entries
	values  []float32
}

// missing is the number of what is not in the inverse.
const missing = math.MaxUint32

func (s *shape) renumbering() (r renumbering) {
	all := s.items
	if s.byUsers {
		all = s.users
	}
	if len(s.active) == all {
		return r
	}
	r.numbers = make([]uint32, all)
	for i := range r.numbers {
		r.numbers[i] = missing
	}
	for n, i := range s.active {
		r.numbers[i] = uint32(n)
	}
	return r
}

// reset gives the memory of all entries back.
func (r *renumbering) reset() { r.index, r.values = r.index[:0], r.values[:0] }

// entries are the entries of a row with new numbers, without those that are not in the inverse. They are valid until reset.
func (r *renumbering) entries(index []uint32, values []float32) ([]uint32, []float32) {
	if r.numbers == nil {
		return index, values
	}
	a, b := len(r.index), len(r.values)
	for q, i := range index {
		n := r.numbers[i]
		if n == missing {
			continue
		}
		r.index = append(r.index, n)
		if values != nil {
			r.values = append(r.values, values[q])
		}
	}
	if values == nil {
		return r.index[a:], nil
	}
	return r.index[a:], r.values[b:]
}
