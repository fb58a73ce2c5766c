package rank

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/arrowfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/mapreduce"
)

// shardBytes bounds the values of one shard, in bytes.
const shardBytes = 64 << 20

// place is where a row stands. Rows that have one make rejects that name file and line.
type place struct {
	input string // file, as the user named it
	line  int64
}

// Origin implements mapreduce.Originer.
func (p *place) Origin() mapreduce.Origin { return mapreduce.Origin{Input: p.input, Line: p.line} }

// meta is what the listing finds for later stages.
type meta struct {
	Carried []string `json:"carried"` // columns, in order of the first files that have them
}

// reading says how rows of type R come from files.
type reading[R any] struct {
	params  Params
	needs   []string // columns that every file has, each once
	carries bool     // other columns follow
	columns table.Columns[R]
	size    func(*R) int64
	// row makes a row of cells: those of needs, then those carried. An error rejects it.
	row func(at place, cells []cell) (R, error)
}

func (rd reading[R]) source() *mapreduce.Source[R] {
	return &mapreduce.Source[R]{
		Shards: mapreduce.Dataset[R]{
			Ext: "arrow",
			Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[R], error) {
				return arrowfile.Create(w, rd.columns)
			},
			Open: func(_ *mapreduce.Env, path string) (mapreduce.Reader[R], error) {
				return arrowfile.Open(path, rd.columns)
			},
		},
		Target: mapreduce.Target{Rows: rd.params.ShardRows, Bytes: shardBytes},
		Size:   rd.size,
		List:   rd.list,
		Read:   rd.read,
	}
}

// placeColumns are the columns of a row's place in shards.
func placeColumns[R any](of func(*R) *place) table.Columns[R] {
	return table.Columns[R]{
		table.String("input", func(r *R) string { return of(r).input }, func(r *R, v string) { of(r).input = v }),
		table.Int64("line", func(r *R) int64 { return of(r).line }, func(r *R, v int64) { of(r).line = v }),
	}
}

// list plans the inputs, of which it reads the headers.
func (rd reading[R]) list(ctx context.Context, l *mapreduce.Lister) error {
	var m meta
	for _, in := range l.Inputs() {
		info, err := os.Stat(in.Path)
		folder := err == nil && info.IsDir()
		err = l.Walk(ctx, in, func(e mapreduce.Entry) error {
			f, known := formatOf(e.Name)
			if !known && folder {
				l.Pass()
				return nil
			}
			if !known {
				return mapreduce.BadInput(fmt.Errorf("%s: its name ends in none of %s", e.Name, knownFormats))
			}
			if err := rd.look(&m, f, e); err != nil {
				return mapreduce.BadInput(err)
			}
			return l.File(e.Name, e.Path)
		})
		if err != nil {
			return err
		}
	}
	return l.Meta(m)
}

// look finds the columns of a file.
func (rd reading[R]) look(m *meta, f format, e mapreduce.Entry) error {
	all := rd.carries && rd.params.Columns == nil
	if f.header == nil && all {
		return fmt.Errorf("%s: JSON lines do not list their columns: give --columns", e.Name)
	}
	needs := rd.needs
	if rd.carries {
		needs = append(slices.Clone(needs), rd.params.Columns...)
	}
	if f.header != nil {
		names, err := headerOf(f, e)
		if err != nil {
			return err
		}
		for _, c := range needs {
			if !slices.Contains(names, c) {
				return fmt.Errorf("%s: no column %q among %q", e.Name, c, names)
			}
		}
		if all {
			needs = names
		}
	}
	for _, c := range needs {
		if !slices.Contains(rd.needs, c) && !slices.Contains(m.Carried, c) {
			m.Carried = append(m.Carried, c)
		}
	}
	return nil
}

func headerOf(f format, e mapreduce.Entry) (names []string, err error) {
	file, err := os.Open(e.Path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read
	in, err := f.plain(file, e.Name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }() // only read
	return f.header(in, e.Name)
}

// read makes rows of one file.
func (rd reading[R]) read(ctx context.Context, env *mapreduce.Env, rg mapreduce.Range, rows *mapreduce.Rows[R]) (err error) {
	columns := slices.Clone(rd.needs)
	if rd.carries {
		var m meta
		if err := env.Meta(&m); err != nil {
			return err
		}
		columns = append(columns, m.Carried...)
	}
	f, known := formatOf(rg.Name)
	if !known {
		return fmt.Errorf("%s: its name ends in none of %s", rg.Name, knownFormats)
	}
	file, err := rows.Open(rg.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	in, err := f.plain(file, rg.Name)
	if err != nil {
		return mapreduce.BadInput(err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	r, err := f.open(in, rg.Name, columns)
	if err != nil {
		return mapreduce.BadInput(err)
	}
	return rd.each(ctx, r, rg.Name, rows)
}

// each passes all rows of a file.
func (rd reading[R]) each(ctx context.Context, r records, name string, rows *mapreduce.Rows[R]) error {
	var rec record
	for ctx.Err() == nil {
		err := r.read(&rec)
		var bad *formats.RowError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			err = rows.Reject(mapreduce.Origin{Input: name, Line: bad.Line, Record: bad.Raw}, reason(bad))
		case err == nil:
			err = rd.pass(&rec, name, rows)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (rd reading[R]) pass(rec *record, name string, rows *mapreduce.Rows[R]) error {
	at := place{name, rec.line}
	row, err := rd.row(at, rec.cells)
	if err != nil {
		o := at.Origin()
		o.Record = asText(rec.cells)
		return rows.Reject(o, err)
	}
	return rows.Row(row)
}

// reason is what is wrong with a row, without its place.
func reason(bad *formats.RowError) error {
	if bad.Column == "" {
		return bad.Err
	}
	return fmt.Errorf("column %q: %w", bad.Column, bad.Err)
}

// asText writes the cells of a bad row as a line of CSV, cut where it is long.
func asText(cells []cell) string {
	const most = 4096
	texts := make([]string, len(cells))
	for i, c := range cells {
		texts[i] = string(c.text[:min(len(c.text), most)])
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	if err := w.Write(texts); err != nil {
		return ""
	}
	w.Flush()
	line := strings.TrimSuffix(b.String(), "\n")
	return strings.ToValidUTF8(line[:min(len(line), most)], "\uFFFD")
}
