package onnx

import (
	"fmt"
	"strings"
	"testing"
)

// twoOutputs writes a model with scores, [batch,classes], and its pixels as they are, [batch,1,1,classes].
func twoOutputs(t testing.TB, elem, batch, classes int64) string {
	t.Helper()
	return writeModel(t,
		[]op{
			{kind: "Flatten", in: []string{"image"}, out: []string{"scores"}},
			{kind: "Neg", in: []string{"image"}, out: []string{"features"}},
		},
		[]port{{"image", elem, []int64{batch, 1, 1, classes}}},
		[]port{{"scores", elem, []int64{batch, classes}}, {"features", elem, []int64{batch, 1, 1, classes}}})
}

func TestVectors(t *testing.T) {
	const classes = 5
	for _, elem := range []int64{1, 10} {
		for _, batch := range []int64{-1, 1, 3} {
			for _, o := range []Options{
				{Batch: 6, Outputs: []string{"features"}},
				{Batch: 6, Outputs: []string{"scores", "features"}},
				{Batch: 6, Outputs: []string{"features", "scores"}, NoScores: true},
			} {
				t.Run(fmt.Sprintf("type %d batch %d %v", elem, batch, o.Outputs), func(t *testing.T) {
					checkVectors(t, open(t, twoOutputs(t, elem, batch, classes), o), o, classes)
				})
			}
		}
	}
}

func checkVectors(t *testing.T, s *Session, o Options, classes int) {
	t.Helper()
	if (s.Classes() == 0) != o.NoScores {
		t.Fatalf("%d classes", s.Classes())
	}
	for round, n := range []int{6, 1, 5, 2} {
		for i := range s.Batch() * classes {
			if s.Float32() != nil {
				s.Float32()[i] = float32(40*round + i)
			} else {
				s.Float16()[i] = narrow(40*round + i)
			}
		}
		if err := s.Run(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		got := make([]float32, classes)
		for i := range n * len(o.Outputs) {
			row, k := i/len(o.Outputs), i%len(o.Outputs)
			if s.VectorLen(k) != classes {
				t.Fatalf("vector %d has %d elements", k, s.VectorLen(k))
			}
			s.Vector(k, row, got)
			for c, v := range got {
				want := float32(40*round + row*classes + c)
				if o.Outputs[k] == "features" {
					want = -want
				}
				if v != want {
					t.Fatalf("run of %d: %s of row %d: element %d is %v, want %v", n, o.Outputs[k], row, c, v, want)
				}
			}
		}
	}
}

// TestVectorsAndScores: the scores are the same whatever else is computed.
func TestVectorsAndScores(t *testing.T) {
	s := open(t, twoOutputs(t, 1, -1, 4), Options{Outputs: []string{"features"}})
	value := func(row, class int) int { return 1 + row + class }
	fillEcho(s, value)
	checkEcho(t, s, 8, value)
}

func TestVectorRefusals(t *testing.T) {
	photo := shape(-1, 3, 224, 224)
	in := Tensor{"image", Float32, photo}
	model := Model{[]Tensor{in}, []Tensor{
		{"scores", Float32, shape(-1, 10)},
		{"best", "int64", shape(-1, 1)},
		{"open", Float32, shape(-1, -1)},
		{"alone", Float32, shape()},
		{"bytes", Uint8, shape(-1, 4)},
		{"two", Float32, shape(2, 4)},
		{"three", Float32, shape(3, 4)},
		{"map", Float16, shape(-1, 7, 7, 32)},
		{"huge", Float32, shape(-1, 1<<40)},
	}}
	for _, tt := range []struct {
		outputs []string
		want    string
	}{
		{[]string{"none"}, `no output "none"; the outputs are: scores`},
		{[]string{"best"}, "best int64 [N,1]: its type is not one of float32, float16"},
		{[]string{"bytes"}, "its type is not one of float32, float16"},
		{[]string{"open"}, "open float32 [N,?]: the size of a row is open"},
		{[]string{"alone"}, "no batch dimension"},
		{[]string{"two", "three"}, "disagree about the batch"},
		{[]string{"huge"}, "bytes"},
	} {
		_, err := newLayout(model, Options{Batch: 8, Outputs: tt.outputs})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: error %v, want %q", tt.outputs, err, tt.want)
		}
	}
	l, err := newLayout(model, Options{Batch: 7, Outputs: []string{"map", "two"}})
	if err != nil || l.fixed != 2 || l.batch != 8 || l.vectors[0].row != 7*7*32 || l.outRow != 10 {
		t.Errorf("layout %+v, %v", l, err)
	}
}
