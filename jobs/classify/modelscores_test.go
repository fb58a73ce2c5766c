package classify

import (
	"math"
	"testing"

	"github.com/shardmill/shardmill/jobs/classify/internal/preprocess"
)

func TestFloatKind(t *testing.T) {
	nan := float32(math.NaN())
	for _, tt := range []struct {
		name string
		rows [][]float32
		want preprocess.Kind
	}{
		{"logits", [][]float32{{-3, 5}, {0, 1}}, preprocess.Logits},
		{"softmax", [][]float32{{0.25, 0.75}, {0, 1}}, preprocess.Probabilities},
		{"rounded softmax", [][]float32{{0.25, 0.745}, {0, 1.00001}}, preprocess.Probabilities},
		{"sigmoids", [][]float32{{0.9, 0.8}, {0.1, 0.2}}, preprocess.Probabilities},
		{"below 0 once", [][]float32{{0.5, 0.5}, {-0.01, 1}}, preprocess.Logits},
		{"not a number", [][]float32{{0.5, 0.5}, {nan, 1}}, preprocess.Logits},
	} {
		if got, why := floatKind(tt.rows); got.Kind != tt.want || why == "" {
			t.Errorf("%s: %s because %s, want %s", tt.name, got.Kind, why, tt.want)
		}
	}
}

func TestQuantisedKind(t *testing.T) {
	for _, tt := range []struct {
		rows [][]float32
		want float64
	}{
		{[][]float32{{255, 0}, {100, 155}}, 1. / 255},
		{[][]float32{{128, 128}, {100, 156}}, 1. / 256},
		{[][]float32{{3, 200}, {255, 255}}, 1. / 256},
	} {
		if got, _ := quantisedKind(tt.rows); got.Kind != preprocess.Quantised || got.Scale != tt.want {
			t.Errorf("%v: %+v, want %v", tt.rows, got, tt.want)
		}
	}
}

func TestOneLine(t *testing.T) {
	if got := oneLine("a\nb\tc\u2028d é"); got != "a b c d é" {
		t.Errorf("%q", got)
	}
}

func TestSortNumbered(t *testing.T) {
	paths := []string{"input_10.pb", "input_2.pb", "input_0.pb"}
	sortNumbered(paths)
	if paths[0] != "input_0.pb" || paths[1] != "input_2.pb" || paths[2] != "input_10.pb" {
		t.Errorf("%q", paths)
	}
}
