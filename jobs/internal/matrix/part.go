package matrix

import (
	"errors"
	"fmt"
	"math"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/jobs/internal/mapped"
)

// part is rows [lo, hi), of one file or of none.
type part struct {
	lo, hi   int
	pointers []uint64 // hi-lo+1; nil where the rows are in no file
	words    []uint32 // section rows
	floats   []float32
	columns  uint64 // one more than the largest
	entries  int64
	valued   int64 // rows with values
	file     *mapped.File
}

// openPart opens a file. Trusted leaves out the checksums of its sections.
func openPart(path string, trusted bool) (part, error) {
	f, err := mapped.Open(path)
	if err != nil {
		return part{}, err
	}
	sections, err := f.Sections(kind(), trusted)
	if err != nil {
		return part{}, errors.Join(err, f.Close())
	}
	p := part{
		words: mapped.View[uint32](sections[0]), floats: mapped.View[float32](sections[0]),
		pointers: mapped.View[uint64](sections[1]), file: f,
	}
	what := p.about(sections)
	if what == "" && !trusted {
		what = p.check()
	}
	if what != "" {
		return part{}, errors.Join(fmt.Errorf("%s: %w: %s", path, formats.ErrDamaged, what), f.Close())
	}
	return p, nil
}

// about reads section about, and returns what is wrong with it or with the lengths of the others.
func (p *part) about(sections [][]byte) string {
	if len(sections[0])%4 != 0 || len(sections[1])%8 != 0 || len(sections[2]) != aboutSize {
		return "sections of impossible lengths"
	}
	about := mapped.View[uint64](sections[2])
	lo, hi := about[0], about[1]
	rows := uint64(len(p.pointers)) - 1
	if hi > min(1<<32, math.MaxInt) || lo > hi || lo == hi && lo != 0 || hi-lo != rows ||
		about[2] > 1<<32 || about[3] > uint64(len(p.words)) || about[4] > rows {
		return "numbers that do not fit the file"
	}
	p.lo, p.hi, p.columns, p.entries, p.valued = int(lo), int(hi), about[2], int64(about[3]), int64(about[4])
	return ""
}

// check looks at all pointers, and returns what is wrong with them.
func (p *part) check() string {
	var entries, valued int64
	for i, a := range p.pointers[:len(p.pointers)-1] {
		b := p.pointers[i+1]
		n := int64(b>>pointerShift) - int64(a>>pointerShift)
		if n < 0 || n%2 != 0 && a&hasValues != 0 {
			return fmt.Sprintf("pointer of row %d", p.lo+i)
		}
		if a&hasValues != 0 {
			n /= 2
			valued++
		}
		entries += n
	}
	switch {
	case p.pointers[0]>>pointerShift != 0, p.pointers[len(p.pointers)-1] != uint64(len(p.words))<<pointerShift:
		return "rows do not fill their section"
	case entries != p.entries || valued != p.valued:
		return "other numbers of entries than stated"
	}
	return ""
}

// row returns row i of [lo, hi).
func (p *part) row(i int) (columns []uint32, values []float32) {
	if p.pointers == nil {
		return nil, nil
	}
	a, b := p.pointers[i-p.lo], p.pointers[i-p.lo+1]
	lo, hi := a>>pointerShift, b>>pointerShift
	if a&hasValues == 0 {
		return p.words[lo:hi:hi], nil
	}
	mid := (lo + hi) / 2
	return p.words[lo:mid:mid], p.floats[mid:hi:hi]
}

func (p *part) written(i int) bool { return p.pointers != nil && p.pointers[i-p.lo]&isWritten != 0 }

func (p *part) close() error {
	if p.file == nil {
		return nil
	}
	return p.file.Close()
}
