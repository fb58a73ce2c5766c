package factors

import (
	"fmt"
	"math"

	"github.com/shardmill/shardmill/jobs/internal/mapped"
	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// part is what a file has of its rows, which are numbered from 0 here.
type part struct {
	k, stride int
	data      []float32 // nil where the rows are in no file
}

// opener opens files. Trusted leaves out their checksums.
func opener(trusted bool) func(path string) (mapped.Part[part], error) {
	return func(path string) (mapped.Part[part], error) {
		return mapped.OpenPart(path, kind(), trusted, func(p *mapped.Part[part], sections [][]byte) string {
			wrong := about(p, sections)
			if wrong == "" && !trusted {
				wrong = check(p)
			}
			return wrong
		})
	}
}

// about reads section about, and returns what is wrong with it or with the length of the other.
func about(p *mapped.Part[part], sections [][]byte) string {
	if len(sections[0])%4 != 0 || len(sections[1]) != aboutSize {
		return "sections of impossible lengths"
	}
	data, about := mapped.View[float32](sections[0]), mapped.View[uint64](sections[1])
	lo, hi, k := about[0], about[1], about[2]
	numbers := uint64(len(data))
	if hi > min(1<<32, math.MaxInt) || lo > hi || lo == hi && (hi > 0 || k > 0) || lo < hi && (k == 0 || k > numbers) {
		return "numbers that do not fit the file"
	}
	p.Lo, p.Hi, p.Data = int(lo), int(hi), part{k: int(k), stride: vector.Stride(int(k)), data: data}
	stride := uint64(p.Data.stride)
	if stride == 0 && numbers > 0 || stride > 0 && (numbers%stride != 0 || numbers/stride != hi-lo) {
		return "rows do not fill their section"
	}
	return ""
}

// check looks at what lies behind the factors of all rows, and returns what is wrong with it.
func check(p *mapped.Part[part]) string {
	for i := p.Lo; i < p.Hi; i++ {
		for _, v := range p.Data.row(i - p.Lo)[p.Data.k:] {
			if math.Float32bits(v) != 0 {
				return fmt.Sprintf("row %d does not end with zeros", i)
			}
		}
	}
	return ""
}

// row returns row i of a file, with the zeros behind it.
func (p *part) row(i int) []float32 {
	at := i * p.stride
	return p.data[at : at+p.stride : at+p.stride]
}
