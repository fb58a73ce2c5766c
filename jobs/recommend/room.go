package recommend

import (
	"github.com/shardmill/shardmill/jobs/internal/dense"
	"github.com/shardmill/shardmill/mapreduce"
)

// room is the dense.Room of a mapper: the heap while there is room, and then files, of each process its own. Workers hold no more for them
// than what is read just now: the system can take the memory of mapped files back.
type room struct {
	inFiles
	left int64 // bytes of the heap
}

// newRoom makes the room of a mapper that is being made, which holds so many bytes in the heap besides.
func newRoom(env *mapreduce.Env, held int64) *room {
	return &room{inFiles: inFiles{folder: env.Scratch()}, left: memoryLimit()/heapShare - held}
}

// enter is for each call of Map: what is kept so late, as panels may be, is kept in the folder of that attempt.
func (r *room) enter(out *mapreduce.Out) { r.folder = out.Scratch() }

// take tells whether an array of 4 bytes a number is for the heap.
func (r *room) take(parts, size int) bool {
	n := 4 * int64(parts) * int64(size)
	if n > r.left {
		return false
	}
	r.left -= n
	return true
}

// Floats implements dense.Room.
func (r *room) Floats(parts, size int, fill func(part int, to []float32)) ([]float32, error) {
	if r.take(parts, size) {
		return dense.Heap{}.Floats(parts, size, fill)
	}
	return r.inFiles.Floats(parts, size, fill)
}

// Words implements dense.Room.
func (r *room) Words(parts, size int, fill func(part int, to []uint32)) ([]uint32, error) {
	if r.take(parts, size) {
		return dense.Heap{}.Words(parts, size, fill)
	}
	return r.inFiles.Words(parts, size, fill)
}
