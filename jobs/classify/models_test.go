package classify

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestModelsOf(t *testing.T) {
	list := func(s ...string) []string { return s }
	for _, c := range []struct {
		paths, labels, specs, embeddings []string
		want                             []Model
		says                             string
	}{
		{nil, nil, nil, nil, []Model{{}}, ""},
		{list("a"), list("l"), list("raw"), nil, []Model{{"a", "l", "raw", ""}}, ""},
		{list("a", "b"), list("l"), list("raw"), nil, []Model{{"a", "l", "raw", ""}, {"b", "l", "raw", ""}}, ""},
		{list("a", "b"), list("l", ""), list("x", "y"), list("", "e"), []Model{{"a", "l", "x", ""}, {"b", "", "y", "e"}}, ""},
		{list("a"), list("l", "m"), nil, nil, nil, "--labels is given 2 times for 1 --model"},
		{list("a", "b", "c"), list("l"), list("x", "y"), nil, nil, "--preprocess is given 2 times for 3 --model"},
		{list("a", "b"), nil, nil, list("e", "f", "g"), nil, "--embedding is given 3 times for 2 --model"},
	} {
		got, err := ModelsOf(c.paths, c.labels, c.specs, c.embeddings)
		if !slices.Equal(got, c.want) || (err != nil) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: got %+v, %v", c, got, err)
		}
	}
}

// TestOneModelParams: the parameters of one model are written as those of earlier builds, whose jobs are continued.
func TestOneModelParams(t *testing.T) {
	b, err := json.Marshal(Defaults().WithModels([]Model{{"m.onnx", "l.txt", "raw", ""}}))
	want := `{"model":"m.onnx","labels":"l.txt","preprocess":"raw","root":"","path-col":"path","id-col":"","label-col":"","top-k":5,` +
		`"threshold":0,"batch":8,"shard-rows":2000,"max-pixels":100000000,"image-timeout":"30s","damaged":"accept","partition-by":""}`
	if err != nil || string(b) != want {
		t.Errorf("got %s, %v", b, err)
	}
}

func TestCheckModels(t *testing.T) {
	a, b := Model{"a.onnx", "l", "raw", ""}, Model{"dir/b/model.onnx", "l", "raw", ""}
	for _, c := range []struct {
		p    Params
		says string
	}{
		{Params{Models: []Model{a, b}}, ""},
		{Params{Models: []Model{a, b, {"b.onnx", "l", "raw", ""}}}, `dir/b/model.onnx and b.onnx are both called "b"`},
		{Params{Models: []Model{a, b}, Model: "c.onnx"}, "exclude"},
		{Params{Models: []Model{a, {"b.onnx", "", "raw", ""}}}, "--labels is needed"},
		{Params{Models: []Model{a, {"", "l", "raw", ""}}}, "--model is needed"},
		{Params{Models: []Model{a, {"b.onnx", "l", "", ""}}}, "--preprocess is needed"},
		{Params{Models: []Model{a, b}, PartitionBy: partitionByLabel}, "give one --model"},
		{Params{Models: []Model{a, b}, L2: true}, "--embedding is needed"},
		{Params{Models: []Model{a, {"b.onnx", "", "raw", "e"}}, L2: true}, ""},
	} {
		err := c.p.checkModels()
		if (err != nil) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: got %v, want %q", c.p, err, c.says)
		}
	}
}

// TestCodecsOfSeveralModels: model and place among the models come back, and keys are in order of the model first.
func TestCodecsOfSeveralModels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPrediction(t)
		p.model, p.later = rapid.IntRange(0, 300).Draw(t, "model"), rapid.Bool().Draw(t, "later")
		values := predictionCodec{several: true}
		got, err := values.Decode(values.Append(nil, p))
		if err != nil || got.model != p.model || got.later != p.later || got.path != p.path || !slices.Equal(got.top, p.top) {
			t.Fatalf("%+v came back as %+v, %v", p, got, err)
		}
		keys := rankCodec{several: true}
		a := rankKey{uint32(rapid.IntRange(0, 300).Draw(t, "a")), 1, .5, "x"}
		b := rankKey{a.model + 1, 0, .9, "a"}
		ab, bb := string(keys.Append(nil, a)), string(keys.Append(nil, b))
		if back, err := keys.Decode([]byte(ab)); err != nil || back != a || ab >= bb || keys.group() != 8 {
			t.Fatalf("%+v came back as %+v, %v", a, back, err)
		}
		if _, err := keys.Decode([]byte(ab)[:11]); err == nil {
			t.Fatal("a key that is too short was decoded")
		}
	})
}

func TestNormalize(t *testing.T) {
	v := []float32{3, 0, -4}
	normalize(v)
	if !slices.Equal(v, []float32{.6, 0, -.8}) {
		t.Errorf("got %v", v)
	}
	zeros := []float32{0, 0}
	normalize(zeros)
	if !slices.Equal(zeros, []float32{0, 0}) {
		t.Errorf("zeros became %v", zeros)
	}
	large := []float32{math.MaxFloat32, math.MaxFloat32} // their squares are no float32
	normalize(large)
	if d := math.Abs(float64(large[0]) - math.Sqrt2/2); d > 1e-7 || large[0] != large[1] {
		t.Errorf("got %v", large)
	}
}
