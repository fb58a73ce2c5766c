package classify

import (
	"context"
	"sync"
)

// Fetch implements mapreduce.Fetcher: it reads the file of one image, while others are read, decoded and classified.
func (c *classifier) Fetch(ctx context.Context, im *image) (int64, error) {
	if err := c.duplicates.check(im); err != nil {
		return 0, err
	}
	var buf []byte
	if im.file != "" {
		buf = c.files.take()
	}
	data, err := c.read(ctx, im, buf)
	if err != nil {
		c.files.give(buf)
		return 0, err
	}
	im.data = data
	return int64(cap(data)), nil
}

// letGo gives back what Fetch has read, but not bytes that the row came with: nothing is read into them.
func (c *classifier) letGo(im *image) {
	if im.file != "" {
		c.files.give(im.data)
	}
	im.data = nil
}

// read reads an image, into buf where it is large enough. The bytes are the caller's own, to read into again.
func read(ctx context.Context, im *image, buf []byte) ([]byte, error) {
	return im.read(ctx, buf)
}

// keptBytes bounds the memory that waits for the next file, in bytes.
const keptBytes = 32 << 20

// buffers are memory for files, for reuse by goroutines that read at a time.
type buffers struct {
	mu    sync.Mutex
	free  [][]byte
	bytes int
}

// take gives a buffer, or nil.
func (b *buffers) take() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.free) - 1
	if n < 0 {
		return nil
	}
	buf := b.free[n]
	b.free[n] = nil
	b.free = b.free[:n]
	b.bytes -= cap(buf)
	return buf
}

// give keeps a buffer for the next file, or leaves it to the garbage collector.
func (b *buffers) give(buf []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := cap(buf); n > 0 && b.bytes+n <= keptBytes {
		b.free = append(b.free, buf)
		b.bytes += n
	}
}
