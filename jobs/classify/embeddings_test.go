package classify_test

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
)

// vector is a row of embeddings, as far as tests look at it.
type vector struct {
	id, path, model, status, truth, city string
	v                                    []float32
}

func vectorColumns() table.Columns[vector] {
	return table.Columns[vector]{
		table.String("id", nil, func(r *vector, v string) { r.id = v }),
		table.String("path", nil, func(r *vector, v string) { r.path = v }),
		table.String("model", nil, func(r *vector, v string) { r.model = v }),
		table.Floats("embedding", nil, func(r *vector, v []float32) { r.v = v }),
		table.String("status", nil, func(r *vector, v string) { r.status = v }),
		table.NullString("true_label", nil, func(r *vector, v string, _ bool) { r.truth = v }),
	}
}

// featureParams make embeddings of the pictures that the project ships, and nothing else.
func featureParams(t testing.TB) classify.Params {
	p := demoParams(t)
	p.Model, p.Embedding, p.Labels = demo(t, "models", "features.onnx"), "features", ""
	return p
}

// TestEmbeddings makes embeddings without labels: out/ has no other dataset, and each image is in it or among the rejects.
func TestEmbeddings(t *testing.T) {
	needRuntime(t)
	dir := filepath.Join(t.TempDir(), "job")
	p := featureParams(t)
	p.ShardRows = 20
	s := mustRun(t, config(t, dir, p, demo(t, "manifest.csv")), mapreduce.ExitRejects)
	if s.Rows.Mapped != 48 || s.Rows.Rejected != 1 || len(s.Rows.Dropped) != 0 || len(s.Datasets) != 1 {
		t.Errorf("rows %+v, datasets %+v", s.Rows, s.Datasets)
	}
	if parts, err := filepath.Glob(filepath.Join(dir, "out", "*", "*")); err != nil || len(parts) != 3 {
		t.Errorf("files %v, %v", parts, err)
	}
	rows := readDataset(t, dir, "embeddings", vectorColumns())
	if len(rows) != 48 {
		t.Fatalf("%d rows", len(rows))
	}
	damaged := 0
	for _, r := range rows {
		if len(r.v) != 32 || r.model != "features" || r.id != r.path || r.truth == "" {
			t.Fatalf("row %+v", r)
		}
		if r.status == "damaged" {
			damaged++
		}
	}
	if damaged != 1 {
		t.Errorf("%d damaged", damaged)
	}
	if _, err := classify.ShowLabels(filepath.Join(dir, "out"), 5); err == nil || !strings.Contains(err.Error(), "its embeddings are in") {
		t.Errorf("show: %v", err)
	}
}

// TestL2 divides each embedding by its length.
func TestL2(t *testing.T) {
	needRuntime(t)
	vectors := func(l2 bool) []vector {
		dir := filepath.Join(t.TempDir(), "job")
		p := featureParams(t)
		p.L2 = l2
		mustRun(t, config(t, dir, p, demo(t, "manifest.csv")), mapreduce.ExitRejects)
		return readDataset(t, dir, "embeddings", vectorColumns())
	}
	plain, unit := vectors(false), vectors(true)
	for i, r := range plain {
		length, other := 0.0, 0.0
		for k, x := range r.v {
			length += float64(x) * float64(x)
			other += float64(unit[i].v[k]) * float64(unit[i].v[k])
		}
		if length = math.Sqrt(length); math.Abs(length-1) < .01 || math.Abs(other-1) > 1e-6 {
			t.Fatalf("%s: length %v, squared length with --l2 %v", r.id, length, other)
		}
		for k, x := range r.v {
			if d := float64(x)/length - float64(unit[i].v[k]); math.Abs(d) > 1e-7 {
				t.Fatalf("%s: element %d is %v with --l2, want %v", r.id, k, unit[i].v[k], float64(x)/length)
			}
		}
	}
}

// TestScoresAsEmbedding takes the scores themselves as embeddings: predictions must be their softmax.
func TestScoresAsEmbedding(t *testing.T) {
	needRuntime(t)
	for _, model := range []string{"features.onnx", "batch1.onnx", "float16.onnx"} {
		p := demoParams(t)
		p.Model, p.Embedding, p.TopK = demo(t, "models", model), "logits", 1
		dir := filepath.Join(t.TempDir(), "job")
		mustRun(t, config(t, dir, p, demo(t, "manifest.csv")), mapreduce.ExitRejects)
		first := map[string]row{}
		for _, r := range readDataset(t, dir, "predictions", predictionColumns()) {
			first[r.ID] = r
		}
		rows := readDataset(t, dir, "embeddings", vectorColumns())
		if len(rows) != 48 || len(first) != 48 {
			t.Fatalf("%d embeddings, %d predictions", len(rows), len(first))
		}
		for _, r := range rows {
			sum, most := 0.0, 0
			for k, x := range r.v {
				sum += math.Exp(float64(x))
				if x > r.v[most] {
					most = k
				}
			}
			want := math.Exp(float64(r.v[most])) / sum
			if got := first[r.id]; int(got.LabelID) != most || math.Abs(float64(got.Score)-want) > 1e-5 {
				t.Errorf("%s, %s: label %d with %v, embedding says %d with %v", model, r.id, got.LabelID, got.Score, most, want)
			}
		}
	}
}

// TestEmbeddingCarries: the columns of a manifest come out with embeddings, too.
func TestEmbeddingCarries(t *testing.T) {
	needRuntime(t)
	pic := picturesOf(t, 2)
	m := write(t, "path,key,embedding,city\n"+pic[0]+",k2,mine,Bern\n"+pic[1]+",k1,yours,Chur\n")
	p := featureParams(t)
	p.Root, p.IDCol, p.LabelCol = demo(t), "key", ""
	dir := filepath.Join(t.TempDir(), "job")
	mustRun(t, config(t, dir, p, m), mapreduce.ExitComplete)
	cols := append(vectorColumns(), table.NullString("city", nil, func(r *vector, v string, _ bool) { r.city = v }),
		table.NullString("in_embedding", nil, func(r *vector, v string, _ bool) { r.city += " " + v }))
	rows := readDataset(t, dir, "embeddings", cols)
	if len(rows) != 2 || rows[0].id != "k2" || rows[0].city != "Bern mine" || rows[1].id != "k1" || rows[1].city != "Chur yours" {
		t.Errorf("rows %+v", rows)
	}
}

// TestWrongEmbedding: what is wrong is said before an image is read.
func TestWrongEmbedding(t *testing.T) {
	needRuntime(t)
	for name, c := range map[string]struct {
		change func(p *classify.Params)
		code   int
		says   string
	}{
		"tensor": {func(p *classify.Params) { p.Embedding = "nothing" }, 4, `no output "nothing"; the outputs are: logits float32 [N,6], features float32 [N,32]`},
		"type": {func(p *classify.Params) {
			p.Embedding, p.Model, p.Preprocess = "scores", demo(t, "models", "uint8.onnx"), demo(t, "models", "uint8.yaml")
		}, 4, "its type is not one of float32, float16"},
		"nothing":   {func(p *classify.Params) { p.Embedding = "" }, 2, "--embedding"},
		"partition": {func(p *classify.Params) { p.PartitionBy = "label" }, 2, "--labels"},
		"l2":        {func(p *classify.Params) { p.Embedding, p.Labels, p.L2 = "", demo(t, "labels.txt"), true }, 2, "--l2"},
	} {
		t.Run(name, func(t *testing.T) {
			p := featureParams(t)
			c.change(&p)
			s, err := run(t, config(t, filepath.Join(t.TempDir(), "job"), p, demo(t, "manifest.csv")))
			if code := mapreduce.ExitCode(s, err); code != c.code || err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("exit code %d, want %d: %v, want %q", code, c.code, err, c.says)
			}
		})
	}
}
