package jobs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/arrowfile"
	"github.com/shardmill/shardmill/formats/rowgroup"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/ease"
	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/mapreduce"
)

// Inspection describes a file.
type Inspection struct {
	File    string             `json:"file"`
	Kind    string             `json:"kind"`              // "Parquet file", "run file", "dictionary of ids", "task record" and so on
	Ours    bool               `json:"ours"`              // shardmill wrote it
	Format  string             `json:"format,omitempty"`  // of ours, with its version: "parquet 1"
	By      string             `json:"by,omitempty"`      // the program that wrote it, where the file says so
	Bytes   int64              `json:"bytes"`             // of the file
	Rows    int64              `json:"rows"`              // 0 of files without rows
	Checked string             `json:"checked,omitempty"` // which checksums are right
	Columns []InspectedColumn  `json:"columns,omitempty"`
	Parts   []InspectedPart    `json:"parts,omitempty"` // row groups, or record batches
	Run     *mapreduce.RunFile `json:"run,omitempty"`
	IDs     *InspectedIDs      `json:"ids,omitempty"`
	Matrix  *InspectedMatrix   `json:"matrix,omitempty"`
	Factors *InspectedFactors  `json:"factors,omitempty"`
	Inverse *InspectedInverse  `json:"inverse,omitempty"`
	Content json.RawMessage    `json:"content,omitempty"` // of a JSON file of ours
	Names   []string           `json:"-"`
	First   []Row              `json:"first,omitempty"` // rows
}

// InspectedColumn is a column. Nulls is -1 where the file does not say. Least and Greatest are null where they are not known.
type InspectedColumn struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Nulls    int64  `json:"nulls"`
	Least    any    `json:"min"`
	Greatest any    `json:"max"`
	Bytes    int64  `json:"bytes,omitempty"` // in the file
}

// InspectedPart is a row group or record batch.
type InspectedPart struct {
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes,omitempty"`
}

// ErrUnknownFile reports a file of no kind that Inspect knows.
var ErrUnknownFile = errors.New("not a Parquet file, nor a shard, run file, dictionary, matrix, model or JSON file of shardmill")

// Inspect describes a file with its first n rows: a Parquet file of any program, or any file of a job directory. Of
// Parquet files the pages of the first rows are read, of others all of the file. Damage is one of formats.ErrDamaged and the errors of
// mapreduce.DescribeRunFile and DescribeStateFile.
func Inspect(path string, n int) (Inspection, error) {
	i := Inspection{File: path}
	f, size, err := openSized(path)
	if err != nil {
		return i, err
	}
	defer func() { _ = f.Close() }() // only read
	i.Bytes = size
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return i, fmt.Errorf("%s: not a file but a folder or a device", path)
	}
	head := make([]byte, min(size, 64))
	if _, err := io.ReadFull(f, head); err != nil {
		return i, err
	}
	switch {
	case len(head) >= 4 && string(head[:4]) == "PAR1":
		err = i.parquet(f, n)
		return i, err
	case len(head) >= 6 && string(head[:6]) == "ARROW1":
		err = i.arrow(n)
		return i, err
	case mapreduce.IsRunFile(head):
		err = i.runFile()
		return i, err
	case ids.Is(head):
		err = i.dictionary(n)
		return i, err
	case matrix.Is(head):
		err = i.matrix(n)
		return i, err
	case factors.Is(head):
		err = i.factors(n)
		return i, err
	case ease.Is(head):
		err = i.inverse()
		return i, err
	}
	state, err := mapreduce.DescribeStateFile(path)
	if errors.Is(err, mapreduce.ErrUnknownFile) {
		err = fmt.Errorf("%s: %w", path, ErrUnknownFile)
	}
	i.Kind, i.Ours, i.Format, i.Content = state.Kind, err == nil, "version "+strconv.Itoa(state.Version), state.Content
	if state.Sealed {
		i.Checked = "CRC-32C of the content"
	}
	return i, err
}

func (i *Inspection) parquet(f *os.File, n int) error {
	d, err := rowgroup.Describe(f, i.Bytes, i.File)
	if err != nil {
		return err
	}
	i.Kind, i.By, i.Rows = "Parquet file", d.CreatedBy, d.Rows()
	if i.Format = d.Metadata[table.MarkKey]; i.Format != "" {
		i.Ours = true
	}
	for k, c := range d.Columns {
		column := InspectedColumn{Name: c.Name, Type: c.Type, Nulls: -1}
		if c.Kind != rowgroup.Unsupported {
			sumChunks(&column, d.Chunks, k)
			i.Names = append(i.Names, c.Name)
		}
		i.Columns = append(i.Columns, column)
	}
	for _, g := range d.Groups {
		i.Parts = append(i.Parts, InspectedPart(g))
	}
	return i.firstRows(f, n, len(d.Groups))
}

// sumChunks sets what is known of column k from its chunks.
func sumChunks(c *InspectedColumn, groups [][]rowgroup.Chunk, k int) {
	known := len(groups) > 0
	c.Nulls = 0
	var least, most rowgroup.Value
	for g, chunks := range groups {
		chunk := chunks[k]
		c.Bytes += chunk.Bytes
		if chunk.Nulls < 0 || c.Nulls < 0 {
			c.Nulls = -1
		} else {
			c.Nulls += chunk.Nulls
		}
		known = known && chunk.HasMinMax
		if g == 0 || compareValues(chunk.Min, least) < 0 {
			least = chunk.Min
		}
		if g == 0 || compareValues(chunk.Max, most) > 0 {
			most = chunk.Max
		}
	}
	if known {
		c.Least, c.Greatest = valueJSON(least), valueJSON(most)
	}
}

// firstRows reads rows of the columns that can be shown.
func (i *Inspection) firstRows(f *os.File, n, groups int) error {
	r, err := rowgroup.NewReader(f, i.Bytes, i.File, rowgroup.Options{Columns: i.Names, Hi: groups})
	if errors.Is(err, table.ErrColumns) { // two of the same name: they are described, and not read
		i.Names = nil
		return nil
	}
	if err != nil {
		return err
	}
	for len(i.First) < n && len(i.Names) > 0 {
		var row rowgroup.Row
		switch err := r.Read(&row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		values := make([]rowgroup.Value, len(row.Values))
		for k, v := range row.Values {
			v.Text = append([]byte(nil), v.Text...)
			values[k] = v
		}
		i.First = append(i.First, valueRow{i.Names, values})
	}
	return nil
}

func (i *Inspection) arrow(n int) error {
	d, err := arrowfile.Describe(i.File, n)
	if err != nil {
		i.Ours = !errors.Is(err, formats.ErrForeign)
		return err
	}
	i.Kind, i.Ours, i.Format, i.Checked = "Arrow shard", true, table.Mark("arrow", d.Version), "CRC-32C of the footer"
	for _, c := range d.Columns {
		i.Columns = append(i.Columns, InspectedColumn{Name: c.Name, Type: c.Type, Nulls: c.Nulls})
		i.Names = append(i.Names, c.Name)
	}
	for _, rows := range d.Batches {
		i.Rows += rows
		i.Parts = append(i.Parts, InspectedPart{Rows: rows})
	}
	for _, cells := range d.First {
		i.First = append(i.First, textRow{i.Names, cells})
	}
	return nil
}

func (i *Inspection) runFile() error {
	run, err := mapreduce.DescribeRunFile(i.File)
	i.Kind, i.Ours, i.Format, i.Run = "run file", true, "run "+strconv.Itoa(run.Version), &run
	i.Checked = "CRC-32C of every block and of the footer"
	for _, s := range run.Streams {
		for _, p := range s.Partitions {
			i.Rows += p.Records
		}
	}
	return err
}
