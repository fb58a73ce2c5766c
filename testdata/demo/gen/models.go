package main

// models makes the demo's model and its variants for tests, by file name.
func models(h head) map[string]model {
	n := int64(len(classes()))
	image := []int64{0, 3, side, side}
	return map[string]model{
		"model.onnx": network(h, value{"image", typeFloat, image}, value{"logits", typeFloat, []int64{0, n}}),
		"models/batch1.onnx": network(h, value{"image", typeFloat, []int64{1, 3, side, side}},
			value{"logits", typeFloat, []int64{1, n}}),
		"models/float16.onnx": network(h, value{"image", typeFloat16, image}, value{"logits", typeFloat16, []int64{0, n}}),
		"models/uint8.onnx": network(h, value{"image", typeUint8, []int64{0, side, side, 3}},
			value{"scores", typeUint8, []int64{0, n}}),
		"models/seven.onnx": network(h.withExtra(), value{"image", typeFloat, image},
			value{"logits", typeFloat, []int64{0, n + 1}}),
		"models/features.onnx": withFeatures(network(h, value{"image", typeFloat, image}, value{"logits", typeFloat, []int64{0, n}})),
	}
}

// withFeatures gives out what the last layer gets, too.
func withFeatures(m model) model {
	m.more = []value{{"features", typeFloat, []int64{0, features}}}
	return m
}

// withExtra is a head with one more class, which never wins.
func (h head) withExtra() head {
	return head{
		weights: append(h.weights[:len(h.weights):len(h.weights)], make([]float32, features)...),
		bias:    append(h.bias[:len(h.bias):len(h.bias)], -100),
	}
}

// network builds the graph described at the constants of the network, between the input and the output given.
func network(h head, in, out value) model {
	b := builder{model: model{name: "patterns", input: in, output: out}, last: in.name}
	b.convert(in)
	b.weight("grey", greyFilter(), 1, 3, 1, 1)
	b.add("Conv", "brightness", "grey")
	b.weight("slopes", slopeFilters(), slopes, 1, kernel, kernel)
	b.add("Conv", "slope", "slopes")
	b.add("Relu", "slope_up")
	b.pool("local", 4)
	b.weight("mix", mixFilters(), slopes, slopes, 1, 1)
	b.add("Conv", "orientation", "mix")
	b.add("Relu", "orientation_up")
	b.pool("regions", 6)
	b.add("Flatten", "features")
	b.weight("weights", h.weights, len(h.bias), features)
	b.weight("bias", h.bias, len(h.bias))
	b.add("Gemm", "classes", "weights", "bias").attrs = []attr{{"transB", []int64{1}, true}}
	b.deliver(out)
	return b.model
}

// builder strings nodes together: each takes the output of the last.
type builder struct {
	model
	last string
}

func (b *builder) add(op, output string, more ...string) *node {
	b.nodes = append(b.nodes, node{op: op, inputs: append([]string{b.last}, more...), output: output})
	b.last = output
	return &b.nodes[len(b.nodes)-1]
}

func (b *builder) weight(name string, data []float32, dims ...int) {
	w := weight{name: name, data: data}
	for _, d := range dims {
		w.dims = append(w.dims, int64(d))
	}
	b.weights = append(b.weights, w)
}

func (b *builder) pool(output string, k int64) {
	b.add("AveragePool", output).attrs = []attr{
		{name: "kernel_shape", ints: []int64{k, k}}, {name: "strides", ints: []int64{k, k}},
	}
}

func (b *builder) cast(output string, elem int64) {
	b.add("Cast", output).attrs = []attr{{"to", []int64{elem}, true}}
}

// convert brings the input to float32 NCHW, -1 to 1.
func (b *builder) convert(in value) {
	if in.elem != typeFloat {
		b.cast("float", typeFloat)
	}
	if in.elem != typeUint8 {
		return
	}
	b.add("Transpose", "planes").attrs = []attr{{name: "perm", ints: []int64{0, 3, 1, 2}}}
	b.weight("half", []float32{127.5}, 1)
	b.weight("one", []float32{1}, 1)
	b.add("Div", "scaled", "half")
	b.add("Sub", "centred", "one")
}

// deliver brings the logits to the output: as they are, as float16, or as probabilities of 0 to 255.
func (b *builder) deliver(out value) {
	switch out.elem {
	case typeFloat16:
		b.cast(out.name, typeFloat16)
	case typeUint8:
		b.weight("full", []float32{255}, 1)
		b.add("Softmax", "probabilities").attrs = []attr{{"axis", []int64{1}, true}}
		b.add("Mul", "quantised", "full")
		b.add("Round", "rounded")
		b.cast(out.name, typeUint8)
	default:
		b.nodes[len(b.nodes)-1].output = out.name
	}
}
