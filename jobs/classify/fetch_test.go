package classify

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestBuffers: what is given comes back, no buffer to two at a time, and little is kept.
func TestBuffers(t *testing.T) {
	var b buffers
	if b.take() != nil {
		t.Error("a buffer from nowhere")
	}
	b.give(nil)
	if b.take() != nil {
		t.Error("no buffer was given")
	}
	for range 3 {
		b.give(make([]byte, 5, keptBytes/2))
	}
	b.give(make([]byte, 1))
	if got := [][]byte{b.take(), b.take(), b.take()}; cap(got[0]) != keptBytes/2 || cap(got[1]) != keptBytes/2 || got[2] != nil || b.bytes != 0 {
		t.Errorf("capacities %d, %d, %d, and %d bytes kept", cap(got[0]), cap(got[1]), cap(got[2]), b.bytes)
	}
	var inUse [8]atomic.Bool
	for i := range inUse {
		b.give([]byte{byte(i)})
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				if buf := b.take(); buf != nil {
					if inUse[buf[0]].Swap(true) {
						t.Error("a buffer was given twice")
					}
					inUse[buf[0]].Store(false)
					b.give(buf)
				}
			}
		})
	}
	wg.Wait()
}

// TestFetch: the bytes of the file are the row's until Prepare, and the memory is used again; a reason names no path.
func TestFetch(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(file, []byte("a photo"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &classifier{read: read, duplicates: newDuplicates(nil, duplicateIDs{})}
	im := image{file: file}
	n, err := c.Fetch(context.Background(), &im)
	if err != nil || string(im.data) != "a photo" || n < int64(len(im.data)) {
		t.Fatalf("%q, %d, %v", im.data, n, err)
	}
	first := &im.data[0]
	c.letGo(&im)
	if im.data != nil {
		t.Error("the row keeps the file")
	}
	_, err = c.Fetch(context.Background(), &image{file: file + "b"})
	if err == nil || strings.Contains(err.Error(), file) {
		t.Error(err)
	}
	if _, err := c.Fetch(context.Background(), &im); err != nil || &im.data[0] != first {
		t.Errorf("other memory, %v", err)
	}
}

// TestFetchInline: an image that came with its bytes neither takes a buffer nor leaves one.
func TestFetchInline(t *testing.T) {
	c := &classifier{read: read, duplicates: newDuplicates(nil, duplicateIDs{})}
	c.files.give(make([]byte, 0, 64))
	im := image{inline: []byte("a photo")}
	n, err := c.Fetch(context.Background(), &im)
	if err != nil || string(im.data) != "a photo" || n < 7 || im.inline != nil {
		t.Fatalf("%q, %d, %v", im.data, n, err)
	}
	if c.letGo(&im); im.data != nil || c.files.bytes != 64 || len(c.files.free) != 1 {
		t.Errorf("%q held, %d buffers of %d bytes", im.data, len(c.files.free), c.files.bytes)
	}
}
