package factors

import (
	"errors"
	"fmt"
	"math"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/jobs/internal/mapped"
	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// part is rows [lo, hi), of one file or of none.
type part struct {
	lo, hi    int
	k, stride int
	data      []float32 // nil where the rows are in no file
	file      *mapped.File
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
	p := part{data: mapped.View[float32](sections[0]), file: f}
	what := p.about(sections)
	if what == "" && !trusted {
		what = p.check()
	}
	if what != "" {
		return part{}, errors.Join(fmt.Errorf("%s: %w: %s", path, formats.ErrDamaged, what), f.Close())
	}
	return p, nil
}

// about reads section about, and returns what is wrong with it or with the length of the other.
func (p *part) about(sections [][]byte) string {
	if len(sections[0])%4 != 0 || len(sections[1]) != aboutSize {
		return "sections of impossible lengths"
	}
	about := mapped.View[uint64](sections[1])
	lo, hi, k := about[0], about[1], about[2]
	numbers := uint64(len(p.data))
	if hi > min(1<<32, math.MaxInt) || lo > hi || lo == hi && (hi > 0 || k > 0) || lo < hi && (k == 0 || k > numbers) {
		return "numbers that do not fit the file"
	}
	p.lo, p.hi, p.k, p.stride = int(lo), int(hi), int(k), vector.Stride(int(k))
	if p.stride == 0 && numbers > 0 || p.stride > 0 && (numbers%uint64(p.stride) != 0 || numbers/uint64(p.stride) != hi-lo) {
		return "rows do not fill their section"
	}
	return ""
}

// check looks at what lies behind the factors of all rows, and returns what is wrong with it.
func (p *part) check() string {
	for i := p.lo; i < p.hi; i++ {
		for _, v := range p.row(i)[p.k:] {
			if math.Float32bits(v) != 0 {
				return fmt.Sprintf("row %d does not end with zeros", i)
			}
		}
	}
	return ""
}

// row returns row i of [lo, hi) of a file, with the zeros behind it.
func (p *part) row(i int) []float32 {
	at := (i - p.lo) * p.stride
	return p.data[at : at+p.stride : at+p.stride]
}

func (p *part) close() error {
	if p.file == nil {
		return nil
	}
	return p.file.Close()
}
