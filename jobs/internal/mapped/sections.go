package mapped

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/shardmill/shardmill/formats"
)

const (
	magicSize  = 16
	headerSize = 64
	align      = 64
	entrySize  = 16
	sumSize    = 4
)

var (
	le         = binary.LittleEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// Kind is a kind of file.
type Kind struct {
	Name     string // for errors: "matrix"
	Magic    string // the first 16 bytes
	Version  uint32
	Sections int
}

func (k Kind) header() []byte {
	b := make([]byte, headerSize)
	copy(b[:magicSize], k.Magic)
	le.PutUint32(b[magicSize:], k.Version)
	return b
}

func (k Kind) trailerSize() int { return k.Sections*entrySize + sumSize }

// Is tells whether a file begins as those of the kind do.
func (k Kind) Is(head []byte) bool {
	return len(head) >= magicSize && string(head[:magicSize]) == k.Magic
}

// padding is how many zeros stand behind a section of n bytes.
func padding(n uint64) uint64 { return -n % align }

// Sections returns the sections of a file of kind k. A file of another kind is formats.ErrForeign, one of another version a
// formats.VersionError, one with wrong checksums or lengths formats.ErrDamaged. Trusted leaves the
// checksums of the sections out: for a file whose bytes this process has compared with a checksum before.
func (f *File) Sections(k Kind, trusted bool) ([][]byte, error) {
	sums, sections, err := f.cut(k)
	if err != nil || trusted {
		return sections, err
	}
	for i, s := range sections {
		padded := s[:uint64(len(s))+padding(uint64(len(s)))]
		if crc32.Checksum(padded, castagnoli) != sums[i] {
			return nil, f.damaged("checksum of section %d is wrong", i)
		}
	}
	return sections, nil
}

// cut checks header and trailer, and cuts the file into sections with the checksums that they should have.
func (f *File) cut(k Kind) (sums []uint32, sections [][]byte, err error) {
	b := f.data
	switch {
	case !k.Is(b):
		return nil, nil, fmt.Errorf("%s: %w: no %s file", f.path, formats.ErrForeign, k.Name)
	case len(b) < magicSize+4:
		return nil, nil, f.damaged("cut short")
	case le.Uint32(b[magicSize:]) != k.Version:
		return nil, nil, &formats.VersionError{File: f.path, Format: k.Name, Got: int(le.Uint32(b[magicSize:])), Want: int(k.Version)}
	case len(b) < headerSize+k.trailerSize():
		return nil, nil, f.damaged("cut short")
	}
	trailer := b[len(b)-k.trailerSize():]
	entries := trailer[:len(trailer)-sumSize]
	if le.Uint32(trailer[len(entries):]) != crc32.Update(crc32.Checksum(b[:headerSize], castagnoli), castagnoli, entries) {
		return nil, nil, f.damaged("checksum of header and trailer is wrong (cut short?)")
	}
	rest := b[headerSize : len(b)-len(trailer)]
	for ; len(entries) > 0; entries = entries[entrySize:] {
		n := le.Uint64(entries)
		if n > uint64(len(rest)) || n+padding(n) > uint64(len(rest)) {
			return nil, nil, f.damaged("section %d does not fit", len(sections))
		}
		sums = append(sums, le.Uint32(entries[8:]))
		sections = append(sections, rest[:n])
		rest = rest[n+padding(n):]
	}
	if len(rest) > 0 {
		return nil, nil, f.damaged("%d bytes belong to no section", len(rest))
	}
	return sums, sections, nil
}

func (f *File) damaged(format string, args ...any) error {
	return fmt.Errorf("%s: %w: %s", f.path, formats.ErrDamaged, fmt.Sprintf(format, args...))
}
