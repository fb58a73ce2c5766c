package tabular

import (
	"errors"
	"math"
	"os"
	"slices"

	"github.com/shardmill/shardmill/formats/rowgroup"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/mapreduce"
)

// groupRows reads Parquet.
type groupRows struct {
	r     *rowgroup.Reader
	file  *os.File
	row   rowgroup.Row
	cells []Cell
	to    []int     // for each column that is read, its cell
	bools [2][]byte // false and true
}

// openGroups opens row groups [rg.Lo, rg.Hi), or all.
func openGroups(in files, rg mapreduce.Range, columns []string, needs int, form *Form) (records, error) {
	if !isPart(rg) {
		rg.Hi = math.MaxInt32
		if err := digest(in, rg.Path); err != nil {
			return nil, err
		}
	}
	file, size, err := openSized(rg.Path)
	if err != nil {
		return nil, err
	}
	g := &groupRows{file: file, cells: make([]Cell, len(columns)), bools: [2][]byte{[]byte("false"), []byte("true")}}
	if err := g.open(rg, size, columns, needs, form); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return g, nil
}

// digest reads a file for its digest only: Parquet is then read here and there.
func digest(in files, path string) error {
	file, err := in.Open(path)
	if err != nil {
		return err
	}
	return file.Close()
}

func openSized(path string) (*os.File, int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, mapreduce.BadInput(err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

func (g *groupRows) open(rg mapreduce.Range, size int64, columns []string, needs int, form *Form) error {
	info, err := rowgroup.Inspect(g.file, size, rg.Name)
	if err != nil {
		return err
	}
	if form != nil {
		if columns, err = form.resolve(rg.Name, namesOf(info), columns); err != nil {
			return err
		}
	}
	if err := hasColumns(info, rg.Name, columns[:needs]); err != nil {
		return err
	}
	o := rowgroup.Options{Lo: int(rg.Lo), Hi: int(min(rg.Hi, int64(len(info.Groups))))}
	for i, c := range columns {
		at := slices.IndexFunc(info.Columns, func(h rowgroup.Column) bool { return h.Name == c })
		if at >= 0 && (i < needs || info.Columns[at].Kind != rowgroup.Unsupported) {
			o.Columns = append(o.Columns, c)
			g.to = append(g.to, i)
		}
	}
	g.r, err = rowgroup.NewReader(g.file, size, rg.Name, o)
	return err
}

func namesOf(info rowgroup.Info) []string {
	names := make([]string, len(info.Columns))
	for i, c := range info.Columns {
		names[i] = c.Name
	}
	return names
}

// hasColumns checks that a file has columns of types that can be read.
func hasColumns(info rowgroup.Info, name string, columns []string) error {
	for _, c := range columns {
		i := slices.IndexFunc(info.Columns, func(h rowgroup.Column) bool { return h.Name == c })
		switch {
		case i < 0:
			return &table.ColumnError{File: name, Column: c, Has: namesOf(info)}
		case info.Columns[i].Kind == rowgroup.Unsupported:
			return &table.ColumnError{File: name, Column: c, Got: info.Columns[i].Type, Want: "text, numbers or times"}
		}
	}
	return nil
}

func (g *groupRows) read(rec *Record) error {
	if err := g.r.Read(&g.row); err != nil {
		return err
	}
	for i := range g.to {
		g.cells[g.to[i]] = g.cell(&g.row.Values[i])
	}
	rec.Line, rec.Cells = g.row.Number, g.cells
	return nil
}

func (g *groupRows) cell(v *rowgroup.Value) Cell {
	switch v.Kind {
	case rowgroup.Int:
		return Cell{Kind: Int, Int: v.Int}
	case rowgroup.Float:
		return Cell{Kind: Float, Float: v.Float}
	case rowgroup.Bool:
		return Cell{Kind: Text, Text: g.bools[v.Int&1]}
	case rowgroup.Text:
		return Cell{Kind: Text, Text: v.Text}
	default:
		return Cell{Kind: Null}
	}
}

func (g *groupRows) close() error { return g.file.Close() }
