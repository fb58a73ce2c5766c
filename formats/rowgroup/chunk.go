package rowgroup

import (
	"errors"
	"io"
	"math/bits"

	"github.com/apache/arrow/go/v15/parquet"
)

// chunk reads the values of a column, one row group at a time. T is int64 for numbers of all
// physical types, and []byte for byte strings. Levels and values are decoded window by window, each when it is needed,
// and never beyond the page.
type chunk[T any] struct {
	pages      pages
	body       func(e parquet.Encoding, data []byte) (decoder[T], error)
	dictionary []T
	decode     decoder[T]
	failed     error // of decode, after the values that it gave

	rows   int    // of the page, beyond levels
	runs   hybrid // the levels of these
	levels []uint32
	level  int // next of levels
	values []T
	value  int // next of values

	levelsBuf [window]uint32 // zeros for ever in a required column
	valuesBuf [window]T
}

// open puts c on the chunk of a row group.
func (c *chunk[T]) open(f *footer, group int, column field) error {
	c.rows, c.levels, c.level, c.dictionary = 0, nil, 0, nil
	return c.pages.open(f, group, column)
}

// end reports rows beyond those that the row group has.
func (c *chunk[T]) end() error {
	if n := c.left(); n > 0 {
		return damaged("the last page has %d rows more than the row group", n)
	}
	return nil
}

// left returns the number of rows of the page that are not passed yet.
func (c *chunk[T]) left() int { return c.rows + len(c.levels) - c.level }

// readLevels sets levels for the next rows, at least one: pages.level for a value, less for a null.
func (c *chunk[T]) readLevels() error {
	for c.rows == 0 {
		if err := c.turn(); err != nil {
			return err
		}
	}
	n := min(window, c.rows)
	if c.pages.level > 0 {
		read, err := c.runs.read(c.levelsBuf[:n])
		if read == 0 && err == nil {
			err = damaged("a page has %d definition levels less than rows", c.rows)
		}
		if err != nil {
			return err
		}
		n = read
	}
	c.levels, c.level = c.levelsBuf[:n], 0
	c.rows -= n
	return nil
}

// readValues sets values, at least one.
func (c *chunk[T]) readValues() error {
	if c.failed != nil {
		return c.failed
	}
	rows := c.left() + 1 // that of the first value is passed
	n, err := c.decode(c.valuesBuf[:min(window, rows)])
	c.values, c.value = c.valuesBuf[:n], 0
	if n > 0 {
		c.failed = err // what comes after the last value may be anything
		return nil
	}
	if err == nil {
		err = damaged("the values of a page end %d rows before it", rows)
	}
	return err
}

// turn goes to the next page.
func (c *chunk[T]) turn() error {
	p, err := c.pages.next()
	if errors.Is(err, io.EOF) {
		return damaged("its pages have less rows than the row group")
	}
	if err != nil {
		return err
	}
	if p.dictionary {
		return c.readDictionary(p)
	}
	c.runs = newHybrid(p.levels, uint(bits.Len32(c.pages.level)))
	c.rows = p.rows
	c.values, c.value, c.failed = nil, 0, nil
	if len(p.data) == 0 { // all are null: there need not even be a header
		c.decode = func([]T) (int, error) { return 0, nil }
		return nil
	}
	if e := p.encoding; e == parquet.Encodings.RLEDict || e == parquet.Encodings.PlainDict {
		if c.dictionary == nil {
			return damaged("a page needs a dictionary, and there is none before it")
		}
		c.decode, err = indexed(p.data, c.dictionary)
		return err
	}
	c.decode, err = c.body(p.encoding, p.data)
	return err
}

// readDictionary decodes a dictionary, whose values are plain.
func (c *chunk[T]) readDictionary(p page) error {
	if c.dictionary != nil {
		return damaged("there are two dictionaries")
	}
	if e := p.encoding; e != parquet.Encodings.Plain && e != parquet.Encodings.PlainDict {
		return unsupported("a dictionary in %v", e)
	}
	if p.rows > 8*len(p.data) {
		return damaged("%d dictionary values in %d bytes", p.rows, len(p.data))
	}
	decode, err := c.body(parquet.Encodings.Plain, p.data)
	if err != nil {
		return err
	}
	c.dictionary = make([]T, p.rows)
	n, err := decode(c.dictionary)
	if err == nil && n < p.rows {
		err = damaged("%d dictionary values, its header says %d", n, p.rows)
	}
	return err
}

// numbers returns the decoder of the numbers of a page.
func numbers(t parquet.Type) func(parquet.Encoding, []byte) (decoder[int64], error) {
	width, get := 8, getInt64
	switch t {
	case parquet.Types.Int32:
		width, get = 4, getInt32
	case parquet.Types.Float:
		width, get = 4, getFloat
	}
	floats, truth := t == parquet.Types.Float || t == parquet.Types.Double, t == parquet.Types.Boolean
	return func(e parquet.Encoding, data []byte) (decoder[int64], error) {
		switch {
		case truth && e == parquet.Encodings.Plain:
			return truths(data), nil
		case truth && e == parquet.Encodings.RLE:
			return truthRuns(data)
		case truth:
		case e == parquet.Encodings.Plain:
			return fixed(data, width, get), nil
		case e == byteStreamSplit:
			return split(data, width, get), nil
		case e == parquet.Encodings.DeltaBinaryPacked && !floats:
			return deltas(data, width)
		}
		return nil, wrongEncoding(e, t)
	}
}

// byteValues returns the decoder of the byte strings of a page; width is 0 unless all have the same.
func byteValues(t parquet.Type, width int) func(parquet.Encoding, []byte) (decoder[[]byte], error) {
	get := func(b []byte) []byte { return b }
	fronts := &deltaStrings{width: width}
	return func(e parquet.Encoding, data []byte) (decoder[[]byte], error) {
		switch {
		case e == parquet.Encodings.Plain && width > 0:
			return fixed(data, width, get), nil
		case e == parquet.Encodings.Plain:
			return byteStrings(data), nil
		case e == byteStreamSplit && width > 0:
			return split(data, width, get), nil
		case e == parquet.Encodings.DeltaLengthByteArray && width == 0:
			return deltaLengths(data)
		case e == parquet.Encodings.DeltaByteArray:
			return fronts.open(data)
		}
		return nil, wrongEncoding(e, t)
	}
}

const byteStreamSplit = parquet.Encoding(9)

func wrongEncoding(e parquet.Encoding, t parquet.Type) error {
	return unsupported("%v values in encoding %v (%d)", t, e, e)
}
