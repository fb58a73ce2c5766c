package classify

import (
	"cmp"
	"errors"
	"io"
	"path/filepath"

	"github.com/shardmill/shardmill/formats/arrowfile"
	"github.com/shardmill/shardmill/formats/rowgroup"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/mapreduce"
)

// Ranks are the rows of predictions of one image, with all their columns.
type Ranks struct {
	Names []string
	Rows  [][]rowgroup.Value
}

// ShowImage reads all rows of predictions in the folder out that have an id: from the file of the partition that it belongs to,
// of which there are so many, and there from the row groups that may hold it.
func ShowImage(out, id string, partitions int) (Ranks, error) {
	var r Ranks
	q := query{
		column: "id", wanted: []rowgroup.Value{{Kind: rowgroup.Text, Text: []byte(id)}},
		visit: func(names []string, row []rowgroup.Value) bool {
			var of string
			for i, n := range names {
				if n == "id" {
					of = string(row[i].Text)
				}
			}
			if of == id {
				r.Names = names
				r.Rows = append(r.Rows, cloneValues(row))
			}
			return of <= id // rows are in order of the id
		},
	}
	key := mapreduce.String{}.Append(nil, id)
	return r, q.file(part(filepath.Join(out, "predictions"), mapreduce.PartitionOf(key, partitions)))
}

func cloneValues(row []rowgroup.Value) []rowgroup.Value {
	values := make([]rowgroup.Value, len(row))
	for i, v := range row {
		v.Text = append([]byte(nil), v.Text...)
		values[i] = v
	}
	return values
}

// Listed tells whether an image is in the shards of a job directory. There are none once nobody needs them any more: then
// there is false too.
func Listed(dir, id string) (listed, shards bool, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "stages", "*", "data", "shards", "*.arrow"))
	for _, f := range files {
		if listed, err = listedIn(f, id); listed || err != nil {
			break
		}
	}
	return listed, len(files) > 0, err
}

func listedIn(path, id string) (listed bool, err error) {
	r, err := arrowfile.Open(path, table.Columns[string]{table.String("id", nil, func(s *string, v string) { *s = v })})
	if err != nil {
		return false, err
	}
	defer func() { err = cmp.Or(err, r.Close()) }()
	for {
		var at string
		switch err := r.Read(&at); {
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil || at == id:
			return err == nil, err
		}
	}
}
