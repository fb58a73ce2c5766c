package jobs

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/ease"
	"github.com/shardmill/shardmill/jobs/internal/factors"
)

// InspectedFactors describes a file of vectors.
type InspectedFactors struct {
	First   *int64 `json:"first_row"` // null without rows
	Last    *int64 `json:"last_row"`
	Factors int    `json:"factors"` // of a row
}

// InspectedInverse describes a model of EASE.
type InspectedInverse struct {
	Users    int     `json:"users"`
	Items    int     `json:"items"`
	Of       string  `json:"inverse_of"` // "users" or "items", whichever are fewer
	Inverted int     `json:"inverted"`   // of them, those with interactions
	Lambda   float64 `json:"lambda"`
	Residual float64 `json:"residual"` // how far the inverse is off
}

func (i *Inspection) factors(n int) error {
	i.Kind, i.Ours = "factors", true
	r, err := factors.OpenReader(i.File)
	if err != nil {
		return err
	}
	a := r.About()
	i.Format, i.Checked, i.Rows = table.Mark("factors", a.Version), checkedSections, int64(a.Hi-a.Lo)
	i.Factors = &InspectedFactors{Factors: a.Factors}
	if a.Hi > a.Lo {
		first, last := int64(a.Lo), int64(a.Hi)-1
		i.Factors.First, i.Factors.Last = &first, &last
	}
	i.Names = []string{"row", "first factors"}
	return errors.Join(i.firstOfFactors(r, n), r.Close())
}

func (i *Inspection) firstOfFactors(r *factors.Reader, n int) error {
	for len(i.First) < n {
		var row factors.Row
		switch err := r.Read(&row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		shown := row.Values[:min(len(row.Values), columnsShown)]
		i.First = append(i.First, factorRow{Row: row.Index, Factors: slices.Clone(shown), more: len(shown) < len(row.Values)})
	}
	return nil
}

// factorRow is a row with its first factors.
type factorRow struct {
	Row     uint32    `json:"row"`
	Factors []float32 `json:"first_factors"`
	more    bool
}

// Cells implements Row.
func (r factorRow) Cells() []string {
	const most = 5 // fit a terminal
	var words []string
	for _, f := range r.Factors[:min(len(r.Factors), most)] {
		words = append(words, strconv.FormatFloat(float64(f), 'g', 4, 32))
	}
	if r.more || len(r.Factors) > most {
		words = append(words, "...")
	}
	return []string{strconv.FormatUint(uint64(r.Row), 10), strings.Join(words, " ")}
}

func (i *Inspection) inverse() error {
	i.Kind, i.Ours = "EASE model", true
	m, err := ease.Open(i.File)
	if err != nil {
		return err
	}
	i.Format, i.Checked, i.Rows = table.Mark("ease", ease.Version), checkedSections, int64(m.Inverted())
	i.Inverse = &InspectedInverse{
		Users: m.Users(), Items: m.Items(), Of: "items", Inverted: m.Inverted(), Lambda: m.Lambda(), Residual: m.Residual(),
	}
	if m.ByUsers() {
		i.Inverse.Of = "users"
	}
	return m.Close()
}
