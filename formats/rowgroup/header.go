package rowgroup

import (
	"encoding/binary"
	"errors"
	"io"
)

// Types of pages, by the Parquet specification (parquet.thrift, PageType).
const (
	dataPage       = 0
	dictionaryPage = 2
	dataPageV2     = 3
)

// header is a page header, as far as it matters here.
type header struct {
	kind      int64
	raw       int64 // bytes of the page, decompressed
	packed    int64 // bytes of the page in the file
	crc       int64 // CRC-32 of these, as a signed number
	checked   bool  // the page has a crc
	values    int64 // with nulls
	encoding  int64
	levels    int64 // encoding of the definition levels, version 1 only
	repBytes  int64 // repetition levels, version 2 only
	defBytes  int64 // definition levels, version 2 only
	plainBody bool  // the values of a version 2 page are not compressed
}

// set takes a field: its number, below that of the structure it is in, as 5, 1 for num_values of data_page_header.
func (h *header) set(path int, v int64) {
	switch path {
	case 1:
		h.kind = v
	case 2:
		h.raw = v
	case 3:
		h.packed = v
	case 4:
		h.crc, h.checked = v, true
	case 501, 701, 801:
		h.values = v
	case 502, 702, 804:
		h.encoding = v
	case 503:
		h.levels = v
	case 805:
		h.defBytes = v
	case 806:
		h.repBytes = v
	case 807:
		h.plainBody = v == 0
	}
}

var (
	errMore   = errors.New("the page header goes on")
	errHeader = errors.New("the page header is no Thrift structure")
)

// compact reads a structure in Thrift's compact protocol
// (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).
// Its errors are errMore at the end of the data, and errHeader.
type compact struct {
	data []byte
	at   int
}

// Types of the protocol.
const (
	compactStop = iota
	compactTrue
	compactFalse
	compactByte
	compactInt16
	compactInt32
	compactInt64
	compactDouble
	compactBinary
	compactList
	compactSet
	compactMap
	compactStruct
	maxDepth = 16
)

// structure calls set for each number and truth value in a structure. A field's path is its
// number plus 100 times the path of the structure; it is negative where that is not meant to be looked at.
func (c *compact) structure(path, depth int, set func(path int, v int64)) error {
	if depth > maxDepth {
		return errHeader
	}
	for id := int64(0); ; {
		head, err := c.byte()
		if err != nil || head == compactStop {
			return err
		}
		if delta := int64(head >> 4); delta != 0 {
			id += delta
		} else if id, err = c.zigzag(); err != nil {
			return err
		}
		field := -1
		if path >= 0 && id > 0 && id < 100 {
			field = 100*path + int(id)
		}
		if err := c.value(head&15, field, depth, set); err != nil {
			return err
		}
	}
}

func (c *compact) value(kind byte, path, depth int, set func(path int, v int64)) error {
	switch kind {
	case compactTrue:
		set(path, 1)
	case compactFalse:
		set(path, 0)
	case compactByte:
		return c.skip(1)
	case compactInt16, compactInt32, compactInt64:
		v, err := c.zigzag()
		set(path, v)
		return err
	case compactDouble:
		return c.skip(8)
	case compactBinary:
		n, err := c.uvarint()
		if err != nil {
			return err
		}
		return c.skip(n)
	case compactList, compactSet:
		return c.list(depth, set)
	case compactStruct:
		return c.structure(path, depth+1, set)
	default: // page headers have no maps
		return errHeader
	}
	return nil
}

func (c *compact) list(depth int, set func(path int, v int64)) error {
	head, err := c.byte()
	if err != nil {
		return err
	}
	n, kind := uint64(head>>4), head&15
	if n == 15 {
		if n, err = c.uvarint(); err != nil {
			return err
		}
	}
	if kind == compactTrue || kind == compactFalse {
		kind = compactByte // in lists, a truth value is a byte
	}
	if depth > maxDepth {
		return errHeader
	}
	for range n {
		if err := c.value(kind, -1, depth+1, set); err != nil {
			return err
		}
	}
	return nil
}

func (c *compact) byte() (byte, error) {
	if c.at >= len(c.data) {
		return 0, errMore
	}
	c.at++
	return c.data[c.at-1], nil
}

func (c *compact) skip(n uint64) error {
	if n > uint64(len(c.data)-c.at) {
		return errMore
	}
	c.at += int(n)
	return nil
}

func (c *compact) uvarint() (uint64, error) {
	v, n := binary.Uvarint(c.data[c.at:])
	switch {
	case n == 0:
		return 0, errMore
	case n < 0:
		return 0, errHeader
	}
	c.at += n
	return v, nil
}

func (c *compact) zigzag() (int64, error) {
	v, err := c.uvarint()
	return unzigzag(v), err
}

func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// stream reads the bytes of a column chunk.
type stream struct {
	file    io.ReaderAt
	at, end int64  // what has not been read from the file
	ahead   []byte // read, but not taken: the bytes before at
	buf     []byte
}

func (s *stream) reset(file io.ReaderAt, at, end int64) {
	s.file, s.at, s.end, s.ahead = file, at, end, nil
}

// left returns the number of bytes not taken yet.
func (s *stream) left() int64 { return s.end - s.at + int64(len(s.ahead)) }

// header takes a page header. At the end of the chunk it is io.EOF.
func (s *stream) header() (header, error) {
	if s.left() == 0 {
		return header{}, io.EOF
	}
	for want := 4 << 10; ; want *= 8 {
		if err := s.peek(want); err != nil {
			return header{}, err
		}
		var h header
		c := compact{data: s.ahead}
		err := c.structure(0, 0, h.set)
		if err == nil {
			s.ahead = s.ahead[c.at:]
			return h, nil
		}
		if !errors.Is(err, errMore) || s.at == s.end || want >= maxHeader {
			return header{}, damaged("%v", err)
		}
	}
}

// peek reads ahead until there are n bytes, or all of the chunk.
func (s *stream) peek(n int) error {
	have := len(s.ahead)
	n = int(min(int64(n), s.left()))
	if have >= n {
		return nil
	}
	if len(s.buf) < n {
		s.buf = append(make([]byte, 0, n), s.ahead...)[:n]
	} else {
		copy(s.buf, s.ahead)
	}
	s.ahead = s.buf[:n]
	err := readAt(s.file, s.ahead[have:], s.at)
	s.at += int64(n - have)
	return err
}

// take fills dst; the caller knows that so much is left.
func (s *stream) take(dst []byte) error {
	n := copy(dst, s.ahead)
	s.ahead = s.ahead[n:]
	if n == len(dst) {
		return nil
	}
	err := readAt(s.file, dst[n:], s.at)
	s.at += int64(len(dst) - n)
	return err
}
