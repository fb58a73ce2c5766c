package interactions

import (
	"math"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/tabular"
)

// Row is one interaction.
type Row struct {
	tabular.Place
	User, Item []byte  // ids, valid until Map returns
	Value      float64 // finite; 1 where no column is asked for
	Time       int64   // in seconds of Unix time; 0 where no column is asked for
	Test       bool    // of the file that Options.Test names
}

// keptBytes bounds the memory that an id keeps for the next row: there are many in a batch.
const keptBytes = 4 << 10

// Reset implements mapreduce.Resetter: ids keep their memory.
func (r *Row) Reset() {
	*r = Row{User: kept(r.User), Item: kept(r.Item)}
}

func kept(b []byte) []byte {
	if cap(b) > keptBytes {
		return nil
	}
	return b[:0]
}

// size is about the number of bytes of input that a row stands for.
func (r *Row) size() int64 {
	const numbers = 8
	return int64(len(r.User)+len(r.Item)) + numbers
}

// shardColumns are the columns of rows in shards. Values and times that no column gives are the same in all rows.
func (o Options) shardColumns() table.Columns[Row] {
	columns := append(
		tabular.PlaceColumns(func(r *Row) *tabular.Place { return &r.Place }),
		table.Text("user", func(r *Row) []byte { return r.User }, func(r *Row, v []byte) { r.User = append(r.User[:0], v...) }),
		table.Text("item", func(r *Row) []byte { return r.Item }, func(r *Row, v []byte) { r.Item = append(r.Item[:0], v...) }),
	)
	if o.ValueCol == "" {
		columns = append(columns, table.Steps("value", func(r *Row) int64 { return int64(math.Float64bits(r.Value)) },
			func(r *Row, v int64) { r.Value = math.Float64frombits(uint64(v)) }))
	} else {
		columns = append(columns, table.Float64("value", func(r *Row) float64 { return r.Value }, func(r *Row, v float64) { r.Value = v }))
	}
	number := table.Int64[Row]
	if o.TimeCol == "" {
		number = table.Steps[Row]
	}
	columns = append(columns, number("time", func(r *Row) int64 { return r.Time }, func(r *Row, v int64) { r.Time = v }))
	if o.Test != "" {
		columns = append(columns, table.Bool("test", func(r *Row) bool { return r.Test }, func(r *Row, v bool) { r.Test = v }))
	}
	return columns
}
