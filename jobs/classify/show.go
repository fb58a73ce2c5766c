package classify

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/rowgroup"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/top"
)

// Shown are the rows of a result that people look at first.
type Shown struct {
	Labels []Label      // by count down, then label id
	Images []Prediction // of these labels in their order; within a label by score down, then id. Rank is 1, and Model as the label's
}

// LabelError says that no image has a label in the first place.
type LabelError struct {
	Label string
	Like  []string // labels that images have, most like it first
}

func (e *LabelError) Error() string {
	s := fmt.Sprintf("no image is ranked first for the label %q", e.Label)
	for i, l := range e.Like {
		s += []string{"; labels like it: ", ", "}[min(i, 1)] + strconv.Quote(l)
	}
	return s
}

// ShowLabels reads the results in the folder out: the n labels that are rank 1 of most images, and
// the best images of each, about n in all and at most three of a label.
func ShowLabels(out string, n int) (Shown, error) {
	labels, err := readLabels(out, n, func(Label) bool { return true })
	if err != nil || len(labels) == 0 {
		return Shown{}, err
	}
	return showImages(out, labels, min(max(n/len(labels), 1), 3), false)
}

// ShowLabel reads the n best images of a label, given by its name or else by its label id, or the n most uncertain ones: those
// of which the score of that first label is lowest, the lowest first. Names may
// repeat: then it is n images for each label of that name. Where there is none it is a *LabelError.
func ShowLabel(out, label string, n int, uncertain bool) (Shown, error) {
	const most = 1000 // labels of one name
	labels, err := readLabels(out, most, func(l Label) bool { return l.Label == label })
	if err != nil {
		return Shown{}, err
	}
	if id, perr := strconv.ParseInt(label, 10, 32); len(labels) == 0 && perr == nil {
		if labels, err = readLabels(out, 1, func(l Label) bool { return int64(l.LabelID) == id }); err != nil {
			return Shown{}, err
		}
	}
	if len(labels) == 0 {
		like, err := labelsLike(out, label)
		return Shown{}, cmp.Or[error](err, &LabelError{label, like})
	}
	return showImages(out, labels, n, uncertain)
}

// readLabels reads the first n labels that are wanted, by count down.
func readLabels(out string, n int, wanted func(Label) bool) ([]Label, error) {
	best := top.New(n, func(a, b Label) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.LabelID, b.LabelID), strings.Compare(a.Model, b.Model))
	})
	visit := func(l Label) {
		if wanted(l) {
			best.Add(l)
		}
	}
	err := readAll(filepath.Join(out, "labels"), labelColumns(true), visit)
	var missing *table.ColumnError
	if errors.As(err, &missing) { // of a job with one model: no file has a column model
		err = readAll(filepath.Join(out, "labels"), labelColumns(false), visit)
	}
	embeddings := filepath.Join(out, "embeddings")
	if _, gone := os.Stat(embeddings); gone == nil && errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("a job without --labels has no labels to show; its embeddings are in %s", embeddings)
	}
	return best.Sorted(), err
}

// imageKey is a label of a model.
type imageKey struct {
	model string // "" where the job has one
	label int32
}

// showImages reads the n best, or most uncertain, images of each label.
func showImages(out string, labels []Label, n int, uncertain bool) (Shown, error) {
	sign := 1
	if uncertain {
		sign = -1
	}
	best := map[imageKey]*top.Rows[Prediction]{}
	q := query{column: "label_id", columns: shownColumns()}
	for _, l := range labels {
		q.wanted = append(q.wanted, rowgroup.Value{Kind: rowgroup.Int, Int: int64(l.LabelID)})
		best[imageKey{l.Model, l.LabelID}] = top.New(n, func(a, b Prediction) int {
			return cmp.Or(sign*cmp.Compare(b.Score, a.Score), strings.Compare(a.ID, b.ID), strings.Compare(a.Path, b.Path))
		})
	}
	several := len(labels) > 0 && labels[0].Model != ""
	err := eachFile(filepath.Join(out, "ranked"), func(path string) error {
		found := 0
		q.visit = func(_ []string, row []rowgroup.Value) bool {
			p := shownPrediction(row, several)
			if b, ok := best[imageKey{p.Model, p.LabelID}]; ok {
				b.Add(p)
				found++
			}
			return uncertain || len(labels) > 1 || found < n // the best of a label come first
		}
		return q.file(path)
	})
	s := Shown{Labels: labels}
	for _, l := range labels {
		for _, p := range best[imageKey{l.Model, l.LabelID}].Sorted() {
			p.Label, p.Rank = l.Label, 1
			s.Images = append(s.Images, p)
		}
	}
	return s, err
}

// shownColumns are the columns of ranked that are shown. The label's name comes from labels: ranked in
// folders has none.
func shownColumns() []string {
	return []string{"id", "path", "label_id", "score", "status", "true_label", "model"}
}

// shownPrediction makes a row of its values. The model is told where there are several.
func shownPrediction(v []rowgroup.Value, several bool) Prediction {
	p := Prediction{
		ID: string(v[0].Text), Path: string(v[1].Text), LabelID: int32(v[2].Int), Score: float32(v[3].Float), Status: string(v[4].Text),
		True: string(v[5].Text), HasTrue: v[5].Kind == rowgroup.Text,
	}
	if several {
		p.Model = string(v[6].Text)
	}
	return p
}

// labelsLike are the labels that a wrong one may have meant: those that contain it, or that few changes of letters make of it.
func labelsLike(out, label string) ([]string, error) {
	const most = 5
	like := top.New(most, func(a, b likeLabel) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.name, b.name))
	})
	want := strings.ToLower(label)
	err := readAll(filepath.Join(out, "labels"), labelColumns(false), func(l Label) {
		name := strings.ToLower(l.Label)
		d := changes(want, name)
		switch {
		case d <= 1+len(want)/4:
			like.Add(likeLabel{d, l.Label})
		case len(want) > 1 && strings.Contains(name, want):
			like.Add(likeLabel{len(name), l.Label})
		}
	})
	var names []string
	for _, l := range like.Sorted() {
		names = append(names, l.name)
	}
	return slices.Compact(names), err
}

type likeLabel struct {
	distance int
	name     string
}

// changes is the number of letters to insert, to leave out or to replace to make b of a (Levenshtein distance).
func changes(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		before := row[0] // of the row above, to the left
		row[0] = i + 1
		for j := range y {
			above := row[j+1]
			if x[i] != y[j] {
				before++
			}
			row[j+1] = min(before, above+1, row[j]+1)
			before = above
		}
	}
	return row[len(y)]
}

// readAll passes each row of a dataset's files to visit, in order of the files' names.
func readAll[R any](dataset string, cols table.Columns[R], visit func(R)) error {
	return eachFile(dataset, func(path string) error { return readFileRows(path, cols, visit) })
}

// eachFile visits the files of a dataset, in order of their names.
func eachFile(dataset string, visit func(path string) error) error {
	return filepath.WalkDir(dataset, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".parquet" {
			return err
		}
		return visit(path)
	})
}

func readFileRows[R any](path string, cols table.Columns[R], visit func(R)) (err error) {
	r, err := parquetfile.Open(path, cols)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for {
		var row R
		if err := r.Read(&row); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		visit(row)
	}
}
