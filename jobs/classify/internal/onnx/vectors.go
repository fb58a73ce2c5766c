package onnx

import (
	"errors"
	"fmt"
	"slices"

	ort "github.com/yalue/onnxruntime_go"
)

// vector is an output besides the scores, such as an embedding: a row of numbers for each slot, of any shape.
type vector struct {
	tensor Tensor
	dims   []int64 // one row
	row    int     // elements of a row
	scores bool    // it is the scores output: their memory is its own
	mem    memory
}

// pickScores finds the scores output, unless there is none.
func (l *layout) pickScores(m Model, o Options) (err error) {
	if o.NoScores {
		return nil
	}
	if l.output, err = pickOutput(m.Outputs, o.Output); err == nil {
		l.outDims, err = outputDims(l.output, o.Classes)
	}
	return err
}

// pickVectors finds the outputs called names.
func (l *layout) pickVectors(m Model, names []string) error {
	for _, name := range names {
		i := slices.IndexFunc(m.Outputs, func(t Tensor) bool { return t.Name == name })
		if i < 0 {
			return fmt.Errorf("no output %q; the outputs are: %s", name, describe(m.Outputs))
		}
		v := vector{tensor: m.Outputs[i], scores: name == l.output.Name}
		if v.tensor.Type != Float32 && v.tensor.Type != Float16 {
			return fmt.Errorf("output %s: its type is not one of float32, float16", v.tensor)
		}
		if len(v.tensor.Shape) == 0 {
			return fmt.Errorf("output %s: it has no batch dimension", v.tensor)
		}
		if v.dims = v.tensor.Shape[1:]; v.scores {
			v.dims = l.outDims
		}
		if slices.ContainsFunc(v.dims, func(d int64) bool { return d < 1 }) {
			return fmt.Errorf("output %s: the size of a row is open", v.tensor)
		}
		v.row = elements(v.dims)
		l.vectors = append(l.vectors, v)
	}
	return nil
}

// outputs lists what the library computes: the scores, if there are any, then the vectors.
func (l *layout) outputs() []Tensor {
	var all []Tensor
	if l.output.Name != "" {
		all = append(all, l.output)
	}
	for _, v := range l.vectors {
		if !v.scores {
			all = append(all, v.tensor)
		}
	}
	return all
}

func (l *layout) outputNames() []string {
	var names []string
	for _, t := range l.outputs() {
		names = append(names, t.Name)
	}
	return names
}

// allocate makes the memory of the outputs.
func (s *Session) allocate() (err error) {
	l := &s.layout
	if l.outRow > 0 {
		if s.out, err = newMemory(l.batch * l.outRow * l.output.Type.size()); err != nil {
			return err
		}
	}
	for i := range l.vectors {
		v := &l.vectors[i]
		if v.scores {
			continue
		}
		if v.mem, err = newMemory(l.batch * v.row * v.tensor.Type.size()); err != nil {
			return err
		}
	}
	return nil
}

// freeVectors frees the memory of the vectors.
func (s *Session) freeVectors() {
	for i := range s.layout.vectors {
		s.layout.vectors[i].mem.free()
	}
}

// outputsOver makes the tensors of the outputs over the slots from first on, in the order of outputs.
func (s *Session) outputsOver(first, rows int) (_ []ort.Value, err error) {
	var all []ort.Value
	defer func() {
		if err == nil {
			return
		}
		for _, t := range all {
			err = errors.Join(err, t.Destroy())
		}
	}()
	l := &s.layout
	if l.outRow > 0 {
		t, err := tensorOver(s.out, l.output.Type, l.outDims, l.outRow, first, rows)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	for _, v := range l.vectors {
		if v.scores {
			continue
		}
		t, err := tensorOver(v.mem, v.tensor.Type, v.dims, v.row, first, rows)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// VectorLen returns the number of elements of a row of output k of [Options.Outputs].
func (s *Session) VectorLen(k int) int { return s.layout.vectors[k].row }

// Vector copies row i of output k of [Options.Outputs], as of the last Run, to dst, which has VectorLen
// elements, in the order of the tensor's memory. Float16 is widened exactly.
func (s *Session) Vector(k, i int, dst []float32) {
	v := &s.layout.vectors[k]
	mem := v.mem
	if v.scores {
		mem = s.out
	}
	from, to := i*v.row, (i+1)*v.row
	if v.tensor.Type == Float32 {
		copy(dst, mem.float32s()[from:to])
		return
	}
	for j, h := range mem.uint16s()[from:to] {
		dst[j] = widen(h)
	}
}
