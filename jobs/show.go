package jobs

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/jobs/wordcount"
)

// Table is a part of what there is to show of a job's results.
type Table struct {
	Name   string // dataset that the rows are of
	Title  string
	Header []string
	Rows   []Row
}

// Row is a row of a table: a struct that JSON can write, for programs, and cells for people.
type Row interface{ Cells() []string }

// View says what to show of a job's results.
type View struct {
	Out   string // folder with the results
	Label string // classify: only images of this label
	User  string // recommend: only the list of this user
	Item  string // recommend: only the items near this one
	Rows  int    // of each table
	// Uncertain asks for the images of the label that have the lowest score instead of the highest.
	Uncertain bool
}

// Show reads what a view asks for; it holds no more rows than that. A job whose results cannot be
// shown is an *UnknownError, a label that no image has a *classify.LabelError, and a user or item without a row a
// *recommend.UnknownIDError.
func Show(job string, v View) ([]Table, error) {
	switch {
	case job == "recommend" && v.Label == "":
		return showRecommended(v)
	case v.User != "" || v.Item != "":
		return nil, &UnknownError{Job: job, User: v.User, Item: v.Item}
	case job == "wordcount" && v.Label == "":
		return showWords(v)
	case job == "evaluate" && v.Label == "":
		_, tables, err := ShowComparison(job, v)
		return tables, err
	case job == "rank" && v.Label == "":
		return showRanked(v)
	case job == "classify" && v.Label == "":
		return showLabels(v)
	case job == "classify":
		return showImages(v)
	}
	return nil, &UnknownError{Job: job, Label: v.Label}
}

// UnknownError says that there is no such view of a job's results.
type UnknownError struct{ Job, Label, Image, User, Item string }

func (e *UnknownError) Error() string {
	for _, asked := range []struct{ what, noun string }{{e.Image, "images"}, {e.Label, "labels"}, {e.User, "users"}, {e.Item, "items"}} {
		if asked.what != "" {
			return fmt.Sprintf("a job %s has no %s", e.Job, asked.noun)
		}
	}
	return fmt.Sprintf("results of a job %s cannot be shown", e.Job)
}

type wordRow struct {
	Word  string `json:"word"`
	Count int64  `json:"count"`
}

// Cells implements Row.
func (r wordRow) Cells() []string { return []string{strconv.FormatInt(r.Count, 10), r.Word} }

func showWords(v View) ([]Table, error) {
	words, err := wordcount.Show(v.Out, v.Rows)
	t := Table{Name: "counts", Title: "the most frequent words", Header: []string{"count", "word"}}
	for _, w := range words {
		t.Rows = append(t.Rows, wordRow(w))
	}
	return []Table{t}, err
}

// textRow is a row whose columns are the input's.
type textRow struct{ names, cells []string }

// Cells implements Row.
func (r textRow) Cells() []string { return r.cells }

// MarshalJSON writes the row as an object of its columns.
func (r textRow) MarshalJSON() ([]byte, error) {
	m := map[string]string{}
	for i, n := range r.names {
		m[n] = r.cells[i]
	}
	return json.Marshal(m)
}

// showRanked shows the rows of a ranking or, where there is none, of groups.
func showRanked(v View) ([]Table, error) {
	t, err := firstRows(v, "ranked")
	if err == nil && t.Header == nil {
		t, err = firstRows(v, "groups")
	}
	return []Table{t}, err
}

// firstRows reads the first rows of a dataset, part by part. Without files the table has no header.
func firstRows(v View, dataset string) (Table, error) {
	t := Table{Name: dataset, Title: "the first rows of " + dataset}
	files, err := filepath.Glob(filepath.Join(v.Out, dataset, "*.parquet"))
	for _, f := range files {
		names, rows, err := parquetfile.Head(f, v.Rows-len(t.Rows))
		if err != nil {
			return t, err
		}
		t.Header = names
		for _, cells := range rows {
			t.Rows = append(t.Rows, textRow{names, cells})
		}
	}
	return t, err
}

type labelRow struct {
	LabelID   int32   `json:"label_id"`
	Label     string  `json:"label"`
	Count     int64   `json:"count"`
	MeanScore float64 `json:"mean_score"`
	Model     string  `json:"model,omitempty"` // of several
}

// Cells implements Row.
func (r labelRow) Cells() []string {
	cells := []string{strconv.Itoa(int(r.LabelID)), r.Label, strconv.FormatInt(r.Count, 10), fmt.Sprintf("%.4f", r.MeanScore)}
	return withModel(cells, r.Model)
}

// withModel adds the name of a model where a job has several.
func withModel(cells []string, model string) []string {
	if model == "" {
		return cells
	}
	return append(cells, model)
}

type imageRow struct {
	LabelID   int32   `json:"label_id"`
	Label     string  `json:"label"`
	Score     float32 `json:"score"`
	ID        string  `json:"id"`
	Path      string  `json:"path"`
	Status    string  `json:"status"`
	TrueLabel *string `json:"true_label,omitempty"`
	Model     string  `json:"model,omitempty"` // of several
}

// Cells implements Row.
func (r imageRow) Cells() []string {
	cells := []string{strconv.Itoa(int(r.LabelID)), r.Label, fmt.Sprintf("%.4f", r.Score), r.ID, "", ""}
	if r.TrueLabel != nil {
		cells[4] = *r.TrueLabel
	}
	if r.Status != "ok" {
		cells[5] = r.Status
	}
	return withModel(cells, r.Model)
}

func showLabels(v View) ([]Table, error) {
	s, err := classify.ShowLabels(v.Out, v.Rows)
	if err != nil {
		return nil, err
	}
	labels := Table{
		Name: "labels", Title: "images by their first label",
		Header: []string{"label_id", "label", "images", "mean score"},
	}
	if len(s.Labels) > 0 && s.Labels[0].Model != "" {
		labels.Header = append(labels.Header, "model")
	}
	for _, l := range s.Labels {
		labels.Rows = append(labels.Rows, labelRow(l))
	}
	return []Table{labels, imageTable("the best of each label", s.Images)}, nil
}

func showImages(v View) ([]Table, error) {
	s, err := classify.ShowLabel(v.Out, v.Label, v.Rows, v.Uncertain)
	if err != nil {
		return nil, err
	}
	var tables []Table
	which := "best"
	if v.Uncertain {
		which = "most uncertain"
	}
	images := s.Images
	for _, l := range s.Labels {
		n := 0
		for n < len(images) && images[n].LabelID == l.LabelID && images[n].Model == l.Model {
			n++
		}
		title := fmt.Sprintf("label %d, %s: the %s %d of %d images", l.LabelID, l.Label, which, n, l.Count)
		if l.Model != "" {
			title += ", by " + l.Model
		}
		tables = append(tables, imageTable(title, images[:n]))
		images = images[n:]
	}
	return tables, nil
}

func imageTable(title string, images []classify.Prediction) Table {
	t := Table{Name: "ranked", Title: title, Header: []string{"label_id", "label", "score", "id", "true_label", "status"}}
	if len(images) > 0 && images[0].Model != "" {
		t.Header = append(t.Header, "model")
	}
	for _, p := range images {
		row := imageRow{LabelID: p.LabelID, Label: p.Label, Score: p.Score, ID: p.ID, Path: p.Path, Status: p.Status, Model: p.Model}
		if p.HasTrue {
			row.TrueLabel = &p.True
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
