package mapreduce

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// Codec turns a value into bytes and back. Keys are sorted and compared by their bytes, so a key
// codec must be order-preserving: the byte order of encoded keys is the sort order of the keys.
type Codec[T any] interface {
	Append(dst []byte, v T) []byte
	Decode(b []byte) (T, error)
}

// FixedWidth is implemented by codecs whose values all have the same number of bytes. Records of
// such streams are stored without framing.
type FixedWidth interface{ Width() int }

func widthOf(codec any) int {
	if f, ok := codec.(FixedWidth); ok {
		return f.Width()
	}
	return 0
}

// ErrShort says that encoded bytes are fewer than the codec writes.
var ErrShort = errors.New("encoded value is too short")

// String encodes a string as its bytes.
type String struct{}

// Append implements Codec.
func (String) Append(dst []byte, v string) []byte { return append(dst, v...) }

// Decode implements Codec.
func (String) Decode(b []byte) (string, error) { return string(b), nil }

// Bytes encodes bytes as they are. What it decodes is valid until the next key or value is read; the group
// that a Reducer gets is valid until Reduce returns.
type Bytes struct{}

// Append implements Codec.
func (Bytes) Append(dst []byte, v []byte) []byte { return append(dst, v...) }

// Decode implements Codec. The result is b.
func (Bytes) Decode(b []byte) ([]byte, error) { return b, nil }

// Uint64 encodes an unsigned integer as eight bytes, big-endian, so that byte order is numeric order.
type Uint64 struct{}

// Append implements Codec.
func (Uint64) Append(dst []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(dst, v) }

// Decode implements Codec.
func (Uint64) Decode(b []byte) (uint64, error) {
	if len(b) != 8 {
		return 0, fmt.Errorf("%w: %d bytes, want 8", ErrShort, len(b))
	}
	return binary.BigEndian.Uint64(b), nil
}

// Width implements FixedWidth.
func (Uint64) Width() int { return 8 }

// Int64 encodes a signed integer as eight bytes, big-endian with the sign bit flipped, so that byte
// order is numeric order.
type Int64 struct{}

// Append implements Codec.
func (Int64) Append(dst []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(v)^1<<63)
}

// Decode implements Codec.
func (Int64) Decode(b []byte) (int64, error) {
	u, err := Uint64{}.Decode(b)
	return int64(u ^ 1<<63), err
}

// Width implements FixedWidth.
func (Int64) Width() int { return 8 }

// Empty encodes a value that carries nothing.
type Empty struct{}

// Append implements Codec.
func (Empty) Append(dst []byte, _ struct{}) []byte { return dst }

// Decode implements Codec.
func (Empty) Decode([]byte) (struct{}, error) { return struct{}{}, nil }

// JSON encodes a value as JSON. It is for values, and for jobs where convenience matters more than
// speed: its bytes are not order-preserving.
type JSON[T any] struct{}

// Append implements Codec. A value that JSON cannot write, such as a NaN, is written as null.
func (JSON[T]) Append(dst []byte, v T) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return append(dst, "null"...)
	}
	return append(dst, b...)
}

// Decode implements Codec.
func (JSON[T]) Decode(b []byte) (v T, err error) {
	err = json.Unmarshal(b, &v)
	return v, err
}
