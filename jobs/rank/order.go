package rank

import (
	"bytes"
	"encoding/binary"

	"github.com/shardmill/shardmill/mapreduce"
)

// orderKey orders rows: by key, then by value.
type orderKey struct{ key, by value }

func (k orderKey) String() string { return k.key.String() }

// orderCodec writes the key and then the value so that bytes have their order. A number is eight bytes,
// big-endian. A string has each 0x00 written as 0x00 0xff and ends with 0x00 0x01, so that no string is the
// beginning of another. Where the order is descending, all bytes of the value are inverted.
type orderCodec struct {
	key, by    kind
	descending bool
}

const numberBytes = 8

// Width implements mapreduce.FixedWidth. It is 0 with a string.
func (c orderCodec) Width() int {
	if c.key == text || c.by == text {
		return 0
	}
	return 2 * numberBytes
}

// Append implements mapreduce.Codec.
func (c orderCodec) Append(b []byte, k orderKey) []byte {
	b = appendValue(b, k.key)
	start := len(b)
	b = appendValue(b, k.by)
	if c.descending {
		invert(b[start:])
	}
	return b
}

// Decode implements mapreduce.Codec.
func (c orderCodec) Decode(b []byte) (k orderKey, err error) {
	n := c.group(b)
	if k.key, err = c.key.decode(b[:n]); err != nil {
		return k, err
	}
	b = b[n:]
	if c.descending {
		b = bytes.Clone(b)
		invert(b)
	}
	k.by, err = c.by.decode(b)
	return k, err
}

// group is the length of the key, or of b where it is damaged.
func (c orderCodec) group(b []byte) int {
	if c.key != text {
		return min(numberBytes, len(b))
	}
	for n := 0; ; n += 2 {
		zero := bytes.IndexByte(b[n:], 0)
		if zero < 0 || n+zero+2 > len(b) {
			return len(b)
		}
		if n += zero; b[n+1] == 1 {
			return n + 2
		}
	}
}

func invert(b []byte) {
	for i := range b {
		b[i] = ^b[i]
	}
}

func appendValue(b []byte, v value) []byte {
	if v.kind != text {
		return binary.BigEndian.AppendUint64(b, v.bits)
	}
	for i := range len(v.text) {
		if b = append(b, v.text[i]); v.text[i] == 0 {
			b = append(b, 0xff)
		}
	}
	return append(b, 0, 1)
}

// decode reads a value that takes all of b.
func (k kind) decode(b []byte) (value, error) {
	if k != text {
		u, err := mapreduce.Uint64{}.Decode(b)
		return value{kind: k, bits: u}, err
	}
	if len(b) < 2 {
		return value{}, mapreduce.ErrShort
	}
	b = b[:len(b)-2]
	if bytes.IndexByte(b, 0) >= 0 {
		b = bytes.ReplaceAll(b, []byte{0, 0xff}, []byte{0})
	}
	return value{text: string(b)}, nil
}

// keyCodec writes a key alone: a number as above, a string as its bytes.
type keyCodec struct{ kind kind }

// Width implements mapreduce.FixedWidth. It is 0 for a string.
func (c keyCodec) Width() int {
	if c.kind == text {
		return 0
	}
	return numberBytes
}

// Append implements mapreduce.Codec.
func (c keyCodec) Append(b []byte, v value) []byte {
	if c.kind == text {
		return append(b, v.text...)
	}
	return appendValue(b, v)
}

// Decode implements mapreduce.Codec.
func (c keyCodec) Decode(b []byte) (value, error) {
	if c.kind == text {
		return value{text: string(b)}, nil
	}
	return c.kind.decode(b)
}
