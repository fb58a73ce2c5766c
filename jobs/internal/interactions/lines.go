package interactions

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/formats/arrowfile"
	"github.com/shardmill/shardmill/formats/compressed"
	"github.com/shardmill/shardmill/formats/text"
	"github.com/shardmill/shardmill/jobs/internal/tabular"
	"github.com/shardmill/shardmill/jobs/internal/textlines"
	"github.com/shardmill/shardmill/mapreduce"
)

// maxLine bounds a line, in bytes: all items of a user.
const maxLine = 64 << 20

// lineSource reads lines and baskets.
type lineSource struct {
	baskets   bool
	separator []byte // nil for runs of spaces and tabs
	test      string // file of Options.Test
	target    mapreduce.Target
}

// lineMeta is what is known of all files when rows are read.
type lineMeta struct {
	Several bool `json:"several"` // files
}

func newLineSource(o Options, target mapreduce.Target) *mapreduce.Source[Row] {
	s := &lineSource{baskets: o.Format == Baskets, test: o.Test, target: target}
	if sep := tabular.Separator(o.Separator); sep != "" && sep != " " {
		s.separator = []byte(sep)
	}
	columns := o.shardColumns()
	return &mapreduce.Source[Row]{
		Shards: mapreduce.Dataset[Row]{
			Ext: "arrow",
			Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[Row], error) {
				return arrowfile.Create(w, columns)
			},
			Open: func(_ *mapreduce.Env, path string) (mapreduce.Reader[Row], error) {
				return arrowfile.Open(path, columns)
			},
		},
		Target: target, Size: (*Row).size, List: list, Scan: textlines.Scan, Cut: cut, Read: s.read,
	}
}

// list plans the inputs, of which some file must have a line.
func list(ctx context.Context, l *mapreduce.Lister) error {
	lines := false
	err := textlines.List(ctx, l, func(e mapreduce.Entry) (compressed.Kind, bool, error) {
		if e.Found && tabular.IsHidden(e.Name) {
			return 0, false, nil
		}
		kind, has, err := look(e)
		lines = lines || has
		return kind, true, err
	})
	if err == nil && !lines {
		err = mapreduce.BadInput(tabular.ErrNoRows)
	}
	return err
}

// look tells whether a file is compressed, and whether it has a line that is not empty.
func look(e mapreduce.Entry) (compressed.Kind, bool, error) {
	file, err := os.Open(e.Path)
	if err != nil {
		return 0, false, err
	}
	plain, kind, err := compressed.NewReader(file, e.Name)
	if err != nil {
		return 0, false, errors.Join(err, file.Close())
	}
	has, err := text.HasLine(plain, e.Name)
	return kind, has, errors.Join(err, plain.Close())
}

// cut finds the first line of each part. How many items it has, nobody knows.
func cut(_ *mapreduce.Env, files iter.Seq[[]mapreduce.Scanned], c *mapreduce.Cutter) error {
	n := 0
	for file := range files {
		n++
		_, starts, err := textlines.Starts(file)
		if err != nil {
			return err
		}
		for i, s := range file {
			if err := c.Range(s, mapreduce.Range{Offset: starts[i].Offset, Line: starts[i].Line, Rows: -1}); err != nil {
				return err
			}
		}
	}
	return c.Meta(lineMeta{Several: n > 1})
}

func (s *lineSource) read(_ context.Context, env *mapreduce.Env, rg mapreduce.Range, rows *mapreduce.Rows[Row]) error {
	var m lineMeta
	if err := env.Meta(&m); err != nil {
		return err
	}
	b := lineRows{lineSource: s, rows: rows, name: rg.Name}
	if s.baskets && m.Several {
		b.prefix = rg.Name + ":"
	}
	return textlines.Read(rg, rows, maxLine, b.add)
}

// lineRows makes rows of lines.
type lineRows struct {
	*lineSource
	rows   rowTaker
	name   string // of the file
	prefix string // of the names of baskets
	user   []byte // of the line, or the basket
}

// rowTaker takes rows: a *mapreduce.Rows.
type rowTaker interface {
	Next() *Row
	Add() error
	Reject(o mapreduce.Origin, reason error) error
}

// add adds the rows of a line.
func (b *lineRows) add(line []byte, number int64) error {
	items := fields{line, b.separator}
	if !items.more() {
		return nil
	}
	if b.baskets {
		b.user = strconv.AppendInt(append(b.user[:0], b.prefix...), number, 10)
	} else {
		b.user = append(b.user[:0], items.next()...)
	}
	if len(b.user) == 0 {
		return b.reject(line, number, ErrNoUser)
	}
	if !items.more() {
		return b.reject(line, number, ErrNoItem)
	}
	for items.more() {
		if err := b.addItem(line, items.next(), number); err != nil {
			return err
		}
	}
	return nil
}

func (b *lineRows) addItem(line, item []byte, number int64) error {
	if len(item) == 0 {
		return b.reject(line, number, ErrNoItem)
	}
	r := b.rows.Next()
	r.Place, r.Value = tabular.Place{Input: b.name, Line: number}, 1
	r.Test = b.test != "" && b.name == b.test
	r.User, r.Item = append(r.User[:0], b.user...), append(r.Item[:0], item...)
	return b.rows.Add()
}

func (b *lineRows) reject(line []byte, number int64, reason error) error {
	const most = 4096
	raw := strings.ToValidUTF8(string(line[:min(len(line), most)]), "\uFFFD")
	return b.rows.Reject(mapreduce.Origin{Input: b.name, Line: number, Record: raw}, reason)
}
