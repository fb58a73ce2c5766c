package classify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/compressed"
	"github.com/shardmill/shardmill/formats/manifest"
	"github.com/shardmill/shardmill/jobs/internal/tabular"
	"github.com/shardmill/shardmill/mapreduce"
)

// listManifest looks at the columns of a manifest only.
func listManifest(p Params, l *mapreduce.Lister, meta *Meta, e mapreduce.Entry) error {
	carried, err := p.carried(e)
	if err != nil {
		return err
	}
	for _, name := range carried {
		if !slices.Contains(meta.Carried, name) {
			meta.Carried = append(meta.Carried, name)
		}
	}
	return l.File(e.Name, e.Path)
}

// carried lists the columns of a manifest besides those that mean something.
func (p Params) carried(e mapreduce.Entry) ([]string, error) {
	if !tabular.IsCSV(e.Name) {
		names, err := tabular.Columns(e.Path, e.Name, p.named())
		return slices.DeleteFunc(names, func(n string) bool { return slices.Contains(p.named(), n) }), err
	}
	f, err := os.Open(e.Path)
	if err != nil {
		return nil, mapreduce.BadInput(err)
	}
	r, text, err := openCSV(p, f, e.Name)
	if err = errors.Join(err, text.Close()); err != nil {
		return nil, mapreduce.BadInput(err)
	}
	return r.Carried(), nil
}

// named are the columns that mean something, each once.
func (p Params) named() []string {
	var names []string
	for _, n := range []string{p.PathCol, p.IDCol, p.LabelCol} {
		if n != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// openCSV reads the header of a file that may be compressed. What is to be closed is never nil.
func openCSV(p Params, f io.ReadCloser, name string) (*manifest.Reader, io.Closer, error) {
	text, _, err := compressed.NewReader(f, name)
	if err != nil {
		return nil, f, err
	}
	r, err := manifest.NewReader(text, name, manifest.Options{PathCol: p.PathCol, IDCol: p.IDCol, LabelCol: p.LabelCol})
	return r, text, err
}

// readManifest makes rows of the records of a manifest.
func readManifest(ctx context.Context, p Params, env *mapreduce.Env, rg mapreduce.Range, rows *mapreduce.Rows[image]) error {
	var meta Meta
	if err := env.Meta(&meta); err != nil {
		return err
	}
	m := manifestRows{p: p, rg: rg, root: p.root(rg.Path), carried: meta.Carried, rows: rows}
	if tabular.IsCSV(rg.Name) {
		return m.readCSV(ctx)
	}
	return m.readTable(ctx)
}

// root is the folder of a manifest's relative paths.
func (p Params) root(manifest string) string {
	if p.Root != "" {
		return p.Root
	}
	return filepath.Dir(manifest)
}

// manifestRows makes rows of one manifest.
type manifestRows struct {
	p       Params
	rg      mapreduce.Range
	root    string
	carried []string // by all manifests
	rows    *mapreduce.Rows[image]
}

// readCSV reads CSV in the dialect of package manifest.
func (m *manifestRows) readCSV(ctx context.Context) (err error) {
	f, err := m.rows.Open(m.rg.Path)
	if err != nil {
		return err
	}
	r, text, err := openCSV(m.p, f, m.rg.Name)
	defer func() { err = errors.Join(err, text.Close()) }()
	if err != nil {
		return mapreduce.BadInput(err)
	}
	columns := columnsOf(r.Carried(), m.carried)
	for ctx.Err() == nil {
		var row manifest.Row
		err := r.Read(&row)
		var bad *formats.RowError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			err = m.rows.Reject(mapreduce.Origin{Input: m.rg.Name, Line: bad.Line, Record: bad.Raw}, bad.Err)
		case err == nil:
			err = m.pass(m.ofCSV(&row, columns))
		default:
			err = asInput(err)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// asInput marks damage of a compressed file as a fault of the input.
func asInput(err error) error {
	if data := (*compressed.DataError)(nil); errors.As(err, &data) {
		return mapreduce.BadInput(data)
	}
	return err
}

// readTable reads all other formats.
func (m *manifestRows) readTable(ctx context.Context) (err error) {
	columns := slices.Concat(m.p.named(), m.carried)
	in, err := tabular.Open(m.rows, m.rg, columns, len(m.p.named()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	var rec tabular.Record
	for ctx.Err() == nil {
		err := in.Read(&rec)
		var bad *tabular.BadRow
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			err = m.rows.Reject(bad.Origin, bad.Reason)
		case err == nil:
			err = m.passRecord(in, columns, &rec)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// passRecord makes a row of a record, or rejects it.
func (m *manifestRows) passRecord(in *tabular.Reader, columns []string, rec *tabular.Record) error {
	path := &rec.Cells[slices.Index(columns, m.p.PathCol)]
	name := string(path.AppendText(nil))
	switch {
	case !path.OK():
		return m.rows.Reject(in.Origin(rec), fmt.Errorf("no path in column %q", m.p.PathCol))
	case name == "":
		return m.rows.Reject(in.Origin(rec), manifest.ErrEmptyPath)
	case strings.IndexByte(name, 0) >= 0:
		return m.rows.Reject(in.Origin(rec), fmt.Errorf("column %q: %w", m.p.PathCol, formats.ErrNUL))
	}
	im := m.image(rec.Line, name)
	if m.p.IDCol != "" {
		im.id = textOf(&rec.Cells[slices.Index(columns, m.p.IDCol)]).value
	}
	if m.p.LabelCol != "" {
		im.label = textOf(&rec.Cells[slices.Index(columns, m.p.LabelCol)])
	}
	first := len(m.p.named())
	for i := range rec.Cells[first:] {
		im.carried = append(im.carried, textOf(&rec.Cells[first+i]))
	}
	return m.pass(im)
}

func textOf(c *tabular.Cell) text { return text{string(c.AppendText(nil)), c.OK()} }

// ofCSV makes a row of a record. columns tells where each of its carried columns belongs.
func (m *manifestRows) ofCSV(row *manifest.Row, columns []int) image {
	im := m.image(row.Line, row.Path)
	if m.p.IDCol != "" {
		im.id = row.ID
	}
	if m.p.LabelCol != "" {
		im.label = text{row.Label, true}
	}
	for i, at := range columns {
		for len(im.carried) <= at {
			im.carried = append(im.carried, text{})
		}
		im.carried[at] = text{row.Carried[i], true}
	}
	return im
}

// columnsOf gives for each column that a manifest carries its place among those of all manifests.
func columnsOf(carried, all []string) []int {
	at := make([]int, len(carried))
	for i, name := range carried {
		at[i] = slices.Index(all, name)
	}
	return at
}

// image is the row of a path, which is its id too as long as it gets no other.
func (m *manifestRows) image(line int64, path string) image {
	im := image{input: m.rg.Name, line: line, id: path, path: path, file: path}
	if !filepath.IsAbs(im.file) {
		im.file = filepath.Join(m.root, im.file)
	}
	im.stat()
	return im
}

// pass passes a row on, unless it lacks its id.
func (m *manifestRows) pass(im image) error {
	if im.id == "" {
		return m.rows.Reject(im.Origin(), fmt.Errorf("no id in column %q", m.p.IDCol))
	}
	return pass(m.rows, im)
}

// pass passes a row on with its place.
func pass(rows *mapreduce.Rows[image], im image) error {
	task, row := rows.Place()
	im.ordinal = ordinal{int64(task), row}
	return rows.Row(im)
}
