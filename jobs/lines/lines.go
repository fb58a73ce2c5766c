// Package lines is a source of text lines: files, folders and glob patterns, one row a line.
package lines

import (
	"context"
	"errors"
	"io"

	"github.com/shardmill/shardmill/formats/arrowfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/formats/text"
	"github.com/shardmill/shardmill/mapreduce"
)

// Line is one line of text, without its end.
type Line struct {
	Input  string // file, as the user named it
	Number int64  // from 1
	Text   string
}

// Origin implements mapreduce.Originer.
func (l *Line) Origin() mapreduce.Origin {
	return mapreduce.Origin{Input: l.Input, Line: l.Number, Record: l.Text}
}

// shardBytes is the text in one shard.
const shardBytes = 64 << 20

// Source reads lines. A line that is no UTF-8 text or longer than 1 MiB is a reject.
func Source() *mapreduce.Source[Line] {
	return &mapreduce.Source[Line]{
		Shards: mapreduce.Dataset[Line]{
			Ext: "arrow",
			Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[Line], error) {
				return arrowfile.Create(w, columns())
			},
			Open: func(_ *mapreduce.Env, path string) (mapreduce.Reader[Line], error) {
				return arrowfile.Open(path, columns())
			},
		},
		Target: mapreduce.Target{Bytes: shardBytes},
		Size:   func(l *Line) int64 { return int64(len(l.Text)) + 1 },
		List:   list,
		Read:   read,
	}
}

func columns() table.Columns[Line] {
	return table.Columns[Line]{
		table.String("input", func(l *Line) string { return l.Input }, func(l *Line, v string) { l.Input = v }),
		table.Int64("line", func(l *Line) int64 { return l.Number }, func(l *Line, v int64) { l.Number = v }),
		table.String("text", func(l *Line) string { return l.Text }, func(l *Line, v string) { l.Text = v }).Plain(),
	}
}

func list(ctx context.Context, l *mapreduce.Lister) error {
	for _, in := range l.Inputs() {
		err := l.Walk(ctx, in, func(e mapreduce.Entry) error { return l.File(e.Name, e.Path) })
		if err != nil {
			return err
		}
	}
	return nil
}

func read(_ context.Context, _ *mapreduce.Env, rg mapreduce.Range, rows *mapreduce.Rows[Line]) (err error) {
	f, err := rows.Open(rg.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r := text.NewReader(f, rg.Name, 0)
	for {
		var l text.Line
		err := r.Read(&l)
		var bad *text.RowError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			err = rows.Reject(mapreduce.Origin{Input: rg.Name, Line: bad.Line, Record: bad.Raw}, bad.Err)
		case err == nil:
			err = rows.Row(Line{Input: rg.Name, Number: l.Number, Text: l.Text})
		}
		if err != nil {
			return err
		}
	}
}
