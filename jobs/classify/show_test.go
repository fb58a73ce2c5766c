package classify_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/classify"
)

// writeRows writes a Parquet file below out.
func writeRows[R any](t *testing.T, path string, cols table.Columns[R], rows ...R) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := parquetfile.Create(f, cols)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func writeLabels(t *testing.T, out string, part int, rows ...classify.Label) {
	t.Helper()
	type row = classify.Label
	writeRows(t, filepath.Join(out, "labels", fmt.Sprintf("part-%06d.parquet", part)), table.Columns[row]{
		table.Int32("label_id", func(r *row) int32 { return r.LabelID }, nil),
		table.String("label", func(r *row) string { return r.Label }, nil),
		table.Int64("count", func(r *row) int64 { return r.Count }, nil),
		table.Float64("mean_score", func(r *row) float64 { return r.MeanScore }, nil),
	}, rows...)
}

// writeRanked writes a file of ranked without the column label, as --partition-by label does.
func writeRanked(t *testing.T, path string, rows ...classify.Prediction) {
	t.Helper()
	type row = classify.Prediction
	writeRows(t, path, table.Columns[row]{
		table.String("id", func(r *row) string { return r.ID }, nil),
		table.String("path", func(r *row) string { return r.Path }, nil),
		table.Int32("label_id", func(r *row) int32 { return r.LabelID }, nil),
		table.Float32("score", func(r *row) float32 { return r.Score }, nil),
		table.String("status", func(r *row) string { return r.Status }, nil),
		table.NullString("true_label", func(r *row) (string, bool) { return r.True, r.HasTrue }, nil),
	}, rows...)
}

func ranked(id string, label int32, score float32) classify.Prediction {
	return classify.Prediction{ID: id, Path: id + ".jpg", LabelID: label, Score: score, Status: "ok"}
}

// shownResult writes results with two labels called crane, as ImageNet has, and one called 517.
func shownResult(t *testing.T) string {
	t.Helper()
	out := t.TempDir()
	writeLabels(t, out, 0, classify.Label{LabelID: 517, Label: "crane", Count: 1, MeanScore: .5}, classify.Label{LabelID: 9, Label: "517", Count: 1, MeanScore: .3})
	writeLabels(t, out, 1, classify.Label{LabelID: 134, Label: "crane", Count: 3, MeanScore: .5}, classify.Label{LabelID: 2, Label: "tench", Count: 1, MeanScore: .9})
	known := ranked("t", 2, .9)
	known.True, known.HasTrue = "tench", true
	writeRanked(t, filepath.Join(out, "ranked", "label=134", "part-000000.parquet"), ranked("c1", 134, .8), ranked("c3", 134, .4))
	writeRanked(t, filepath.Join(out, "ranked", "label=134", "part-000001.parquet"), ranked("c2", 134, .8))
	writeRanked(t, filepath.Join(out, "ranked", "part-000001.parquet"), known, ranked("x", 9, .3), ranked("m", 517, .5))
	return out
}

// ids are the ids of images with the label that each is shown under.
func ids(images []classify.Prediction) []string {
	var s []string
	for _, p := range images {
		s = append(s, fmt.Sprintf("%s %d %s", p.ID, p.LabelID, p.Label))
	}
	return s
}

func TestShowLabel(t *testing.T) {
	out := shownResult(t)
	for _, test := range []struct {
		label string
		n     int
		want  []string
	}{
		{"tench", 5, []string{"t 2 tench"}},
		{"2", 5, []string{"t 2 tench"}},
		{"crane", 5, []string{"c1 134 crane", "c2 134 crane", "c3 134 crane", "m 517 crane"}},
		{"crane", 2, []string{"c1 134 crane", "c2 134 crane", "m 517 crane"}},
		{"134", 1, []string{"c1 134 crane"}},
		{"517", 5, []string{"x 9 517"}}, // a name goes before an id
	} {
		s, err := classify.ShowLabel(out, test.label, test.n, false)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, ids(s.Images)); diff != "" {
			t.Errorf("%s, %d images (-want +got):\n%s", test.label, test.n, diff)
		}
	}
	for _, label := range []string{"nope", "3", "-1", "99999999999"} {
		_, err := classify.ShowLabel(out, label, 5, false)
		var missing *classify.LabelError
		if !errors.As(err, &missing) || missing.Label != label {
			t.Errorf("label %s: %v", label, err)
		}
	}
}

func TestShowLabelColumns(t *testing.T) {
	s, err := classify.ShowLabel(shownResult(t), "tench", 1, false)
	if err != nil {
		t.Fatal(err)
	}
	want := classify.Prediction{
		ID: "t", Path: "t.jpg", Rank: 1, LabelID: 2, Label: "tench", Score: .9, Status: "ok", True: "tench", HasTrue: true,
	}
	if diff := cmp.Diff([]classify.Prediction{want}, s.Images, cmpopts.IgnoreUnexported(classify.Prediction{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestShowLabels(t *testing.T) {
	out := shownResult(t)
	for _, test := range []struct {
		n      int
		labels []int32
		want   []string
	}{
		{1, []int32{134}, []string{"c1 134 crane"}},
		{2, []int32{134, 2}, []string{"c1 134 crane", "t 2 tench"}},
		{8, []int32{134, 2, 9, 517}, []string{"c1 134 crane", "c2 134 crane", "t 2 tench", "x 9 517", "m 517 crane"}},
		{1000, []int32{134, 2, 9, 517}, []string{"c1 134 crane", "c2 134 crane", "c3 134 crane", "t 2 tench", "x 9 517", "m 517 crane"}},
	} {
		s, err := classify.ShowLabels(out, test.n)
		if err != nil {
			t.Fatal(err)
		}
		var labels []int32
		for _, l := range s.Labels {
			labels = append(labels, l.LabelID)
		}
		if diff := cmp.Diff(test.labels, labels); diff != "" {
			t.Errorf("%d: labels (-want +got):\n%s", test.n, diff)
		}
		if diff := cmp.Diff(test.want, ids(s.Images)); diff != "" {
			t.Errorf("%d: images (-want +got):\n%s", test.n, diff)
		}
	}
}

func TestShowLabelsOfNothing(t *testing.T) {
	out := t.TempDir()
	writeLabels(t, out, 0)
	writeRanked(t, filepath.Join(out, "ranked", "part-000000.parquet"))
	if s, err := classify.ShowLabels(out, 20); err != nil || len(s.Labels)+len(s.Images) > 0 {
		t.Errorf("no images: %v, %v", s, err)
	}
	if _, err := classify.ShowLabels(t.TempDir(), 20); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no datasets: %v", err)
	}
}

func TestAbsolute(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("spec.yaml", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ in, want classify.Params }{
		{classify.Params{}, classify.Params{}},
		{
			classify.Params{Model: "m/model.onnx", Labels: "/l.txt", Root: "photos", Preprocess: "spec.yaml"},
			classify.Params{
				Model: filepath.Join(dir, "m/model.onnx"), Labels: "/l.txt", Root: filepath.Join(dir, "photos"),
				Preprocess: filepath.Join(dir, "spec.yaml"),
			},
		},
		{classify.Params{Preprocess: "imagenet"}, classify.Params{Preprocess: "imagenet"}},
		{classify.Params{Preprocess: "imagenot"}, classify.Params{Preprocess: "imagenot"}},
	} {
		got, err := test.in.Absolute()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestFindLibraries(t *testing.T) {
	needRuntime(t)
	l, err := classify.FindLibraries()
	if err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(l.RuntimePath) || l.RuntimeVersion == "" || l.RuntimeSource == "" || l.JPEG == "" {
		t.Errorf("%+v", l)
	}
	t.Setenv("ONNXRUNTIME_LIB", filepath.Join(t.TempDir(), "none.so"))
	if l, err := classify.FindLibraries(); err == nil || l.RuntimePath != "" || l.JPEG == "" {
		t.Errorf("a library that is not there: %+v, %v", l, err)
	}
}

func TestShowUncertainAndLike(t *testing.T) {
	out := shownResult(t)
	s, err := classify.ShowLabel(out, "134", 2, true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"c3 134 crane", "c1 134 crane"}, ids(s.Images)); diff != "" {
		t.Errorf("the lowest scores (-want +got):\n%s", diff)
	}
	for label, want := range map[string][]string{"crabe": {"crane"}, "ten": {"tench"}, "Crane ": {"crane"}, "zzzzzz": nil} {
		_, err := classify.ShowLabel(out, label, 2, false)
		var missing *classify.LabelError
		if !errors.As(err, &missing) || !cmp.Equal(missing.Like, want) {
			t.Errorf("like %q: %v", label, err)
		}
	}
}
