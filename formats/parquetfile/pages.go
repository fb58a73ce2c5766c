package parquetfile

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/shardmill/shardmill/formats/internal/sink"
)

// Spill is where the pages of an open row group wait that are more than memory should hold.
type Spill struct {
	// Folder is for files of the pattern "scratch-*". They have no name once they are open: their blocks are free when the row group is
	// complete, or the process ends.
	Folder string
	// Above is how many bytes of pages a Writer holds in memory, and one page more. Those of values in a dictionary that is not complete yet come on
	// top, of at most 18 bits a value. 0 is no limit.
	Above int64
}

// store is what the columns of a file share of their pages.
type store struct {
	Spill
	held int64 // bytes in memory
}

const (
	leastPiece = 1 << 10
	mostPiece  = 1 << 20
)

// pages are those of a column, one behind the other: the first may be in a file. They tell the position in a file in which they follow the
// magic, so that no offset is 0, which the library takes for none.
type pages struct {
	store  *store
	size   int64
	held   int64    // of which in memory
	pieces [][]byte // these, all but the last one full
	file   *os.File // the others, or nil
	err    error    // the first: not all callers in the library pass it on
}

// Tell returns the position.
func (p *pages) Tell() int64 { return int64(len(magic)) + p.size }

// Write appends bytes.
func (p *pages) Write(b []byte) (int, error) {
	p.hold(b)
	if p.err == nil && p.store.Above > 0 && p.store.held > p.store.Above {
		p.err = p.spill()
	}
	return len(b), p.err
}

// hold appends bytes in memory, which a piece takes where it lies: nothing is copied again as the column grows.
func (p *pages) hold(b []byte) {
	n := int64(len(b))
	p.size, p.held, p.store.held = p.size+n, p.held+n, p.store.held+n
	for len(b) > 0 {
		last := len(p.pieces) - 1
		if last < 0 || len(p.pieces[last]) == cap(p.pieces[last]) {
			p.pieces = append(p.pieces, make([]byte, 0, min(max(p.held, leastPiece), mostPiece)))
			last++
		}
		piece := p.pieces[last]
		free := min(cap(piece)-len(piece), len(b))
		p.pieces[last], b = append(piece, b[:free]...), b[free:]
	}
}

// spill moves what is in memory to the file.
func (p *pages) spill() error {
	if p.file == nil {
		f, err := os.CreateTemp(p.store.Folder, "scratch-*")
		if err != nil {
			return fmt.Errorf("spill pages: %w", err)
		}
		if p.file, err = f, os.Remove(f.Name()); err != nil {
			return fmt.Errorf("spill pages: %w", err)
		}
	}
	for _, piece := range p.pieces {
		if _, err := p.file.Write(piece); err != nil {
			return fmt.Errorf("spill pages: %w", err)
		}
	}
	p.forget()
	return nil
}

// forget lets go of what is in memory.
func (p *pages) forget() {
	p.store.held -= p.held
	p.held, p.pieces = 0, nil
}

// moveTo writes all to out, whose errors stay there, and lets go of it. Buffer is for what comes from the file.
func (p *pages) moveTo(out *sink.Sink, buffer []byte) error {
	if p.file != nil {
		_, err := io.CopyBuffer(out, io.NewSectionReader(p.file, 0, p.size-p.held), buffer)
		if p.err = errors.Join(p.err, err, p.file.Close()); p.err != nil {
			return fmt.Errorf("spilled pages: %w", p.err)
		}
	}
	for _, piece := range p.pieces {
		_, _ = out.Write(piece)
	}
	p.forget()
	return p.err
}
