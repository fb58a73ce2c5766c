package parquetfile

import "encoding/binary"

const (
	groupValues = 8  // literal values are packed in groups
	maxGroups   = 63 // of a literal run, whose header is one byte
)

// hybrid encodes numbers of a fixed width in bits as Parquet's hybrid of run lengths and bit
// packing (https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE):
//
//	repeated run   varint of 2*count, the value in whole bytes, little-endian
//	literal run    1 + 2*groups in one byte, groups of 8 values in width bytes, the first in the lowest bits
//
// A value that fills a group begins a repeated run; so does the last group, however short, when it
// has one value only and follows no literal run. The bytes are those of arrow/go.
type hybrid struct {
	out     []byte
	width   int // at most 32
	value   uint32
	repeats int // of value, up to now
	pending [groupValues]uint32
	n       int // values pending
	groups  int // in the open literal run
	header  int // its place in out
}

// reset starts a new sequence.
func (h *hybrid) reset(width int) { *h = hybrid{out: h.out[:0], width: width} }

func (h *hybrid) put(v uint32) {
	switch {
	case v == h.value && h.repeats >= groupValues:
		h.repeats++
		return
	case v == h.value:
		h.repeats++
	default:
		h.endRepeated()
		h.value, h.repeats = v, 1
	}
	h.pending[h.n] = v
	if h.n++; h.n == groupValues {
		h.group()
	}
}

// putRun is put, n times.
func (h *hybrid) putRun(v uint32, n int) {
	for ; n > 0; n-- {
		if v == h.value && h.repeats >= groupValues {
			h.repeats += n
			return
		}
		h.put(v)
	}
}

// group disposes of a full group: it is the start of a repeated run, or part of a literal one.
func (h *hybrid) group() {
	if h.repeats >= groupValues {
		h.n = 0
		h.endLiteral()
		return
	}
	h.pack()
	h.repeats = 0
	if h.groups == maxGroups {
		h.endLiteral()
	}
}

// pack writes the pending values as a group of the literal run.
func (h *hybrid) pack() {
	if h.groups == 0 {
		h.header = len(h.out)
		h.out = append(h.out, 0)
	}
	var bits uint64
	used := 0
	for _, v := range h.pending {
		bits |= uint64(v) << used
		if used += h.width; used >= 32 {
			h.out = binary.LittleEndian.AppendUint32(h.out, uint32(bits))
			bits >>= 32
			used -= 32
		}
	}
	for ; used > 0; used -= 8 { // the values fill whole bytes
		h.out = append(h.out, byte(bits))
		bits >>= 8
	}
	h.groups++
	h.n = 0
}

func (h *hybrid) endLiteral() {
	if h.groups > 0 {
		h.out[h.header] = byte(h.groups<<1 | 1)
		h.groups = 0
	}
}

// endRepeated writes the repeated run, if there is one.
func (h *hybrid) endRepeated() {
	if h.repeats >= groupValues {
		h.run()
	}
}

func (h *hybrid) run() {
	h.out = binary.AppendUvarint(h.out, uint64(h.repeats)<<1)
	v := h.value
	for left := h.width; left > 0; left -= 8 {
		h.out = append(h.out, byte(v))
		v >>= 8
	}
	h.repeats, h.n = 0, 0
}

// end completes the sequence and returns it, valid until reset.
func (h *hybrid) end() []byte {
	switch {
	case h.repeats >= groupValues, h.n > 0 && h.groups == 0 && h.repeats == h.n:
		h.run()
	case h.n > 0:
		clear(h.pending[h.n:])
		h.pack()
	}
	h.endLiteral()
	return h.out
}
