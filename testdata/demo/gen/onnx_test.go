package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"image"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ort "github.com/yalue/onnxruntime_go"
)

// A model of one node, byte by byte. The bytes were written by another program from onnx.proto.
func TestEncodeGolden(t *testing.T) {
	m := model{
		name: "g", input: value{"x", typeFloat, []int64{0, 2}}, output: value{"y", typeUint8, []int64{1}},
		nodes:   []node{{"Relu", []string{"x"}, "y", []attr{{"k", []int64{3, 1}, false}, {"a", []int64{1}, true}}}},
		weights: []weight{{"w", []int64{1}, []float32{1}}},
	}
	want := []string{
		"0808", // ir_version
		"121b73686172646d696c6c2074657374646174612f64656d6f2f67656e", // producer_name
		"3a60", // graph
		"0a250a01781201791a0179220452656c752a0a0a016b40034001a001072a080a01611801a00102", // its node
		"120167",                         // name
		"2a0d080110014201774a040000803f", // initializer
		"5a140a0178120f0a0d080112090a0312014e0a020802", // input, N x 2
		"620f0a0179120a0a08080212040a020801",           // output, 1
		"42040a00100d",                                 // opset_import
	}
	if got := hex.EncodeToString(m.encode()); got != strings.Join(want, "") {
		t.Errorf("got  %s\nwant %s", got, strings.Join(want, ""))
	}
}

// runtimeOrSkip loads ONNX Runtime where the environment says it is.
func runtimeOrSkip(t *testing.T) {
	t.Helper()
	lib := os.Getenv("ONNXRUNTIME_LIB")
	if lib == "" {
		t.Skip("ONNXRUNTIME_LIB is not set: the models are not run")
	}
	ort.SetSharedLibraryPath(lib)
	if err := ort.InitializeEnvironment(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ort.DestroyEnvironment(); err != nil {
			t.Error(err)
		}
	})
}

// Every model gives in ONNX Runtime what the forward pass here gives.
func TestModelsInRuntime(t *testing.T) {
	runtimeOrSkip(t)
	h := trained(t)
	var crops [][]byte
	files := shipped(t)
	for _, r := range rows(t) {
		if img, _, err := image.Decode(bytes.NewReader(files[r.path])); err == nil {
			crops = append(crops, crop(img))
		}
	}
	for name, m := range models(h) {
		t.Run(name, func(t *testing.T) {
			batch := 5
			if m.input.dims[0] > 0 {
				batch = int(m.input.dims[0])
			}
			for at := 0; at+batch <= len(crops); at += batch {
				got := runModel(t, filepath.Join(demo, name), m, crops[at:at+batch])
				for i, c := range crops[at : at+batch] {
					compare(t, m, h.logits(describe(tensor(c))), got[i])
				}
			}
		})
	}
}

// compare checks the scores of one picture against the logits of the six classes.
func compare(t *testing.T, m model, want, got []float64) {
	t.Helper()
	tolerance := 1e-3
	switch m.output.elem {
	case typeFloat16:
		tolerance = 0.1
	case typeUint8:
		want, tolerance = softmax255(want), 1
	}
	if len(got) == len(want)+1 { // the seventh class
		want = append(want, got[len(want)])
		if got[len(want)-1] != -100 {
			t.Errorf("the extra class scores %v", got[len(want)-1])
		}
	}
	if len(got) != len(want) || argmax(got) != argmax(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if math.Abs(got[i]-want[i]) > tolerance {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func softmax255(logits []float64) []float64 {
	sum, out := 0.0, make([]float64, len(logits))
	for i, v := range logits {
		out[i] = math.Exp(v)
		sum += out[i]
	}
	for i := range out {
		out[i] = math.Round(255 * out[i] / sum)
	}
	return out
}

// runModel runs one batch and gives the scores of each picture.
func runModel(t *testing.T, path string, m model, crops [][]byte) [][]float64 {
	t.Helper()
	var in []byte
	for _, c := range crops {
		in = append(in, slot(m.input.elem, c)...)
	}
	classes := int(m.output.dims[1])
	width := map[uint64]int{typeFloat: 4, typeFloat16: 2, typeUint8: 1}
	out := make([]byte, len(crops)*classes*width[m.output.elem])
	shape := func(v value) ort.Shape {
		s := ort.Shape(append([]int64{int64(len(crops))}, v.dims[1:]...))
		return s
	}
	x, err := ort.NewCustomDataTensor(shape(m.input), in, ort.TensorElementDataType(m.input.elem))
	if err != nil {
		t.Fatal(err)
	}
	y, err := ort.NewCustomDataTensor(shape(m.output), out, ort.TensorElementDataType(m.output.elem))
	if err != nil {
		t.Fatal(err)
	}
	s, err := ort.NewDynamicAdvancedSession(path, []string{m.input.name}, []string{m.output.name}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run([]ort.Value{x}, []ort.Value{y}); err != nil {
		t.Fatal(err)
	}
	scores := make([][]float64, len(crops))
	for i := range scores {
		for c := range classes {
			w := width[m.output.elem]
			scores[i] = append(scores[i], number(m.output.elem, y.GetData()[(i*classes+c)*w:]))
		}
	}
	for _, d := range []interface{ Destroy() error }{s, x, y} {
		if err := d.Destroy(); err != nil {
			t.Error(err)
		}
	}
	return scores
}

// slot is the input of one crop as bytes.
func slot(elem uint64, crop []byte) []byte {
	if elem == typeUint8 {
		return crop
	}
	var out []byte
	for _, v := range tensor(crop) {
		if elem == typeFloat16 {
			out = binary.LittleEndian.AppendUint16(out, half(v))
		} else {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
		}
	}
	return out
}

func number(elem uint64, b []byte) float64 {
	switch elem {
	case typeUint8:
		return float64(b[0])
	case typeFloat16:
		h := binary.LittleEndian.Uint16(b)
		v := math.Ldexp(float64(h&0x3ff|0x400), int(h>>10&31)-25)
		return math.Copysign(v, float64(int16(h))) // normal numbers only
	}
	return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
}

// half is binary16 cut off towards zero, for |v| of 2^-14 to 1 or 0.
func half(v float32) uint16 {
	b := math.Float32bits(v)
	exp := int(b>>23&255) - 127 + 15
	if exp <= 0 {
		return 0
	}
	return uint16(b>>16&0x8000) | uint16(exp<<10) | uint16(b>>13&0x3ff)
}
