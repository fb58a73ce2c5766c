// Package lines is a source of text lines: files, folders and glob patterns, one row a line. Files may be compressed
// by gzip or zstd, which their first bytes say; others are read in parts.
package lines

import (
	"context"
	"io"
	"iter"

	"github.com/shardmill/shardmill/formats/arrowfile"
	"github.com/shardmill/shardmill/formats/compressed"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/formats/text"
	"github.com/shardmill/shardmill/jobs/internal/textlines"
	"github.com/shardmill/shardmill/mapreduce"
)

// Line is one line of text, without its end.
type Line struct {
	Input  string // file, as the user named it
	Number int64  // from 1
	Text   []byte // valid until Map returns
}

// keptBytes bounds the memory that a line keeps for the next one: there are many in a batch.
const keptBytes = 16 << 10

// Reset implements mapreduce.Resetter.
func (l *Line) Reset() {
	if l.Input, l.Number = "", 0; cap(l.Text) > keptBytes {
		l.Text = nil
	}
	l.Text = l.Text[:0]
}

// Origin implements mapreduce.Originer.
func (l *Line) Origin() mapreduce.Origin {
	return mapreduce.Origin{Input: l.Input, Line: l.Number, Record: string(l.Text)}
}

// shardBytes is the text in one shard, and in one part of a file.
const shardBytes = 64 << 20

// Source reads lines. A line that is no UTF-8 text or longer than 1 MiB is a reject. In place, mappers read
// the files themselves and not shards of them.
func Source(inPlace bool) *mapreduce.Source[Line] {
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
		Target:  mapreduce.Target{Bytes: shardBytes},
		Size:    func(l *Line) int64 { return int64(len(l.Text)) + 1 },
		List:    list,
		Scan:    textlines.Scan,
		Cut:     cut,
		Read:    read,
		InPlace: inPlace,
	}
}

func columns() table.Columns[Line] {
	return table.Columns[Line]{
		table.Repeated("input", func(l *Line) string { return l.Input }, func(l *Line, v string) { l.Input = v }),
		table.Int64("line", func(l *Line) int64 { return l.Number }, func(l *Line, v int64) { l.Number = v }),
		table.Text("text", func(l *Line) []byte { return l.Text }, func(l *Line, v []byte) { l.Text = append(l.Text[:0], v...) }).Plain(),
	}
}

// look opens a file.
func look(e mapreduce.Entry) (kind compressed.Kind, taken bool, err error) {
	file, kind, err := compressed.Open(e.Path)
	if err == nil {
		err = file.Close()
	}
	return kind, true, err
}

func list(ctx context.Context, l *mapreduce.Lister) error { return textlines.List(ctx, l, look) }

// markBytes is the size of a byte order mark. A file of that size may be nothing else, and have no line.
const markBytes = 3

// cut finds the first line of each part.
func cut(_ *mapreduce.Env, files iter.Seq[[]mapreduce.Scanned], c *mapreduce.Cutter) error {
	for file := range files {
		parts, starts, err := textlines.Starts(file)
		if err != nil {
			return err
		}
		for i, s := range file {
			rg := mapreduce.Range{Offset: starts[i].Offset, Line: starts[i].Line, Rows: rowsOf(parts, starts, i)}
			if !textlines.IsPart(s.Range) && s.Range.Size > 0 || s.Range.Size == markBytes {
				rg.Rows = -1
			}
			if err := c.Range(s, rg); err != nil {
				return err
			}
		}
	}
	return nil
}

// rowsOf is the number of lines that start in a part. The last of the file may have no line end.
func rowsOf(parts []text.Scanned, starts []text.Position, i int) int64 {
	rows, size := starts[i+1].Line-starts[i].Line, starts[len(parts)].Offset
	last := parts[len(parts)-1]
	if last.Last < last.Size && starts[i].Offset < size && starts[i+1].Offset == size {
		rows++
	}
	return rows
}

func read(_ context.Context, _ *mapreduce.Env, rg mapreduce.Range, rows *mapreduce.Rows[Line]) error {
	return textlines.Read(rg, rows, 0, func(line []byte, number int64) error {
		l := rows.Next()
		l.Input, l.Number, l.Text = rg.Name, number, append(l.Text, line...)
		return rows.Add()
	})
}
