package parquetfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/table"
)

var (
	errPage     = errors.New("a page is of another kind than those of this package")
	errPageSize = errors.New("the size of a page is not that of its values")
)

// Rows returns the number of rows in a file, by reading one column of every row group: the smallest of those
// that are quickest to read. It is a *formats.RowsError if that is not the number in the footer.
//
// Of a required column of fixed width the pages are unpacked and their sizes, or the runs of numbers of a dictionary, give
// the rows; values of others are decoded. The latter may find rows that are too many for the footer, the former what the column states.
func Rows(path string) (rows int64, err error) {
	defer table.Recover(path, &err)
	s, err := openSource(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = s.Close() }()
	if leaf := s.smallest(func(c *schema.Column) bool { return fixedWidth(c) > 0 }); leaf >= 0 {
		rows, err = s.countPages(leaf)
	} else {
		rows, err = s.countValues()
	}
	if err != nil {
		return 0, err
	}
	if rows != s.rows {
		return 0, &formats.RowsError{File: path, Footer: s.rows, Read: rows}
	}
	return rows, nil
}

// smallest returns the index of the column with the fewest bytes in the file among those that are ok, or -1.
func (s *source) smallest(ok func(*schema.Column) bool) int {
	meta := s.raw.MetaData()
	best, least := -1, int64(0)
	for leaf := range meta.Schema.NumColumns() {
		size := int64(0)
		for _, g := range meta.GetRowGroups() {
			size += g.GetColumns()[leaf].GetMetaData().GetTotalCompressedSize()
		}
		if ok(meta.Schema.Column(leaf)) && (best < 0 || size < least) {
			best, least = leaf, size
		}
	}
	return best
}

// fixedWidth returns the bytes of a value where all have the same and none is null, 0 otherwise.
func fixedWidth(c *schema.Column) int {
	if c.MaxDefinitionLevel() > 0 {
		return 0
	}
	switch c.PhysicalType() {
	case parquet.Types.Int32, parquet.Types.Float:
		return 4
	case parquet.Types.Int64, parquet.Types.Double:
		return 8
	}
	return 0
}

// countPages returns the number of values in the pages of a column of fixed width.
func (s *source) countPages(leaf int) (rows int64, err error) {
	for g := range s.raw.NumRowGroups() {
		pages, err := s.raw.RowGroup(g).GetColumnPageReader(leaf)
		if err != nil {
			return 0, s.damaged(leaf, err)
		}
		for pages.Next() {
			n, err := s.countPage(pages.Page(), leaf)
			if err != nil {
				return 0, err
			}
			rows += n
		}
		if err := pages.Err(); err != nil {
			return 0, s.damaged(leaf, err)
		}
	}
	return rows, nil
}

// countPage returns the number of values in a page of a column, 0 in that of a dictionary.
func (s *source) countPage(p file.Page, leaf int) (int64, error) {
	if _, ok := p.(*file.DictionaryPage); ok {
		return 0, nil
	}
	if _, ok := p.(*file.DataPageV1); !ok {
		return 0, s.damaged(leaf, errPage)
	}
	n, fits := int64(p.NumValues()), false
	switch parquet.Encoding(p.Encoding()) {
	case parquet.Encodings.Plain:
		fits = int64(len(p.Data())) == n*int64(fixedWidth(s.raw.MetaData().Schema.Column(leaf)))
	case parquet.Encodings.PlainDict, parquet.Encodings.RLEDict:
		held := hybridValues(p.Data())
		fits = n <= held && held < n+groupValues // the last group is filled up
	default:
		return 0, s.damaged(leaf, errPage)
	}
	if !fits {
		return 0, s.damaged(leaf, errPageSize)
	}
	return n, nil
}

// hybridValues returns how many numbers a page has that begins with their width, or -1 if its runs do not fill it.
func hybridValues(page []byte) (n int64) {
	if len(page) == 0 || page[0] > 32 {
		return -1
	}
	width := uint64(page[0])
	for page = page[1:]; len(page) > 0; {
		head, used := binary.Uvarint(page)
		values, size := head>>1, (width+7)/8
		if head&1 != 0 {
			values, size = values*groupValues, values*width
		}
		if used <= 0 || head > math.MaxInt32 || size > uint64(len(page)-used) {
			return -1
		}
		n += int64(values)
		page = page[used+int(size):]
	}
	return n
}

func (s *source) damaged(leaf int, err error) error {
	return fmt.Errorf("%s: column %q: %w: %w", s.name, s.raw.MetaData().Schema.Column(leaf).Name(), formats.ErrDamaged, err)
}

// countValues returns the number of values that the smallest column is decoded to. The reader is asked for
// more than the footer states, to see rows that are too many.
func (s *source) countValues() (rows int64, err error) {
	flat := s.smallest(func(c *schema.Column) bool { return c.MaxRepetitionLevel() == 0 })
	c, err := s.column(max(flat, 0), s.groups())
	if err != nil {
		return 0, err
	}
	for {
		a, err := s.next(c, readRows)
		if err != nil {
			return 0, err
		}
		if a.Len() == 0 {
			return rows, nil
		}
		rows += int64(a.Len())
	}
}
