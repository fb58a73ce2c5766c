package classify_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// TestMain makes the test binary its own worker and driver program.
func TestMain(m *testing.M) { os.Exit(mrtest.Main(m, jobs.Standard(), jobs.All()...)) }

// repoRoot is the folder of go.mod.
func repoRoot(t testing.TB) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	return root
}

// needRuntime skips where ONNX Runtime is not set up, and lets the workers find it in bin/.
func needRuntime(t testing.TB) {
	t.Helper()
	if os.Getenv("ONNXRUNTIME_LIB") != "" {
		return
	}
	lib := filepath.Join(repoRoot(t), "bin", "libonnxruntime.so.1")
	if _, err := os.Stat(lib); err != nil {
		t.Skip("no ONNX Runtime: run `make setup`")
	}
	if err := os.Setenv("ONNXRUNTIME_LIB", lib); err != nil {
		t.Fatal(err)
	}
}

// shared is a path below ../shared/data, where real models and photos lie beside a checkout.
func shared(t testing.TB, elem ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{repoRoot(t), "..", "shared", "data"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no real data: %s is not beside this checkout", filepath.Join(append([]string{"../shared/data"}, elem...)...))
	}
	return path
}

// demo is a path below testdata/demo.
func demo(t testing.TB, elem ...string) string {
	t.Helper()
	return filepath.Join(append([]string{repoRoot(t), "testdata", "demo"}, elem...)...)
}

// demoParams classify the pictures that the project ships.
func demoParams(t testing.TB) classify.Params {
	p := classify.Defaults()
	p.Model, p.Labels, p.Preprocess = demo(t, "model.onnx"), demo(t, "labels.txt"), demo(t, "preprocess.yaml")
	p.LabelCol, p.Evaluate = "label", true
	return p
}

// config is a run of a classification.
func config(t testing.TB, dir string, p classify.Params, inputs ...string) mapreduce.Config {
	t.Helper()
	params, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return mapreduce.Config{Dir: dir, Params: params, Inputs: inputs, Workers: 2}
}

func run(t testing.TB, cfg mapreduce.Config) (mapreduce.Summary, error) {
	t.Helper()
	return mapreduce.Run(context.Background(), jobs.Standard(), classify.Job(), cfg)
}

// mustRun runs a classification that must end with an exit code.
func mustRun(t testing.TB, cfg mapreduce.Config, code int) mapreduce.Summary {
	t.Helper()
	return mrtest.Run(t, jobs.Standard(), classify.Job(), cfg, code)
}

// row is a row of predictions or ranked, as far as tests look at it.
type row struct {
	ID, Path, Status, Label, Shard, Model, True string
	HasTrue                                     bool
	Rank, LabelID                               int32
	Score                                       float32
}

func idColumns() table.Columns[row] {
	return table.Columns[row]{
		table.String("id", func(r *row) string { return r.ID }, func(r *row, v string) { r.ID = v }),
		table.String("path", func(r *row) string { return r.Path }, func(r *row, v string) { r.Path = v }),
		table.Int32("label_id", func(r *row) int32 { return r.LabelID }, func(r *row, v int32) { r.LabelID = v }),
		table.String("label", func(r *row) string { return r.Label }, func(r *row, v string) { r.Label = v }),
		table.Float32("score", func(r *row) float32 { return r.Score }, func(r *row, v float32) { r.Score = v }),
		table.String("status", func(r *row) string { return r.Status }, func(r *row, v string) { r.Status = v }),
		table.String("model", func(r *row) string { return r.Model }, func(r *row, v string) { r.Model = v }),
		table.String("shard", func(r *row) string { return r.Shard }, func(r *row, v string) { r.Shard = v }),
		table.NullString("true_label", func(r *row) (string, bool) { return r.True, r.HasTrue },
			func(r *row, v string, ok bool) { r.True, r.HasTrue = v, ok }),
	}
}

func predictionColumns() table.Columns[row] {
	return append(idColumns(), table.Int32("rank", func(r *row) int32 { return r.Rank }, func(r *row, v int32) { r.Rank = v }))
}

// readDataset reads all parts of a dataset in out/, in order of their names.
func readDataset[R any](t testing.TB, dir, dataset string, cols table.Columns[R]) []R {
	t.Helper()
	parts, err := filepath.Glob(filepath.Join(dir, "out", dataset, "*.parquet"))
	if err != nil || len(parts) == 0 {
		t.Fatalf("no parts of %s: %v", dataset, err)
	}
	var rows []R
	for _, p := range parts {
		rows = append(rows, readParquet(t, p, cols)...)
	}
	return rows
}

func readParquet[R any](t testing.TB, path string, cols table.Columns[R]) []R {
	t.Helper()
	r, err := parquetfile.Open(path, cols)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	var rows []R
	for {
		var v R
		err := r.Read(&v)
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		rows = append(rows, v)
	}
}
