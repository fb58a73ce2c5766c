package tabular

import (
	"errors"
	"io"
	"math"

	"github.com/shardmill/shardmill/formats/jsonl"
	"github.com/shardmill/shardmill/formats/text"
	"github.com/shardmill/shardmill/mapreduce"
)

// lineRows reads JSON lines.
type lineRows struct {
	r     *jsonl.Reader
	text  io.Closer
	row   jsonl.Row
	cells []Cell
}

func openLines(in files, rg mapreduce.Range, columns []string, needs int) (records, error) {
	file, err := openText(in, rg)
	if err != nil {
		return nil, err
	}
	from, hi := text.Position{Offset: rg.Offset, Line: rg.Line}, rg.Hi
	if !isPart(rg) {
		from, hi = text.Position{Line: 1}, math.MaxInt64
	}
	r, err := jsonl.NewPartReader(file, rg.Name, from, hi, jsonl.Options{Columns: columns, Scalars: needs})
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &lineRows{r: r, text: file, cells: make([]Cell, len(columns))}, nil
}

func (l *lineRows) read(rec *Record) error {
	if err := l.r.Read(&l.row); err != nil {
		return err
	}
	for i, v := range l.row.Values {
		c := &l.cells[i]
		switch v.Kind {
		case jsonl.Absent:
			c.Kind, c.Text = Absent, nil
		case jsonl.Null:
			c.Kind, c.Text = Null, nil
		default:
			c.Kind, c.Text = Text, v.Text
		}
	}
	rec.Line, rec.Cells = l.row.Line, l.cells
	return nil
}

func (l *lineRows) close() error { return l.text.Close() }
