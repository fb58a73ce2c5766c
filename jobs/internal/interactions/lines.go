package interactions

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/arrowfile"
	"github.com/shardmill/shardmill/formats/compressed"
	"github.com/shardmill/shardmill/formats/text"
	"github.com/shardmill/shardmill/jobs/internal/tabular"
	"github.com/shardmill/shardmill/mapreduce"
)

// maxLine bounds a line, in bytes: all items of a user.
const maxLine = 64 << 20

// lineSource reads lines and baskets.
type lineSource struct {
	baskets   bool
	separator []byte // nil for runs of spaces and tabs
	target    mapreduce.Target
}

// lineMeta is what is known of all files when rows are read.
type lineMeta struct {
	Several bool `json:"several"` // files
}

func newLineSource(o Options, target mapreduce.Target) *mapreduce.Source[Row] {
	s := &lineSource{baskets: o.Format == Baskets, target: target}
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
		Target: target, Size: (*Row).size, List: list, Scan: scan, Cut: cut, Read: s.read,
	}
}

// list plans the inputs.
func list(ctx context.Context, l *mapreduce.Lister) error {
	lines := false // some file has one
	for _, in := range l.Inputs() {
		taken := 0
		err := l.Walk(ctx, in, func(e mapreduce.Entry) error {
			if e.Found && tabular.IsHidden(e.Name) {
				l.Pass()
				return nil
			}
			taken++
			kind, has, err := look(e)
			lines = lines || has
			switch {
			case err != nil:
				return mapreduce.BadInput(err)
			case kind != compressed.Plain:
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
	if !lines {
		return mapreduce.BadInput(tabular.ErrNoRows)
	}
	return nil
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

// cut finds the first line of each part. How many items it has, nobody knows.
func cut(_ *mapreduce.Env, files iter.Seq[[]mapreduce.Scanned], c *mapreduce.Cutter) error {
	n := 0
	for file := range files {
		n++
		parts := make([]text.Scanned, len(file))
		for i := range file {
			if err := file[i].Decode(&parts[i]); err != nil {
				return err
			}
		}
		starts := text.Starts(text.Position{Line: 1}, parts)
		for i, s := range file {
			if err := c.Range(s, mapreduce.Range{Offset: starts[i].Offset, Line: starts[i].Line, Rows: -1}); err != nil {
				return err
			}
		}
	}
	return c.Meta(lineMeta{Several: n > 1})
}

func (s *lineSource) read(_ context.Context, env *mapreduce.Env, rg mapreduce.Range, rows *mapreduce.Rows[Row]) (err error) {
	var m lineMeta
	if err := env.Meta(&m); err != nil {
		return err
	}
	in, from, hi, err := openLines(rg, rows)
	if err != nil {
		return asInput(err)
	}
	defer func() { err = asInput(errors.Join(err, in.Close())) }()
	r := text.NewPartReader(in, rg.Name, from, hi, maxLine)
	b := lineRows{lineSource: s, rows: rows, name: rg.Name}
	if s.baskets && m.Several {
		b.prefix = rg.Name + ":"
	}
	for {
		line, number, err := r.ReadBytes()
		var bad *formats.RowError
		switch {
		case err == nil:
			err = b.add(line, number)
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			err = rows.Reject(mapreduce.Origin{Input: rg.Name, Line: bad.Line, Record: bad.Raw}, bad.Err)
		}
		if err != nil {
			return err
		}
	}
}

// openLines opens the text of a range.
func openLines(rg mapreduce.Range, rows *mapreduce.Rows[Row]) (in io.ReadCloser, from text.Position, hi int64, err error) {
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
	if errors.Is(err, formats.ErrUTF16) {
		return mapreduce.BadInput(err)
	}
	return err
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
	r.User, r.Item = append(r.User[:0], b.user...), append(r.Item[:0], item...)
	return b.rows.Add()
}

func (b *lineRows) reject(line []byte, number int64, reason error) error {
	const most = 4096
	raw := strings.ToValidUTF8(string(line[:min(len(line), most)]), "\uFFFD")
	return b.rows.Reject(mapreduce.Origin{Input: b.name, Line: number, Record: raw}, reason)
}
