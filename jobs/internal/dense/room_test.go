package dense

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var errNoRoom = errors.New("no room")

// narrowRoom has room for some arrays only.
type narrowRoom struct {
	Heap
	left int
}

func (r *narrowRoom) Floats(parts, size int, fill func(int, []float32)) ([]float32, error) {
	if r.left--; r.left < 0 {
		return nil, errNoRoom
	}
	return r.Heap.Floats(parts, size, fill)
}

func (r *narrowRoom) Words(parts, size int, fill func(int, []uint32)) ([]uint32, error) {
	if r.left--; r.left < 0 {
		return nil, errNoRoom
	}
	return r.Heap.Words(parts, size, fill)
}

// TestPackRows: rows that are valid for a moment only give the lists of Pack, also of users for whom panels are laid out late.
func TestPackRows(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, f := range []int{3, 17, 40} {
		const n = 77
		factors, users := vectors(r, n, f), vectors(r, 5, f)
		users[0] = 0x1p41
		row := make([]float32, f)
		items, err := PackRows(n, f, func(i int) []float32 { copy(row, factors[i*f:]); return row }, Heap{})
		if err != nil {
			t.Fatal(err)
		}
		clear(row)
		if diff := cmp.Diff(lists(t, NewScorer(pack(t, factors, n, f), 9), users, nil), lists(t, NewScorer(items, 9), users, nil)); diff != "" {
			t.Errorf("%d factors: %s", f, diff)
		}
	}
	if _, err := PackRows(1, 0, func(int) []float32 { return nil }, Heap{}); err == nil {
		t.Error("vectors without factors are packed")
	}
}

// countingRoom counts the bytes that it has given.
type countingRoom struct {
	Heap
	bytes int64
}

func (r *countingRoom) Floats(parts, size int, fill func(int, []float32)) ([]float32, error) {
	r.bytes += 4 * int64(parts) * int64(size)
	return r.Heap.Floats(parts, size, fill)
}

func (r *countingRoom) Words(parts, size int, fill func(int, []uint32)) ([]uint32, error) {
	r.bytes += 4 * int64(parts) * int64(size)
	return r.Heap.Words(parts, size, fill)
}

// TestRoomTaken: no more room is taken than is said, with few factors too.
func TestRoomTaken(t *testing.T) {
	const n = 100
	for _, f := range []int{1, coarseFactors - 1, coarseFactors, coarseFactors + 1, 64} {
		factors, room := vectors(rand.New(rand.NewPCG(7, 8)), n, f), countingRoom{}
		if _, err := PackRows(n, f, func(i int) []float32 { return factors[i*f : (i+1)*f] }, &room); err != nil {
			t.Fatal(err)
		}
		if most := PackedBytes(n, f); room.bytes > most || room.bytes == 0 {
			t.Errorf("%d factors take %d bytes, of %d", f, room.bytes, most)
		}
	}
}

// TestNoRoom: what has no room is an error, when items are packed or when their panels are laid out late.
func TestNoRoom(t *testing.T) {
	const n, f = 40, 20
	factors := vectors(rand.New(rand.NewPCG(5, 6)), n, f)
	row := func(i int) []float32 { return factors[i*f : (i+1)*f] }
	arrays := 1
	if Kernels()[0].coarse != nil {
		arrays = 2
	}
	for left := range arrays {
		if _, err := PackRows(n, f, row, &narrowRoom{left: left}); !errors.Is(err, errNoRoom) {
			t.Errorf("room for %d arrays of %d: %v", left, arrays, err)
		}
	}
	items, err := PackRows(n, f, row, &narrowRoom{left: arrays})
	if err != nil {
		t.Fatal(err)
	}
	user := make([]float32, f)
	user[0] = 0x1p41
	for range 2 {
		err = NewScorer(items, 3).Score(user, nil, func(int, []Scored) error { return nil })
		if late := arrays == 2; errors.Is(err, errNoRoom) != late {
			t.Errorf("a user without a coarse kernel: %v", err)
		}
	}
}
