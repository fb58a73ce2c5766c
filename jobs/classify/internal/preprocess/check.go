package preprocess

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Check compares the spec with a model's input: its shape, batch first and -1
// where it is dynamic, and its element type, "float32", "float16" or "uint8".
func (s Spec) Check(shape []int64, elem string) error {
	if s.fits(shape, elem) {
		return nil
	}
	wants := elem + " " + shapeText(shape)
	if l := layoutOf(shape); l != "" {
		wants = string(l) + " " + wants
	}
	return fmt.Errorf("the model wants %s; %s gives %s: %w", wants, s.name(), s.gives(), advice(shape, elem))
}

func (s Spec) fits(shape []int64, elem string) bool {
	if len(shape) != 4 || !s.Type.holds(elem) {
		return false
	}
	for i, n := range s.shape() {
		if got := shape[i+1]; got != -1 && got != int64(n) {
			return false
		}
	}
	return true
}

func (t Type) holds(elem string) bool {
	return string(t) == elem || t == Float && (elem == string(Float32) || elem == string(Float16))
}

// shape gives the shape of one image's slot.
func (s Spec) shape() []int {
	w, h := s.Pixels(0).Size()
	if s.Layout == NHWC {
		return []int{h, w, s.Depth()}
	}
	return []int{s.Depth(), h, w}
}

func (s Spec) name() string {
	if s.Name == "" {
		return "the spec"
	}
	return s.Name
}

func (s Spec) gives() string {
	elem := s.Type
	if elem == Float {
		elem = Float32
	}
	n := s.shape()
	return fmt.Sprintf("%s %s %dx%dx%d", s.Layout, elem, n[0], n[1], n[2])
}

// advice names the presets that would do.
func advice(shape []int64, elem string) error {
	var fit []string
	for _, name := range Presets() {
		if p, _ := preset(name); p.fits(shape, elem) {
			fit = append(fit, name)
		}
	}
	if len(fit) == 0 {
		return errors.New("use a spec file")
	}
	return errors.New("use --preprocess " + strings.Join(fit, ", ") + " or a spec file")
}

// layoutOf guesses the layout by where the channels seem to be.
func layoutOf(shape []int64) Layout {
	colours := []int64{1, 3}
	switch {
	case len(shape) != 4:
		return ""
	case slices.Contains(colours, shape[1]):
		return NCHW
	case slices.Contains(colours, shape[3]):
		return NHWC
	default:
		return ""
	}
}

func shapeText(shape []int64) string {
	dims := make([]string, len(shape))
	for i, n := range shape {
		switch {
		case n >= 0:
			dims[i] = strconv.FormatInt(n, 10)
		case i == 0:
			dims[i] = "N"
		default:
			dims[i] = "?"
		}
	}
	return "[" + strings.Join(dims, ",") + "]"
}
