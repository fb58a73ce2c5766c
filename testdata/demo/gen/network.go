package main

import (
	"image"
	"math"

	"golang.org/x/image/draw"
)

// The network, for one picture; N pictures are a batch.
//
//	input       3 x 56 x 56  RGB, -1 to 1
//	Conv 1x1    1 x 56 x 56  brightness
//	Conv 5x5    8 x 52 x 52  its slope towards 8 directions
//	Relu
//	AveragePool 8 x 13 x 13  4x4, stride 4
//	Conv 1x1    8 x 13 x 13  strength of 4 orientations, then the same less half of the others
//	Relu
//	AveragePool 8 x  2 x  2  6x6, stride 6
//	Gemm        6            logits; the only weights that are learned
const (
	shorter  = 64 // side after resizing, pixels
	side     = 56 // of the centre crop, pixels
	kernel   = 5
	slopes   = 8
	features = slopes * 2 * 2
)

// greyFilter is the weights of the first convolution, [1][3].
func greyFilter() []float32 { return []float32{0.299, 0.587, 0.114} }

// slopeFilters are the weights of the second convolution, [8][1][5][5]: derivatives of a Gaussian.
func slopeFilters() []float32 {
	w := make([]float32, 0, slopes*kernel*kernel)
	for dir := range slopes {
		sin, cos := math.Sincos(float64(dir) * math.Pi / 4)
		for i := range kernel * kernel {
			x, y := float64(i%kernel-kernel/2), float64(i/kernel-kernel/2)
			w = append(w, float32(round((x*cos+y*sin)*math.Exp(-(x*x+y*y)/4)/4)))
		}
	}
	return w
}

// mixFilters are the weights of the third convolution, [8][8]. Directions k and k+4 are one orientation.
func mixFilters() []float32 {
	w := make([]float32, slopes*slopes)
	for out := range slopes {
		for in := range slopes {
			switch {
			case in%4 == out%4:
				w[out*slopes+in] = 1
			case out >= 4:
				w[out*slopes+in] = -0.5
			}
		}
	}
	return w
}

// round keeps 12 binary places, so that the last bits of a computation do not reach a file.
func round(v float64) float64 { return math.Round(v*4096) / 4096 }

// head is the learned part: logits = weights x features + bias.
type head struct {
	weights []float32 // [classes][features]
	bias    []float32 // [classes]
}

func (h head) logits(f []float64) []float64 {
	out := make([]float64, len(h.bias))
	for c := range out {
		out[c] = float64(h.bias[c])
		for i, v := range f {
			out[c] += float64(h.weights[c*features+i]) * v
		}
	}
	return out
}

// argmax is the index of the largest value.
func argmax(v []float64) int {
	best := 0
	for i := range v {
		if v[i] > v[best] {
			best = i
		}
	}
	return best
}

// crop prepares a picture as preprocess.yaml says: [56][56][3] bytes.
func crop(img image.Image) []uint8 {
	b := img.Bounds()
	k := float64(shorter) / float64(min(b.Dx(), b.Dy()))
	w, h := int(math.Round(float64(b.Dx())*k)), int(math.Round(float64(b.Dy())*k))
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.BiLinear.Scale(small, small.Bounds(), img, b, draw.Src, nil)
	out := make([]uint8, 0, side*side*3)
	for y := range side {
		for x := range side {
			c := small.RGBAAt((w-side)/2+x, (h-side)/2+y)
			out = append(out, c.R, c.G, c.B)
		}
	}
	return out
}

// tensor is the input of the network: [3][56][56].
func tensor(rgb []uint8) []float32 {
	out := make([]float32, 3*side*side)
	for i, v := range rgb {
		out[i%3*side*side+i/3] = float32(v)/127.5 - 1
	}
	return out
}

// describe runs the fixed part of the network on one input: [8][2][2] features.
func describe(in []float32) []float64 {
	up, n := slope(brightness(in))
	local, n := pool(up, n, 4)
	mixed, w := make([]float64, len(local)), mixFilters()
	for i := range mixed {
		c, at := i/(n*n), i%(n*n)
		for j := range slopes {
			mixed[i] += float64(w[c*slopes+j]) * local[j*n*n+at]
		}
		mixed[i] = max(0, mixed[i])
	}
	out, _ := pool(mixed, n, 6)
	return out
}

// brightness is the first layer: [56][56].
func brightness(in []float32) []float64 {
	out := make([]float64, side*side)
	for c, w := range greyFilter() {
		for i, v := range in[c*side*side:][:side*side] {
			out[i] += float64(w) * float64(v)
		}
	}
	return out
}

// slope is the second layer with its Relu: [8][n][n] and n.
func slope(in []float64) ([]float64, int) {
	const n = side - kernel + 1
	out := make([]float64, slopes*n*n)
	for i, w := range slopeFilters() {
		f, dy, dx := i/(kernel*kernel), i/kernel%kernel, i%kernel
		for y := range n {
			row := in[(y+dy)*side+dx:][:n]
			sums := out[f*n*n+y*n:][:n]
			for x, v := range row {
				sums[x] += float64(w) * v
			}
		}
	}
	for i := range out {
		out[i] = max(0, out[i])
	}
	return out, n
}

// pool averages k x k places of [8][n][n], with stride k; what is left over at the far edges is dropped.
func pool(in []float64, n, k int) ([]float64, int) {
	m := n / k
	out := make([]float64, slopes*m*m)
	for i := range out {
		c, y, x := i/(m*m), i/m%m, i%m
		for d := range k * k {
			out[i] += in[c*n*n+(y*k+d/k)*n+x*k+d%k] / float64(k*k)
		}
	}
	return out, m
}
