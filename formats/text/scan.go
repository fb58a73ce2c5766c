package text

import (
	"bytes"
	"errors"
	"io"
)

const (
	// scanBlock is what ScanReader reads at a time, in bytes.
	scanBlock = 1 << 20
	// scanFirst is what it reads at first, and four times as much each time after that: there may be 100,000 small files.
	scanFirst = 16 << 10
)

// Scanned is what a part of the input has in lines. Its JSON may be kept: the names do not change.
type Scanned struct {
	Size  int64 `json:"size"`  // bytes
	Lines int64 `json:"lines"` // line ends
	First int64 `json:"first"` // bytes up to and with the first line end, 0 without one
	Last  int64 `json:"last"`  // bytes up to and with the last line end, 0 without one
}

// Scan scans a part of the input.
func Scan(part []byte) Scanned {
	return Scanned{
		Size:  int64(len(part)),
		Lines: int64(bytes.Count(part, []byte{'\n'})),
		First: int64(bytes.IndexByte(part, '\n') + 1),
		Last:  int64(bytes.LastIndexByte(part, '\n') + 1),
	}
}

// Compose returns what Scan returns for the part of a and, behind it, the part of b.
func Compose(a, b Scanned) Scanned {
	ab := Scanned{Size: a.Size + b.Size, Lines: a.Lines + b.Lines, First: a.First, Last: a.Last}
	if b.Lines > 0 {
		ab.Last = a.Size + b.Last
		if a.Lines == 0 {
			ab.First = a.Size + b.First
		}
	}
	return ab
}

// ScanReader scans r to its end, blocks of up to 1 MiB at a time. Errors are those of r.
func ScanReader(r io.Reader) (Scanned, error) { return scanReader(r, scanBlock) }

func scanReader(r io.Reader, size int) (Scanned, error) {
	var all Scanned
	block := make([]byte, min(size, scanFirst))
	for {
		n, err := io.ReadFull(r, block)
		all = Compose(all, Scan(block[:n]))
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return all, nil
		case err != nil:
			return all, err
		}
		if grown := min(size, 4*len(block)); grown > len(block) {
			block = make([]byte, grown)
		}
	}
}

// Starts returns for each of the parts, which follow each other from base on, the start of the first line in it or, if
// none starts there, behind it. One more Position is behind all parts. A Reader of part i is done at Position i+1.
func Starts(base Position, parts []Scanned) []Position {
	at, between := base, true
	starts := make([]Position, len(parts)+1)
	open := 0 // parts before it have their place
	for i, p := range parts {
		first := at
		if !between {
			first = Position{Offset: at.Offset + p.First, Line: at.Line + 1}
		}
		if between || p.Lines > 0 {
			for ; open <= i; open++ {
				starts[open] = first
			}
		}
		if p.Size > 0 {
			between = p.Last == p.Size
		}
		at = Position{Offset: at.Offset + p.Size, Line: at.Line + p.Lines}
	}
	for ; open <= len(parts); open++ {
		starts[open] = at
	}
	return starts
}
