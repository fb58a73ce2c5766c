package hugepages

import (
	"testing"
	"unsafe"
)

// TestWithin takes slices that begin anywhere in a page: what is asked for is whole pages, as many as there are in the slice.
func TestWithin(t *testing.T) {
	all := make([]uint16, 2*page)
	first := -uintptr(unsafe.Pointer(unsafe.SliceData(all))) % page / 2 // of a page
	for _, from := range []uintptr{first, first + 1, first + page/2 - 1} {
		for _, n := range []uintptr{0, 1, page/2 - 1, page / 2, page/2 + 1, page - 1, page} {
			s := all[from : from+n]
			got, want := within(s), uintptr(0)
			if skip := (first + page/2 - from) % (page / 2); n >= skip {
				want = (n - skip) / (page / 2) * page
			}
			if uintptr(len(got)) != want {
				t.Fatalf("%d numbers, %d behind the begin of a page: %d bytes, want %d", n, from-first, len(got), want)
			}
			if len(got) > 0 && uintptr(unsafe.Pointer(&got[0]))%page != 0 {
				t.Fatalf("it does not begin with a page")
			}
		}
	}
}

// TestAsk: memory that was asked for is as before, and can be written to.
func TestAsk(t *testing.T) {
	s := make([]float32, 2*page)
	Ask(s)
	Ask[uint16](nil)
	for i := range s {
		if s[i] != 0 {
			t.Fatalf("number %d is %v", i, s[i])
		}
		s[i] = float32(i)
	}
	for i, v := range s {
		if v != float32(i) {
			t.Fatalf("number %d is %v", i, v)
		}
	}
}
