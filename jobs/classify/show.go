package classify

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/top"
)

// Shown are the rows of a result that people look at first.
type Shown struct {
	Labels []Label      // by count down, then label id
	Images []Prediction // of these labels in their order; within a label by score down, then id. Rank is 1, and Model as the label's
}

// LabelError says that no image has a label in the first place.
type LabelError struct{ Label string }

func (e *LabelError) Error() string {
	return fmt.Sprintf("no image is ranked first for the label %q", e.Label)
}

// ShowLabels reads the results in the folder out: the n labels that are rank 1 of most images, and
// the best images of each, about n in all and at most three of a label.
func ShowLabels(out string, n int) (Shown, error) {
	labels, err := readLabels(out, n, func(Label) bool { return true })
	if err != nil || len(labels) == 0 {
		return Shown{}, err
	}
	return showImages(out, labels, min(max(n/len(labels), 1), 3))
}

// ShowLabel reads the n best images of a label, given by its name or else by its label id. Names may
// repeat: then it is n images for each label of that name. Where there is none it is a *LabelError.
func ShowLabel(out, label string, n int) (Shown, error) {
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
		return Shown{}, &LabelError{label}
	}
	return showImages(out, labels, n)
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

// showImages reads the n best images of each label.
func showImages(out string, labels []Label, n int) (Shown, error) {
	type key struct {
		model string // "" where the job has one
		label int32
	}
	best := map[key]*top.Rows[Prediction]{}
	for _, l := range labels {
		best[key{l.Model, l.LabelID}] = top.New(n, func(a, b Prediction) int {
			return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(a.ID, b.ID), strings.Compare(a.Path, b.Path))
		})
	}
	several := len(labels) > 0 && labels[0].Model != ""
	err := readAll(filepath.Join(out, "ranked"), shownColumns(several), func(p Prediction) {
		if b, ok := best[key{p.Model, p.LabelID}]; ok {
			b.Add(p)
		}
	})
	s := Shown{Labels: labels}
	for _, l := range labels {
		for _, p := range best[key{l.Model, l.LabelID}].Sorted() {
			p.Label, p.Rank = l.Label, 1
			s.Images = append(s.Images, p)
		}
	}
	return s, err
}

// shownColumns are the columns of ranked that are shown. The label's name comes from labels: ranked in
// folders has none. The model is read where there are several.
func shownColumns(several bool) table.Columns[Prediction] {
	type row = Prediction
	cols := table.Columns[row]{
		table.String("id", nil, func(r *row, v string) { r.ID = v }),
		table.String("path", nil, func(r *row, v string) { r.Path = v }),
		table.Int32("label_id", nil, func(r *row, v int32) { r.LabelID = v }),
		table.Float32("score", nil, func(r *row, v float32) { r.Score = v }),
		table.String("status", nil, func(r *row, v string) { r.Status = v }),
		table.NullString("true_label", nil, func(r *row, v string, ok bool) { r.True, r.HasTrue = v, ok }),
	}
	if several {
		cols = append(cols, table.String("model", nil, func(r *row, v string) { r.Model = v }))
	}
	return cols
}

// readAll passes each row of a dataset's files to visit, in order of the files' names.
func readAll[R any](dataset string, cols table.Columns[R], visit func(R)) error {
	return filepath.WalkDir(dataset, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".parquet" {
			return err
		}
		return readFileRows(path, cols, visit)
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
