package arrowfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/shardmill/shardmill/formats"
)

const (
	arrowMagic = "ARROW1"
	sealMagic  = "SMIL"
	sealSize   = 16
	// tailSize is what follows the Arrow footer: its size and the magic.
	tailSize = 4 + len(arrowMagic)
	// maxFooter bounds what is read before anything is checked; a footer has 24 bytes a batch.
	maxFooter = 256 << 20
)

var (
	castagnoli  = crc32.MakeTable(crc32.Castagnoli)
	endOfStream = []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}
)

// seal returns the seal of a footer, given with all that follows it.
func seal(footer []byte) []byte {
	b := append(make([]byte, 0, sealSize), sealMagic...)
	b = binary.LittleEndian.AppendUint32(b, version)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(footer, castagnoli))
	return binary.LittleEndian.AppendUint32(b, 0)
}

// checkSeal checks the end of a file of size bytes, in the order that the package comment gives.
func checkSeal(r io.ReaderAt, size int64, name string) error {
	var tail [tailSize]byte
	if err := readAt(r, tail[:], size-int64(tailSize), name); err != nil {
		return err
	}
	if string(tail[4:]) != arrowMagic {
		return fmt.Errorf("%s: %w: no Arrow magic at the end (cut short?)", name, formats.ErrForeign)
	}
	length := int64(binary.LittleEndian.Uint32(tail[:])) + int64(tailSize)
	if length > maxFooter {
		return fmt.Errorf("%s: %w: footer of %d bytes", name, formats.ErrDamaged, length)
	}
	end := make([]byte, sealSize+length)
	if err := readAt(r, end, size-int64(len(end)), name); err != nil {
		return err
	}
	footer := end[sealSize:]
	if string(end[:len(sealMagic)]) != sealMagic {
		return fmt.Errorf("%s: %w: no seal before the Arrow footer", name, formats.ErrForeign)
	}
	if v := binary.LittleEndian.Uint32(end[4:]); v != version {
		return &formats.VersionError{File: name, Format: format, Got: int(v), Want: version}
	}
	if binary.LittleEndian.Uint32(end[8:]) != crc32.Checksum(footer, castagnoli) {
		return fmt.Errorf("%s: %w: checksum of the footer is wrong", name, formats.ErrDamaged)
	}
	return nil
}

func readAt(r io.ReaderAt, b []byte, at int64, name string) error {
	if at < 0 {
		return fmt.Errorf("%s: %w: too short", name, formats.ErrForeign)
	}
	if n, err := r.ReadAt(b, at); err != nil && (n < len(b) || !errors.Is(err, io.EOF)) {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
