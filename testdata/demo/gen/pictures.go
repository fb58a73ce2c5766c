package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
)

const (
	perClass    = 8
	pictureSeed = 20260101
)

// special are the pictures that are not plain JPEG, by class and number.
func special() map[string]string {
	return map[string]string{
		"horizontal-stripes-8": "png",
		"checkerboard-8":       "png",
		"disc-8":               "png",
		"vertical-stripes-8":   "gif",
		"diagonal-stripes-8":   "truncated",
	}
}

// pictures makes the pictures, their manifest, the labels and the preprocessing.
func pictures() (map[string][]byte, error) {
	files := map[string][]byte{"labels.txt": []byte(strings.Join(classes(), "\n") + "\n")}
	manifest := []string{"path,id,label,kind"}
	add := func(name, label, kind string, data []byte) {
		files[name] = data
		manifest = append(manifest, fmt.Sprintf("%s,demo-%02d,%s,%s", name, len(manifest), label, kind))
	}
	rng := rand.New(rand.NewPCG(pictureSeed, 1))
	for n := range perClass {
		for class, label := range classes() {
			title := fmt.Sprintf("%s-%d", label, n+1)
			kind := special()[title]
			if kind == "" {
				kind = "jpeg"
			}
			data, err := encode(rng, newPattern(rng, class), kind)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", title, err)
			}
			add("images/"+title+extension(kind), label, kind, data)
		}
	}
	add("images/not-a-picture.jpg", "disc", "text", []byte("This is text, so that the demo has a row to reject.\n"))
	files["manifest.csv"] = []byte(strings.Join(manifest, "\n") + "\n")
	files["preprocess.yaml"] = []byte(floatSpec)
	files["models/uint8.yaml"] = []byte(uint8Spec)
	return files, nil
}

// Preprocessing of the models with a float input: -1 to 1 as tensor makes it.
const floatSpec = `# How the pictures become the input of model.onnx: RGB, -1 to 1.
layout: NCHW
channels: RGB
resize: shorter 64
crop: 56x56
scale: 0.00784313725490196 # 1/127.5
mean: [1, 1, 1]
output: {kind: logits}
`

// Preprocessing of models/uint8.onnx, which scales inside the graph.
const uint8Spec = `# How the pictures become the input of uint8.onnx: RGB bytes.
layout: NHWC
channels: RGB
type: uint8
resize: shorter 64
crop: 56x56
output: {kind: quantised, scale: 0.00392156862745098, zero_point: 0} # 1/255
`

func extension(kind string) string {
	if kind == "png" || kind == "gif" {
		return "." + kind
	}
	return ".jpg"
}

// encode renders a pattern as a file of a kind. PNG and GIF are drawn without noise, which they would store in full.
func encode(rng *rand.Rand, p pattern, kind string) ([]byte, error) {
	if kind == "png" || kind == "gif" {
		p.noise = 0
	}
	img := p.render(rng)
	var b bytes.Buffer
	var err error
	switch kind {
	case "png":
		err = png.Encode(&b, img)
	case "gif":
		err = gif.Encode(&b, paletted(img, p), nil)
	default:
		err = jpeg.Encode(&b, img, &jpeg.Options{Quality: 80})
	}
	if kind == "truncated" {
		b.Truncate(b.Len() * 3 / 4)
	}
	return b.Bytes(), err
}

// paletted maps a picture to 32 steps between the two colours of its pattern.
func paletted(img image.Image, p pattern) *image.Paletted {
	const steps = 32
	ramp := make(color.Palette, steps)
	for i := range ramp {
		t := float64(i) / (steps - 1)
		mix := func(c int) uint8 { return uint8(p.dark[c] + t*(p.light[c]-p.dark[c])) }
		ramp[i] = color.RGBA{mix(0), mix(1), mix(2), 255}
	}
	out := image.NewPaletted(img.Bounds(), ramp)
	for y := range p.h {
		for x := range p.w {
			out.Set(x, y, img.At(x, y))
		}
	}
	return out
}
