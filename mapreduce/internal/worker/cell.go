package worker

import (
	"fmt"
	"io"
	"math"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

const (
	cellSize = 4096

	lenBits = 28
	maxLen  = 1<<lenBits - 1
	maxLo   = 1<<(64-lenBits) - 1
)

// words is the layout of the cell.
type words struct {
	beats atomic.Uint64
	span  atomic.Uint64
}

// Cell is the record cell: what the worker shows of its progress, and what can be read of it
// after its death. Its methods do nothing on a nil Cell.
type Cell struct {
	w   *words
	mem []byte // the mapping, or nil for a cell in ordinary memory
}

// NewCell makes a cell in ordinary memory, for a task that runs in this process.
func NewCell() *Cell { return &Cell{w: new(words)} }

// mapCell maps the cell in f.
func mapCell(f *os.File) (*Cell, error) {
	mem, err := unix.Mmap(int(f.Fd()), 0, cellSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("record cell: %w", err)
	}
	return &Cell{w: (*words)(unsafe.Pointer(unsafe.SliceData(mem))), mem: mem}, nil
}

// unmap gives the mapping back; the cell must not be used again.
func (c *Cell) unmap() { _ = unix.Munmap(c.mem) }

// Beat shows that work goes on.
func (c *Cell) Beat() {
	if c != nil {
		c.w.beats.Add(1)
	}
}

// InFlight names the rows or key groups that are being worked on, prepared ones included. Call
// it before any of them is touched.
func (c *Cell) InFlight(s task.Span) {
	if c != nil {
		c.w.span.Store(pack(s))
	}
}

// Clear says that no row and no group is being worked on.
func (c *Cell) Clear() { c.InFlight(task.Span{}) }

// Span is the span in flight, empty for a nil cell.
func (c *Cell) Span() task.Span {
	if c == nil {
		return task.Span{}
	}
	return unpack(c.w.span.Load())
}

// progress is what changes while work goes on.
func (c *Cell) progress() [2]uint64 { return [2]uint64{c.w.beats.Load(), c.w.span.Load()} }

func pack(s task.Span) uint64 {
	lo := min(max(s.Lo, 0), maxLo)
	if s.Hi <= s.Lo || s.Hi <= lo && lo < maxLo {
		return 0
	}
	n := uint64(maxLen)
	if s.Lo <= maxLo && s.Hi-lo < maxLen {
		n = uint64(s.Hi - lo)
	}
	return uint64(lo)<<lenBits | n
}

func unpack(w uint64) task.Span {
	lo, n := int64(w>>lenBits), int64(w&maxLen)
	switch n {
	case 0:
		return task.Span{}
	case maxLen:
		return task.Span{Lo: lo, Hi: math.MaxInt64}
	}
	return task.Span{Lo: lo, Hi: lo + n}
}

// crashText reads what the Go runtime of a dead worker wrote behind its cell; the
// reason stands at the beginning.
func crashText(f *os.File) string {
	buf := make([]byte, 4096)
	n, err := f.ReadAt(buf, cellSize)
	if err != nil && err != io.EOF {
		return ""
	}
	return string(buf[:n])
}
