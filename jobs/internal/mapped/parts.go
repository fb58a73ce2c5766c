package mapped

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/shardmill/shardmill/formats"
)

// Part is rows [Lo, Hi) of a matrix, in a file or in none.
type Part[D any] struct {
	Lo, Hi int
	Data   D // the zero value where the rows are in no file
	File   *File
}

// OpenPart opens a file of kind k. View sets what the part has besides its file, and returns what is wrong with it. Trusted leaves out
// the checksums of the sections.
func OpenPart[D any](path string, k Kind, trusted bool, view func(p *Part[D], sections [][]byte) (wrong string)) (Part[D], error) {
	f, err := Open(path)
	if err != nil {
		return Part[D]{}, err
	}
	sections, err := f.Sections(k, trusted)
	if err != nil {
		return Part[D]{}, errors.Join(err, f.Close())
	}
	p := Part[D]{File: f}
	if wrong := view(&p, sections); wrong != "" {
		return Part[D]{}, errors.Join(fmt.Errorf("%s: %w: %s", path, formats.ErrDamaged, wrong), f.Close())
	}
	return p, nil
}

// Close lets go of the file.
func (p *Part[D]) Close() error {
	if p.File == nil {
		return nil
	}
	return p.File.Close()
}

// MaxBlocks is the most blocks of rows for which Parts note the part.
const MaxBlocks = 4096

// Parts are all rows of a matrix, ascending: those of files, and of no file between them. They can be used by several goroutines.
type Parts[D any] struct {
	parts []Part[D]
	first []uint32 // for each block of 1<<shift rows the part that has its first row
	shift uint
}

// OpenParts opens the files of a matrix of that many rows, whose ranges of rows must not overlap. Open opens one, and fits tells what of it
// does not fit the matrix.
func OpenParts[D any](paths []string, rows int, open func(path string) (Part[D], error), fits func(*Part[D]) error) (_ *Parts[D], err error) {
	var parts []Part[D]
	defer func() {
		if err != nil {
			err = errors.Join(err, closeAll(parts))
		}
	}()
	for _, path := range paths {
		p, err := open(path)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
		if p.Hi > rows {
			return nil, fmt.Errorf("%s: has row %d, of a matrix of %d rows", path, p.Hi-1, rows)
		}
		if err := fits(&p); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	line, err := lineOf(rows, parts)
	if err != nil {
		return nil, err
	}
	return index(rows, line), nil
}

// OnePart has all rows of a matrix in memory.
func OnePart[D any](rows int, data D) *Parts[D] {
	return index(rows, []Part[D]{{Hi: rows, Data: data}})
}

// lineOf puts parts in order, with parts of no file between them.
func lineOf[D any](rows int, parts []Part[D]) ([]Part[D], error) {
	slices.SortFunc(parts, func(a, b Part[D]) int { return cmp.Or(cmp.Compare(a.Lo, b.Lo), cmp.Compare(a.Hi, b.Hi)) })
	line := make([]Part[D], 0, 2*len(parts)+1)
	next, last := 0, ""
	for _, p := range parts {
		if p.Lo < next {
			return nil, fmt.Errorf("%s: has row %d, which %s has too", p.File.Path(), p.Lo, last)
		}
		if p.Lo > next {
			line = append(line, Part[D]{Lo: next, Hi: p.Lo})
		}
		line = append(line, p)
		next, last = p.Hi, p.File.Path()
	}
	if next < rows {
		line = append(line, Part[D]{Lo: next, Hi: rows})
	}
	return line, nil
}

// index notes the parts of blocks of rows.
func index[D any](rows int, parts []Part[D]) *Parts[D] {
	p := &Parts[D]{parts: parts, shift: uint(max(0, bits.Len(uint(rows))-bits.Len(uint(MaxBlocks-1))))}
	k := uint32(0)
	for i := 0; i < rows; i += 1 << p.shift {
		for parts[k].Hi <= i {
			k++
		}
		p.first = append(p.first, k)
	}
	return p
}

// Of returns the part that has row i. An i that is no row is a panic, as with a slice.
func (p *Parts[D]) Of(i int) *Part[D] {
	k := p.first[i>>(p.shift&63)]
	for i >= p.parts[k].Hi {
		k++
	}
	return &p.parts[k]
}

// All are the parts, ascending.
func (p *Parts[D]) All() []Part[D] { return p.parts }

// Shift is the logarithm of the size of blocks of rows, of which a matrix has a bounded number.
func (p *Parts[D]) Shift() uint { return p.shift }

// Close lets go of the files.
func (p *Parts[D]) Close() error { return closeAll(p.parts) }

func closeAll[D any](parts []Part[D]) error {
	var errs []error
	for i := range parts {
		errs = append(errs, parts[i].Close())
	}
	return errors.Join(errs...)
}
