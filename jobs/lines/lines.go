// Package lines is a source of text lines: files, folders and glob patterns, one row a line. Files may be compressed
// by gzip or zstd, which their first bytes say; others are read in parts.
package lines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"github.com/shardmill/shardmill/formats/arrowfile"
	"github.com/shardmill/shardmill/formats/compressed"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/formats/text"
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
		Scan:    scan,
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

func list(ctx context.Context, l *mapreduce.Lister) error {
	for _, in := range l.Inputs() {
		taken := 0
		err := l.Walk(ctx, in, func(e mapreduce.Entry) error {
			taken++
			file, kind, err := compressed.Open(e.Path)
			if err != nil {
				return mapreduce.BadInput(err)
			}
			if err := file.Close(); err != nil {
				return err
			}
			if kind != compressed.Plain {
				return l.File(e.Name, e.Path)
			}
			return l.Parts(e.Name, e.Path)
		})
		if err != nil {
			return err
		}
		if taken == 0 {
			return mapreduce.BadInput(fmt.Errorf("%s: no file in this folder: is it the right one, and mounted?", in.Name))
		}
	}
	return nil
}

// isPart tells whether a range is a part of a text. Others are whole files: compressed ones, and empty ones.
func isPart(rg mapreduce.Range) bool { return rg.Hi > 0 }

// scan counts the lines of a part.
func scan(_ context.Context, _ *mapreduce.Env, rg mapreduce.Range, in *mapreduce.Scan) (any, error) {
	if !isPart(rg) {
		return text.Scanned{}, nil
	}
	part, err := in.Open()
	if err != nil {
		return nil, err
	}
	scanned, err := text.ScanReader(part)
	return scanned, errors.Join(err, part.Close())
}

// markBytes is the size of a byte order mark. A file of that size may be nothing else, and have no line.
const markBytes = 3

// cut finds the first line of each part.
func cut(_ *mapreduce.Env, files iter.Seq[[]mapreduce.Scanned], c *mapreduce.Cutter) error {
	for file := range files {
		parts := make([]text.Scanned, len(file))
		for i := range file {
			if err := file[i].Decode(&parts[i]); err != nil {
				return err
			}
		}
		starts := text.Starts(text.Position{Line: 1}, parts)
		for i, s := range file {
			rg := mapreduce.Range{Offset: starts[i].Offset, Line: starts[i].Line, Rows: rowsOf(parts, starts, i)}
			if !isPart(s.Range) && s.Range.Size > 0 || s.Range.Size == markBytes {
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

func read(_ context.Context, _ *mapreduce.Env, rg mapreduce.Range, rows *mapreduce.Rows[Line]) (err error) {
	in, from, hi, err := open(rg, rows)
	if err != nil {
		return asInput(err)
	}
	defer func() { err = asInput(errors.Join(err, in.Close())) }()
	r := text.NewPartReader(in, rg.Name, from, hi, 0)
	for {
		line, number, err := r.ReadBytes()
		switch {
		case err == nil:
			l := rows.Next()
			l.Input, l.Number, l.Text = rg.Name, number, append(l.Text, line...)
			err = rows.Add()
		case errors.Is(err, io.EOF):
			return nil
		default:
			err = reject(err, rg, rows)
		}
		if err != nil {
			return err
		}
	}
}

// reject rejects a bad line. Any other error is returned.
func reject(err error, rg mapreduce.Range, rows *mapreduce.Rows[Line]) error {
	var bad *text.RowError
	if !errors.As(err, &bad) {
		return err
	}
	return rows.Reject(mapreduce.Origin{Input: rg.Name, Line: bad.Line, Record: bad.Raw}, bad.Err)
}

// open opens the text of a range.
func open(rg mapreduce.Range, rows *mapreduce.Rows[Line]) (in io.ReadCloser, from text.Position, hi int64, err error) {
	file, err := rows.OpenRange(rg) // so that the file is known to be the one that was scanned
	if err != nil || isPart(rg) {
		return file, text.Position{Offset: rg.Offset, Line: rg.Line}, rg.Hi, err
	}
	plain, _, err := compressed.NewReader(file, rg.Name)
	if err != nil {
		return nil, from, 0, errors.Join(err, file.Close())
	}
	return plain, text.Position{Line: 1}, math.MaxInt64, nil
}

// asInput marks damaged data as what is wrong with the input. Its error names the file, as those around it do.
func asInput(err error) error {
	if data := (*compressed.DataError)(nil); errors.As(err, &data) {
		return mapreduce.BadInput(data)
	}
	return err
}
