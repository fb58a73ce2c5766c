package rowgroup

import "encoding/binary"

// hybrid decodes numbers of up to 32 bits in runs of equal ones and in packs of bits
// (https://parquet.apache.org/docs/file-format/data-pages/encodings, RLE).
type hybrid struct {
	data  []byte // after the current run
	width uint   // bits of a number
	same  uint64 // numbers left in a run of equal ones
	value uint32 // the equal ones
	pack  []byte // the current pack of bits
	bit   uint   // the next of it
	left  uint64 // numbers left in it
}

func newHybrid(data []byte, width uint) hybrid { return hybrid{data: data, width: width} }

// read sets numbers and returns how many: fewer than asked for only at the end of the data.
func (h *hybrid) read(dst []uint32) (int, error) {
	n := 0
	for n < len(dst) {
		switch {
		case h.same > 0:
			k := int(min(h.same, uint64(len(dst)-n)))
			for i := range dst[n : n+k] {
				dst[n+i] = h.value
			}
			h.same -= uint64(k)
			n += k
		case h.left > 0:
			k := int(min(h.left, uint64(len(dst)-n)))
			h.unpack(dst[n : n+k])
			h.left -= uint64(k)
			n += k
		case len(h.data) == 0:
			return n, nil
		default:
			if err := h.run(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// run begins the next run.
func (h *hybrid) run() error {
	head, k := binary.Uvarint(h.data)
	if k <= 0 {
		return damaged("a run of numbers ends in its header")
	}
	h.data = h.data[k:]
	if head&1 == 0 {
		return h.runOfEqual(head >> 1)
	}
	// The last pack may be cut short: numbers come in eights, and some writers leave out those beyond the last.
	groups := min(head>>1, 1<<32)
	size := min(groups*uint64(h.width), uint64(len(h.data)))
	h.pack, h.data, h.bit = h.data[:size], h.data[size:], 0
	if h.left = 8 * groups; h.width > 0 {
		h.left = min(h.left, 8*size/uint64(h.width))
	}
	return nil
}

func (h *hybrid) runOfEqual(n uint64) error {
	size := int(h.width+7) / 8
	if size > len(h.data) {
		return damaged("a run of equal numbers ends before its number")
	}
	var word [4]byte
	copy(word[:], h.data[:size])
	h.value = binary.LittleEndian.Uint32(word[:])
	if uint64(h.value)>>h.width != 0 {
		return damaged("a number of %d bits is %d", h.width, h.value)
	}
	h.same, h.data = n, h.data[size:]
	return nil
}

// unpack sets the next numbers of the pack, which the caller knows to be there.
func (h *hybrid) unpack(dst []uint32) {
	bit, width, mask := h.bit, h.width, uint32(1<<h.width-1)
	n := 0
	for ; n < len(dst) && int(bit>>3)+8 <= len(h.pack); n++ {
		dst[n] = uint32(binary.LittleEndian.Uint64(h.pack[bit>>3:])>>(bit&7)) & mask
		bit += width
	}
	for ; n < len(dst); n++ {
		dst[n] = uint32(readBits(h.pack, bit, width))
		bit += width
	}
	h.bit = bit
}

// readBits returns the number of up to 64 bits that begins at a bit of data. Bits beyond the data are 0.
func readBits(data []byte, bit, width uint) uint64 {
	at, shift := bit>>3, bit&7
	if width <= 57 && at+8 <= uint(len(data)) {
		return binary.LittleEndian.Uint64(data[at:]) >> shift & (1<<width - 1)
	}
	var word [9]byte
	if at < uint(len(data)) {
		copy(word[:], data[at:])
	}
	v := binary.LittleEndian.Uint64(word[:]) >> shift
	v |= uint64(word[8]) << (64 - shift) // 0 where the shift is 0
	return v & (1<<width - 1)
}
