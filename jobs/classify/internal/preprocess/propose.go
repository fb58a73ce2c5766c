package preprocess

import (
	"fmt"
	"strings"
)

// imagenetSide is the usual size of a crop, for which a model usually has the
// normalisation of ImageNet.
const imagenetSide = 224

// Propose writes a spec that fits a model's input, of the shape (batch first, -1
// where it is dynamic) and element type given, as YAML with comments that say what
// is known and what is a guess. The input does not tell how samples are
// normalised, nor how images are cut. The output's kind is explained by why.
func Propose(shape []int64, elem string, out Output, why string, labelOffset int) ([]byte, error) {
	layout, depth, height, width, err := imageShape(shape)
	if err != nil {
		return nil, err
	}
	elemType := Type(elem)
	if !Float.holds(elem) && elemType != Uint8 {
		return nil, fmt.Errorf("the model wants %s %s: images are float32, float16 or uint8", elem, shapeText(shape))
	}
	var b strings.Builder
	line := func(text, why string) { fmt.Fprintf(&b, "%-40s # %s\n", text, why) }
	line("layout: "+string(layout), "from the input's shape")
	if depth == 1 {
		line("channels: gray", "from the input's shape")
	} else {
		line("channels: RGB", "a guess: it may be BGR")
	}
	line("type: "+elem, "from the input")
	proposeSize(line, shape, height, width)
	proposeValues(line, elemType, depth, height, width)
	kind := string(out.Kind)
	if out.Kind == Quantised {
		kind += fmt.Sprintf(", scale: %v, zero_point: %d", out.Scale, out.ZeroPoint)
	}
	line("output: {kind: "+kind+"}", why)
	if labelOffset != 0 {
		line(fmt.Sprintf("label_offset: %d", labelOffset), "a guess: 1001 scores are often ImageNet's labels after a background class")
	}
	return []byte(b.String()), nil
}

// imageShape tells layout and size of the images of an input; an open size is imagenetSide, an open depth 3.
func imageShape(shape []int64) (l Layout, depth, height, width int64, err error) {
	if len(shape) != 4 {
		return "", 0, 0, 0, fmt.Errorf("the input's shape is %s: images have four dimensions", shapeText(shape))
	}
	l = layoutOf(shape)
	if l == "" && (shape[1] == -1 || shape[3] == -1) {
		l = NCHW
		if shape[1] != -1 {
			l = NHWC
		}
	}
	depth, height, width = shape[1], shape[2], shape[3]
	if l == NHWC {
		height, width, depth = shape[1], shape[2], shape[3]
	}
	for _, open := range []struct {
		dim   *int64
		usual int64
	}{{&depth, 3}, {&height, imagenetSide}, {&width, imagenetSide}} {
		if *open.dim == -1 {
			*open.dim = open.usual
		}
	}
	if l == "" || depth != 1 && depth != 3 {
		return "", 0, 0, 0, fmt.Errorf("the input's shape is %s: neither dimension 2 nor 4 is 1 or 3 colours", shapeText(shape))
	}
	return l, depth, height, width, nil
}

func proposeSize(line func(text, why string), shape []int64, height, width int64) {
	size := "from the input's shape"
	for _, d := range shape[1:] {
		if d == -1 {
			size = "a guess: the model leaves the size open"
		}
	}
	if height == imagenetSide && width == imagenetSide {
		line("resize: shorter 256", "a guess: usual for ImageNet models")
		line("crop: 224x224", size)
		return
	}
	line(fmt.Sprintf("resize: %dx%d", width, height), size)
	line("crop: none", "a guess")
}

// proposeValues writes scale, mean and std where samples are not taken as they are.
func proposeValues(line func(text, why string), elem Type, depth, height, width int64) {
	const check = "a GUESS: check it against the model's documentation"
	switch {
	case elem == Uint8:
	case depth == 3 && height == imagenetSide && width == imagenetSide:
		line("scale: 0.00392156862745098", "1/255; "+check)
		line("mean: [0.485, 0.456, 0.406]", check)
		line("std: [0.229, 0.224, 0.225]", check)
	default:
		line("scale: 0.00392156862745098", "1/255, samples from 0 to 1; "+check)
	}
}
