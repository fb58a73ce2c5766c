package classify_test

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/formats/labels"
	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
)

// relabelled writes a manifest of the pictures that the project ships, with labels changed by number of the row.
func relabelled(t *testing.T, change func(i int, label string) string) string {
	t.Helper()
	b, err := os.ReadFile(demo(t, "manifest.csv"))
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	path, label := slices.Index(records[0], "path"), slices.Index(records[0], "label")
	for i, r := range records[1:] {
		r[path], r[label] = demo(t, filepath.FromSlash(r[path])), change(i, r[label])
	}
	var out bytes.Buffer
	if err := csv.NewWriter(&out).WriteAll(records); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "relabelled.csv")
	if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// mixed has right labels, wrong ones, label ids, none and unknown ones.
func mixed(i int, label string) string {
	switch i % 8 {
	case 0:
		return ""
	case 1:
		return "Disc"
	case 2:
		return "checkerboard"
	case 3:
		return "5"
	case 4:
		return "6"
	}
	return label
}

// recount counts from predictions what an evaluation should have.
func recount(t *testing.T, rows []row) (e classify.Evaluation, pairs map[[2]int32]int64) {
	t.Helper()
	names, err := labels.Read(demo(t, "labels.txt"))
	if err != nil {
		t.Fatal(err)
	}
	pairs = map[[2]int32]int64{}
	e.Model = "demo"
	for i, r := range rows {
		if r.Rank != 1 {
			continue
		}
		e.Images++
		truth := slices.Index(names, r.True)
		if r.True == "5" {
			truth = 5
		}
		switch {
		case r.True == "":
			e.Unlabelled++
			continue
		case truth < 0:
			e.Unknown++
			continue
		}
		e.Evaluated++
		e.Confidence += float64(r.Score)
		pairs[[2]int32{int32(truth), r.LabelID}]++
		for k := range 5 {
			if rows[i+k].LabelID == int32(truth) {
				e.Top5++
				if k == 0 {
					e.Top1++
				}
			}
		}
	}
	n := float64(e.Evaluated)
	e.Top1, e.Top5, e.Confidence = e.Top1/n, e.Top5/n, e.Confidence/n
	return e, pairs
}

// TestEvaluation compares an evaluation with what the predictions say.
func TestEvaluation(t *testing.T) {
	needRuntime(t)
	p := demoParams(t)
	p.TopK, p.ShardRows = 6, 7
	dir := filepath.Join(t.TempDir(), "job")
	mustRun(t, config(t, dir, p, relabelled(t, mixed)), mapreduce.ExitRejects)
	want, pairs := recount(t, readDataset(t, dir, "predictions", predictionColumns()))
	s, err := classify.ShowEvaluation(filepath.Join(dir, "out"), 100)
	if err != nil || len(s.Models) != 1 {
		t.Fatal(s, err)
	}
	got := s.Models[0]
	if math.Abs(got.Confidence-want.Confidence) > 1e-8 {
		t.Errorf("mean confidence %v, want %v", got.Confidence, want.Confidence)
	}
	want.Confidence = got.Confidence
	want.Precision, want.Recall, want.F1, want.ECE = got.Precision, got.Recall, got.F1, got.ECE // sums of the rows below
	if d := gocmp.Diff(want, got); d != "" || got.Unlabelled < 5 || got.Unknown < 5 || got.Top1 == 1 || got.Top5 == 1 {
		t.Error(d, got)
	}
	checkLabels(t, s, pairs)
	for _, c := range s.Confusion {
		if n := pairs[[2]int32{c.TrueLabelID, c.LabelID}]; n != c.Count {
			t.Errorf("%+v, want %d", c, n)
		}
		delete(pairs, [2]int32{c.TrueLabelID, c.LabelID})
	}
	for pair := range pairs {
		if pair[0] != pair[1] {
			t.Errorf("there is no confusion %v", pair)
		}
	}
}

// checkLabels compares the rows of labels with the pairs, and the averages with both.
func checkLabels(t *testing.T, s classify.ShownEvaluation, pairs map[[2]int32]int64) {
	t.Helper()
	var f1, ece float64
	for _, l := range s.Labels {
		var support, predicted int64
		for pair, n := range pairs {
			if pair[0] == l.LabelID {
				support += n
			}
			if pair[1] == l.LabelID {
				predicted += n
			}
		}
		if l.Support != support || l.Predicted != predicted || l.Correct != pairs[[2]int32{l.LabelID, l.LabelID}] {
			t.Errorf("%+v, want a support of %d and %d predicted", l, support, predicted)
		}
		f1 += 2 * float64(l.Correct) / float64(support+predicted)
	}
	var images int64
	for _, b := range s.Calibration {
		images += b.Count
		ece += float64(b.Count) * math.Abs(b.Accuracy-b.Confidence)
		if b.Confidence <= b.Lower || b.Confidence > b.Upper {
			t.Errorf("%+v", b)
		}
	}
	m := s.Models[0]
	if images != m.Evaluated || math.Abs(ece/float64(images)-m.ECE) > 1e-9 || math.Abs(f1/float64(len(s.Labels))-m.F1) > 1e-9 {
		t.Errorf("%d images in bins, ECE %v, F1 %v: %+v", images, ece/float64(images), f1/float64(len(s.Labels)), m)
	}
}

// TestEvaluationOfAll: --top-k and --threshold do not change an evaluation, not even where they drop all images.
func TestEvaluationOfAll(t *testing.T) {
	needRuntime(t)
	manifest := relabelled(t, mixed)
	var want classify.ShownEvaluation
	for i, change := range []func(*classify.Params){
		func(*classify.Params) {},
		func(p *classify.Params) { p.TopK = 1 },
		func(p *classify.Params) { p.Threshold = 1 },
	} {
		p := demoParams(t)
		change(&p)
		dir := filepath.Join(t.TempDir(), "job")
		sum := mustRun(t, config(t, dir, p, manifest), mapreduce.ExitRejects)
		got, err := classify.ShowEvaluation(filepath.Join(dir, "out"), 100)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want = got
		}
		if d := gocmp.Diff(want, got); d != "" {
			t.Errorf("%+v: %s", p, d)
		}
		if i == 2 && sum.Rows.Dropped["threshold"] != 48 {
			t.Errorf("%+v", sum.Rows)
		}
	}
}

// TestNoLabelKnown: without any label that is known there is an evaluation, of zeros.
func TestNoLabelKnown(t *testing.T) {
	needRuntime(t)
	dir := filepath.Join(t.TempDir(), "job")
	cfg := config(t, dir, demoParams(t), relabelled(t, func(int, string) string { return "nope" }))
	mustRun(t, cfg, mapreduce.ExitRejects)
	s, err := classify.ShowEvaluation(filepath.Join(dir, "out"), 100)
	want := classify.ShownEvaluation{Models: []classify.Evaluation{{Model: "demo", Images: 48, Unknown: 48}}}
	if d := gocmp.Diff(want, s); d != "" || err != nil {
		t.Error(d, err)
	}
}

// TestNotEvaluated: without an evaluation there is nothing of it, and the rest is as with one.
func TestNotEvaluated(t *testing.T) {
	needRuntime(t)
	p := demoParams(t)
	with, without := filepath.Join(t.TempDir(), "with"), filepath.Join(t.TempDir(), "without")
	mustRun(t, config(t, with, p, demo(t, "manifest.csv")), mapreduce.ExitRejects)
	p.Evaluate = false
	mustRun(t, config(t, without, p, demo(t, "manifest.csv")), mapreduce.ExitRejects)
	if _, err := classify.ReadEvaluations(filepath.Join(without, "out")); !errors.Is(err, classify.ErrNoEvaluation) {
		t.Errorf("error %v", err)
	}
	parts, err := filepath.Glob(filepath.Join(without, "out", "[a-z]*"))
	if err != nil || len(parts) != 3 {
		t.Errorf("%v, %v", parts, err)
	}
	for _, p := range parts {
		name := filepath.Base(p)
		a, b := readPart(t, with, name), readPart(t, without, name)
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs", name)
		}
	}
	// A job that an earlier build began has no such parameter: it goes on without, and is refused as another job with it.
	b, err := json.Marshal(p)
	if err != nil || bytes.Contains(b, []byte("evaluate")) {
		t.Errorf("%s, %v", b, err)
	}
	p.Evaluate = true
	var other *mapreduce.IdentityError
	if _, err := run(t, config(t, without, p, demo(t, "manifest.csv"))); !errors.As(err, &other) {
		t.Errorf("error %v", err)
	}
}

func readPart(t *testing.T, dir, dataset string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "out", dataset, "part-000000.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRepeatedLabels: labels of one name are one label where the name is given, and two where label ids are.
func TestRepeatedLabels(t *testing.T) {
	needRuntime(t)
	p := demoParams(t)
	p.Labels = filepath.Join(t.TempDir(), "labels.txt")
	if err := os.WriteFile(p.Labels, []byte("stripes\nstripes\ndiagonal-stripes\ncheckerboard\ndisc\ngradient\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		stripes string // the label given for horizontal and vertical ones
		correct int64
		labels  int // that are seen
	}{{"stripes", 16, 1}, {"1", 8, 2}} {
		manifest := relabelled(t, func(_ int, label string) string {
			if label == "horizontal-stripes" || label == "vertical-stripes" {
				return c.stripes
			}
			return ""
		})
		dir := filepath.Join(t.TempDir(), "job")
		mustRun(t, config(t, dir, p, manifest), mapreduce.ExitRejects)
		s, err := classify.ShowEvaluation(filepath.Join(dir, "out"), 100)
		if err != nil || s.Models[0].Evaluated != 16 || s.Models[0].Top1 != float64(c.correct)/16 || len(s.Labels) != c.labels {
			t.Errorf("%s: %+v, %v", c.stripes, s, err)
		}
	}
}

// TestShowEvaluationOrder: the least F1 comes first, then the largest support, and of both no more than asked for.
func TestShowEvaluationOrder(t *testing.T) {
	needRuntime(t)
	dir := filepath.Join(t.TempDir(), "job")
	mustRun(t, config(t, dir, demoParams(t), relabelled(t, mixed)), mapreduce.ExitRejects)
	all, err := classify.ShowEvaluation(filepath.Join(dir, "out"), 100)
	if err != nil || len(all.Labels) < 4 || len(all.Confusion) < 4 {
		t.Fatal(all, err)
	}
	if !slices.IsSortedFunc(all.Labels, func(a, b classify.EvaluatedLabel) int { return cmp.Compare(a.F1, b.F1) }) {
		t.Error(all.Labels)
	}
	if !slices.IsSortedFunc(all.Confusion, func(a, b classify.Confusion) int { return cmp.Compare(b.Count, a.Count) }) {
		t.Error(all.Confusion)
	}
	few, err := classify.ShowEvaluation(filepath.Join(dir, "out"), 3)
	if d := gocmp.Diff(all.Labels[:3], few.Labels) + gocmp.Diff(all.Confusion[:3], few.Confusion); d != "" || err != nil {
		t.Error(d, err)
	}
}

// TestRealEvaluation: the accuracy of a real model on real photos, as it was measured before there were evaluations.
func TestRealEvaluation(t *testing.T) {
	if testing.Short() {
		t.Skip("classifies 400 photos")
	}
	needRuntime(t)
	p := classify.Defaults()
	p.Model, p.Labels = shared(t, "models", "squeezenet1.1-fp32", "model.onnx"), shared(t, "models", "squeezenet1.1-fp32", "labels.txt")
	p.Preprocess, p.LabelCol, p.ShardRows, p.TopK, p.Evaluate = "imagenet-caffe", "label_id", 100, 1, true
	dir := filepath.Join(t.TempDir(), "job")
	mustRun(t, config(t, dir, p, shared(t, "images", "sample-public-400", "manifest.csv")), mapreduce.ExitComplete)
	models, err := classify.ReadEvaluations(filepath.Join(dir, "out"))
	if err != nil || len(models) != 1 {
		t.Fatal(models, err)
	}
	m := models[0]
	if got := fmt.Sprintf("%d %.3f %.3f", m.Evaluated, m.Top1, m.Top5); got != "400 0.610 0.850" {
		t.Errorf("%s: %+v", got, m)
	}
}
