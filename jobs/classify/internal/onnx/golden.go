package onnx

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"

	ort "github.com/yalue/onnxruntime_go"
)

// Difference says how far a tensor is from its golden one.
type Difference struct {
	Output   string  // of the model
	Path     string  // of the golden tensor
	Elements int     // of the tensor
	Absolute float64 // largest |got - want|
	Relative float64 // largest |got - want| / |want|, of elements with want != 0
	Outside  int     // elements with |got - want| > tolerance * max(1, |want|), NaN for a number among them
}

// Replay runs a model on golden inputs and compares its outputs with golden ones.
// Each tensor belongs to the input or output of its name, or else to that of its
// place in the slice. A shape that the model does not give is an error.
func Replay(rt Runtime, path string, d Device, inputs, outputs []Golden, tolerance float64) (_ []Difference, err error) {
	if err := readable(path); err != nil {
		return nil, err
	}
	if err := d.Check(rt); err != nil {
		return nil, err
	}
	if err := library.acquire(rt); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, library.release()) }()
	m, err := inspect(path)
	if err != nil {
		return nil, err
	}
	r := replay{path: path, device: d}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.bind(m, inputs, outputs); err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	if err := r.run(); err != nil {
		return nil, err
	}
	return r.compare(outputs, tolerance), nil
}

// replay is a run of a model on golden tensors.
type replay struct {
	path     string
	device   Device
	names    [2][]string // of inputs, of outputs
	memories [2][]memory
	values   [2][]ort.Value
}

// bind gives each tensor its memory. Outputs get the shape and type of the golden ones, and the library
// refuses others.
func (r *replay) bind(m Model, inputs, outputs []Golden) error {
	if len(inputs) != len(m.Inputs) {
		return fmt.Errorf("%d golden inputs for the inputs %s", len(inputs), describe(m.Inputs))
	}
	for side, ports := range [][]Tensor{m.Inputs, m.Outputs} {
		golden := inputs
		if side == 1 {
			golden = outputs
		}
		for i := range golden {
			port, err := portOf(ports, &golden[i], i)
			if err != nil {
				return err
			}
			if slices.Contains(r.names[side], port.Name) {
				return fmt.Errorf("golden %s: %s has a tensor already", golden[i].Path, port.Name)
			}
			if err := r.add(side, port.Name, &golden[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// portOf is the input or output that a golden tensor belongs to.
func portOf(ports []Tensor, g *Golden, i int) (Tensor, error) {
	if at := slices.IndexFunc(ports, func(t Tensor) bool { return t.Name == g.Name }); at >= 0 {
		i = at
	}
	if i >= len(ports) {
		return Tensor{}, fmt.Errorf("golden %s: the model has only %s", g.Path, describe(ports))
	}
	if !slices.Equal(g.Shape, ports[i].Shape) && !ports[i].admits(g.Shape) {
		return Tensor{}, fmt.Errorf("golden %s: its shape is %v, and the model's %s", g.Path, g.Shape, ports[i])
	}
	return ports[i], nil
}

// admits tells whether a shape fits where the tensor's own leaves dimensions open.
func (t Tensor) admits(shape []int64) bool {
	if len(t.Shape) != len(shape) {
		return false
	}
	for i, d := range t.Shape {
		if d >= 0 && d != shape[i] {
			return false
		}
	}
	return true
}

func (r *replay) add(side int, name string, g *Golden) error {
	m, err := newMemory(max(len(g.bytes), 1))
	if err != nil {
		return err
	}
	r.memories[side] = append(r.memories[side], m)
	if side == 0 {
		copy(m.bytes, g.bytes)
	}
	v, err := ort.NewCustomDataTensor(ort.Shape(g.Shape), m.bytes[:max(len(g.bytes), 1)], ort.TensorElementDataType(g.kind))
	if err != nil {
		return fmt.Errorf("golden %s: %w", g.Path, root(err))
	}
	r.names[side], r.values[side] = append(r.names[side], name), append(r.values[side], v)
	return nil
}

func (r *replay) run() (err error) {
	opts, err := sessionOptions(1, ort.GraphOptimizationLevelEnableAll)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opts.Destroy()) }()
	if err := r.device.use(opts); err != nil {
		return err
	}
	session, err := ort.NewDynamicAdvancedSession(r.path, r.names[0], r.names[1], opts)
	if err != nil {
		return r.device.refused(r.path, err)
	}
	defer func() { err = errors.Join(err, session.Destroy()) }()
	err = session.Run(r.values[0], r.values[1])
	runtime.KeepAlive(r) // its tensors, until the library is done with them
	if err != nil {
		return fmt.Errorf("model %s: run on golden inputs: %w", r.path, root(err))
	}
	return nil
}

// compare reads the outputs of the run.
func (r *replay) compare(outputs []Golden, tolerance float64) []Difference {
	list := make([]Difference, len(outputs))
	for i := range outputs {
		g := &outputs[i]
		list[i] = difference(g.elements(r.memories[1][i].bytes[:len(g.bytes)]), g.elements(g.bytes), tolerance)
		list[i].Output, list[i].Path = r.names[1][i], g.Path
	}
	return list
}

// difference compares numbers. NaN equals NaN, and an infinity itself. What is
// NaN on one side only, or infinitely far, is outside, and no part of the largest differences.
func difference(got, want []float64, tolerance float64) Difference {
	d := Difference{Elements: len(want)}
	for i, w := range want {
		g := got[i]
		if g == w || g != g && w != w {
			continue
		}
		far := math.Abs(g - w)
		if !(far <= math.MaxFloat64) {
			d.Outside++
			continue
		}
		d.Absolute = max(d.Absolute, far)
		if w != 0 {
			d.Relative = max(d.Relative, far/math.Abs(w))
		}
		if far > tolerance*max(1, math.Abs(w)) {
			d.Outside++
		}
	}
	return d
}

func (r *replay) close() error {
	var errs []error
	for side := range r.values {
		for _, v := range r.values[side] {
			errs = append(errs, v.Destroy())
		}
		for i := range r.memories[side] {
			r.memories[side][i].free()
		}
	}
	return errors.Join(errs...)
}
