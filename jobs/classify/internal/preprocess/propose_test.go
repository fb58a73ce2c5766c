package preprocess

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPropose(t *testing.T) {
	logits := Output{Kind: Logits}
	for _, tt := range []struct {
		name   string
		shape  []int64
		elem   string
		out    Output
		offset int
		want   []string // beginnings of lines
	}{
		{"imagenet", []int64{-1, 3, 224, 224}, "float32", logits, 0, []string{
			"layout: NCHW ", "channels: RGB ", "type: float32 ", "resize: shorter 256 ", "crop: 224x224 ", "scale: 0.00392156862745098 ",
			"mean: [0.485, 0.456, 0.406] ", "std: [0.229, 0.224, 0.225] ", "output: {kind: logits} ",
		}},
		{"demo", []int64{1, 3, 56, 48}, "float16", Output{Kind: Probabilities}, 0, []string{
			"layout: NCHW ", "channels: RGB ", "type: float16 ", "resize: 48x56 ", "crop: none ", "scale: 0.00392156862745098 ",
			"output: {kind: probabilities} ",
		}},
		{"bytes", []int64{-1, 224, 224, 3}, "uint8", Output{Kind: Quantised, Scale: 0.00390625}, 1, []string{
			"layout: NHWC ", "channels: RGB ", "type: uint8 ", "resize: shorter 256 ", "crop: 224x224 ",
			"output: {kind: quantised, scale: 0.00390625, zero_point: 0} ", "label_offset: 1 ",
		}},
		{"gray", []int64{1, 1, 28, 28}, "float32", logits, 0, []string{
			"layout: NCHW ", "channels: gray ", "type: float32 ", "resize: 28x28 ", "crop: none ", "scale: 0.00392156862745098 ",
			"output: {kind: logits} ",
		}},
		{"open", []int64{-1, -1, -1, -1}, "float32", logits, 0, []string{
			"layout: NCHW ", "channels: RGB ", "type: float32 ", "resize: shorter 256 ", "crop: 224x224 ", "scale: 0.00392156862745098 ",
			"mean: [0.485, 0.456, 0.406] ", "std: [0.229, 0.224, 0.225] ", "output: {kind: logits} ",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, err := Propose(tt.shape, tt.elem, tt.out, "as it looks", tt.offset)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(text)), "\n")
			if !slices.EqualFunc(lines, tt.want, strings.HasPrefix) {
				t.Errorf("got\n%s\nwant lines that begin with %q", text, tt.want)
			}
		})
	}
}

func TestProposeSaysWhyNot(t *testing.T) {
	for _, tt := range []struct {
		shape []int64
		elem  string
		want  string
	}{
		{[]int64{-1, 784}, "float32", "four dimensions"},
		{[]int64{-1, 8, 8, 8}, "float32", "colours"},
		{[]int64{-1, 3, 8, 8}, "int64", "images are float32, float16 or uint8"},
	} {
		_, err := Propose(tt.shape, tt.elem, Output{Kind: Logits}, "", 0)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v %s: error %v, want %q", tt.shape, tt.elem, err, tt.want)
		}
	}
}

// Whatever is proposed is a spec that fits the model.
func TestProposedSpecFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dim := rapid.Int64Range(-1, 300).Filter(func(n int64) bool { return n != 0 })
		shape := []int64{-1, dim.Draw(t, "c"), dim.Draw(t, "h"), dim.Draw(t, "w")}
		if at := rapid.SampledFrom([]int{1, 3}).Draw(t, "colours at"); rapid.Bool().Draw(t, "colours") {
			shape[at] = rapid.SampledFrom([]int64{1, 3}).Draw(t, "depth")
		}
		elem := rapid.SampledFrom([]string{"float32", "float16", "uint8"}).Draw(t, "elem")
		out := rapid.SampledFrom([]Output{{Kind: Logits}, {Kind: Probabilities}, {Kind: Quantised, Scale: 1. / 255}}).Draw(t, "output")
		text, err := Propose(shape, elem, out, "why", rapid.IntRange(0, 1).Draw(t, "offset"))
		if err != nil {
			if slices.Contains([]int64{1, 3}, shape[1]) {
				t.Fatalf("%v: %v", shape, err)
			}
			return
		}
		s, err := Parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if err := s.Check(shape, elem); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if s.Output != out {
			t.Fatalf("output %+v, want %+v", s.Output, out)
		}
	})
}
