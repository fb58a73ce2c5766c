package main

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
)

// classes are the labels, in the order of the model's outputs.
func classes() []string {
	return []string{"horizontal-stripes", "vertical-stripes", "diagonal-stripes", "checkerboard", "disc", "gradient"}
}

const (
	horizontal = iota
	vertical
	diagonal
	checkerboard
	disc
	gradient
)

// pattern is what a picture shows: a mix of two colours, for each pixel.
type pattern struct {
	class  int
	w, h   int
	dark   [3]float64
	light  [3]float64
	angle  float64 // of the direction across the stripes, radians; 0 is to the right
	period float64 // pixels
	phase  float64 // radians
	radius float64 // pixels
	noise  float64 // standard deviation, grey levels
}

// newPattern draws a pattern at random.
func newPattern(r *rand.Rand, class int) pattern {
	p := pattern{
		class: class, w: 96 + 8*r.IntN(9), h: 96 + 8*r.IntN(4),
		period: between(r, 18, 34), phase: between(r, 0, 2*math.Pi), noise: between(r, 2, 8),
	}
	jitter := between(r, -8, 8) * math.Pi / 180
	switch class {
	case horizontal:
		p.angle = math.Pi/2 + jitter
	case vertical, checkerboard:
		p.angle = jitter
	case diagonal:
		p.angle = math.Pi/4 + float64(r.IntN(2))*math.Pi/2 + jitter
	case gradient:
		p.angle = between(r, 0, 2*math.Pi)
	}
	p.radius = between(r, 0.2, 0.36) * float64(min(p.w, p.h))
	p.dark, p.light = colours(r)
	return p
}

// colours draws two colours that differ by at least 70 grey levels; which one is lighter is random.
func colours(r *rand.Rand) (a, b [3]float64) {
	for {
		for i := range a {
			a[i], b[i] = between(r, 10, 245), between(r, 10, 245)
		}
		if math.Abs(grey(a)-grey(b)) >= 70 {
			return a, b
		}
	}
}

func grey(c [3]float64) float64 { return 0.299*c[0] + 0.587*c[1] + 0.114*c[2] }

func between(r *rand.Rand, lo, hi float64) float64 { return lo + (hi-lo)*r.Float64() }

// render draws the pattern with noise.
func (p pattern) render(r *rand.Rand) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, p.w, p.h))
	for y := range p.h {
		for x := range p.w {
			t := p.at(float64(x)-float64(p.w)/2, float64(y)-float64(p.h)/2)
			var c [3]uint8
			for i := range c {
				v := p.dark[i] + t*(p.light[i]-p.dark[i]) + p.noise*r.NormFloat64()
				c[i] = uint8(math.Round(clamp(v, 0, 255)))
			}
			img.SetRGBA(x, y, color.RGBA{c[0], c[1], c[2], 255})
		}
	}
	return img
}

// at is the share of the second colour, 0 to 1, at a place relative to the middle. Edges are a few pixels wide.
func (p pattern) at(x, y float64) float64 {
	sin, cos := math.Sincos(p.angle)
	across, along := x*cos+y*sin, y*cos-x*sin
	wave := func(u float64) float64 { return math.Sin(2*math.Pi*u/p.period + p.phase) }
	switch p.class {
	case checkerboard:
		return soft(3 * wave(across) * wave(along))
	case disc:
		return soft((p.radius - math.Hypot(x, y)) / 2)
	case gradient:
		return soft(across / math.Hypot(float64(p.w), float64(p.h)) * 2)
	default:
		return soft(3 * wave(across))
	}
}

// soft maps -1..1 to 0..1 and cuts off the rest.
func soft(v float64) float64 { return clamp(0.5+v/2, 0, 1) }

func clamp(v, lo, hi float64) float64 { return min(max(v, lo), hi) }
