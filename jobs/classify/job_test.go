package classify_test

import (
	"errors"
	"fmt"
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

// TestDemo classifies the pictures that the project ships and looks at every output.
func TestDemo(t *testing.T) {
	needRuntime(t)
	dir := filepath.Join(t.TempDir(), "job")
	p := demoParams(t)
	p.TopK = 3
	s := mustRun(t, config(t, dir, p, demo(t, "manifest.csv")), mapreduce.ExitRejects)
	if s.Rows.Read != 49 || s.Rows.Mapped != 48 || s.Rows.Rejected != 1 {
		t.Errorf("rows: %+v", s.Rows)
	}
	rows := readDataset(t, dir, "predictions", predictionColumns())
	if len(rows) != 48*3 {
		t.Fatalf("%d rows of predictions", len(rows))
	}
	right, damaged := 0, 0
	for i, r := range rows {
		if int(r.Rank) != i%3+1 {
			t.Fatalf("row %d has rank %d", i, r.Rank)
		}
		if i > 0 && (r.ID < rows[i-1].ID || r.ID == rows[i-1].ID && r.Score > rows[i-1].Score) {
			t.Errorf("row %d is out of order", i)
		}
		if r.Rank == 1 && r.Label == r.True {
			right++
		}
		if r.Rank == 1 && r.Status == "damaged" {
			damaged++
		}
	}
	if right < 46 || damaged != 1 {
		t.Errorf("%d of 48 pictures are right, %d damaged", right, damaged)
	}
	checkRanked(t, dir, rows)
	rejects := mrtest.Rejects(t, jobs.Standard(), dir)
	if len(rejects) != 1 || rejects[0].ID != "images/not-a-picture.jpg" || !strings.Contains(rejects[0].Reason, "not an image") || rejects[0].Line == 0 {
		t.Errorf("rejects: %+v", rejects)
	}
	mrtest.NothingLeft(t, dir)
	if _, err := os.Stat(filepath.Join(dir, "out", "_SUCCESS")); err != nil {
		t.Error(err)
	}
}

// checkRanked checks ranked and labels against the rows of rank 1.
func checkRanked(t *testing.T, dir string, predictions []row) {
	t.Helper()
	ranked := readDataset(t, dir, "ranked", idColumns())
	best := map[string]row{}
	for _, r := range predictions {
		if r.Rank == 1 {
			r.Rank = 0
			best[r.ID] = r
		}
	}
	sorted := slices.IsSortedFunc(ranked, func(a, b row) int {
		switch {
		case a.LabelID != b.LabelID:
			return int(a.LabelID - b.LabelID)
		case a.Score != b.Score:
			if a.Score > b.Score {
				return -1
			}
			return 1
		}
		return strings.Compare(a.ID, b.ID)
	})
	if !sorted || len(ranked) != len(best) {
		t.Errorf("ranked: %d rows, want %d; sorted: %v", len(ranked), len(best), sorted)
	}
	counts := map[int32]int64{}
	for _, r := range ranked {
		if r != best[r.ID] {
			t.Errorf("ranked has %+v, predictions %+v", r, best[r.ID])
		}
		counts[r.LabelID]++
	}
	for _, l := range readDataset(t, dir, "labels", labelColumns()) {
		if l.Count != counts[l.LabelID] || l.MeanScore <= 0 || l.MeanScore > 1 {
			t.Errorf("labels: %+v, want a count of %d", l, counts[l.LabelID])
		}
		delete(counts, l.LabelID)
	}
	if len(counts) > 0 {
		t.Errorf("labels lacks %v", counts)
	}
}

func labelColumns() table.Columns[classify.Label] {
	type row = classify.Label
	return table.Columns[row]{
		table.Int32("label_id", func(r *row) int32 { return r.LabelID }, func(r *row, v int32) { r.LabelID = v }),
		table.String("label", func(r *row) string { return r.Label }, func(r *row, v string) { r.Label = v }),
		table.Int64("count", func(r *row) int64 { return r.Count }, func(r *row, v int64) { r.Count = v }),
		table.Float64("mean_score", func(r *row) float64 { return r.MeanScore }, func(r *row, v float64) { r.MeanScore = v }),
	}
}

// TestModels runs the variants of the shipped model: fixed batch, half precision, bytes in and quantised bytes out.
func TestModels(t *testing.T) {
	needRuntime(t)
	for model, spec := range map[string]string{
		"batch1.onnx": "preprocess.yaml", "float16.onnx": "preprocess.yaml", "uint8.onnx": "models/uint8.yaml",
	} {
		t.Run(model, func(t *testing.T) {
			p := demoParams(t)
			p.Model, p.Preprocess = demo(t, "models", model), demo(t, filepath.FromSlash(spec))
			dir := filepath.Join(t.TempDir(), "job")
			mustRun(t, config(t, dir, p, demo(t, "manifest.csv")), mapreduce.ExitRejects)
			right := 0
			for _, r := range readDataset(t, dir, "predictions", predictionColumns()) {
				if r.Rank == 1 && r.Label == r.True {
					right++
				}
				if r.Model != strings.TrimSuffix(model, ".onnx") {
					t.Fatalf("model column: %q", r.Model)
				}
			}
			if right < 46 {
				t.Errorf("%d of 48 pictures are right", right)
			}
		})
	}
}

// TestSameBytes: the number of workers, the in-process executor and memory do not show in the results.
func TestSameBytes(t *testing.T) {
	needRuntime(t)
	p := demoParams(t)
	p.ShardRows = 7
	var want map[string][]byte
	for _, workers := range []int{1, 2, 4, 0} {
		dir := filepath.Join(t.TempDir(), "job")
		cfg := config(t, dir, p, demo(t, "manifest.csv"))
		cfg.Workers, cfg.Partitions = max(1, workers), 3
		cfg.InProcess = workers == 0
		mustRun(t, cfg, mapreduce.ExitRejects)
		if want == nil {
			want = mrtest.Results(t, dir)
		}
		mrtest.SameFiles(t, want, mrtest.Results(t, dir))
	}
}

// TestPartitionByLabel checks Hive folders: one a label, each with its rows only.
func TestPartitionByLabel(t *testing.T) {
	needRuntime(t)
	p := demoParams(t)
	p.PartitionBy = "label"
	dir := filepath.Join(t.TempDir(), "job")
	mustRun(t, config(t, dir, p, demo(t, "manifest.csv")), mapreduce.ExitRejects)
	folders, err := filepath.Glob(filepath.Join(dir, "out", "ranked", "label=*"))
	if err != nil || len(folders) != 6 {
		t.Fatalf("folders %v, %v", folders, err)
	}
	type labelled struct{ id int32 }
	n := 0
	for _, f := range folders {
		parts, err := filepath.Glob(filepath.Join(f, "*.parquet"))
		if err != nil || len(parts) != 1 {
			t.Fatalf("%s: %v, %v", f, parts, err)
		}
		for _, r := range readParquet(t, parts[0], table.Columns[labelled]{
			table.Int32("label_id", func(r *labelled) int32 { return r.id }, func(r *labelled, v int32) { r.id = v }),
		}) {
			if want := fmt.Sprintf("label=%d", r.id); filepath.Base(f) != want {
				t.Errorf("a row of %s lies in %s", want, filepath.Base(f))
			}
			n++
		}
	}
	if n != 48 {
		t.Errorf("%d rows in all folders", n)
	}
}

// TestInputs: a folder, a glob pattern and a manifest give the same predictions for the same pictures.
func TestInputs(t *testing.T) {
	needRuntime(t)
	p := demoParams(t)
	p.LabelCol = ""
	byName := func(dir string) map[string]float32 {
		m := map[string]float32{}
		for _, r := range readDataset(t, dir, "predictions", predictionColumns()) {
			if r.Rank == 1 {
				m[filepath.Base(r.Path)] = r.Score
			}
		}
		return m
	}
	var want map[string]float32
	for _, in := range []string{"manifest.csv", "images", "images/*.[jpg]*"} {
		dir := filepath.Join(t.TempDir(), "job")
		cfg := config(t, dir, p, demo(t, in))
		s := mustRun(t, cfg, mapreduce.ExitRejects)
		got := byName(dir)
		if want == nil {
			want = got
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d pictures, want %d (%+v)", in, len(got), len(want), s.Rows)
		}
		for name, score := range want {
			if d := got[name] - score; d > 1e-5 || d < -1e-5 {
				t.Errorf("%s: %s has %v, want %v", in, name, got[name], score)
			}
		}
	}
}

// TestThreshold: an image with nothing over the threshold is a named drop.
func TestThreshold(t *testing.T) {
	needRuntime(t)
	p := demoParams(t)
	p.Threshold = .99
	dir := filepath.Join(t.TempDir(), "job")
	s := mustRun(t, config(t, dir, p, demo(t, "manifest.csv")), mapreduce.ExitRejects)
	rows := readDataset(t, dir, "predictions", predictionColumns())
	if s.Rows.Dropped["threshold"] == 0 || int(s.Rows.Dropped["threshold"])+len(rows) != 48 {
		t.Errorf("%d rows and %v dropped, want 48 in all", len(rows), s.Rows.Dropped)
	}
	for _, r := range rows {
		if float64(r.Score) < p.Threshold {
			t.Errorf("%s has a score of %v", r.ID, r.Score)
		}
	}
}

// TestLimit takes the first rows in input order.
func TestLimit(t *testing.T) {
	needRuntime(t)
	dir := filepath.Join(t.TempDir(), "job")
	cfg := config(t, dir, demoParams(t), demo(t, "manifest.csv"))
	cfg.Limit = 10
	s := mustRun(t, cfg, mapreduce.ExitComplete)
	if s.Rows.Read != 10 || len(readDataset(t, dir, "ranked", idColumns())) != 10 {
		t.Errorf("rows: %+v", s.Rows)
	}
}

// write makes a manifest that names pictures of the demo.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestManifestColumns: ids, labels and carried columns come out as they went in.
func TestManifestColumns(t *testing.T) {
	needRuntime(t)
	pictures := picturesOf(t, 3)
	m := write(t, "score,path,key,city,truth\n"+
		"mine,"+pictures[0]+",k1,Bern,\n"+
		"yours,"+pictures[1]+",k2,\"Basel, Stadt\",cat\n"+
		"broken\n"+
		"ours,"+pictures[2]+",,Chur,dog\n")
	p := demoParams(t)
	p.Root, p.IDCol, p.LabelCol, p.TopK = demo(t), "key", "truth", 1
	dir := filepath.Join(t.TempDir(), "job")
	cfg := config(t, dir, p, m)
	cfg.MaxRejects = mapreduce.MaxRejects{Rows: 2, Set: true}
	mustRun(t, cfg, mapreduce.ExitRejects)
	type carried struct{ id, score, city, truth string }
	got := readDataset(t, dir, "predictions", table.Columns[carried]{
		table.String("id", func(r *carried) string { return r.id }, func(r *carried, v string) { r.id = v }),
		table.NullString("in_score", func(r *carried) (string, bool) { return r.score, true }, func(r *carried, v string, _ bool) { r.score = v }),
		table.NullString("city", func(r *carried) (string, bool) { return r.city, true }, func(r *carried, v string, _ bool) { r.city = v }),
		table.NullString("true_label", func(r *carried) (string, bool) { return r.truth, true }, func(r *carried, v string, _ bool) { r.truth = v }),
	})
	want := []carried{{"k1", "mine", "Bern", ""}, {"k2", "yours", "Basel, Stadt", "cat"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
	rejects := mrtest.Rejects(t, jobs.Standard(), dir)
	if len(rejects) != 2 || rejects[0].Line != 4 || rejects[1].Line != 5 || !strings.Contains(rejects[1].Reason, `"key"`) {
		t.Errorf("rejects: %+v", rejects)
	}
}

func picturesOf(t *testing.T, n int) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(demo(t), "*", "*.jpg"))
	if err != nil || len(paths) < n {
		t.Fatalf("pictures: %v, %v", paths, err)
	}
	for i := range paths {
		paths[i], err = filepath.Rel(demo(t), paths[i])
		if err != nil {
			t.Fatal(err)
		}
	}
	return paths[:n]
}

// TestSameIDTwice: with an id column an id stands once, and the message names both places.
func TestSameIDTwice(t *testing.T) {
	needRuntime(t)
	pic := picturesOf(t, 2)
	m := write(t, "path,key\n"+pic[0]+",a\n"+pic[1]+",b\n"+pic[1]+",a\n")
	p := demoParams(t)
	p.Root, p.IDCol, p.LabelCol = demo(t), "key", ""
	cfg := config(t, filepath.Join(t.TempDir(), "job"), p, m)
	_, err := run(t, cfg)
	if mapreduce.ClassOf(err) != mapreduce.Input || !strings.Contains(err.Error(), "line 2") || !strings.Contains(err.Error(), "line 4") {
		t.Fatalf("got %v", err)
	}
	p.IDCol = ""
	mustRun(t, config(t, filepath.Join(t.TempDir(), "job"), p, m), mapreduce.ExitComplete)
}

// TestWrongInput: what can be checked before the run is, in words, with exit code 4 or 2, and leaves no job directory.
func TestWrongInput(t *testing.T) {
	needRuntime(t)
	manifest := demo(t, "manifest.csv")
	for name, c := range map[string]struct {
		change func(p *classify.Params)
		input  string
		code   int
		says   string
	}{
		"no model":        {func(p *classify.Params) { p.Model = "nowhere.onnx" }, manifest, 4, "nowhere.onnx"},
		"not a model":     {func(p *classify.Params) { p.Model = demo(t, "labels.txt") }, manifest, 4, "labels.txt"},
		"no labels":       {func(p *classify.Params) { p.Labels = "nowhere.txt" }, manifest, 4, "nowhere.txt"},
		"label count":     {func(p *classify.Params) { p.Model = demo(t, "models", "seven.onnx") }, manifest, 4, "6 labels"},
		"preset":          {func(p *classify.Params) { p.Preprocess = "raw" }, manifest, 4, "preset raw"},
		"unknown preset":  {func(p *classify.Params) { p.Preprocess = "imagenette" }, manifest, 4, "imagenet-caffe"},
		"missing column":  {func(p *classify.Params) { p.PathCol = "file" }, manifest, 4, `"file"`},
		"missing root":    {func(p *classify.Params) { p.Root = "nowhere" }, manifest, 4, "nowhere"},
		"no manifest":     {func(*classify.Params) {}, "nowhere.csv", 4, "nowhere.csv"},
		"no match":        {func(*classify.Params) {}, "nowhere*.jpg", 4, "no file matches"},
		"top-k":           {func(p *classify.Params) { p.TopK = 0 }, manifest, 2, "--top-k"},
		"damaged":         {func(p *classify.Params) { p.Damaged = "perhaps" }, manifest, 2, "--damaged"},
		"no labels given": {func(p *classify.Params) { p.Labels = "" }, manifest, 2, "--labels"},
	} {
		t.Run(name, func(t *testing.T) {
			p := demoParams(t)
			c.change(&p)
			dir := filepath.Join(t.TempDir(), "job")
			s, err := run(t, config(t, dir, p, c.input))
			if code := mapreduce.ExitCode(s, err); code != c.code {
				t.Errorf("exit code %d, want %d: %v", code, c.code, err)
			}
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a job directory was left behind: %v", err)
			}
		})
	}
}

// TestLostPhotos: a missing photo is a reject; once it has arrived, rerun --rejected redoes its task only.
func TestLostPhotos(t *testing.T) {
	needRuntime(t)
	root := t.TempDir()
	var lines strings.Builder
	lines.WriteString("path\n")
	pic := picturesOf(t, 12)
	for i, name := range pic {
		fmt.Fprintf(&lines, "%d.jpg\n", i)
		if i != 5 {
			copyFile(t, demo(t, name), filepath.Join(root, fmt.Sprintf("%d.jpg", i)))
		}
	}
	m := filepath.Join(root, "m.csv")
	if err := os.WriteFile(m, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	p := demoParams(t)
	p.LabelCol, p.ShardRows = "", 4
	dir := filepath.Join(t.TempDir(), "job")
	cfg := config(t, dir, p, m)
	mustRun(t, cfg, mapreduce.ExitRejects)
	if r := mrtest.Rejects(t, jobs.Standard(), dir); len(r) != 1 || r[0].ID != "5.jpg" || r[0].Line != 7 {
		t.Fatalf("rejects: %+v", r)
	}
	copyFile(t, demo(t, pic[5]), filepath.Join(root, "5.jpg"))
	var redone []string
	cfg.Rerun.Rejected = true
	cfg.Observe = func(e mapreduce.Event) {
		if e.Kind == mapreduce.EventStart {
			redone = append(redone, e.Task)
		}
	}
	mustRun(t, cfg, mapreduce.ExitComplete)
	if len(readDataset(t, dir, "ranked", idColumns())) != 12 || len(mrtest.Rejects(t, jobs.Standard(), dir)) != 0 {
		t.Error("the photo did not come in")
	}
	if slices.Contains(redone, "map-000000") || !slices.Contains(redone, "map-000001") || slices.Contains(redone, "map-000002") {
		t.Errorf("redone: %v", redone)
	}
}

// TestCheckContent: a photo that changed since the split saw it is refused when that is asked for.
func TestCheckContent(t *testing.T) {
	needRuntime(t)
	root := t.TempDir()
	for i, name := range picturesOf(t, 3) {
		copyFile(t, demo(t, name), filepath.Join(root, fmt.Sprintf("%d.jpg", i)))
	}
	m := filepath.Join(root, "m.csv")
	if err := os.WriteFile(m, []byte("path\n0.jpg\n1.jpg\n2.jpg\n3.jpg\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := demoParams(t)
	p.LabelCol = ""
	dir := filepath.Join(t.TempDir(), "job")
	cfg := config(t, dir, p, m)
	mustRun(t, cfg, mapreduce.ExitRejects)
	copyFile(t, demo(t, picturesOf(t, 5)[4]), filepath.Join(root, "3.jpg")) // it was not there: no change
	cfg.CheckContent = true
	mustRun(t, cfg, mapreduce.ExitRejects)
	copyFile(t, demo(t, picturesOf(t, 5)[4]), filepath.Join(root, "1.jpg"))
	cfg.CheckContent = false
	mustRun(t, cfg, mapreduce.ExitRejects)
	cfg.CheckContent = true
	if _, err := run(t, cfg); mapreduce.ClassOf(err) != mapreduce.Input || !strings.Contains(err.Error(), "1.jpg") {
		t.Errorf("got %v", err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
