package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"

	ort "github.com/yalue/onnxruntime_go"
	"google.golang.org/protobuf/encoding/protowire"
)

// Golden is a tensor of a TensorProto file, such as input_0.pb.
type Golden struct {
	Path  string
	Name  string // as the file says, often that of the model's input or output; may be ""
	Shape []int64
	kind  int32  // TensorProto.DataType, which is the library's number too
	bytes []byte // the elements, little-endian
}

// width returns the bytes of an element of a TensorProto.DataType, 0 for those
// without a fixed width: strings, complex and packed 4-bit numbers.
func width(kind int32) int {
	switch ort.TensorElementDataType(kind) {
	case ort.TensorElementDataTypeUint8, ort.TensorElementDataTypeInt8, ort.TensorElementDataTypeBool:
		return 1
	case ort.TensorElementDataTypeUint16, ort.TensorElementDataTypeInt16, ort.TensorElementDataTypeFloat16:
		return 2
	case ort.TensorElementDataTypeFloat, ort.TensorElementDataTypeInt32, ort.TensorElementDataTypeUint32:
		return 4
	case ort.TensorElementDataTypeDouble, ort.TensorElementDataTypeInt64, ort.TensorElementDataTypeUint64:
		return 8
	}
	return 0
}

// ReadGolden reads a TensorProto of at most 4 GiB.
func ReadGolden(path string) (Golden, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Golden{}, fmt.Errorf("golden: %w", err)
	}
	if info.Size() > maxBytes {
		return Golden{}, fmt.Errorf("golden %s: over %d bytes", path, maxBytes)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Golden{}, fmt.Errorf("golden: %w", err)
	}
	g, err := parseTensor(data)
	if err != nil {
		return Golden{}, fmt.Errorf("golden %s: not a TensorProto: %w", path, err)
	}
	g.Path = path
	return g, nil
}

// parseTensor reads the fields of onnx.proto3: dims 1, data_type 2, float_data 4,
// int32_data 5, int64_data 7, name 8, raw_data 9, double_data 10, uint64_data 11,
// external_data 13.
func parseTensor(data []byte) (Golden, error) {
	var g Golden
	typed, err := g.parse(data)
	if err != nil {
		return Golden{}, err
	}
	size := width(g.kind)
	if size == 0 {
		return Golden{}, fmt.Errorf("elements of data type %d are not numbers of 8 to 64 bits", g.kind)
	}
	if g.bytes == nil {
		g.bytes = narrowed(typed, size)
	}
	n := 1
	for _, d := range g.Shape {
		if d < 0 || d > 0 && int64(n) > maxBytes/d {
			return Golden{}, fmt.Errorf("shape %v is out of range", g.Shape)
		}
		n *= int(d)
	}
	if len(g.bytes) != n*size {
		return Golden{}, fmt.Errorf("shape %v needs %d bytes of data, there are %d", g.Shape, n*size, len(g.bytes))
	}
	return g, nil
}

// parse fills what the fields say and returns the elements that do not lie in raw_data.
func (g *Golden) parse(data []byte) (typed []uint64, err error) {
	for len(data) > 0 {
		num, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		m := protowire.ConsumeFieldValue(num, kind, data[n:])
		if m < 0 {
			return nil, protowire.ParseError(m)
		}
		value := data[n : n+m]
		data = data[n+m:]
		switch num {
		case 1:
			dims, err := numbers(value, kind, protowire.VarintType)
			if err != nil {
				return nil, err
			}
			for _, d := range dims {
				g.Shape = append(g.Shape, int64(d))
			}
		case 2:
			v, _ := protowire.ConsumeVarint(value)
			g.kind = int32(v)
		case 4, 5, 7, 10, 11:
			list, err := numbers(value, kind, elementWire(num))
			if err != nil {
				return nil, err
			}
			typed = append(typed, list...)
		case 8:
			name, _ := protowire.ConsumeBytes(value)
			g.Name = string(name)
		case 9:
			raw, _ := protowire.ConsumeBytes(value)
			g.bytes = append([]byte{}, raw...)
		case 13:
			return nil, errors.New("its data lies in another file")
		}
	}
	return typed, nil
}

// elementWire is how an element of a typed field is encoded.
func elementWire(num protowire.Number) protowire.Type {
	switch num {
	case 4:
		return protowire.Fixed32Type
	case 10:
		return protowire.Fixed64Type
	}
	return protowire.VarintType
}

// numbers reads a repeated field, one element or packed.
func numbers(b []byte, kind, elem protowire.Type) (list []uint64, err error) {
	if kind == protowire.BytesType {
		b, _ = protowire.ConsumeBytes(b)
	} else if kind != elem {
		return nil, errWire
	}
	for len(b) > 0 {
		var v uint64
		var n int
		switch elem {
		case protowire.Fixed32Type:
			var v32 uint32
			v32, n = protowire.ConsumeFixed32(b)
			v = uint64(v32)
		case protowire.Fixed64Type:
			v, n = protowire.ConsumeFixed64(b)
		default:
			v, n = protowire.ConsumeVarint(b)
		}
		if n < 0 {
			return nil, errWire
		}
		list, b = append(list, v), b[n:]
	}
	return list, nil
}

// narrowed writes the low bytes of each element.
func narrowed(list []uint64, size int) []byte {
	b := make([]byte, 0, len(list)*size)
	var word [8]byte
	for _, v := range list {
		binary.LittleEndian.PutUint64(word[:], v)
		b = append(b, word[:size]...)
	}
	return b
}

// elements returns the numbers of a tensor.
func (g *Golden) elements(data []byte) []float64 {
	size := width(g.kind)
	list := make([]float64, len(data)/size)
	var word [8]byte
	for i := range list {
		word = [8]byte{}
		copy(word[:], data[i*size:(i+1)*size])
		list[i] = valueOf(g.kind, binary.LittleEndian.Uint64(word[:]))
	}
	return list
}

// valueOf is the value of an element's bits.
func valueOf(kind int32, bits uint64) float64 {
	switch ort.TensorElementDataType(kind) {
	case ort.TensorElementDataTypeFloat:
		return float64(math.Float32frombits(uint32(bits)))
	case ort.TensorElementDataTypeFloat16:
		return float64(widen(uint16(bits)))
	case ort.TensorElementDataTypeDouble:
		return math.Float64frombits(bits)
	case ort.TensorElementDataTypeInt8:
		return float64(int8(bits))
	case ort.TensorElementDataTypeInt16:
		return float64(int16(bits))
	case ort.TensorElementDataTypeInt32:
		return float64(int32(bits))
	case ort.TensorElementDataTypeInt64:
		return float64(int64(bits))
	}
	return float64(bits)
}
