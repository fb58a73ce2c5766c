package jobs

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/formats/rowgroup"
	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
)

// Image says what became of an image of a classification.
type Image struct {
	ID      string      `json:"id"`
	Outcome string      `json:"outcome"`           // classified, rejected or dropped
	Ranks   []Row       `json:"ranks,omitempty"`   // rows of predictions: all columns
	Rejects []RejectRow `json:"rejects,omitempty"` // an id may stand several times where it is a path
	Rules   []string    `json:"rules,omitempty"`   // dropped: by one of these
	names   []string
}

// Outcomes of an Image.
const (
	Classified = "classified"
	Rejected   = "rejected"
	Dropped    = "dropped"
)

// ImageError says that nothing is known of an image.
type ImageError struct {
	ID      string
	Dropped map[string]int64 // images that the job dropped, by rule, if what is left of it cannot tell which they are
}

func (e *ImageError) Error() string {
	s := fmt.Sprintf("no such image: %q has neither a result nor a reject", e.ID)
	for _, rule := range slices.Sorted(maps.Keys(e.Dropped)) {
		s += fmt.Sprintf("; %d images were dropped by %s, which ones cannot be told without the shards (--keep-intermediate keeps them)", e.Dropped[rule], rule)
	}
	return s
}

// ShowImage looks for an image by its id: among the predictions, the rejects, and, where images were dropped, in the shards. One
// that is nowhere is an *ImageError, a job without images an *UnknownError.
func ShowImage(dir, id string) (Image, error) {
	s, err := mapreduce.ReadStatus(dir)
	if err != nil {
		return Image{}, err
	}
	partitions := 0
	for _, st := range s.Stages {
		partitions = max(partitions, st.Partitions["by_id"])
	}
	if s.Job != "classify" || partitions == 0 {
		return Image{}, &UnknownError{Job: s.Job, Image: id}
	}
	image := Image{ID: id}
	ranks, err := classify.ShowImage(filepath.Join(dir, s.Results), id, partitions)
	if err != nil {
		return image, err
	}
	image.setRanks(ranks)
	if s.Rows.Rejected > 0 {
		if err := image.addRejects(dir); err != nil {
			return image, err
		}
	}
	switch {
	case len(image.Ranks) > 0:
		image.Outcome = Classified
	case len(image.Rejects) > 0:
		image.Outcome = Rejected
	default:
		return image.dropped(dir, s.Rows.Dropped)
	}
	return image, nil
}

func (i *Image) setRanks(r classify.Ranks) {
	i.names = r.Names
	for _, values := range r.Rows {
		i.Ranks = append(i.Ranks, valueRow{r.Names, values})
	}
}

func (i *Image) addRejects(dir string) error {
	for r, err := range mapreduce.Rejects(Standard(), dir) {
		if err != nil {
			return err
		}
		if r.ID == i.ID {
			i.Rejects = append(i.Rejects, RejectRow(r))
		}
	}
	return nil
}

// dropped is for an image without result and reject.
func (i Image) dropped(dir string, rules map[string]int64) (Image, error) {
	if len(rules) == 0 {
		return i, &ImageError{ID: i.ID}
	}
	listed, shards, err := classify.Listed(dir, i.ID)
	switch {
	case err != nil:
		return i, err
	case listed:
		i.Outcome, i.Rules = Dropped, slices.Sorted(maps.Keys(rules))
		return i, nil
	case shards:
		rules = nil
	}
	return i, &ImageError{ID: i.ID, Dropped: rules}
}

// Facts are what all rows of an image have in common, for people: columns with their values. Those of the ranks are in a table.
func (i Image) Facts() (facts [][2]string) {
	facts = append(facts, [2]string{"image", i.ID}, [2]string{"outcome", i.Outcome})
	if len(i.Rules) > 0 {
		facts[1][1] += " by " + strings.Join(i.Rules, " or ")
	}
	if len(i.Ranks) > 0 {
		table := i.rankColumns()
		for k, c := range i.Ranks[0].Cells() {
			if !slices.Contains(append(table, "id"), i.names[k]) && c != "" {
				facts = append(facts, [2]string{i.names[k], c})
			}
		}
	}
	for _, r := range i.Rejects {
		facts = append(facts, [2]string{"reject", r.Text()})
	}
	return facts
}

// rankColumns are the columns of the table: with the model where there are several.
func (i Image) rankColumns() []string {
	columns := []string{"rank", "label_id", "label", "score"}
	at := slices.Index(i.names, "model")
	for _, r := range i.Ranks {
		if at >= 0 && r.Cells()[at] != i.Ranks[0].Cells()[at] {
			return append(columns, "model")
		}
	}
	return columns
}

// Table is the ranks of an image.
func (i Image) Table() Table {
	t := Table{Name: "ranks", Title: "its ranks", Header: i.rankColumns()}
	for _, r := range i.Ranks {
		all := r.Cells()
		var cells []string
		for _, c := range t.Header {
			cells = append(cells, all[slices.Index(i.names, c)])
		}
		t.Rows = append(t.Rows, textRow{t.Header, cells})
	}
	return t
}

// valueRow is a row of a Parquet file.
type valueRow struct {
	names  []string
	values []rowgroup.Value
}

// Cells implements Row.
func (r valueRow) Cells() []string {
	cells := make([]string, len(r.values))
	for i, v := range r.values {
		cells[i] = valueText(v)
	}
	return cells
}

// MarshalJSON writes the row as an object of its columns, in their types.
func (r valueRow) MarshalJSON() ([]byte, error) {
	m := map[string]any{}
	for i, v := range r.values {
		m[r.names[i]] = valueJSON(v)
	}
	return json.Marshal(m)
}

// valueText is a value for people; a null is "".
func valueText(v rowgroup.Value) string {
	switch v.Kind {
	case rowgroup.Int:
		return strconv.FormatInt(v.Int, 10)
	case rowgroup.Bool:
		return strconv.FormatBool(v.Int == 1)
	case rowgroup.Float:
		return strconv.FormatFloat(v.Float, 'g', 6, 64)
	case rowgroup.Text:
		return string(v.Text)
	}
	return ""
}

// valueJSON is a value as JSON has it. Infinities and NaN are texts, since it has none.
func valueJSON(v rowgroup.Value) any {
	switch v.Kind {
	case rowgroup.Int:
		return v.Int
	case rowgroup.Bool:
		return v.Int == 1
	case rowgroup.Float:
		if v.Float-v.Float != 0 {
			return strconv.FormatFloat(v.Float, 'g', -1, 64)
		}
		return v.Float
	case rowgroup.Text:
		return string(v.Text)
	}
	return nil
}

// RejectRow is a reject as show prints it.
type RejectRow struct {
	Stage   string `json:"stage"`
	Task    string `json:"task"`
	Ordinal int64  `json:"ordinal"`
	Input   string `json:"input"`
	Line    int64  `json:"line"`
	ID      string `json:"id"`
	Class   string `json:"class"`
	Reason  string `json:"reason"`
	Record  string `json:"record"`
}

// Text is the reject in one line: file and line, id, reason. A class that is not the usual one stands before the reason.
func (r RejectRow) Text() string {
	var parts []string
	switch {
	case r.Input != "" && r.Line > 0:
		parts = append(parts, fmt.Sprintf("%s:%d", r.Input, r.Line))
	case r.Input != "":
		parts = append(parts, r.Input)
	default:
		parts = append(parts, r.Stage+"/"+r.Task)
	}
	if r.ID != "" && r.ID != r.Input {
		parts = append(parts, r.ID)
	}
	reason := r.Reason
	if r.Class != "" && r.Class != "bad-record" {
		reason = r.Class + ": " + reason
	}
	return strings.Join(append(parts, reason), ": ")
}

// Rejects reads the first rejects of a job, finished or not; more tells whether there are others.
func Rejects(dir string, n int) (rows []RejectRow, more bool, err error) {
	for r, err := range mapreduce.Rejects(Standard(), dir) {
		switch {
		case err != nil:
			return rows, false, err
		case len(rows) == n:
			return rows, true, nil
		}
		rows = append(rows, RejectRow(r))
	}
	return rows, false, nil
}
