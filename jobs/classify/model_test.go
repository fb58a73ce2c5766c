package classify_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/jobs/classify/internal/preprocess"
)

func TestInspectModel(t *testing.T) {
	needRuntime(t)
	for _, tt := range []struct {
		name   string
		path   []string
		input  string
		shape  []int64
		fixed  int64
		output string // of the spec
	}{
		{"demo", []string{"model.onnx"}, "float32", []int64{-1, 3, 56, 56}, 0, "output: {kind: logits} "},
		{"fixed batch", []string{"models", "batch1.onnx"}, "float32", []int64{1, 3, 56, 56}, 1, "output: {kind: logits} "},
		{"float16", []string{"models", "float16.onnx"}, "float16", []int64{-1, 3, 56, 56}, 0, "output: {kind: logits} "},
		{"bytes", []string{"models", "uint8.onnx"}, "uint8", []int64{-1, 56, 56, 3}, 0, "output: {kind: quantised, scale: 0.00392156862745098, zero_point: 0} "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := classify.InspectModel(t.Context(), demo(t, tt.path...))
			if err != nil {
				t.Fatal(err)
			}
			in := got.Inputs[0]
			if in.Type != tt.input || !slices.Equal(in.Shape, tt.shape) || got.FixedBatch != tt.fixed || !strings.Contains(got.Spec, tt.output) {
				t.Errorf("got %+v", got)
			}
			if dynamic := tt.shape[0] < 0; dynamic != slices.Equal(in.Axes, []string{"N", "", "", ""}) {
				t.Errorf("axes %q", in.Axes)
			}
			if got.Producer != "shardmill testdata/demo/gen" || got.Opsets[0].Version != 13 || len(got.SHA256) != 64 || got.Bytes < 1000 {
				t.Errorf("got %+v", got)
			}
			checkSpec(t, got)
		})
	}
}

// checkSpec is what --preprocess would do with the proposed spec.
func checkSpec(t *testing.T, m classify.ModelInfo) {
	t.Helper()
	s, err := preprocess.Parse([]byte(m.Spec))
	if err != nil {
		t.Fatalf("%v\n%s", err, m.Spec)
	}
	if err := s.Check(m.Inputs[0].Shape, m.Inputs[0].Type); err != nil {
		t.Errorf("%v\n%s", err, m.Spec)
	}
}

// Real models, whose kinds are known from their documentation.
func TestInspectRealModels(t *testing.T) {
	needRuntime(t)
	for name, want := range map[string]struct {
		kind  preprocess.Kind
		fixed int64
	}{
		"mnist-cntk":                {preprocess.Logits, 1},
		"squeezenet1.1-fp32":        {preprocess.Probabilities, 0},
		"squeezenet1.1-fp16":        {preprocess.Probabilities, 1},
		"mobilenetv2-1.0-224-uint8": {preprocess.Probabilities, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := classify.InspectModel(t.Context(), shared(t, "models", name, "model.onnx"))
			if err != nil {
				t.Fatal(err)
			}
			checkSpec(t, got)
			s, err := preprocess.Parse([]byte(got.Spec))
			if err != nil || s.Output.Kind != want.kind || got.FixedBatch != want.fixed {
				t.Errorf("%v, kind %s, fixed batch %d, want %+v", err, s.Output.Kind, got.FixedBatch, want)
			}
		})
	}
}

func TestInspectModelErrors(t *testing.T) {
	needRuntime(t)
	for path, want := range map[string]string{
		"none.onnx": "no such file", demo(t, "labels.txt"): "cannot be loaded", t.TempDir(): "a folder",
	} {
		if _, err := classify.InspectModel(t.Context(), path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
}

func TestCheckModelOnRealGolden(t *testing.T) {
	needRuntime(t)
	dir := shared(t, "models", "mnist-cntk")
	check := classify.ModelCheck{Model: filepath.Join(dir, "model.onnx"), Tolerance: 1e-3, Batch: 8}
	set := filepath.Join(dir, "test_data_set_1")
	for _, tt := range []struct {
		name   string
		golden []string
		n      int
	}{
		{"folder of sets", []string{dir}, 3},
		{"a set", []string{set}, 1},
		{"two sets", []string{set, filepath.Join(dir, "test_data_set_0")}, 2},
		{"files", []string{filepath.Join(set, "output_0.pb"), filepath.Join(set, "input_0.pb")}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check.Golden = tt.golden
			got, err := classify.CheckModel(t.Context(), check)
			if err != nil {
				t.Fatal(err)
			}
			if !got.OK || len(got.Golden) != tt.n || !got.Golden[0].OK || got.Golden[0].Relative > 1e-4 || got.Golden[0].Elements != 10 {
				t.Errorf("got %+v", got)
			}
			if s := got.Slots; s == nil || !s.Equal || s.FixedBatch != 1 || s.Compared == 0 {
				t.Errorf("slots %+v", s)
			}
		})
	}
	check.Golden, check.Tolerance = []string{set}, 0
	if got, err := classify.CheckModel(t.Context(), check); err != nil || got.OK || got.Golden[0].OK || got.Golden[0].Outside == 0 {
		t.Errorf("tolerance 0: %+v, %v", got, err)
	}
	// The output of one set for the input of another.
	check.Tolerance = 1e-3
	check.Golden = []string{mixedSets(t, filepath.Join(set, "input_0.pb"), filepath.Join(dir, "test_data_set_0", "output_0.pb"))}
	if got, err := classify.CheckModel(t.Context(), check); err != nil || got.OK || got.Golden[0].Absolute < 1 {
		t.Errorf("mixed sets: %+v, %v", got, err)
	}
}

// mixedSets is a folder with a copy of each file.
func mixedSets(t *testing.T, paths ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(path)), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCheckModelSlots(t *testing.T) {
	needRuntime(t)
	for name, fixed := range map[string]int{"batch1.onnx": 1, "float16.onnx": 0, "uint8.onnx": 0} {
		got, err := classify.CheckModel(t.Context(), classify.ModelCheck{Model: demo(t, "models", name), Batch: 4})
		if err != nil {
			t.Fatal(err)
		}
		s := got.Slots
		if !got.OK || s == nil || s.Batch != 4 || s.FixedBatch != fixed || s.Compared != 30+4 || len(got.Golden) != 0 {
			t.Errorf("%s: %+v, slots %+v", name, got, s)
		}
	}
}

func TestCheckModelErrors(t *testing.T) {
	needRuntime(t)
	empty, half := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(half, "input_0.pb"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	model := demo(t, "model.onnx")
	for _, tt := range []struct {
		check classify.ModelCheck
		want  string
	}{
		{classify.ModelCheck{Model: "none.onnx", Batch: 8}, "no such file"},
		{classify.ModelCheck{Model: model, Batch: 8, Device: "gpu"}, `--device "gpu": cpu, cuda`},
		{classify.ModelCheck{Model: model, Batch: 8, Golden: []string{"none"}}, "--golden: stat none: no such file"},
		{classify.ModelCheck{Model: model, Batch: 8, Golden: []string{empty}}, "no input_0.pb with output_0.pb there"},
		{classify.ModelCheck{Model: model, Batch: 8, Golden: []string{half}}, "inputs and outputs are needed, there are 1 and 0"},
		{classify.ModelCheck{Model: model, Batch: 8, Golden: []string{model}}, "the names of golden files are input_0.pb"},
	} {
		if _, err := classify.CheckModel(t.Context(), tt.check); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: error %v, want %q", tt.check, err, tt.want)
		}
	}
}

// A job on the CPU has the same parameters, byte for byte, as before there was a choice.
func TestDeviceInParams(t *testing.T) {
	for text, want := range map[string]string{
		"cpu": "", "": "", "cuda": `"device":"cuda"`, "cuda:0": `"device":"cuda"`, "cuda:1": `"device":"cuda:1"`, "gpu": `"device":"gpu"`,
	} {
		p := classify.Defaults()
		p.Device = classify.NormalDevice(text)
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if want == "" && strings.Contains(string(b), "device") || !strings.Contains(string(b), want) {
			t.Errorf("%q: %s, want %q", text, b, want)
		}
	}
	for text, ok := range map[string]bool{"": true, "cpu": true, "openvino": true, "gpu": false} {
		if err := classify.CheckDevice(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestRuntimeProviders(t *testing.T) {
	needRuntime(t)
	list, err := classify.RuntimeProviders()
	if err != nil || !slices.Contains(list, "CPUExecutionProvider") {
		t.Errorf("%q, %v", list, err)
	}
}
