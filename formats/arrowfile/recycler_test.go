package arrowfile

import (
	"errors"
	"io"
	"testing"

	"github.com/shardmill/shardmill/formats/internal/formattest"
)

func TestRecycler(t *testing.T) {
	a := &recycler{max: 100}
	small, large := a.Allocate(10), a.Allocate(100)
	if len(small) != 10 || len(large) != 100 {
		t.Fatalf("%d and %d bytes", len(small), len(large))
	}
	if b := a.Allocate(101); b != nil {
		t.Errorf("%d bytes, beyond the limit", len(b))
	}
	if b := a.Reallocate(101, nil); b != nil {
		t.Errorf("%d bytes, beyond the limit", len(b))
	}
	a.Free(large)
	a.Free(small)
	if b := a.Allocate(8); len(b) != 8 || &b[0] != &small[0] {
		t.Error("not the smallest that is large enough")
	}
	if b := a.Allocate(20); len(b) != 20 || &b[0] != &large[0] {
		t.Error("not the one that is left")
	}
	grown := a.Reallocate(60, append(a.Allocate(3)[:0], 1, 2, 3))
	if len(grown) != 60 || grown[2] != 3 {
		t.Errorf("grown to %d bytes, %v", len(grown), grown[:3])
	}
	if b := a.Reallocate(40, grown); len(b) != 40 || &b[0] != &grown[0] {
		t.Error("what is large enough was not kept")
	}
}

// TestReaderAllocates checks that a reader's memory does not grow with the batches of a file: a batch costs
// some objects that the library makes, and none of its buffers.
func TestReaderAllocates(t *testing.T) {
	data := suite().Encode(t, formattest.Sample(20*maxRows))
	r, err := openBytes(data)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		err = r.Read(new(formattest.Row))
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	held := 0
	for _, b := range r.batches.memory.free {
		held += cap(b)
	}
	if held > 3*len(data)/20 {
		t.Errorf("%d bytes for files of %d in 20 batches", held, len(data))
	}
}
