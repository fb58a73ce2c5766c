package rank

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/tabular"
	"github.com/shardmill/shardmill/mapreduce"
)

// order is how rows are ordered: by key, then by value. A key of a row is both, written so that bytes have their order.
// A number is eight bytes, big-endian. A string has each 0x00 written as 0x00 0xff and ends with 0x00
// 0x01, so that no string is the beginning of another. Where the order is descending, all bytes of the value are inverted.
type order struct {
	key, by    kind
	descending bool
}

const numberBytes = 8

// decode reads the key of a row.
func (o order) decode(b []byte, key, by *value) error {
	n := o.group(b)
	if err := key.decode(o.key, b[:n], false); err != nil {
		return err
	}
	return by.decode(o.by, b[n:], o.descending)
}

// group is the length of the key that groups, or of b where it is damaged.
func (o order) group(b []byte) int { return valueLen(o.key, b, false) }

// keyLen is the length of the key of a row that b begins with, or of b where it is damaged.
func (o order) keyLen(b []byte) int {
	n := o.group(b)
	return n + valueLen(o.by, b[n:], o.descending)
}

// valueLen is the length of the value that b begins with.
func valueLen(k kind, b []byte, inverted bool) int {
	if k != text {
		return min(numberBytes, len(b))
	}
	zero, last := byte(0), byte(1)
	if inverted {
		zero, last = ^zero, ^last
	}
	for n := 0; ; n += 2 {
		at := bytes.IndexByte(b[n:], zero)
		if at < 0 || n+at+2 > len(b) {
			return len(b)
		}
		if n += at; b[n+1] == last {
			return n + 2
		}
	}
}

// width is the length of all keys, or 0 with a string.
func (o order) width() int {
	if o.key == text || o.by == text {
		return 0
	}
	return 2 * numberBytes
}

func invert(b []byte) {
	for i := range b {
		b[i] = ^b[i]
	}
}

func appendValue(b []byte, v *value, inverted bool) []byte {
	if v.kind == text {
		return appendString(b, v.text, inverted)
	}
	return appendBits(b, v.bits, inverted)
}

func appendBits(b []byte, u uint64, inverted bool) []byte {
	if inverted {
		u = ^u
	}
	return binary.BigEndian.AppendUint64(b, u)
}

func appendString(b, text []byte, inverted bool) []byte {
	start := len(b)
	if b = appendText(b, text); inverted {
		invert(b[start:])
	}
	return b
}

// appendKey writes the key of row i of a block, whose first columns are key and value: the bits of numbers, which have been
// read, and the texts of strings.
func (o order) appendKey(to []byte, key, by uint64, b *tabular.Block, i int) []byte {
	if o.width() > 0 {
		return appendBits(appendBits(to, key, false), by, o.descending)
	}
	to = o.key.appendValue(to, key, b, i, 0, false)
	return o.by.appendValue(to, by, b, i, 1, o.descending)
}

// appendValue writes the value of a column in row i of a block.
func (k kind) appendValue(to []byte, bits uint64, b *tabular.Block, i, column int, inverted bool) []byte {
	if k != text {
		return appendBits(to, bits, inverted)
	}
	var digits [32]byte
	text, _ := b.Text(i, column, digits[:0])
	return appendString(to, text, inverted)
}

// shardColumn is the column of a row in shards: its key, and then what is carried.
func (o order) shardColumn() table.Column[rankedRow] {
	width := o.width()
	return table.Bytes("row", func(r *rankedRow) []byte { return r.bytes }, func(r *rankedRow, b []byte) {
		if r.bytes, r.mid = append(r.bytes[:0], b...), width; width == 0 || len(b) < width {
			r.mid = o.keyLen(b)
		}
	})
}

func appendText(b, text []byte) []byte {
	for zero := bytes.IndexByte(text, 0); zero >= 0; zero = bytes.IndexByte(text, 0) {
		b = append(append(b, text[:zero+1]...), 0xff)
		text = text[zero+1:]
	}
	return append(append(b, text...), 0, 1)
}

// decode reads a value that takes all of b.
func (v *value) decode(k kind, b []byte, inverted bool) error {
	if k == text {
		return v.decodeText(b, inverted)
	}
	if len(b) != numberBytes {
		return fmt.Errorf("%w: %d bytes, want %d", mapreduce.ErrShort, len(b), numberBytes)
	}
	u := binary.BigEndian.Uint64(b)
	if inverted {
		u = ^u
	}
	v.setBits(k, u)
	return nil
}

func (v *value) decodeText(b []byte, inverted bool) error {
	if len(b) < 2 {
		return mapreduce.ErrShort
	}
	v.setText(b[:len(b)-2])
	if inverted {
		invert(v.text)
	}
	to := bytes.IndexByte(v.text, 0)
	if to < 0 {
		return nil
	}
	for from := to; from < len(v.text); from++ {
		v.text[to] = v.text[from]
		if to++; v.text[from] == 0 {
			from++ // 0xff
		}
	}
	v.text = v.text[:to]
	return nil
}

// orderKey is the key of a row as it is written, so that only rows that are ranked need be decoded. It is valid
// until the next one is read.
type orderKey struct {
	order order
	bytes []byte
}

// String is the key that groups.
func (k orderKey) String() string {
	var v value
	if err := v.decode(k.order.key, k.bytes[:k.order.group(k.bytes)], false); err != nil {
		return fmt.Sprintf("%x", k.bytes)
	}
	return v.String()
}

// orderCodec passes on keys.
type orderCodec struct{ order order }

// Width implements mapreduce.FixedWidth.
func (c orderCodec) Width() int { return c.order.width() }

// Append implements mapreduce.Codec.
func (orderCodec) Append(b []byte, k orderKey) []byte { return append(b, k.bytes...) }

// Decode implements mapreduce.Codec.
func (c orderCodec) Decode(b []byte) (orderKey, error) { return orderKey{c.order, b}, nil }

// keyCodec passes on keys that stand alone: a number as above, a string as its bytes.
type keyCodec struct{ kind kind }

// Width implements mapreduce.FixedWidth. It is 0 for a string.
func (c keyCodec) Width() int {
	if c.kind == text {
		return 0
	}
	return numberBytes
}

// Append implements mapreduce.Codec.
func (keyCodec) Append(b []byte, k groupKey) []byte { return append(b, k.bytes...) }

// Decode implements mapreduce.Codec.
func (c keyCodec) Decode(b []byte) (groupKey, error) {
	if w := c.Width(); w > 0 && w != len(b) {
		return groupKey{}, fmt.Errorf("%w: %d bytes, want %d", mapreduce.ErrShort, len(b), w)
	}
	return groupKey{c.kind, b}, nil
}

// groupKey is the key of a group as it is written: unlike a value it fits in registers. It is valid until the next
// one is read.
type groupKey struct {
	kind  kind
	bytes []byte
}

// appendGroup appends the key of a group that a value makes, as keyCodec writes it.
func (v *value) appendGroup(b []byte) []byte {
	if v.kind == text {
		return append(b, v.text...)
	}
	return appendBits(b, v.bits, false)
}

// value decodes the key. A string lies in its bytes.
func (k groupKey) value() value {
	if k.kind == text {
		return value{text: k.bytes[:len(k.bytes):len(k.bytes)]}
	}
	return value{kind: k.kind, bits: binary.BigEndian.Uint64(k.bytes)}
}

// String is what messages call the key.
func (k groupKey) String() string { return k.value().String() }
