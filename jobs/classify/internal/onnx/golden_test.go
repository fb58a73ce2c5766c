package onnx

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// tensorProto writes a TensorProto with the fields given after its shape and type.
func tensorProto(kind int64, dims []int64, rest ...[]byte) []byte {
	var b []byte
	for _, d := range dims {
		b = append(b, number(1, d)...)
	}
	return join(b, number(2, kind), join(rest...))
}

func float32s(values ...float32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func TestParseTensor(t *testing.T) {
	one := func(num protowire.Number, v float32) []byte {
		return protowire.AppendFixed32(protowire.AppendTag(nil, num, protowire.Fixed32Type), math.Float32bits(v))
	}
	double := protowire.AppendFixed64(nil, math.Float64bits(-0.1))
	minusTwo := protowire.AppendVarint(nil, 1<<64-2)
	for _, tt := range []struct {
		name string
		data []byte
		want []float64
	}{
		{"raw floats", tensorProto(1, shape(1, 2), field(9, float32s(1.5, -2))), []float64{1.5, -2}},
		{"packed floats", tensorProto(1, shape(2), field(4, float32s(1.5, -2))), []float64{1.5, -2}},
		{"floats one by one", tensorProto(1, shape(2), one(4, 1.5), one(4, -2)), []float64{1.5, -2}},
		{"packed dims", join(field(1, []byte{1, 2}), number(2, 1), field(9, float32s(3, 4))), []float64{3, 4}},
		{"a scalar", tensorProto(1, nil, field(9, float32s(7))), []float64{7}},
		{"bytes as int32_data", tensorProto(2, shape(2), field(5, []byte{9, 200, 1})), []float64{9, 200}},
		{"halves as int32_data", tensorProto(10, shape(1), number(5, 0x3c00)), []float64{1}},
		{"negative int8", tensorProto(3, shape(1), field(5, minusTwo)), []float64{-2}},
		{"negative int32", tensorProto(6, shape(1), field(5, minusTwo)), []float64{-2}},
		{"negative int64", tensorProto(7, shape(1), field(7, minusTwo)), []float64{-2}},
		{"raw int16", tensorProto(5, shape(1), field(9, []byte{0xfe, 0xff})), []float64{-2}},
		{"doubles", tensorProto(11, shape(1), field(10, double)), []float64{-0.1}},
		{"uint64", tensorProto(13, shape(1), number(11, 5)), []float64{5}},
		{"bool", tensorProto(9, shape(2), field(9, []byte{1, 0})), []float64{1, 0}},
		{"no elements", tensorProto(1, shape(0, 4)), []float64{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, err := parseTensor(tt.data)
			if err != nil {
				t.Fatal(err)
			}
			if got := g.elements(g.bytes); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestParseTensorErrors(t *testing.T) {
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "data type 0"},
		{"text", []byte("hello"), ""},
		{"strings", tensorProto(8, shape(1), word(6, "a")), "data type 8"},
		{"too few", tensorProto(1, shape(3), field(9, float32s(1, 2))), "needs 12 bytes of data, there are 8"},
		{"too many", tensorProto(1, shape(1), field(4, float32s(1, 2))), "needs 4 bytes of data, there are 8"},
		{"external", tensorProto(1, shape(1), entry(13, "location", "w.bin")), "another file"},
		{"huge", tensorProto(1, shape(1<<40, 1<<40)), "out of range"},
		{"overflow", tensorProto(1, shape(1<<31, 1<<31, 1<<31)), "out of range"},
		{"overflow to nothing", tensorProto(1, shape(1<<32, 1<<32)), "out of range"},
		{"negative", tensorProto(1, shape(-1)), "out of range"},
		{"half a float", tensorProto(1, shape(1), field(4, []byte{1, 2, 3})), "damaged"},
		{"a varint for a float", tensorProto(1, shape(1), number(4, 1)), "damaged"},
	} {
		if _, err := parseTensor(tt.data); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}

func FuzzParseTensor(f *testing.F) {
	f.Add(tensorProto(1, shape(1, 2), field(9, float32s(1.5, -2))))
	f.Add(tensorProto(10, shape(1), number(5, 0x3c00)))
	f.Add(tensorProto(1, shape(1<<32, 1<<32)))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := parseTensor(data)
		if err != nil {
			return
		}
		n := int64(1)
		for _, d := range g.Shape {
			n *= d
		}
		if got := len(g.elements(g.bytes)); int64(got) != n {
			t.Errorf("%d elements in shape %v", got, g.Shape)
		}
	})
}

func TestDifference(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, tt := range []struct {
		name      string
		got, want []float64
		tolerance float64
		expect    Difference
	}{
		{"equal", []float64{1, nan, inf, -inf}, []float64{1, nan, inf, -inf}, 0, Difference{Elements: 4}},
		{"within", []float64{1.25}, []float64{1}, 0.25, Difference{Elements: 1, Absolute: 0.25, Relative: 0.25}},
		{"beyond", []float64{1.5}, []float64{1}, 0.25, Difference{Elements: 1, Absolute: 0.5, Relative: 0.5, Outside: 1}},
		{"relative to large ones", []float64{1001}, []float64{1000}, 0.001, Difference{Elements: 1, Absolute: 1, Relative: 0.001}},
		{"absolute for small ones", []float64{0.002}, []float64{0.001}, 0.001, Difference{Elements: 1, Absolute: 0.001, Relative: 1}},
		{"zero has no relative", []float64{0.5}, []float64{0}, 1, Difference{Elements: 1, Absolute: 0.5}},
		{"not a number", []float64{nan, 1}, []float64{1, nan}, 1e6, Difference{Elements: 2, Outside: 2}},
		{"infinitely far", []float64{inf, -inf}, []float64{1, inf}, 1e6, Difference{Elements: 2, Outside: 2}},
	} {
		if got := difference(tt.got, tt.want, tt.tolerance); got != tt.expect {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.expect)
		}
	}
}

// golden writes a tensor to a file and reads it.
func golden(t *testing.T, data []byte) Golden {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tensor.pb")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	g, err := ReadGolden(path)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestReplay(t *testing.T) {
	rt := needRuntime(t)
	path := echoModel(t, 1, -1, 2)
	input := golden(t, tensorProto(1, shape(2, 1, 1, 2), field(9, float32s(1, 2, 3, 4))))
	for _, tt := range []struct {
		name    string
		outputs []Golden
		outside int
		far     float64
	}{
		{"equal", []Golden{golden(t, tensorProto(1, shape(2, 2), field(9, float32s(1, 2, 3, 4))))}, 0, 0},
		{"by name", []Golden{golden(t, tensorProto(1, shape(2, 2), word(8, "scores"), field(9, float32s(1, 2, 3, 4))))}, 0, 0},
		{"different", []Golden{golden(t, tensorProto(1, shape(2, 2), field(9, float32s(1, 2, 3, 6))))}, 1, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Replay(rt, path, Device{}, []Golden{input}, tt.outputs, 1e-3)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 1 || got[0].Output != "scores" || got[0].Outside != tt.outside || got[0].Absolute != tt.far || got[0].Elements != 4 {
				t.Errorf("got %+v", got)
			}
		})
	}
	halves := echoModel(t, 10, -1, 2)
	half := tensorProto(10, shape(1, 1, 1, 2), field(9, []byte{0, 0x3c, 0, 0x40}))
	want := tensorProto(10, shape(1, 2), field(9, []byte{0, 0x3c, 0, 0x40}))
	if got, err := Replay(rt, halves, Device{}, []Golden{golden(t, half)}, []Golden{golden(t, want)}, 0); err != nil || got[0].Outside != 0 {
		t.Errorf("float16: %+v, %v", got, err)
	}
	if _, loaded := library.active(); loaded {
		t.Error("the library is still in use after Replay")
	}
}

func TestReplayErrors(t *testing.T) {
	rt := needRuntime(t)
	path := echoModel(t, 1, -1, 2)
	input := golden(t, tensorProto(1, shape(1, 1, 1, 2), field(9, float32s(1, 2))))
	output := golden(t, tensorProto(1, shape(1, 2), field(9, float32s(1, 2))))
	for _, tt := range []struct {
		name            string
		inputs, outputs []Golden
		want            string
	}{
		{"no input", nil, []Golden{output}, "0 golden inputs for the inputs image float32 [N,1,1,2]"},
		{"input shape", []Golden{output}, []Golden{output}, "its shape is [1 2], and the model's image float32 [N,1,1,2]"},
		{"output shape", []Golden{input}, []Golden{input}, "its shape is [1 1 1 2]"},
		{"more outputs", []Golden{input}, []Golden{output, output}, "the model has only scores float32 [N,2]"},
		{
			"type",
			[]Golden{golden(t, tensorProto(11, shape(1, 1, 1, 2), field(9, make([]byte, 16))))},
			[]Golden{output},
			"run on golden inputs",
		},
		{"rows", []Golden{input}, []Golden{golden(t, tensorProto(1, shape(2, 2), field(9, float32s(1, 2, 3, 4))))}, "run on golden inputs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Replay(rt, path, Device{}, tt.inputs, tt.outputs, 0)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestCompareSlots(t *testing.T) {
	for _, tt := range []struct {
		name  string
		path  string
		fixed int
		equal bool
	}{
		{"rows of their own", echoModel(t, 1, -1, 3), 0, true},
		{"float16", echoModel(t, 10, -1, 3), 0, true},
		{"bytes", echoModel(t, 2, -1, 3), 0, true},
		{"fixed batch of 1", echoModel(t, 1, 1, 3), 1, true},
		{"rows that see each other", maxModel(t, -1, 3), 0, false},
		{"rows that see each other in a fixed batch", maxModel(t, 4, 3), 4, false},
		{"rows that see nobody in a fixed batch of 1", maxModel(t, 1, 3), 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, tt.path, Options{Batch: 8})
			got, err := CompareSlots(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if (got.Different == 0) != tt.equal || got.Fixed != tt.fixed || got.Batch != 8 || got.Compared != 204+8 || got.Runs != 8+36+8 {
				t.Errorf("got %+v", got)
			}
			if !tt.equal && (got.Largest <= 0 || got.Filled < 1 || got.Slot >= got.Filled) {
				t.Errorf("first difference: %+v", got)
			}
		})
	}
}

func TestFills(t *testing.T) {
	for batch, want := range map[int][]int{
		1: {1}, 3: {1, 2, 3}, 8: {1, 2, 3, 4, 5, 6, 7, 8}, 64: {1, 2, 3, 4, 32, 63, 64},
	} {
		if got := fills(batch); !slices.Equal(got, want) {
			t.Errorf("%d: %v, want %v", batch, got, want)
		}
	}
}
