package classify_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// modelLabel is a row of labels, of a job with several models.
type modelLabel struct {
	classify.Label
	model string
}

func modelLabelColumns() table.Columns[modelLabel] {
	type row = modelLabel
	return table.Columns[row]{
		table.Int32("label_id", nil, func(r *row, v int32) { r.LabelID = v }),
		table.String("label", nil, func(r *row, v string) { r.Label.Label = v }),
		table.Int64("count", nil, func(r *row, v int64) { r.Count = v }),
		table.Float64("mean_score", nil, func(r *row, v float64) { r.MeanScore = v }),
		table.String("model", nil, func(r *row, v string) { r.model = v }),
	}
}

// demoModels are variants of the shipped model: three that want the same pixels, and one that wants others.
func demoModels(t testing.TB) []classify.Model {
	t.Helper()
	b, err := os.ReadFile(demo(t, "preprocess.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.yaml")
	mrtest.Write(t, other, []byte(strings.Replace(string(b), "shorter 64", "56x56", 1)))
	spec, names := demo(t, "preprocess.yaml"), demo(t, "labels.txt")
	return []classify.Model{
		{Path: demo(t, "models", "uint8.onnx"), Labels: names, Preprocess: demo(t, "models", "uint8.yaml")},
		{Path: demo(t, "model.onnx"), Labels: names, Preprocess: spec},
		{Path: demo(t, "models", "features.onnx"), Labels: names, Preprocess: other, Embedding: "features"},
		{Path: demo(t, "models", "float16.onnx"), Labels: names, Preprocess: spec},
	}
}

// checkOverPasses runs all models in one pass, and each in a pass of its own, and compares the results row by row.
func checkOverPasses(t *testing.T, p classify.Params, models []classify.Model, manifest string, code int) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "several")
	s := mustRun(t, config(t, dir, p.WithModels(models), manifest), code)
	if s.Rows.Mapped+s.Rows.Rejected+s.Rows.Dropped["threshold"] != s.Rows.Read {
		t.Errorf("rows: %+v", s.Rows)
	}
	order := map[string]int{}
	predictions, ranked, labels := map[string][]row{}, map[string][]row{}, map[string][]modelLabel{}
	for i, m := range models {
		order[m.Name()] = i
	}
	var last row
	rows := readDataset(t, dir, "predictions", predictionColumns())
	unique := uniqueIDs(rows)
	for i, r := range rows {
		if i > 0 && (r.ID < last.ID || unique && r.ID == last.ID && order[r.Model] < order[last.Model]) {
			t.Fatalf("row %d is out of order: %s by %s after %s by %s", i, r.ID, r.Model, last.ID, last.Model)
		}
		predictions[r.Model], last = append(predictions[r.Model], r), r
	}
	for _, r := range readDataset(t, dir, "ranked", idColumns()) {
		ranked[r.Model] = append(ranked[r.Model], r)
	}
	for _, l := range readDataset(t, dir, "labels", modelLabelColumns()) {
		labels[l.model] = append(labels[l.model], l)
	}
	for _, m := range models {
		alone := filepath.Join(t.TempDir(), "alone")
		mustRun(t, config(t, alone, p.WithModels([]classify.Model{m}), manifest), code)
		sameRows(t, m.Name()+": predictions", readDataset(t, alone, "predictions", predictionColumns()), predictions[m.Name()])
		sameRows(t, m.Name()+": ranked", readDataset(t, alone, "ranked", idColumns()), ranked[m.Name()])
		var want []modelLabel
		for _, l := range readDataset(t, alone, "labels", labelColumns()) {
			want = append(want, modelLabel{l, m.Name()})
		}
		sameRows(t, m.Name()+": labels", want, labels[m.Name()])
		sameRejects(t, alone, dir)
	}
	return dir
}

// uniqueIDs tells whether each image stands once.
func uniqueIDs(rows []row) bool {
	seen := map[row]bool{}
	for _, r := range rows {
		if k := (row{ID: r.ID, Model: r.Model, Rank: r.Rank}); seen[k] {
			return false
		} else {
			seen[k] = true
		}
	}
	return true
}

func sameRows[R comparable](t *testing.T, what string, want, got []R) {
	t.Helper()
	if len(want) == 0 || len(want) != len(got) {
		t.Fatalf("%s: %d rows in one pass, %d in a pass of its own", what, len(got), len(want))
	}
	for i := range want {
		if want[i] != got[i] {
			t.Fatalf("%s: row %d is %+v in one pass, and %+v in a pass of its own", what, i, got[i], want[i])
		}
	}
}

func sameRejects(t *testing.T, a, b string) {
	t.Helper()
	want, got := mrtest.Rejects(t, jobs.Standard(), a), mrtest.Rejects(t, jobs.Standard(), b)
	if len(want) != len(got) {
		t.Fatalf("%d rejects in one pass, %d in a pass of its own", len(got), len(want))
	}
	for i := range want {
		if want[i].ID != got[i].ID || want[i].Reason != got[i].Reason {
			t.Errorf("reject %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}

// TestSeveralModels: models in one pass give row by row what each gives in a pass of its own.
func TestSeveralModels(t *testing.T) {
	needRuntime(t)
	p := demoParams(t)
	p.TopK, p.ShardRows = 3, 20
	models := demoModels(t)
	dir := checkOverPasses(t, p, models, demo(t, "manifest.csv"), mapreduce.ExitRejects)
	alone := filepath.Join(t.TempDir(), "alone")
	mustRun(t, config(t, alone, p.WithModels(models[2:3]), demo(t, "manifest.csv")), mapreduce.ExitRejects)
	want, got := readDataset(t, alone, "embeddings", vectorColumns()), readDataset(t, dir, "embeddings", vectorColumns())
	if !slices.EqualFunc(want, got, func(a, b vector) bool { return a.id == b.id && a.model == b.model && slices.Equal(a.v, b.v) }) || len(got) != 48 {
		t.Errorf("%d embeddings, of which some differ from the %d of a pass of its own", len(got), len(want))
	}
}

// TestSeveralModelsThreshold: an image is dropped if no model has a score over the threshold, and counted once.
func TestSeveralModelsThreshold(t *testing.T) {
	needRuntime(t)
	p := demoParams(t)
	p.Threshold = .985
	models := demoModels(t)
	dir := checkOverPasses(t, p, models, demo(t, "manifest.csv"), mapreduce.ExitRejects)
	seen, by := map[string]bool{}, map[string]int{}
	for _, r := range readDataset(t, dir, "predictions", predictionColumns()) {
		seen[r.ID] = true
		by[r.Model]++
	}
	different := map[int]bool{}
	for _, n := range by {
		different[n] = true
	}
	if len(seen) == 0 || len(seen) == 48 || len(different) < 2 {
		t.Errorf("%d images, by model %v: the threshold does not tell models apart", len(seen), by)
	}
	if n := len(readDataset(t, dir, "embeddings", vectorColumns())); n != 48 {
		t.Errorf("%d embeddings: the threshold is none of theirs", n)
	}
}

// TestSeveralModelsSameBytes: the number of workers and the in-process executor do not show.
func TestSeveralModelsSameBytes(t *testing.T) {
	needRuntime(t)
	p := demoParams(t).WithModels(demoModels(t))
	p.ShardRows, p.L2 = 9, true
	var want map[string][]byte
	for _, workers := range []int{1, 3, 0} {
		dir := filepath.Join(t.TempDir(), "job")
		cfg := config(t, dir, p, demo(t, "manifest.csv"))
		cfg.Workers, cfg.Partitions, cfg.InProcess = max(1, workers), 3, workers == 0
		mustRun(t, cfg, mapreduce.ExitRejects)
		if want == nil {
			want = mrtest.Results(t, dir)
		}
		mrtest.SameFiles(t, want, mrtest.Results(t, dir))
	}
}

// TestSeveralModelsSameImageTwice: without an id column an image may stand twice, and both have rows of each model.
func TestSeveralModelsSameImageTwice(t *testing.T) {
	needRuntime(t)
	pic := picturesOf(t, 2)
	m := write(t, "path\n"+pic[0]+"\n"+pic[1]+"\n"+pic[0]+"\n")
	p := demoParams(t)
	p.Root, p.LabelCol, p.TopK, p.ShardRows = demo(t), "", 1, 2
	dir := checkOverPasses(t, p, demoModels(t), m, mapreduce.ExitComplete)
	if n := len(readDataset(t, dir, "predictions", predictionColumns())); n != 12 {
		t.Errorf("%d rows, want 12", n)
	}
}

// TestSeveralModelsReject: what one model cannot score is rejected as a whole.
func TestSeveralModelsReject(t *testing.T) {
	needRuntime(t)
	b, err := os.ReadFile(demo(t, "preprocess.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	huge := filepath.Join(t.TempDir(), "huge.yaml")
	mrtest.Write(t, huge, []byte(strings.Replace(string(b), "scale: 0.00784313725490196", "scale: 1.2e36", 1)))
	for name, change := range map[string]func(m *classify.Model){
		"scores":    func(m *classify.Model) { m.Embedding = "" },
		"embedding": func(m *classify.Model) { m.Labels = "" },
	} {
		models := demoModels(t)[1:3]
		models[1].Preprocess = huge
		change(&models[1])
		p := demoParams(t).WithModels(models)
		dir := filepath.Join(t.TempDir(), "job")
		cfg := config(t, dir, p, demo(t, "manifest.csv"))
		cfg.MaxRejects = mapreduce.MaxRejects{Rows: 49, Set: true}
		s := mustRun(t, cfg, mapreduce.ExitRejects)
		rejects := mrtest.Rejects(t, jobs.Standard(), dir)
		says := 0
		for _, r := range rejects {
			if strings.Contains(r.Reason, "no finite number") || strings.Contains(r.Reason, "not a number") {
				says++
			}
		}
		rows := readDataset(t, dir, "ranked", idColumns())
		if says < 40 || len(rejects) != int(s.Rows.Rejected) {
			t.Errorf("%s: %d of %d rejects say why; rows %+v", name, says, len(rejects), s.Rows)
		}
		for _, r := range rows {
			if slices.ContainsFunc(rejects, func(x mapreduce.Reject) bool { return x.ID == r.ID }) {
				t.Errorf("%s: %s is a reject, and has a row by %s", name, r.ID, r.Model)
			}
		}
	}
}

// TestSeveralModelsIdentity: a job directory is that of all its models, labels and specs, in their order.
func TestSeveralModelsIdentity(t *testing.T) {
	needRuntime(t)
	root := t.TempDir()
	copyFile(t, demo(t, "labels.txt"), filepath.Join(root, "labels.txt"))
	models := demoModels(t)[:2]
	models[1].Labels = filepath.Join(root, "labels.txt")
	dir := filepath.Join(t.TempDir(), "job")
	cfg := func(m []classify.Model) mapreduce.Config {
		return config(t, dir, demoParams(t).WithModels(m), demo(t, "manifest.csv"))
	}
	mustRun(t, cfg(models), mapreduce.ExitRejects)
	mustRun(t, cfg(models), mapreduce.ExitRejects)
	for name, other := range map[string][]classify.Model{
		"order": {models[1], models[0]}, "one": models[:1], "three": append(slices.Clone(models), demoModels(t)[2]),
	} {
		_, err := run(t, cfg(other))
		var id *mapreduce.IdentityError
		if !errors.As(err, &id) || !strings.Contains(err.Error(), "--model") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	mrtest.Write(t, models[1].Labels, []byte("a\nb\nc\nd\ne\nf\n"))
	_, err := run(t, cfg(models))
	if want := "content of the labels of demo"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// TestShowSeveralModels: labels of several models are shown apart.
func TestShowSeveralModels(t *testing.T) {
	needRuntime(t)
	models := demoModels(t)[:2]
	dir := filepath.Join(t.TempDir(), "job")
	mustRun(t, config(t, dir, demoParams(t).WithModels(models), demo(t, "manifest.csv")), mapreduce.ExitRejects)
	s, err := classify.ShowLabel(filepath.Join(dir, "out"), "disc", 3, false)
	if err != nil || len(s.Labels) != 2 || len(s.Images) != 6 {
		t.Fatalf("%+v, %v", s, err)
	}
	for i, p := range s.Images {
		if want := s.Labels[i/3].Model; p.Model != want || p.Label != "disc" {
			t.Errorf("image %d is by %q, want %q", i, p.Model, want)
		}
	}
	if got := map[string]bool{s.Labels[0].Model: true, s.Labels[1].Model: true}; !maps.Equal(got, map[string]bool{"uint8": true, "demo": true}) {
		t.Errorf("models %v", got)
	}
}

// TestHalfAgainstFloat compares squeezenet in half precision with float32, in one pass and in two.
func TestHalfAgainstFloat(t *testing.T) {
	if testing.Short() {
		t.Skip("classifies 1,600 photos")
	}
	needRuntime(t)
	manifest := shared(t, "images", "sample-public-400", "manifest.csv")
	var models []classify.Model
	for _, name := range []string{"squeezenet1.1-fp32", "squeezenet1.1-fp16"} {
		models = append(models, classify.Model{
			Path: shared(t, "models", name, "model.onnx"), Labels: shared(t, "models", name, "labels.txt"), Preprocess: "imagenet-caffe",
		})
	}
	p := classify.Defaults()
	p.LabelCol, p.ShardRows = "label_id", 100
	dir := checkOverPasses(t, p, models, manifest, mapreduce.ExitComplete)
	type top struct{ first, second row }
	tops := map[string]map[string]top{models[0].Name(): {}, models[1].Name(): {}}
	for _, r := range readDataset(t, dir, "predictions", predictionColumns()) {
		x := tops[r.Model][r.ID]
		switch r.Rank {
		case 1:
			x.first = r
		case 2:
			x.second = r
		}
		tops[r.Model][r.ID] = x
	}
	differ := 0
	for id, full := range tops[models[0].Name()] {
		half := tops[models[1].Name()][id]
		if full.first.LabelID == half.first.LabelID {
			continue
		}
		differ++
		margin := full.first.Score - full.second.Score
		line := fmt.Sprintf("%s: float32 has %q (%.5f, margin %.6f), float16 %q (%.5f)",
			id, full.first.Label, full.first.Score, margin, half.first.Label, half.first.Score)
		if margin >= 0.001 {
			t.Error(line)
		} else {
			t.Log(line)
		}
	}
	t.Logf("%d of %d photos have another first label in half precision", differ, len(tops[models[0].Name()]))
}
