package onnx

import (
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// wire walks the fields of a protobuf message in a file, and reads only those that
// are asked for.
type wire struct {
	r      io.ReaderAt
	window [4096]byte // of the file
	from   int64      // offset of the window
	have   int        // bytes in it
}

// span is a piece of the file: from start to before end.
type span struct{ start, end int64 }

// wireField is a field of a message.
type wireField struct {
	num   protowire.Number
	kind  protowire.Type
	value uint64 // of a varint
	span         // of what is of varying length
}

// each calls do for the fields of the message in sp.
func (s *wire) each(sp span, do func(wireField) error) error {
	for at := sp.start; at < sp.end; {
		f, next, err := s.field(at, sp.end)
		if err != nil {
			return err
		}
		if err := do(f); err != nil {
			return err
		}
		at = next
	}
	return nil
}

// maxHead is the longest tag with the longest number behind it.
const maxHead = 20

// field reads the field at an offset and says where the next one is.
func (s *wire) field(at, end int64) (f wireField, next int64, err error) {
	b, err := s.peek(at, min(maxHead, end-at))
	if err != nil {
		return f, 0, err
	}
	num, kind, n := protowire.ConsumeTag(b)
	if n < 0 {
		return f, 0, fmt.Errorf("byte %d: %w", at, protowire.ParseError(n))
	}
	f.num, f.kind = num, kind
	b, next = b[n:], at+int64(n)
	switch kind {
	case protowire.VarintType:
		f.value, n = protowire.ConsumeVarint(b)
		next += int64(n)
	case protowire.Fixed32Type:
		next += 4
	case protowire.Fixed64Type:
		next += 8
	case protowire.BytesType:
		var length uint64
		length, n = protowire.ConsumeVarint(b)
		if length > uint64(end) {
			n = -1
		}
		f.start = next + int64(n)
		f.end = f.start + int64(length&(1<<62-1))
		next = f.end
	default: // groups are not used in ONNX
		n = -1
	}
	if n < 0 || next > end {
		return f, 0, fmt.Errorf("byte %d: %w", at, errWire)
	}
	return f, next, nil
}

var errWire = errors.New("a damaged field")

// peek returns n bytes at an offset; they are valid until the next call.
func (s *wire) peek(at, n int64) ([]byte, error) {
	if at < s.from || at+n > s.from+int64(s.have) {
		got, err := s.r.ReadAt(s.window[:], at)
		if int64(got) < n {
			return nil, fmt.Errorf("byte %d: %w", at, errors.Join(err, io.ErrUnexpectedEOF))
		}
		s.from, s.have = at, got
	}
	return s.window[at-s.from:][:n], nil
}

// text reads a string.
func (s *wire) text(f wireField, dst *string) error {
	if f.kind != protowire.BytesType {
		return fmt.Errorf("field %d: %w", f.num, errWire)
	}
	b := make([]byte, min(f.end-f.start, maxText))
	if _, err := s.r.ReadAt(b, f.start); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("byte %d: %w", f.start, err)
	}
	*dst = string(b)
	return nil
}
