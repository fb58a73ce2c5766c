package classify

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
)

func TestCarriedNames(t *testing.T) {
	for _, c := range []struct{ carried, want []string }{
		{nil, nil},
		{[]string{"city", "zip"}, []string{"city", "zip"}},
		{[]string{"score", "city"}, []string{"in_score", "city"}},
		{[]string{"label", "in_label"}, []string{"in_in_label", "in_label"}},
		{[]string{"in_id", "id"}, []string{"in_id", "in_in_id"}},
		{[]string{"true_label", "Label"}, []string{"in_true_label", "Label"}},
	} {
		meta, err := json.Marshal(Meta{Carried: c.carried})
		if err != nil {
			t.Fatal(err)
		}
		env := mapreduce.NewEnv("01-classify", meta)
		for _, ranked := range []bool{false, true} {
			cols, err := predictionColumns(env, ranked, false)
			if err != nil {
				t.Fatal(err)
			}
			if err := cols.Check(); err != nil {
				t.Errorf("%v: %v", c.carried, err)
			}
			var names []string
			for _, col := range cols {
				names = append(names, col.Name())
			}
			if got := names[len(names)-len(c.carried):]; !slices.Equal(got, c.want) && len(c.want) > 0 {
				t.Errorf("%v came out as %v, want %v", c.carried, got, c.want)
			}
			if ranked == slices.Contains(names, "rank") {
				t.Errorf("ranked %v has the columns %v", ranked, names)
			}
		}
	}
}

func TestParams(t *testing.T) {
	good := Defaults()
	good.Model, good.Labels, good.Preprocess = "models/tiny/model.onnx", "labels.txt", "raw"
	if err := good.check(); err != nil {
		t.Fatal(err)
	}
	for flag, change := range map[string]func(p *Params){
		"--model": func(p *Params) { p.Model = "" }, "--labels": func(p *Params) { p.Labels = "" },
		"--preprocess": func(p *Params) { p.Preprocess = "" }, "--top-k": func(p *Params) { p.TopK = 0 },
		"--threshold": func(p *Params) { p.Threshold = 1.5 }, "--batch": func(p *Params) { p.Batch = 0 },
		"--shard-rows": func(p *Params) { p.ShardRows = 0 }, "--max-pixels": func(p *Params) { p.MaxPixels = 0 },
		"--image-timeout": func(p *Params) { p.ImageTimeout = "soon" }, "--damaged": func(p *Params) { p.Damaged = "" },
		"--orientation":  func(p *Params) { p.Orientation = "upright" },
		"--partition-by": func(p *Params) { p.PartitionBy = "city" },
	} {
		p := good
		change(&p)
		if err := p.check(); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v", flag, err)
		}
	}
	for path, want := range map[string]string{
		"models/tiny/model.onnx": "tiny", "resnet50.onnx": "resnet50", "model.onnx": "model", "/model.onnx": "model", "a/b.onnx": "b",
	} {
		if got := (Model{Path: path}).Name(); got != want {
			t.Errorf("%s is called %s, want %s", path, got, want)
		}
	}
}
