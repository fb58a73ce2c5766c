package onnx

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	ort "github.com/yalue/onnxruntime_go"
)

// Element names the type of a tensor's elements, as ONNX does: "float32",
// "float16", "uint8", "int64".
type Element string

// The element types of inputs and outputs that a [Session] can serve.
const (
	Float32 Element = "float32"
	Float16 Element = "float16" // IEEE 754 binary16, held as its bits
	Uint8   Element = "uint8"
)

// size returns the bytes of an element, 0 for a type that is not served.
func (e Element) size() int {
	switch e {
	case Float32:
		return 4
	case Float16:
		return 2
	case Uint8:
		return 1
	}
	return 0
}

// code is the library's number for a type that is served.
func (e Element) code() ort.TensorElementDataType {
	switch e {
	case Float32:
		return ort.TensorElementDataTypeFloat
	case Float16:
		return ort.TensorElementDataTypeFloat16
	case Uint8:
		return ort.TensorElementDataTypeUint8
	}
	return ort.TensorElementDataTypeUndefined
}

// elementOf names the element type of a model's input or output; what is not a
// tensor is named by its kind, "sequence" or "map".
func elementOf(info ort.InputOutputInfo) Element {
	if info.OrtValueType != ort.ONNXTypeTensor {
		return Element(strings.ToLower(strings.TrimPrefix(info.OrtValueType.String(), "ONNX_TYPE_")))
	}
	switch info.DataType {
	case ort.TensorElementDataTypeFloat:
		return Float32
	case ort.TensorElementDataTypeDouble:
		return "float64"
	}
	return Element(strings.ToLower(strings.TrimPrefix(info.DataType.String(), "ONNX_TENSOR_ELEMENT_DATA_TYPE_")))
}

// Tensor describes one input or output of a model.
type Tensor struct {
	Name  string
	Type  Element
	Shape []int64 // -1 stands for a dynamic dimension
}

// String gives "data_0 float32 [N,3,224,224]"; a dynamic first dimension is N,
// another is ?.
func (t Tensor) String() string {
	dims := make([]string, len(t.Shape))
	for i, d := range t.Shape {
		switch {
		case d >= 0:
			dims[i] = strconv.FormatInt(d, 10)
		case i == 0:
			dims[i] = "N"
		default:
			dims[i] = "?"
		}
	}
	return fmt.Sprintf("%s %s [%s]", t.Name, t.Type, strings.Join(dims, ","))
}

// Model describes a model file.
type Model struct {
	Inputs, Outputs []Tensor
}

// Inspect loads the model file and describes its inputs and outputs. It costs
// about as much as loading the model.
func Inspect(rt Runtime, path string) (m Model, err error) {
	if err := readable(path); err != nil {
		return Model{}, err
	}
	if err := library.acquire(rt); err != nil {
		return Model{}, err
	}
	defer func() { err = errors.Join(err, library.release()) }()
	return inspect(path)
}

// readable gives a plain error for what is not a file, before the library does.
func readable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	if info.IsDir() {
		return fmt.Errorf("model %s: a folder, not an ONNX file", path)
	}
	if info.Size() == 0 {
		return fmt.Errorf("model %s: the file is empty", path)
	}
	return nil
}

// inspect needs the library to be loaded.
func inspect(path string) (_ Model, err error) {
	opts, err := sessionOptions(1, ort.GraphOptimizationLevelDisableAll)
	if err != nil {
		return Model{}, err
	}
	defer func() { err = errors.Join(err, opts.Destroy()) }()
	inputs, outputs, err := ort.GetInputOutputInfoWithOptions(path, opts)
	if err != nil {
		return Model{}, fmt.Errorf("model %s: cannot be loaded: %w", path, root(err))
	}
	return Model{Inputs: tensors(inputs), Outputs: tensors(outputs)}, nil
}

func tensors(infos []ort.InputOutputInfo) []Tensor {
	list := make([]Tensor, len(infos))
	for i, info := range infos {
		list[i] = Tensor{Name: info.Name, Type: elementOf(info), Shape: info.Dimensions}
	}
	return list
}

// describe lists tensors for a message.
func describe(list []Tensor) string {
	if len(list) == 0 {
		return "none"
	}
	words := make([]string, len(list))
	for i, t := range list {
		words[i] = t.String()
	}
	return strings.Join(words, ", ")
}
