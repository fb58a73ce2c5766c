package main

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Numbers of ONNX's TensorProto.DataType.
const (
	typeFloat   = 1
	typeUint8   = 2
	typeFloat16 = 10
)

// Versions written to a model.
const (
	irVersion = 8
	opset     = 13
)

// model is an ONNX ModelProto with one input and one output, or more.
type model struct {
	name    string
	input   value
	output  value
	more    []value // outputs
	nodes   []node
	weights []weight
}

// value is a ValueInfoProto. A dimension of 0 is written as the symbol N.
type value struct {
	name string
	elem uint64
	dims []int64
}

// node is a NodeProto with one output, named after the operation's place.
type node struct {
	op     string
	inputs []string
	output string
	attrs  []attr
}

// attr is an AttributeProto of integers: a list, or where single is set its only value.
type attr struct {
	name   string
	ints   []int64
	single bool
}

// weight is a TensorProto of float32.
type weight struct {
	name string
	dims []int64
	data []float32
}

// message is a protobuf message that is being written. Field numbers are those of onnx.proto.
type message []byte

func (m *message) varint(field protowire.Number, v uint64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.VarintType), v)
}

func (m *message) bytes(field protowire.Number, v []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), v)
}

func (m *message) text(field protowire.Number, v string) { m.bytes(field, []byte(v)) }

// encode writes the model as a ModelProto.
func (m model) encode() []byte {
	var version, out message
	version.text(1, "") // domain: the standard operators
	version.varint(2, opset)
	out.varint(1, irVersion)
	out.text(2, "shardmill testdata/demo/gen")
	out.bytes(7, m.graph())
	out.bytes(8, version)
	return out
}

func (m model) graph() []byte {
	var g message
	for _, n := range m.nodes {
		g.bytes(1, n.encode())
	}
	g.text(2, m.name)
	for _, w := range m.weights {
		g.bytes(5, w.encode())
	}
	g.bytes(11, m.input.encode())
	for _, out := range append([]value{m.output}, m.more...) {
		g.bytes(12, out.encode())
	}
	return g
}

func (n node) encode() []byte {
	var out message
	for _, in := range n.inputs {
		out.text(1, in)
	}
	out.text(2, n.output)
	out.text(3, n.output)
	out.text(4, n.op)
	for _, a := range n.attrs {
		out.bytes(5, a.encode())
	}
	return out
}

func (a attr) encode() []byte {
	var out message
	out.text(1, a.name)
	if a.single {
		out.varint(3, uint64(a.ints[0]))
		out.varint(20, 2) // INT
		return out
	}
	for _, v := range a.ints {
		out.varint(8, uint64(v))
	}
	out.varint(20, 7) // INTS
	return out
}

func (w weight) encode() []byte {
	var out message
	for _, d := range w.dims {
		out.varint(1, uint64(d))
	}
	out.varint(2, typeFloat)
	out.text(8, w.name)
	raw := make([]byte, 0, 4*len(w.data))
	for _, v := range w.data {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	out.bytes(9, raw)
	return out
}

func (v value) encode() []byte {
	var shape, tensorType, typ, out message
	for _, d := range v.dims {
		var dim message
		if d > 0 {
			dim.varint(1, uint64(d))
		} else {
			dim.text(2, "N")
		}
		shape.bytes(1, dim)
	}
	tensorType.varint(1, v.elem)
	tensorType.bytes(2, shape)
	typ.bytes(1, tensorType)
	out.text(1, v.name)
	out.bytes(2, typ)
	return out
}
