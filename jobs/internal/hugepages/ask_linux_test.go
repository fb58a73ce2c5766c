package hugepages

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
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

// TestMakeInUsedHeap makes memory in a heap whose small pages are there. It is on large pages if new memory of the system can be.
// It is the first to make any: what was asked for once stays so.
func TestMakeInUsedHeap(t *testing.T) {
	const size = 16 * page
	fresh, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Munmap(fresh); err != nil {
			t.Error(err)
		}
	}()
	ask(unsafe.Slice((*float32)(unsafe.Pointer(&fresh[0])), size/4))
	touch(fresh)
	if n := large(t, fresh); n < size/2 {
		t.Skipf("of %d bytes of new memory %d are on large pages: the system has none", size, n)
	}
	for range 4 {
		touch(make([]byte, size))
		runtime.GC()
	}
	s := Make[uint16](size / 2)
	b := within(s)
	touch(b)
	if n := large(t, b); n < size/2 {
		t.Fatalf("%d bytes of %d are on large pages", n, len(b))
	}
	runtime.KeepAlive(s)
}

// TestMake makes memory where other memory was: it is zero, and can be written to.
func TestMake(t *testing.T) {
	if got := Make[uint16](0); len(got) != 0 {
		t.Fatalf("%d numbers, want none", len(got))
	}
	for range 3 {
		s := Make[float32](2*page + 1)
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
		runtime.GC() // which takes it back
	}
}

// touch writes to each small page.
func touch(b []byte) {
	for i := 0; i < len(b); i += 4 << 10 {
		b[i] = 1
	}
}

// large is how much of the mappings that b is in is on large pages, in bytes.
func large(t *testing.T, b []byte) (bytes int) {
	t.Helper()
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	first := uintptr(unsafe.Pointer(&b[0]))
	inside := false
	for line := range strings.Lines(string(smaps)) {
		var lo, hi uintptr
		if n, _ := fmt.Sscanf(line, "%x-%x ", &lo, &hi); n == 2 {
			inside = lo < first+uintptr(len(b)) && first < hi
		}
		var kib int
		if n, _ := fmt.Sscanf(line, "AnonHugePages: %d kB", &kib); n == 1 && inside {
			bytes += kib << 10
		}
	}
	return bytes
}
