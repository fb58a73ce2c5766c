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
	first   int // of the rows in what follows
	rows    int
	records *delimited.Records // of CSV and TSV
	fields  []int              // of the columns in records, less than 0 where the file has none
	lines   []int64            // of all other rows
	cells   []Cell             // of one row after the other
	columns int
}

// RowBlock is a block of one row.
func RowBlock(input string, row Record) Block {
	b := Block{input: input}
	b.setCells([]int64{row.Line}, row.Cells)
	return b
}

// Len returns the number of rows.
func (b *Block) Len() int { return b.rows }

// Columns returns the number of columns.
func (b *Block) Columns() int { return b.columns }

// Place is where row i stands.
func (b *Block) Place(i int) Place {
	if b.records != nil {
		return Place{b.input, b.records.Line(b.first + i)}
	}
	return Place{b.input, b.lines[b.first+i]}
}

// Cell is the cell of a column in row i.
func (b *Block) Cell(i, column int) Cell {
	switch {
	case b.records == nil:
		return *b.cell(i, column)
	case b.fields[column] < 0:
		return Cell{}
	default:
		return Cell{Kind: Text, Text: b.records.Field(b.first+i, b.fields[column])}
	}
}

// cell is Cell without records.
func (b *Block) cell(i, column int) *Cell { return &b.cells[(b.first+i)*b.columns+column] }

// Text is the value of a column in row i as text, and whether there is one. Numbers are written to buf.
func (b *Block) Text(i, column int, buf []byte) (text []byte, ok bool) {
	if b.records != nil {
		if b.fields[column] < 0 {
			return nil, false
		}
		return b.records.Field(b.first+i, b.fields[column]), true
	}
	c := b.cell(i, column)
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
		if b.records != nil || !b.cell(n, column).OK() {
			return n, ErrMissing
		}
	}
	return rows, nil
}

// Integers sets to to the values of a column in the first rows as ints, as Cell.Integer gives them. Where one has none it
// says why, and n is how many are set.
func (b *Block) Integers(column int, to []int64) (n int, err error) {
	if b.records == nil {
		for n = range to {
			if to[n], err = b.cell(n, column).Integer(); err != nil {
				return n, err
			}
		}
		return len(to), nil
	}
	if field := b.fields[column]; field >= 0 {
		n = b.records.CanonicalInts(b.first, field, to)
	}
	if n < len(to) {
		c := b.Cell(n, column)
		_, err = c.Integer()
	}
	return n, err
}

// Numbers is Integers for float64, as Cell.Number gives them.
func (b *Block) Numbers(column int, to []float64) (n int, err error) {
	if b.records == nil {
		for n = range to {
			if to[n], err = b.cell(n, column).Number(); err != nil {
				return n, err
			}
		}
		return len(to), nil
	}
	if field := b.fields[column]; field >= 0 {
		n = b.records.Floats(b.first, field, to)
		if nan := slices.IndexFunc(to[:n], math.IsNaN); nan >= 0 {
			n = nan
		}
	}
	if n < len(to) {
		c := b.Cell(n, column)
		_, err = c.Number()
	}
	return n, err
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

// setRecords makes the block records that have been read.
func (b *Block) setRecords(r *delimited.Records, fields []int) {
	*b = Block{input: b.input, rows: r.Len(), records: r, fields: fields, columns: len(fields)}
}

// setCells makes the block rows that start on these lines.
func (b *Block) setCells(lines []int64, cells []Cell) {
	*b = Block{input: b.input, rows: len(lines), lines: lines, cells: cells, columns: len(cells) / max(len(lines), 1)}
}

// appendCells appends the cells of row i.
func (b *Block) appendCells(cells []Cell, i int) []Cell {
	for column := range b.columns {
		cells = append(cells, b.Cell(i, column))
	}
	return cells
}
