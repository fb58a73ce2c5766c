package tabular

import (
	"math"
	"slices"

	"github.com/shardmill/shardmill/formats/delimited"
)

// BlockRows is how many rows a block has at most: their text, and what is made of it, stay in the cache of a core.
const BlockRows = 256

// Block is some rows of a file that follow each other: the cells of the columns that were asked for. It is valid until the
// next block is read.
type Block struct {
	input   string
	rows    int
	first   int                // of the records
	records *delimited.Records // of CSV and TSV; nil: the block is one row
	fields  []int              // of the columns in records, less than 0 where the file has none
	row     Record
}

// RowBlock is a block of one row.
func RowBlock(input string, row Record) Block { return Block{input: input, rows: 1, row: row} }

// Len returns the number of rows.
func (b *Block) Len() int { return b.rows }

// Columns returns the number of columns.
func (b *Block) Columns() int {
	if b.records == nil {
		return len(b.row.Cells)
	}
	return len(b.fields)
}

// Place is where row i stands.
func (b *Block) Place(i int) Place { return Place{b.input, b.line(i)} }

func (b *Block) line(i int) int64 {
	if b.records != nil {
		return b.records.Line(b.first + i)
	}
	return b.row.Line
}

// Cell is the cell of a column in row i.
func (b *Block) Cell(i, column int) Cell {
	if b.records == nil {
		return b.row.Cells[column]
	}
	if b.fields[column] < 0 {
		return Cell{}
	}
	return Cell{Kind: Text, Text: b.records.Field(b.first+i, b.fields[column])}
}

// Text is the value of a column in row i as text, and whether there is one. Numbers are written to buf.
func (b *Block) Text(i, column int, buf []byte) (text []byte, ok bool) {
	if b.records != nil && b.fields[column] >= 0 {
		return b.records.Field(b.first+i, b.fields[column]), true
	}
	return b.cellText(column, buf)
}

// cellText is Text for a block of one row, and for columns that the file has not got.
func (b *Block) cellText(column int, buf []byte) (text []byte, ok bool) {
	if b.records != nil {
		return nil, false
	}
	c := &b.row.Cells[column]
	if c.Kind == Text {
		return c.Text, true
	}
	return c.AppendText(buf), c.OK()
}

// Present looks whether a column has values in the first rows rows. Where one has none, the error is ErrMissing, and n is how
// many have one.
func (b *Block) Present(column, rows int) (n int, err error) {
	if b.records != nil && b.fields[column] >= 0 {
		return rows, nil
	}
	for n = range rows {
		if c := b.Cell(n, column); !c.OK() {
			return n, ErrMissing
		}
	}
	return rows, nil
}

// Integers sets to to the values of a column in the first rows as ints, as Cell.Integer gives them. Where one has none it
// says why, and n is how many are set.
func (b *Block) Integers(column int, to []int64) (n int, err error) {
	if b.records != nil && b.fields[column] >= 0 {
		n = b.records.CanonicalInts(b.first, b.fields[column], to)
	}
	for ; n < len(to); n++ {
		c := b.Cell(n, column)
		if to[n], err = c.Integer(); err != nil {
			return n, err
		}
	}
	return n, nil
}

// Numbers is Integers for float64, as Cell.Number gives them.
func (b *Block) Numbers(column int, to []float64) (n int, err error) {
	if b.records != nil && b.fields[column] >= 0 {
		n = b.records.Floats(b.first, b.fields[column], to)
		if nan := slices.IndexFunc(to[:n], math.IsNaN); nan >= 0 {
			n = nan
		}
	}
	for ; n < len(to); n++ {
		c := b.Cell(n, column)
		if to[n], err = c.Number(); err != nil {
			return n, err
		}
	}
	return n, nil
}

// head is the first n rows.
func (b *Block) head(n int) Block {
	head := *b
	head.rows = n
	return head
}

// skip drops the first n rows.
func (b *Block) skip(n int) {
	b.first += n
	b.rows -= n
}

// set makes the block the records that have been read.
func (b *Block) set(r *delimited.Records, fields []int) {
	b.first, b.rows, b.records, b.fields = 0, r.Len(), r, fields
}

// cells are those of row i.
func (b *Block) cells(i int) []Cell {
	if b.records == nil {
		return b.row.Cells
	}
	return b.appendCells(nil, i)
}

// appendCells appends the cells of record i.
func (b *Block) appendCells(cells []Cell, i int) []Cell {
	for column := range b.fields {
		cells = append(cells, b.Cell(i, column))
	}
	return cells
}
