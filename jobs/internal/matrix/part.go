package matrix

import (
	"fmt"
	"math"

	"github.com/shardmill/shardmill/jobs/internal/mapped"
)

// part is what a file has of its rows, which are numbered from 0 here.
type part struct {
	pointers []uint64 // one more than rows; nil where the rows are in no file
	words    []uint32 // section rows
	floats   []float32
	columns  uint64 // one more than the largest
	entries  int64
	valued   int64 // rows with values
}

// opener opens files. Trusted leaves out their checksums.
func opener(trusted bool) func(path string) (mapped.Part[part], error) {
	return func(path string) (mapped.Part[part], error) {
		return mapped.OpenPart(path, kind(), trusted, func(p *mapped.Part[part], sections [][]byte) string {
			wrong := about(p, sections)
			if wrong == "" && !trusted {
				wrong = p.Data.check(p.Lo)
			}
			return wrong
		})
	}
}

// about reads section about, and returns what is wrong with it or with the lengths of the others.
func about(p *mapped.Part[part], sections [][]byte) string {
	if len(sections[0])%4 != 0 || len(sections[1])%8 != 0 || len(sections[2]) != aboutSize {
		return "sections of impossible lengths"
	}
	d := part{
		words: mapped.View[uint32](sections[0]), floats: mapped.View[float32](sections[0]), pointers: mapped.View[uint64](sections[1]),
	}
	about := mapped.View[uint64](sections[2])
	lo, hi := about[0], about[1]
	rows := uint64(len(d.pointers)) - 1
	if hi > min(1<<32, math.MaxInt) || lo > hi || lo == hi && lo != 0 || hi-lo != rows ||
		about[2] > 1<<32 || about[3] > uint64(len(d.words)) || about[4] > rows {
		return "numbers that do not fit the file"
	}
	d.columns, d.entries, d.valued = about[2], int64(about[3]), int64(about[4])
	p.Lo, p.Hi, p.Data = int(lo), int(hi), d
	return ""
}

// check looks at all pointers, and returns what is wrong with them. The first is that of row lo.
func (p *part) check(lo int) string {
	var entries, valued int64
	for i, a := range p.pointers[:len(p.pointers)-1] {
		b := p.pointers[i+1]
		n := int64(b>>pointerShift) - int64(a>>pointerShift)
		if n < 0 || n%2 != 0 && a&hasValues != 0 {
			return fmt.Sprintf("pointer of row %d", lo+i)
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

// row returns row i.
func (p *part) row(i int) (columns []uint32, values []float32) {
	if p.pointers == nil {
		return nil, nil
	}
	a, b := p.pointers[i], p.pointers[i+1]
	lo, hi := a>>pointerShift, b>>pointerShift
	if a&hasValues == 0 {
		return p.words[lo:hi:hi], nil
	}
	mid := (lo + hi) / 2
	return p.words[lo:mid:mid], p.floats[mid:hi:hi]
}

func (p *part) written(i int) bool { return p.pointers != nil && p.pointers[i]&isWritten != 0 }
