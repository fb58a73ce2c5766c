package onnx

import (
	"fmt"
	"slices"
)

// maxBytes bounds the memory of a batch, so that a nonsense shape is an error
// and not a failed allocation.
const maxBytes = 4 << 30

// layout says how a model's input and output lie over the memory of a batch.
type layout struct {
	input, output Tensor  // as the model declares them
	inDims        []int64 // one input row: the dimensions after the batch
	outDims       []int64 // one output row
	inRow, outRow int     // elements of a row
	fixed         int     // rows of every run, 0 when the batch is dynamic
	batch         int     // slots
	vectors       []vector
}

// newLayout fits the options to the model.
func newLayout(m Model, o Options) (layout, error) {
	var l layout
	var err error
	if l.input, err = imageInput(m.Inputs); err != nil {
		return layout{}, err
	}
	if l.inDims, err = inputDims(l.input, o.Row); err != nil {
		return layout{}, err
	}
	if err = l.pickScores(m, o); err != nil {
		return layout{}, err
	}
	if err = l.pickVectors(m, o.Outputs); err != nil {
		return layout{}, err
	}
	if l.fixed, err = fixedBatch(l.input, l.outputs()); err != nil {
		return layout{}, err
	}
	l.batch = o.Batch
	if l.fixed > 0 {
		l.batch = (o.Batch + l.fixed - 1) / l.fixed * l.fixed
	}
	return l, l.size()
}

// size counts the elements of the rows and refuses what cannot be held.
func (l *layout) size() error {
	l.inRow = elements(l.inDims)
	if l.outDims != nil {
		l.outRow = elements(l.outDims)
	}
	rows := []int{l.inRow * l.input.Type.size(), l.outRow * l.output.Type.size()}
	for _, v := range l.vectors {
		rows = append(rows, v.row*v.tensor.Type.size())
	}
	if slices.Max(rows) > maxBytes/l.batch {
		return fmt.Errorf("a batch of %d rows of %s with %s takes over %d bytes", l.batch, l.input, describe(l.outputs()), maxBytes)
	}
	return nil
}

// elements returns the product of dims, or maxBytes where it is larger.
func elements(dims []int64) int {
	n := int64(1)
	for _, d := range dims {
		if d > maxBytes/n {
			return maxBytes
		}
		n *= d
	}
	return int(n)
}

// imageInput returns the only input of a model that takes images.
func imageInput(inputs []Tensor) (Tensor, error) {
	if len(inputs) != 1 {
		return Tensor{}, fmt.Errorf("a model with exactly one image input is needed, this one has %d inputs: %s", len(inputs), describe(inputs))
	}
	in := inputs[0]
	if in.Type.size() == 0 {
		return Tensor{}, fmt.Errorf("input %s: its type is not one of float32, float16, uint8", in)
	}
	if len(in.Shape) != 4 {
		return Tensor{}, fmt.Errorf("input %s: an image input has four dimensions", in)
	}
	return in, nil
}

// pickOutput returns the output called name, or the first one when name is empty.
func pickOutput(outputs []Tensor, name string) (Tensor, error) {
	i := 0
	if name != "" {
		i = slices.IndexFunc(outputs, func(t Tensor) bool { return t.Name == name })
	}
	if i < 0 || i >= len(outputs) {
		return Tensor{}, fmt.Errorf("no output %q; the outputs are: %s", name, describe(outputs))
	}
	if outputs[i].Type.size() == 0 {
		return Tensor{}, fmt.Errorf("output %s: its type is not one of float32, float16, uint8; name another output, if one fits, out of: %s", outputs[i], describe(outputs))
	}
	return outputs[i], nil
}

// inputDims returns the dimensions of one input row: the model's, and row's
// where the model leaves them open.
func inputDims(in Tensor, row []int64) ([]int64, error) {
	dims := slices.Clone(in.Shape[1:])
	if row != nil && len(row) != len(dims) {
		return nil, fmt.Errorf("input %s: rows of shape %v do not fit", in, row)
	}
	for i, d := range dims {
		if d < 0 && row != nil {
			dims[i] = row[i]
		}
		if dims[i] < 1 {
			return nil, fmt.Errorf("input %s: the size of an image is open", in)
		}
		if row != nil && row[i] != dims[i] {
			return nil, fmt.Errorf("input %s: rows of shape %v do not fit", in, row)
		}
	}
	return dims, nil
}

// outputDims returns the dimensions of one output row, of which one at most may
// be larger than 1: the classes. Where the model leaves that one open it is the
// number given.
func outputDims(out Tensor, classes int) ([]int64, error) {
	if len(out.Shape) < 2 {
		return nil, fmt.Errorf("output %s: rows of scores have a batch and a class dimension", out)
	}
	dims := slices.Clone(out.Shape[1:])
	wide := 0
	for _, d := range dims {
		if d > 1 {
			wide++
		}
	}
	for i, d := range dims {
		if d >= 0 {
			continue
		}
		dims[i] = 1
		if wide == 0 {
			dims[i] = int64(classes)
			wide++
		}
	}
	if wide > 1 {
		return nil, fmt.Errorf("output %s: one score for each class is needed, this is more than a list", out)
	}
	if slices.Contains(dims, 0) {
		return nil, fmt.Errorf("output %s: the number of classes is open", out)
	}
	return dims, nil
}

// fixedBatch returns the batch that the model demands, 0 for any.
func fixedBatch(in Tensor, outs []Tensor) (int, error) {
	fixed := max(in.Shape[0], 0)
	for _, out := range outs {
		a, b := fixed, max(out.Shape[0], 0)
		if a > 0 && b > 0 && a != b || in.Shape[0] == 0 || out.Shape[0] == 0 || max(a, b) > maxBytes {
			return 0, fmt.Errorf("input %s and output %s disagree about the batch", in, out)
		}
		fixed = max(a, b)
	}
	return int(fixed), nil
}
