package onnx

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// shape is short for the tables.
func shape(dims ...int64) []int64 { return dims }

// one returns a model with one input and one output, both float32.
func one(in, out []int64) Model {
	return Model{Inputs: []Tensor{{"image", Float32, in}}, Outputs: []Tensor{{"scores", Float32, out}}}
}

func TestLayout(t *testing.T) {
	photo := shape(-1, 3, 224, 224)
	for _, tt := range []struct {
		name    string
		model   Model
		options Options
		want    layout // only the numbers
	}{
		{"dynamic", one(photo, shape(-1, 1000)), Options{Batch: 8}, layout{inRow: 150528, outRow: 1000, batch: 8}},
		{"trailing ones", one(photo, shape(-1, 1000, 1, 1)), Options{Batch: 8}, layout{inRow: 150528, outRow: 1000, batch: 8}},
		{"leading one", one(photo, shape(-1, 1, 1000)), Options{Batch: 8}, layout{inRow: 150528, outRow: 1000, batch: 8}},
		{"one class", one(photo, shape(-1, 1)), Options{Batch: 8}, layout{inRow: 150528, outRow: 1, batch: 8}},
		{"fixed at one", one(shape(1, 1, 28, 28), shape(1, 10)), Options{Batch: 8}, layout{inRow: 784, outRow: 10, fixed: 1, batch: 8}},
		{"fixed at four", one(shape(4, 1, 28, 28), shape(4, 10)), Options{Batch: 8}, layout{inRow: 784, outRow: 10, fixed: 4, batch: 8}},
		{"rounded up", one(shape(4, 1, 28, 28), shape(4, 10)), Options{Batch: 9}, layout{inRow: 784, outRow: 10, fixed: 4, batch: 12}},
		{"fixed above the wish", one(shape(16, 1, 28, 28), shape(16, 10)), Options{Batch: 8}, layout{inRow: 784, outRow: 10, fixed: 16, batch: 16}},
		{"only the output is fixed", one(photo, shape(1, 1000)), Options{Batch: 8}, layout{inRow: 150528, outRow: 1000, fixed: 1, batch: 8}},
		{"only the input is fixed", one(shape(2, 3, 4, 4), shape(-1, 10)), Options{Batch: 8}, layout{inRow: 48, outRow: 10, fixed: 2, batch: 8}},
		{"open size", one(shape(-1, 3, -1, -1), shape(-1, 10)), Options{Batch: 8, Row: shape(3, 32, 64)}, layout{inRow: 6144, outRow: 10, batch: 8}},
		{"size said twice", one(photo, shape(-1, 10)), Options{Batch: 8, Row: shape(3, 224, 224)}, layout{inRow: 150528, outRow: 10, batch: 8}},
		{"open classes", one(photo, shape(-1, -1)), Options{Batch: 8, Classes: 77}, layout{inRow: 150528, outRow: 77, batch: 8}},
		{"open trailing dimensions", one(photo, shape(-1, 1000, -1, -1)), Options{Batch: 8, Classes: 77}, layout{inRow: 150528, outRow: 1000, batch: 8}},
		{"known classes win", one(photo, shape(-1, 1000)), Options{Batch: 8, Classes: 77}, layout{inRow: 150528, outRow: 1000, batch: 8}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := newLayout(tt.model, tt.options)
			if err != nil {
				t.Fatal(err)
			}
			if got.inRow != tt.want.inRow || got.outRow != tt.want.outRow || got.fixed != tt.want.fixed || got.batch != tt.want.batch {
				t.Errorf("got rows of %d and %d, fixed %d, batch %d; want %+v", got.inRow, got.outRow, got.fixed, got.batch, tt.want)
			}
		})
	}
}

func TestLayoutRefusals(t *testing.T) {
	photo, scores := shape(-1, 3, 224, 224), shape(-1, 1000)
	in, out := Tensor{"image", Float32, photo}, Tensor{"scores", Float32, scores}
	best := Tensor{"best", "int64", shape(-1)}
	for _, tt := range []struct {
		name    string
		model   Model
		options Options
		want    string
	}{
		{"no input", Model{nil, []Tensor{out}}, Options{}, "has 0 inputs: none"},
		{"two inputs", Model{[]Tensor{in, {"mask", "bool", shape(-1)}}, []Tensor{out}}, Options{}, "has 2 inputs: image float32 [N,3,224,224], mask bool [N]"},
		{"input type", Model{[]Tensor{{"image", "int64", photo}}, []Tensor{out}}, Options{}, "image int64 [N,3,224,224]: its type is not"},
		{"input rank", one(shape(-1, 784), scores), Options{}, "four dimensions"},
		{"open size", one(shape(-1, 3, -1, 224), scores), Options{}, "the size of an image is open"},
		{"other size", one(photo, scores), Options{Row: shape(3, 299, 299)}, "rows of shape [3 299 299] do not fit"},
		{"other rank", one(photo, scores), Options{Row: shape(3, 299)}, "rows of shape [3 299] do not fit"},
		{"zero size", one(shape(-1, 3, 0, 4), scores), Options{}, "open"},
		{"negative size", one(shape(-1, 3, -1, 4), scores), Options{Row: shape(3, -5, 4)}, "open"},
		{"no output", Model{[]Tensor{in}, nil}, Options{}, "the outputs are: none"},
		{"no such output", Model{[]Tensor{in}, []Tensor{out}}, Options{Output: "logits"}, `no output "logits"; the outputs are: scores float32 [N,1000]`},
		{"output type", Model{[]Tensor{in}, []Tensor{best, out}}, Options{}, "best int64 [N]: its type is not"},
		{"output rank", one(photo, shape(1000)), Options{}, "a batch and a class dimension"},
		{"output of no rank", one(photo, nil), Options{}, "a batch and a class dimension"},
		{"feature map", one(photo, shape(-1, 7, 7, 1280)), Options{}, "more than a list"},
		{"open classes", one(photo, shape(-1, -1)), Options{}, "the number of classes is open"},
		{"no classes", one(photo, shape(-1, 0)), Options{}, "the number of classes is open"},
		{"batches disagree", one(shape(2, 3, 4, 4), shape(1, 10)), Options{}, "disagree about the batch"},
		{"no batch", one(shape(0, 3, 4, 4), shape(0, 10)), Options{}, "disagree about the batch"},
		{"huge image", one(shape(-1, 1<<40, 1<<40, 1<<40), scores), Options{}, "bytes"},
		{"huge output", one(photo, shape(-1, 1<<62)), Options{}, "bytes"},
		{"huge batch", one(shape(1<<62, 1, 1, 1), shape(1<<62, 1)), Options{}, "batch"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.options.Batch = 8
			_, err := newLayout(tt.model, tt.options)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestNamedOutput(t *testing.T) {
	m := Model{
		Inputs:  []Tensor{{"image", Uint8, shape(-1, 4, 4, 3)}},
		Outputs: []Tensor{{"best", "int64", shape(-1)}, {"scores", Float16, shape(-1, 10)}},
	}
	l, err := newLayout(m, Options{Batch: 2, Output: "scores"})
	if err != nil || l.output.Name != "scores" || l.outRow != 10 {
		t.Errorf("layout %+v, %v", l, err)
	}
}

// TestLayoutProperties feeds arbitrary shapes: a layout that is accepted holds
// together, and none makes it panic.
func TestLayoutProperties(t *testing.T) {
	dim := rapid.OneOf(rapid.Int64Range(-1, 6), rapid.Int64())
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOfN(dim, 3, 5).Draw(t, "in")
		out := rapid.SliceOfN(dim, 0, 4).Draw(t, "out")
		batch := rapid.IntRange(1, 1<<16).Draw(t, "batch")
		before := slices.Clone(in)
		l, err := newLayout(one(in, out), Options{Batch: batch, Classes: 3})
		if !slices.Equal(in, before) {
			t.Fatal("the model's shape was changed")
		}
		if err != nil {
			return
		}
		if l.batch < batch || l.fixed > 0 && l.batch%l.fixed != 0 || l.inRow < 1 || l.outRow < 1 || l.batch*l.inRow*4 > maxBytes || l.batch*l.outRow*4 > maxBytes {
			t.Fatalf("layout %+v of batch %d", l, batch)
		}
	})
}
