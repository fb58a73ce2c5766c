package recommend

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/compressed"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/formats/text"
	"github.com/shardmill/shardmill/jobs/internal/tabular"
	"github.com/shardmill/shardmill/mapreduce"
)

// listFile is a file that a flag names: of ids, or of items with their attributes. A file whose name says so is a table; any other has
// an id in each line, or a user and an item with a tab between them.
type listFile struct {
	flag, path string
	wants      []idColumnOf // of a row
	attributes []string     // columns behind those
	noUser     []string     // columns that it must not have
}

// idColumnOf is a column of ids: of the name that the inputs have for it or, if there is none, of its noun.
type idColumnOf struct{ noun, name string }

// listFiles are the files of the rules that are given.
func (p *Params) listFiles() (list []listFile) {
	user, item := idColumnOf{"user", p.UserCol}, idColumnOf{"item", p.ItemCol}
	for _, f := range []listFile{
		{"allow", p.Allow, []idColumnOf{item}, nil, nil},
		{"block", p.Block, []idColumnOf{item}, nil, []string{user.name, user.noun}},
		{"items", p.Items, []idColumnOf{item}, p.attributes(), nil},
		{"users", p.Users, []idColumnOf{user}, nil, nil},
		{"block-pairs", p.BlockPairs, []idColumnOf{user, item}, nil, nil},
	} {
		if f.path != "" {
			list = append(list, f)
		}
	}
	return list
}

// listFile is the file of a flag.
func (p *Params) listFile(flag string) (listFile, bool) {
	list := p.listFiles()
	if at := slices.IndexFunc(list, func(f listFile) bool { return f.flag == flag }); at >= 0 {
		return list[at], true
	}
	return listFile{}, false
}

// failed says which file an error is of, and if it is known where in it.
func (f listFile) failed(err error) error {
	where, line := "", (*tabular.LineError)(nil)
	if errors.As(err, &line) {
		noun := "line"
		if filepath.Ext(f.path) == ".parquet" {
			noun = "row"
		}
		where = fmt.Sprintf(", %s %d", noun, line.Line)
	}
	return mapreduce.BadInput(fmt.Errorf("--%s %s%s: %w", f.flag, f.path, where, err))
}

// errNotFile says that a path is of something that may be empty when it is read again.
var errNotFile = errors.New("not a file but a folder, a pipe or a device; write what a pipe brings to a file")

// columns are those of a table that are read; none of lines.
func (f listFile) columns() ([]string, error) {
	info, err := os.Stat(f.path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errNotFile
	}
	if !tabular.IsTable(f.path) {
		if len(f.attributes) > 0 {
			return nil, errors.New("the attributes of items are columns of CSV, TSV, JSON lines or Parquet, and its name ends in none of these")
		}
		return nil, checkFile(f.path)
	}
	has, err := tabular.Columns(f.path, f.path, nil)
	if err != nil {
		return nil, err
	}
	var columns []string
	for _, want := range f.wants {
		c := want.name
		if len(has) > 0 && !slices.Contains(has, c) {
			c = want.noun
		}
		if len(has) > 0 && !slices.Contains(has, c) {
			return nil, &table.ColumnError{File: filepath.Base(f.path), Column: want.name, Has: has}
		}
		columns = append(columns, c)
	}
	for _, c := range f.noUser {
		if slices.Contains(has, c) && !slices.Contains(columns, c) {
			return nil, fmt.Errorf("it has a column %q too: items that are blocked for single users are given by --block-pairs", c)
		}
	}
	for _, c := range f.attributes {
		if len(has) > 0 && !slices.Contains(has, c) {
			return nil, &table.ColumnError{File: filepath.Base(f.path), Column: c, Has: has}
		}
	}
	return append(columns, f.attributes...), nil
}

func checkFile(path string) error {
	file, _, err := compressed.Open(path)
	if err != nil {
		return err
	}
	return file.Close()
}

// errNoID says that a row has no id.
var errNoID = errors.New("no id")

// each passes the cells of each row: the ids, which are texts, and the attributes.
func (f listFile) each(pass func(ids [][]byte, attributes []tabular.Cell) error) error {
	columns, err := f.columns()
	if err != nil {
		return f.failed(err)
	}
	if columns == nil {
		err = f.eachLine(pass)
	} else {
		ids := make([][]byte, len(f.wants))
		err = tabular.EachRow(f.path, f.path, columns, func(r *tabular.Record) error {
			for i := range ids {
				if ids[i] = r.Cells[i].AppendText(ids[i][:0]); len(ids[i]) == 0 {
					return fmt.Errorf("%w in column %q", errNoID, columns[i])
				}
			}
			return pass(ids, r.Cells[len(ids):])
		})
	}
	if err != nil {
		return f.failed(err)
	}
	return nil
}

// eachLine is each for lines. Empty ones are passed over.
func (f listFile) eachLine(pass func(ids [][]byte, attributes []tabular.Cell) error) (err error) {
	file, _, err := compressed.Open(f.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	r := text.NewReader(file, f.path, 0)
	for {
		line, number, err := r.ReadBytes()
		var bad *formats.RowError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			return &tabular.LineError{Line: bad.Line, Err: bad.Err}
		case err != nil:
			return err
		case len(line) == 0:
			continue
		}
		ids, err := f.fields(line)
		if err == nil {
			err = pass(ids, nil)
		}
		if err != nil {
			return &tabular.LineError{Line: number, Err: err}
		}
	}
}

// fields are the ids of a line.
func (f listFile) fields(line []byte) ([][]byte, error) {
	ids := bytes.Split(line, []byte("\t"))
	switch {
	case len(ids) == len(f.wants) && !slices.ContainsFunc(ids, func(id []byte) bool { return len(id) == 0 }):
		return ids, nil
	case len(f.wants) == 1:
		return nil, errors.New("a tab: each line is one id")
	}
	return nil, errors.New("not a user, a tab and an item")
}
