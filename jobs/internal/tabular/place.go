package tabular

import (
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/mapreduce"
)

// Place is where a row stands. Rows that embed one make rejects that name file and line.
type Place struct {
	Input string // file, as the user named it
	Line  int64  // see Record
}

// Origin implements mapreduce.Originer.
func (p *Place) Origin() mapreduce.Origin { return mapreduce.Origin{Input: p.Input, Line: p.Line} }

// PlaceColumns are the columns of a row's place in shards. It is a field of the row, not what one points to.
func PlaceColumns[R any](of func(*R) *Place) table.Columns[R] {
	return table.Columns[R]{
		table.RepeatedField("input", func(r *R) *string { return &of(r).Input }),
		table.StepsField("line", func(r *R) *int64 { return &of(r).Line }),
	}
}
