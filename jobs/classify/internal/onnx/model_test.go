package onnx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
)

// The little models of these tests are written here, field by field, after
// onnx.proto3. Numbers of element types: float 1, uint8 2, int64 7, float16 10.

func field(num protowire.Number, body []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), body)
}

func word(num protowire.Number, text string) []byte { return field(num, []byte(text)) }

func number(num protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), uint64(v))
}

func join(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// port is an input or output of a test model; dimension -1 is symbolic.
type port struct {
	name string
	elem int64
	dims []int64
}

func (p port) bytes() []byte {
	var shape []byte
	for i, d := range p.dims {
		dim := number(1, d)
		if d < 0 {
			dim = word(2, string(rune('N'+i)))
		}
		shape = append(shape, field(1, dim)...)
	}
	tensor := join(number(1, p.elem), field(2, shape))
	return join(word(1, p.name), field(2, field(1, tensor)))
}

// op is a node of a test model.
type op struct {
	kind    string
	in, out []string
	attrs   [][]byte
}

func (o op) bytes() []byte {
	var b []byte
	for _, name := range o.in {
		b = append(b, word(1, name)...)
	}
	for _, name := range o.out {
		b = append(b, word(2, name)...)
	}
	b = append(b, word(4, o.kind)...)
	for _, a := range o.attrs {
		b = append(b, field(5, a)...)
	}
	return b
}

func intAttr(name string, v int64) []byte { return join(word(1, name), number(3, v), number(20, 2)) }

func intsAttr(name string, v int64) []byte { return join(word(1, name), number(8, v), number(20, 7)) }

// writeModel writes a model file of opset 13 and returns its path.
func writeModel(t testing.TB, ops []op, inputs, outputs []port) string {
	t.Helper()
	graph := word(2, "test")
	for _, o := range ops {
		graph = append(graph, field(1, o.bytes())...)
	}
	for _, p := range inputs {
		graph = append(graph, field(11, p.bytes())...)
	}
	for _, p := range outputs {
		graph = append(graph, field(12, p.bytes())...)
	}
	model := join(number(1, 8), field(8, join(word(1, ""), number(2, 13))), field(7, graph))
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(path, model, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// echoModel writes a model whose scores are its pixels: [batch,1,1,classes] to
// [batch,classes].
func echoModel(t testing.TB, elem, batch, classes int64) string {
	t.Helper()
	return writeModel(t,
		[]op{{kind: "Flatten", in: []string{"image"}, out: []string{"scores"}}},
		[]port{{"image", elem, []int64{batch, 1, 1, classes}}},
		[]port{{"scores", elem, []int64{batch, classes}}})
}

// maxModel writes a model whose rows depend on each other: each pixel plus the
// largest in its place over the whole batch.
func maxModel(t testing.TB, batch, classes int64) string {
	t.Helper()
	return writeModel(t,
		[]op{
			{kind: "Flatten", in: []string{"image"}, out: []string{"flat"}},
			{kind: "ReduceMax", in: []string{"flat"}, out: []string{"max"}, attrs: [][]byte{intsAttr("axes", 0), intAttr("keepdims", 1)}},
			{kind: "Add", in: []string{"flat", "max"}, out: []string{"scores"}},
		},
		[]port{{"image", 1, []int64{batch, 1, 1, classes}}},
		[]port{{"scores", 1, []int64{batch, classes}}})
}

func TestInspect(t *testing.T) {
	rt := needRuntime(t)
	path := writeModel(t,
		[]op{
			{kind: "Flatten", in: []string{"image"}, out: []string{"scores"}},
			{kind: "ArgMax", in: []string{"scores"}, out: []string{"best"}, attrs: [][]byte{intAttr("axis", 1)}},
		},
		[]port{{"image", 1, []int64{-1, 3, -1, 2}}},
		[]port{{"scores", 1, []int64{-1, -1}}, {"best", 7, []int64{-1, 1}}})
	got, err := Inspect(rt, path)
	if err != nil {
		t.Fatal(err)
	}
	want := Model{
		Inputs:  []Tensor{{"image", Float32, []int64{-1, 3, -1, 2}}},
		Outputs: []Tensor{{"scores", Float32, []int64{-1, -1}}, {"best", "int64", []int64{-1, 1}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got, want := describe(got.Inputs), "image float32 [N,3,?,2]"; got != want {
		t.Errorf("described as %q, want %q", got, want)
	}
	if _, loaded := library.active(); loaded {
		t.Error("the library is still in use after Inspect")
	}
}

func TestBrokenModelFiles(t *testing.T) {
	rt := needRuntime(t)
	whole, err := os.ReadFile(echoModel(t, 1, 1, 4))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct{ name, path, want string }{
		{"absent", filepath.Join(dir, "none.onnx"), "no such file"},
		{"folder", dir, "a folder, not an ONNX file"},
		{"empty", file("empty.onnx", nil), "the file is empty"},
		{"text", file("text.onnx", []byte("hello, this is no model")), "cannot be loaded"},
		{"cut short", file("cut.onnx", whole[:len(whole)-9]), "cannot be loaded"},
		{"unknown operator", writeModel(t, []op{{kind: "Frobnicate", in: []string{"image"}, out: []string{"scores"}}},
			[]port{{"image", 1, []int64{1, 1, 1, 4}}}, []port{{"scores", 1, []int64{1, 4}}}), "Frobnicate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, inspected := Inspect(rt, tt.path)
			_, opened := Open(rt, tt.path, Options{})
			for _, err := range []error{inspected, opened} {
				if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.path) {
					t.Errorf("error %v, want the path and %q", err, tt.want)
				}
			}
		})
	}
	if _, loaded := library.active(); loaded {
		t.Error("a failed Open keeps the library")
	}
}
