package pixel

import "math"

// srgbCurve gives the sRGB sample for light.
type srgbCurve [1<<lightBits + 1]byte

// newSRGBCurve computes the curve of IEC 61966-2-1, rounded to the nearest sample.
func newSRGBCurve() *srgbCurve {
	var curve srgbCurve
	i := 0
	for v := range 255 {
		for end := srgbLight((float64(v) + 0.5) / 255); float64(i)/(1<<lightBits) < end; i++ {
			curve[i] = byte(v)
		}
	}
	for ; i < len(curve); i++ {
		curve[i] = 255
	}
	return &curve
}

// srgbLight gives the light of an sRGB sample, both from 0 to 1.
func srgbLight(x float64) float64 {
	if x <= 0.04045 {
		return x / 12.92
	}
	return power((x+0.055)/1.055, 2.4)
}

// near reports whether samples that the profile describes are sRGB already: each
// curve is within a level of it, and the matrix within 1/256 of no change.
func (curve *srgbCurve) near(p *profile) bool {
	for c := range p.depth {
		for v, light := range p.light[c] {
			if off := int(curve[light]) - v; off < -1 || off > 1 {
				return false
			}
		}
	}
	for i := range p.depth / 3 * 3 {
		for k, m := range p.matrix[i] {
			if i == k {
				m -= 1 << lightBits
			}
			if m > 1<<lightBits/256 || m < -1<<lightBits/256 {
				return false
			}
		}
	}
	return true
}

// convert makes samples that the profile describes sRGB, in place. Colours that
// sRGB lacks get the nearest value in each channel.
func (curve *srgbCurve) convert(p *profile, pixels []byte) {
	if p.depth == 1 {
		for i, v := range pixels {
			pixels[i] = curve[p.light[0][v]]
		}
		return
	}
	m := &p.matrix
	for ; len(pixels) >= 3; pixels = pixels[3:] {
		r, g, b := int64(p.light[0][pixels[0]]), int64(p.light[1][pixels[1]]), int64(p.light[2][pixels[2]])
		for i := range m {
			light := (m[i][0]*r + m[i][1]*g + m[i][2]*b + 1<<(lightBits-1)) >> lightBits
			pixels[i] = curve[min(max(light, 0), 1<<lightBits)]
		}
	}
}

// power gives x**g for g above 0, and 0 for negative x. It uses only operations
// that every processor rounds alike, unlike math.Pow.
func power(x, g float64) float64 {
	if x <= 0 {
		return 0
	}
	return exp2(g * log2(x))
}

// powerBits is the precision of log2 and exp2, in binary places.
const powerBits = 40

// log2 squares the fraction again and again: it passes 2 where a bit is set.
func log2(x float64) float64 {
	fraction, exponent := math.Frexp(x)
	fraction *= 2
	sum, bit := float64(exponent-1), 1.0
	for range powerBits {
		fraction *= fraction
		bit /= 2
		if fraction >= 2 {
			fraction /= 2
			sum += bit
		}
	}
	return sum
}

// exp2 multiplies the roots of 2 that belong to the bits set.
func exp2(y float64) float64 {
	whole := math.Floor(y)
	product, root := math.Ldexp(1, int(whole)), 2.0
	rest := y - whole
	for range powerBits {
		root = math.Sqrt(root)
		rest *= 2
		if rest >= 1 {
			rest--
			product *= root
		}
	}
	return product
}
