package classify

import (
	"context"
	"errors"
	"fmt"

	"github.com/shardmill/shardmill/jobs/classify/internal/onnx"
)

// ModelCheck says how to check a model.
type ModelCheck struct {
	Model     string   `json:"model"`
	Golden    []string `json:"golden"`    // folders of golden tensors, and files
	Tolerance float64  `json:"tolerance"` // see onnx.Difference
	Batch     int      `json:"batch"`
	Device    string   `json:"device"`
}

// ModelVerdict is what a check found.
type ModelVerdict struct {
	Model     string             `json:"model"`
	OK        bool               `json:"ok"` // no golden output differs
	Tolerance float64            `json:"tolerance"`
	Golden    []GoldenDifference `json:"golden"`
	Slots     *SlotVerdict       `json:"slots,omitempty"`
	NoSlots   string             `json:"no_slots,omitempty"` // why slots could not be compared
}

// GoldenDifference says how far an output is from its golden tensor.
type GoldenDifference struct {
	Output   string  `json:"output"`
	Golden   string  `json:"golden"` // file
	Elements int     `json:"elements"`
	Absolute float64 `json:"absolute"` // largest difference
	Relative float64 `json:"relative"`
	Outside  int     `json:"outside"` // elements beyond the tolerance, or not numbers
	OK       bool    `json:"ok"`
}

// SlotVerdict says whether scores depend on the slot of an image and on the rest of the batch.
type SlotVerdict struct {
	Equal      bool    `json:"equal"` // in every bit
	Batch      int     `json:"batch"`
	FixedBatch int     `json:"fixed_batch,omitempty"` // 0 for any
	Runs       int     `json:"runs"`
	Compared   int     `json:"compared"`             // rows of scores
	Different  int     `json:"different"`            // rows of scores
	Largest    float64 `json:"largest"`              // difference of a score
	FirstSlot  int     `json:"first_slot,omitempty"` // from 1, of the first difference
	FirstFill  int     `json:"first_fill,omitempty"` // slots filled then
}

// CheckModel runs a model on golden inputs, and random images in every slot of a
// batch. Call it in a process that may die.
func CheckModel(ctx context.Context, c ModelCheck) (ModelVerdict, error) {
	device, err := onnx.ParseDevice(c.Device)
	if err != nil {
		return ModelVerdict{}, fmt.Errorf("--device %w", err)
	}
	sets, err := goldenSets(c.Golden)
	if err != nil {
		return ModelVerdict{}, err
	}
	rt, err := onnx.Find(nil)
	if err != nil {
		return ModelVerdict{}, err
	}
	v := ModelVerdict{Model: c.Model, OK: true, Tolerance: c.Tolerance, Golden: []GoldenDifference{}}
	for _, set := range sets {
		if err := ctx.Err(); err != nil {
			return ModelVerdict{}, err
		}
		if err := v.replay(rt, device, set); err != nil {
			return ModelVerdict{}, err
		}
	}
	slots, err := compareSlots(ctx, rt, c.Model, onnx.Options{Batch: c.Batch, Device: device})
	switch {
	case err == nil:
		v.Slots = slots
	case len(sets) == 0:
		return ModelVerdict{}, err
	default:
		v.NoSlots = err.Error()
	}
	return v, nil
}

// replay runs the model on one set of golden tensors.
func (v *ModelVerdict) replay(rt onnx.Runtime, d onnx.Device, set goldenSet) error {
	inputs, err := readGolden(set.inputs)
	if err != nil {
		return err
	}
	outputs, err := readGolden(set.outputs)
	if err != nil {
		return err
	}
	list, err := onnx.Replay(rt, v.Model, d, inputs, outputs, v.Tolerance)
	if err != nil {
		return err
	}
	for _, x := range list {
		v.Golden = append(v.Golden, GoldenDifference{
			Output: x.Output, Golden: x.Path, Elements: x.Elements, Absolute: x.Absolute, Relative: x.Relative, Outside: x.Outside, OK: x.Outside == 0,
		})
		v.OK = v.OK && x.Outside == 0
	}
	return nil
}

func readGolden(paths []string) ([]onnx.Golden, error) {
	var list []onnx.Golden
	for _, path := range paths {
		g, err := onnx.ReadGolden(path)
		if err != nil {
			return nil, err
		}
		list = append(list, g)
	}
	return list, nil
}

func compareSlots(ctx context.Context, rt onnx.Runtime, path string, o onnx.Options) (_ *SlotVerdict, err error) {
	model, err := onnx.Inspect(rt, path)
	if err != nil {
		return nil, err
	}
	spec, err := guessSpec(model)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	o.Row = specRow(spec)
	s, err := onnx.Open(rt, path, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	x, err := onnx.CompareSlots(ctx, s)
	if err != nil {
		return nil, err
	}
	v := &SlotVerdict{
		Equal: x.Different == 0, Batch: x.Batch, FixedBatch: x.Fixed, Runs: x.Runs, Compared: x.Compared, Different: x.Different,
		Largest: x.Largest, FirstFill: x.Filled,
	}
	if !v.Equal {
		v.FirstSlot = x.Slot + 1
	}
	return v, nil
}

// RuntimeProviders lists the execution providers of the ONNX Runtime found here. It
// runs the library's code: call it in a process that may die.
func RuntimeProviders() ([]string, error) {
	rt, err := onnx.Find(nil)
	if err != nil {
		return nil, err
	}
	return onnx.Providers(rt)
}
