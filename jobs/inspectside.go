package jobs

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
)

// InspectedIDs describes a dictionary of ids.
type InspectedIDs struct {
	Type   string `json:"type"` // "int64" or "string"
	IDs    int    `json:"ids"`
	Table  string `json:"table"`  // "direct" or "hashed": how indexes are found
	Newest *int64 `json:"newest"` // latest time of an interaction, in seconds of Unix time; null if none has one
}

// InspectedMatrix describes a file of a matrix.
type InspectedMatrix struct {
	First   *int64 `json:"first_row"` // null without rows
	Last    *int64 `json:"last_row"`
	Written int64  `json:"rows_written"` // the others between first and last are gaps
	Entries int64  `json:"entries"`
	Valued  int64  `json:"rows_with_values"` // all entries of the others are 1
	Column  *int64 `json:"largest_column"`   // null without entries
	Longest int    `json:"longest_row"`      // its entries
}

const checkedSections = "CRC-32C of every section, and of header and trailer"

func (i *Inspection) dictionary(n int) error {
	i.Kind, i.Ours = "dictionary of ids", true
	d, err := ids.Open(i.File)
	if err != nil {
		return err
	}
	i.Format, i.Checked, i.Rows = table.Mark("ids", d.Version()), checkedSections, int64(d.Len())
	i.IDs = &InspectedIDs{Type: string(d.Type()), IDs: d.Len(), Table: "hashed"}
	if d.Direct() {
		i.IDs.Table = "direct"
	}
	if newest := d.Newest(); newest != math.MinInt64 {
		i.IDs.Newest = &newest
	}
	i.Names = []string{"index", "id", "rows"}
	for k := range min(n, d.Len()) {
		row := idRow{Index: k, ID: string(d.Text(k)), Rows: d.Rows(k)}
		if d.Numeric() {
			row.ID = d.Int(k)
		}
		i.First = append(i.First, row)
	}
	return d.Close()
}

// idRow is an id, an int64 or a string, with its number of interactions.
type idRow struct {
	Index int   `json:"index"`
	ID    any   `json:"id"`
	Rows  int64 `json:"rows"`
}

// Cells implements Row.
func (r idRow) Cells() []string {
	return []string{strconv.Itoa(r.Index), fmt.Sprint(r.ID), strconv.FormatInt(r.Rows, 10)}
}

func (i *Inspection) matrix(n int) error {
	i.Kind, i.Ours = "matrix", true
	r, err := matrix.OpenReader(i.File)
	if err != nil {
		return err
	}
	a := r.About()
	i.Format, i.Checked, i.Rows = table.Mark("matrix", a.Version), checkedSections, a.Written
	i.Matrix = &InspectedMatrix{Written: a.Written, Entries: a.Entries, Valued: a.Valued, Longest: a.Longest}
	if a.Hi > a.Lo {
		first, last := int64(a.Lo), int64(a.Hi)-1
		i.Matrix.First, i.Matrix.Last = &first, &last
	}
	if a.Columns > 0 {
		column := a.Columns - 1
		i.Matrix.Column = &column
	}
	i.Names = []string{"row", "entries", "first columns"}
	return errors.Join(i.firstOfMatrix(r, n), r.Close())
}

// columnsShown is how many columns of a row are told at most.
const columnsShown = 8

func (i *Inspection) firstOfMatrix(r *matrix.Reader, n int) error {
	for len(i.First) < n {
		var row matrix.Row
		switch err := r.Read(&row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		i.First = append(i.First, matrixRow{
			Row: row.Index, Entries: len(row.Columns),
			Columns: slices.Clone(row.Columns[:min(len(row.Columns), columnsShown)]), // memory of the file
			Values:  slices.Clone(row.Values[:min(len(row.Values), columnsShown)]),
		})
	}
	return nil
}

// matrixRow is a row with its first columns.
type matrixRow struct {
	Row     uint32    `json:"row"`
	Entries int       `json:"entries"`
	Columns []uint32  `json:"first_columns"`
	Values  []float32 `json:"first_values,omitempty"` // none: all are 1
}

// Cells implements Row. Columns are left out behind those that fit a terminal.
func (r matrixRow) Cells() []string {
	const most = 48 // characters
	var b strings.Builder
	shown := 0
	for k, c := range r.Columns {
		text := strconv.FormatUint(uint64(c), 10)
		if len(r.Values) > 0 {
			text += "=" + strconv.FormatFloat(float64(r.Values[k]), 'g', 6, 32)
		}
		if b.Len() > 0 {
			text = " " + text
		}
		if b.Len()+len(text) > most {
			break
		}
		b.WriteString(text)
		shown++
	}
	if shown < r.Entries {
		b.WriteString(" ...")
	}
	return []string{strconv.FormatUint(uint64(r.Row), 10), strconv.Itoa(r.Entries), b.String()}
}
