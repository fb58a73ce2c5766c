package classify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/rowgroup"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/mapreduce"
)

// maxInline is the largest image that is carried in a shard, in bytes.
const maxInline = 128 << 20

func isParquet(name string) bool { return strings.EqualFold(filepath.Ext(name), ".parquet") }

// bytesColumns are the columns of a Parquet file that has images in it.
type bytesColumns struct {
	data    string   // byte strings
	path    string   // of an image, or ""
	carried []string // all others without nesting
}

// findBytes looks for the column of images that a file has: ok is false where there is none. It reads the schema only, in a
// way that the driver can.
func (p Params) findBytes(path, name string) (c bytesColumns, ok bool, err error) {
	f, size, _, err := openStat(path)
	if err != nil {
		return c, false, err
	}
	columns, err := rowgroup.Outlines(f, size, name)
	if err = errors.Join(err, f.Close()); err != nil {
		return c, false, asBadInput(err)
	}
	at := p.imageColumn(columns)
	if at < 0 {
		if p.ImageCol == "" {
			return c, false, nil
		}
		return c, false, mapreduce.BadInput(p.noImages(columns, name))
	}
	for _, column := range []string{p.IDCol, p.LabelCol} {
		if column != "" && !slices.ContainsFunc(columns, func(o rowgroup.Outline) bool { return o.Name == column }) {
			return c, false, mapreduce.BadInput(&table.ColumnError{File: name, Column: column, Has: namesOf(columns)})
		}
	}
	return p.bytesColumns(columns, at), true, nil
}

// imageColumn is the place of the column of images, -1 if there is none. Without --image-col the column of paths
// is none, though some writers do not call its bytes text.
func (p Params) imageColumn(columns []rowgroup.Outline) int {
	names := []string{p.ImageCol}
	if p.ImageCol == "" {
		names = []string{"image", "bytes"}
	}
	for _, name := range names {
		i := slices.IndexFunc(columns, func(c rowgroup.Outline) bool { return c.Name == name && hasImages(c) })
		if i >= 0 && (name == p.ImageCol || name != p.PathCol) {
			return i
		}
	}
	return -1
}

// Members of a struct that is an image, as dataset hubs publish it.
const (
	bytesMember = "bytes"
	pathMember  = "path"
)

func hasImages(c rowgroup.Outline) bool { return c.Binary || slices.Contains(c.Binaries, bytesMember) }

func (p Params) noImages(columns []rowgroup.Outline, name string) error {
	e := &table.ColumnError{File: name, Column: p.ImageCol, Has: namesOf(columns)}
	if slices.Contains(e.Has, p.ImageCol) {
		e.Got, e.Want = "no bytes", "binary, or a struct of bytes and path"
	}
	return e
}

func (p Params) bytesColumns(columns []rowgroup.Outline, at int) bytesColumns {
	im := columns[at]
	c := bytesColumns{data: im.Name}
	if !im.Binary {
		c.data = im.Name + "." + bytesMember
		if slices.Contains(im.Members, pathMember) {
			c.path = im.Name + "." + pathMember
		}
	}
	for i, o := range columns {
		switch {
		case i == at || !o.Scalar || o.Name == p.IDCol || o.Name == p.LabelCol:
		case im.Binary && o.Name == p.PathCol:
			c.path = o.Name
		case o.Binary: // no text
		case !slices.Contains(c.carried, o.Name):
			c.carried = append(c.carried, o.Name)
		}
	}
	return c
}

func namesOf(columns []rowgroup.Outline) (names []string) {
	for _, c := range columns {
		names = append(names, c.Name)
	}
	return names
}

// asBadInput marks errors that lie in the file and not in reading it.
func asBadInput(err error) error {
	var column *table.ColumnError
	if errors.As(err, &column) {
		return mapreduce.BadInput(err)
	}
	for _, e := range []error{formats.ErrDamaged, rowgroup.ErrNotParquet, rowgroup.ErrUnsupported, table.ErrColumns} {
		if errors.Is(err, e) {
			return mapreduce.BadInput(err)
		}
	}
	return err
}

// inlineRows makes rows of the rows of a Parquet file; the images go into the shards.
type inlineRows struct {
	p       Params
	rg      mapreduce.Range
	row     rowgroup.Row
	names   []string // of the columns that are read
	data    int      // places among them, -1 for none
	path    int
	id      int
	label   int
	carried []int // for each of Meta.Carried
}

// readBytes reads a Parquet file of images, in the process of a task.
func readBytes(ctx context.Context, p Params, env *mapreduce.Env, rg mapreduce.Range, c bytesColumns, rows *mapreduce.Rows[image]) (err error) {
	var meta Meta
	if err := env.Meta(&meta); err != nil {
		return err
	}
	digest, err := rows.Open(rg.Path) // for the digest of all of it: Parquet is read here and there
	if err != nil {
		return err
	}
	if err := digest.Close(); err != nil {
		return err
	}
	f, size, _, err := openStat(rg.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	in := &inlineRows{p: p, rg: rg}
	r, err := in.open(f, size, c, meta.Carried)
	if err != nil {
		return asBadInput(err)
	}
	return in.read(ctx, r, rows)
}

func (in *inlineRows) open(f *os.File, size int64, c bytesColumns, carried []string) (*rowgroup.Reader, error) {
	info, err := rowgroup.Inspect(f, size, in.rg.Name)
	if err != nil {
		return nil, err
	}
	in.data, in.path = in.column(c.data), in.column(c.path)
	in.id, in.label = in.column(in.p.IDCol), in.column(in.p.LabelCol)
	for _, name := range carried {
		at := slices.IndexFunc(info.Columns, func(h rowgroup.Column) bool { return h.Name == name && h.Kind != rowgroup.Unsupported })
		if at < 0 || !slices.Contains(c.carried, name) {
			name = ""
		}
		in.carried = append(in.carried, in.column(name))
	}
	return rowgroup.NewReader(f, size, in.rg.Name, rowgroup.Options{Columns: in.names, Binary: []string{c.data}, Hi: len(info.Groups)})
}

// column has a column read, and returns its place.
func (in *inlineRows) column(name string) int {
	if name == "" {
		return -1
	}
	in.names = append(in.names, name)
	return len(in.names) - 1
}

func (in *inlineRows) read(ctx context.Context, r *rowgroup.Reader, rows *mapreduce.Rows[image]) error {
	for ctx.Err() == nil {
		err := r.Read(&in.row)
		var bad *formats.RowError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			err = rows.Reject(mapreduce.Origin{Input: in.rg.Name, Line: bad.Line, ID: in.number(), Record: bad.Raw}, fmt.Errorf("column %q: %w", bad.Column, bad.Err))
		case err == nil:
			err = in.add(rows)
		default:
			err = asBadInput(err)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// number is what a row without a path is called.
func (in *inlineRows) number() string { return in.rg.Name + "#" + strconv.FormatInt(in.row.Number, 10) }

// add passes on a row, or rejects it.
func (in *inlineRows) add(rows *mapreduce.Rows[image]) error {
	im := image{input: in.rg.Name, line: in.row.Number, path: in.text(in.path).value, label: in.text(in.label)}
	if im.path == "" {
		im.path = in.number()
	}
	im.id = im.path
	for _, at := range in.carried {
		im.carried = append(im.carried, in.text(at))
	}
	if in.id >= 0 {
		id := in.text(in.id)
		if id.value == "" {
			return rows.Reject(im.Origin(), fmt.Errorf("no id in column %q", in.p.IDCol))
		}
		im.id = id.value
	}
	v := in.row.Values[in.data]
	switch im.bytes = int64(len(v.Text)); {
	case v.Kind == rowgroup.Null:
		im.bytes = 0
		return rows.Reject(im.Origin(), fmt.Errorf("no bytes in column %q", in.names[in.data]))
	case im.bytes > maxInline:
		return rows.Reject(im.Origin(), fmt.Errorf("an image of %d bytes, more than %d", im.bytes, maxInline))
	}
	im.inline = bytes.Clone(v.Text)
	return pass(rows, im)
}

// text is a value as text, absent for -1 and nulls.
func (in *inlineRows) text(at int) text {
	if at < 0 {
		return text{}
	}
	switch v := &in.row.Values[at]; v.Kind {
	case rowgroup.Int:
		return text{strconv.FormatInt(v.Int, 10), true}
	case rowgroup.Float:
		return text{strconv.FormatFloat(v.Float, 'g', -1, 64), true}
	case rowgroup.Bool:
		return text{strconv.FormatBool(v.Int != 0), true}
	case rowgroup.Text:
		return text{string(v.Text), true}
	}
	return text{}
}
