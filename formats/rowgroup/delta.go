package rowgroup

import (
	"encoding/binary"
)

// delta decodes integers as differences, in blocks of several packs of bits
// (https://parquet.apache.org/docs/file-format/data-pages/encodings, DELTA_BINARY_PACKED).
type delta struct {
	data   []byte // after the current pack
	left   uint64 // integers not decoded yet
	last   int64  // the integer before the next one
	first  bool   // last is yet to be given out
	packs  int    // in a block
	size   uint64 // integers in a pack
	least  int64  // what to add to each difference of the block
	widths []byte // bits of a difference, for each pack of the block that is left
	pack   []byte
	bit    uint
	width  uint
	inPack uint64 // integers left in the pack
}

const maxBlock = 1 << 24 // integers; writers use 128 to 1024

func newDelta(data []byte) (*delta, error) {
	d := &delta{data: data, first: true}
	var head [4]uint64
	for i := range head {
		v, ok := d.uvarint()
		if !ok {
			return nil, damaged("integers end in their header")
		}
		head[i] = v
	}
	block, packs := head[0], head[1]
	if packs == 0 || block > maxBlock || block%packs != 0 || block/packs%8 != 0 || block == 0 {
		return nil, damaged("blocks of %d integers in %d parts", block, packs)
	}
	d.packs, d.size, d.left, d.last = int(packs), block/packs, head[2], unzigzag(head[3])
	return d, nil
}

func (d *delta) uvarint() (uint64, bool) {
	v, n := binary.Uvarint(d.data)
	if n <= 0 {
		return 0, false
	}
	d.data = d.data[n:]
	return v, true
}

// read sets the next integers and returns how many, 0 at their end.
func (d *delta) read(dst []int64) (int, error) {
	n := 0
	for ; n < len(dst) && d.left > 0; n++ {
		if d.first {
			d.first = false
		} else {
			if d.inPack == 0 {
				if err := d.next(); err != nil {
					return n, err
				}
			}
			d.last += d.least + int64(readBits(d.pack, d.bit, d.width))
			d.bit += d.width
			d.inPack--
		}
		d.left--
		dst[n] = d.last
	}
	return n, nil
}

// next begins the next pack.
func (d *delta) next() error {
	if len(d.widths) == 0 {
		least, ok := d.uvarint()
		if !ok || len(d.data) < d.packs {
			return damaged("integers end in the header of a block")
		}
		d.least = unzigzag(least)
		d.widths, d.data = d.data[:d.packs], d.data[d.packs:]
	}
	d.width, d.widths = uint(d.widths[0]), d.widths[1:]
	if d.width > 64 {
		return damaged("differences of %d bits", d.width)
	}
	// Writers may leave out what follows the last integer.
	need, size := (min(d.left, d.size)*uint64(d.width)+7)/8, d.size*uint64(d.width)/8
	if need > uint64(len(d.data)) {
		return damaged("integers end in a block")
	}
	size = min(size, uint64(len(d.data)))
	d.pack, d.data, d.bit, d.inPack = d.data[:size], d.data[size:], 0, d.size
	return nil
}

// rest returns the data after the integers.
func (d *delta) rest() ([]byte, error) {
	end := *d
	if end.first && end.left > 0 {
		end.left--
	}
	for end.left > 0 {
		if err := end.next(); err != nil {
			return nil, err
		}
		end.left -= min(end.left, end.size)
	}
	return end.data, nil
}

// deltas decodes integers of 32 or 64 bits.
func deltas(data []byte, width int) (decoder[int64], error) {
	d, err := newDelta(data)
	if err != nil || width == 8 {
		return d.read, err
	}
	return func(dst []int64) (int, error) {
		n, err := d.read(dst)
		for i, v := range dst[:n] {
			dst[i] = int64(int32(v)) // differences wrap around
		}
		return n, err
	}, nil
}

// deltaLengths decodes byte strings whose lengths come first (DELTA_LENGTH_BYTE_ARRAY).
func deltaLengths(data []byte) (decoder[[]byte], error) {
	lengths, err := newDelta(data)
	if err != nil {
		return nil, err
	}
	if data, err = lengths.rest(); err != nil {
		return nil, err
	}
	var buf [window]int64
	return func(dst [][]byte) (int, error) {
		n, err := lengths.read(buf[:min(len(dst), len(buf))])
		for i, size := range buf[:n] {
			if size < 0 || size > int64(len(data)) {
				return i, damaged("a byte string of %d bytes, where %d are left", size, len(data))
			}
			dst[i], data = data[:size:size], data[size:]
		}
		return n, err
	}, nil
}

// deltaStrings decodes byte strings that each begin like the one before, as far as a number says (DELTA_BYTE_ARRAY).
// The first of a page begins like none, by the specification; but old parquet-mr (PARQUET-246) and arrow/go v15 go on
// from the page before.
type deltaStrings struct {
	prefixes *delta
	suffixes decoder[[]byte]
	last     []byte
	buf      []byte // the values of a window
	width    int    // bytes of each, or 0
}

// open goes to a page.
func (d *deltaStrings) open(data []byte) (decoder[[]byte], error) {
	prefixes, err := newDelta(data)
	if err != nil {
		return nil, err
	}
	rest, err := prefixes.rest()
	if err != nil {
		return nil, err
	}
	d.prefixes = prefixes
	d.suffixes, err = deltaLengths(rest)
	return d.read, err
}

func (d *deltaStrings) read(dst [][]byte) (int, error) {
	var prefix [1]int64
	var suffix [1][]byte
	d.buf = d.buf[:0]
	for i := range dst {
		if len(d.buf) >= textBytes {
			return i, nil
		}
		n, err := d.prefixes.read(prefix[:])
		if n == 0 {
			return i, err
		}
		if n, err = d.suffixes(suffix[:]); n == 0 {
			return i, err
		}
		if prefix[0] < 0 || prefix[0] > int64(len(d.last)) {
			return i, damaged("a byte string begins like %d bytes of one of %d", prefix[0], len(d.last))
		}
		start := len(d.buf)
		d.buf = append(append(d.buf, d.last[:prefix[0]]...), suffix[0]...)
		dst[i] = d.buf[start:len(d.buf):len(d.buf)]
		d.last = append(d.last[:prefix[0]], suffix[0]...)
		if d.width > 0 && len(d.last) != d.width {
			return i, damaged("a byte string of %d bytes, want %d", len(d.last), d.width)
		}
	}
	return len(dst), nil
}
