package tabular

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/arrowfile"
	"github.com/shardmill/shardmill/formats/compressed"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/mapreduce"
)

// Table says how rows of type R come from files.
type Table[R any] struct {
	Needs   []string // columns that every file has, each once
	Carries bool     // other columns come along: those of Columns or, where it is nil, all
	Columns []string // besides Needs, each once
	Form    *Form    // what the user says of the files; nil for nothing: their names and headers tell all
	// Fill sets rows, as many as b has, from those of b, whose columns are Needs, then those that Carried lists. It must copy
	// texts that rows keep. Where *R implements mapreduce.Resetter, rows are such as were used before. An error rejects row n,
	// which is the first that is not set; Fill is then called again for those behind it.
	Fill func(rows []R, b *Block) (n int, err error)

	Shards table.Columns[R] // how rows rest on disk between split and map
	Size   func(r *R) int64 // bytes of input that a row stands for
	Target mapreduce.Target // of a shard, and of a part of a file
	// InPlace lets the mapper read the files themselves instead of shards.
	InPlace bool
}

// meta is what is known of all files when rows are read.
type meta struct {
	Carried []string `json:"carried"` // columns, in order of the first files that have them
}

// Carried lists the columns that a Table carries, in order of the first files that have them.
func Carried(env *mapreduce.Env) ([]string, error) {
	var m meta
	err := env.Meta(&m)
	return m.Carried, err
}

// NewSource makes a Source of the files that hold a table.
func NewSource[R any](t Table[R]) *mapreduce.Source[R] {
	return &mapreduce.Source[R]{
		Shards: mapreduce.Dataset[R]{
			Ext: "arrow",
			Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[R], error) {
				return arrowfile.Create(w, t.Shards)
			},
			Open: func(_ *mapreduce.Env, path string) (mapreduce.Reader[R], error) {
				return arrowfile.Open(path, t.Shards)
			},
		},
		Target: t.Target,
		Size:   t.Size,
		List:   t.list,
		Scan: func(_ context.Context, _ *mapreduce.Env, rg mapreduce.Range, in *mapreduce.Scan) (any, error) {
			f, err := t.Form.formatOf(rg.Name)
			if err != nil {
				return nil, err
			}
			return f.scan(in, rg)
		},
		Cut: func(_ *mapreduce.Env, files iter.Seq[[]mapreduce.Scanned], c *mapreduce.Cutter) error {
			return t.cutAll(files, c)
		},
		Read:    t.read,
		InPlace: t.InPlace,
	}
}

// list plans the inputs, of which it reads headers only.
func (t Table[R]) list(ctx context.Context, l *mapreduce.Lister) error {
	var m meta // what the scan will find
	rows := t.Form == nil
	for _, in := range l.Inputs() {
		taken := 0
		err := l.Walk(ctx, in, func(e mapreduce.Entry) error {
			if e.Found && t.Form.hides(e.Name) {
				l.Pass()
				return nil
			}
			f, err := t.Form.formatOf(e.Name)
			if err != nil {
				return mapreduce.BadInput(err)
			}
			taken++
			h, err := t.look(&m, f, e)
			rows = rows || h.rows
			switch {
			case errors.Is(err, errNoRecord):
				l.Pass()
				return nil
			case err != nil:
				return mapreduce.BadInput(asInput(err))
			case f.layout == rowGroups || h.kind != compressed.Plain:
				return l.File(e.Name, e.Path)
			}
			return l.Parts(e.Name, e.Path)
		})
		if err != nil {
			return err
		}
		if taken == 0 {
			return mapreduce.BadInput(fmt.Errorf("%s: no file in this folder whose name ends in %s: is it the right one, and mounted?%s", in.Name, knownFormats, t.Form.hint()))
		}
	}
	if !rows {
		return mapreduce.BadInput(ErrNoRows)
	}
	return nil
}

// look finds what is known of a file's columns before it is read, and whether it is compressed.
func (t Table[R]) look(m *meta, f format, e mapreduce.Entry) (h header, err error) {
	switch {
	case f.layout == separated || f.layout == plain:
		h, err = f.readHeader(e.Path, e.Name)
	case f.layout == jsonLines && t.all():
		return h, fmt.Errorf("%s: %s do not list their columns: give --columns", e.Name, f.layout)
	case f.form != nil:
		h, err = f.peek(e.Path, e.Name, slices.Concat(t.Needs, t.Columns))
	case f.layout == jsonLines:
		h.kind, err = kindOf(e.Path)
	}
	if err != nil {
		return h, err
	}
	return h, t.carry(m, e.Name, h.names)
}

func kindOf(path string) (compressed.Kind, error) {
	file, kind, err := compressed.Open(path)
	if err != nil {
		return 0, err
	}
	return kind, file.Close()
}

// all tells whether all columns are carried.
func (t Table[R]) all() bool { return t.Carries && t.Columns == nil }

// carry notes the columns that a file adds to those carried. Names are the file's, nil where it does not list them.
func (t Table[R]) carry(m *meta, file string, names []string) error {
	wanted := t.Columns
	if t.all() {
		wanted = names
	}
	if names != nil {
		if _, err := t.Form.resolve(file, names, slices.Concat(t.Needs, t.Columns)); err != nil {
			return err
		}
	}
	for _, c := range wanted {
		if !slices.Contains(t.Needs, c) && !slices.Contains(m.Carried, c) {
			m.Carried = append(m.Carried, c)
		}
	}
	return nil
}

// read makes rows of one range.
func (t Table[R]) read(_ context.Context, env *mapreduce.Env, rg mapreduce.Range, rows *mapreduce.Rows[R]) error {
	f, err := t.Form.formatOf(rg.Name)
	if err != nil {
		return err
	}
	carried, err := Carried(env)
	if err != nil {
		return err
	}
	columns := slices.Concat(t.Needs, carried)
	in, err := f.open(rows, rg, columns, min(len(t.Needs)+len(t.Columns), len(columns)))
	if err != nil {
		return asInput(err)
	}
	err = (&reading[R]{in: asBlocks(in), rows: rows, fill: t.Fill, block: Block{input: rg.Name}}).run()
	return asInput(errors.Join(err, in.close()))
}

// rowTaker takes rows: a *mapreduce.Rows.
type rowTaker[R any] interface {
	NextRows(n int) []R
	AddRows(n int) error
	Reject(o mapreduce.Origin, reason error) error
}

// reading is the reading of one range.
type reading[R any] struct {
	in    blocks
	rows  rowTaker[R]
	fill  func(rows []R, b *Block) (n int, err error)
	block Block // what of it is not passed on yet
	head  Block // what is being passed on
}

// run passes all rows on.
func (g *reading[R]) run() error {
	for {
		err := g.in.readBlock(&g.block)
		if err == nil {
			err = g.pass()
		} else if err = g.refuse(err); errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// pass makes rows of the block.
func (g *reading[R]) pass() error {
	for b := &g.block; b.rows > 0; {
		rows := g.rows.NextRows(b.rows)
		g.head = b.head(len(rows))
		n, bad := g.fill(rows, &g.head)
		if bad == nil {
			n = len(rows)
		}
		if err := g.rows.AddRows(n); err != nil {
			return err
		}
		b.skip(n)
		if bad == nil {
			continue
		}
		if err := g.reject(b, bad); err != nil {
			return err
		}
		b.skip(1)
	}
	return nil
}

// reject rejects the first row of a block.
func (g *reading[R]) reject(b *Block, bad error) error {
	at := b.Place(0)
	o := at.Origin()
	o.Record = asText(b.appendCells(nil, 0))
	return g.rows.Reject(o, bad)
}

// refuse rejects a bad row, and returns any other error.
func (g *reading[R]) refuse(err error) error {
	if bad := (*formats.RowError)(nil); errors.As(err, &bad) {
		return g.rows.Reject(mapreduce.Origin{Input: g.block.input, Line: bad.Line, Record: bad.Raw}, reason(bad))
	}
	return err
}
