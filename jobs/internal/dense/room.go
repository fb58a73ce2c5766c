package dense

// Room is where the vectors of items are laid out: an array of parts of one size, which fill sets one after the other. A part is zeros
// before.
type Room interface {
	Floats(parts, size int, fill func(part int, to []float32)) ([]float32, error)
	Words(parts, size int, fill func(part int, to []uint32)) ([]uint32, error)
}

// Heap is the Room of this process.
type Heap struct{}

// Floats implements Room.
func (Heap) Floats(parts, size int, fill func(part int, to []float32)) ([]float32, error) {
	return filled(parts, size, fill), nil
}

// Words implements Room.
func (Heap) Words(parts, size int, fill func(part int, to []uint32)) ([]uint32, error) {
	return filled(parts, size, fill), nil
}

func filled[T any](parts, size int, fill func(int, []T)) []T {
	all := make([]T, parts*size)
	for p := range parts {
		fill(p, all[p*size:(p+1)*size])
	}
	return all
}
