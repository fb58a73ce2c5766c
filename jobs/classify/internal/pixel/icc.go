package pixel

import (
	"bytes"
	"encoding/binary"
)

// lightBits is the fixed-point precision of linear light, of which 1<<lightBits
// is white, and of the matrices that it is multiplied by.
const lightBits = 14

// profile is what an ICC profile says about samples: a curve for each channel
// from sample to light and, for colour, a matrix from this light to that of sRGB.
type profile struct {
	depth  int // 1 (gray) or 3 (red, green, blue)
	light  [3][256]int32
	matrix [3][3]int64
}

// parseProfile reads profiles that consist of curves and a matrix: ICC.1:2022,
// 8.3.3 and 8.3.4 (three-component matrix-based and monochrome input). It gives nil for all
// others: those with tables in place of a matrix, of inks, and broken ones. However large the
// curves are, only 256 values of each are computed.
func parseProfile(icc []byte) *profile {
	const header = 128
	if len(icc) < header+4 || string(icc[36:40]) != "acsp" || string(icc[20:24]) != "XYZ " {
		return nil
	}
	p, ok := &profile{}, false
	switch string(icc[16:20]) {
	case "GRAY":
		p.depth = 1
		p.light[0], ok = parseCurve(iccTag(icc, "kTRC"))
	case "RGB ":
		p.depth = 3
		ok = iccTag(icc, "A2B0") == nil && iccTag(icc, "D2B0") == nil && p.parseColor(icc)
	}
	if !ok {
		return nil
	}
	return p
}

// iccTag gives the data of a tag, or nil.
func iccTag(icc []byte, name string) []byte {
	entries := icc[132:]
	for n := binary.BigEndian.Uint32(icc[128:]); n > 0 && len(entries) >= 12; n-- {
		if string(entries[:4]) == name {
			from, size := uint64(binary.BigEndian.Uint32(entries[4:])), uint64(binary.BigEndian.Uint32(entries[8:]))
			if from+size > uint64(len(icc)) {
				return nil
			}
			return icc[from : from+size]
		}
		entries = entries[12:]
	}
	return nil
}

// xyzToSRGB takes light in CIE XYZ with white D50, as in profiles, to linear sRGB, in
// 16 bits: the inverse of the colorants that IEC 61966-2-1 has after Bradford adaptation.
var xyzToSRGB = [3][3]int64{
	{205380, -105963, -32153},
	{-64145, 125576, 2192},
	{4715, -15007, 92094},
}

// parseColor reads the curves and the colorants, which are the columns of the
// matrix to XYZ, and reports whether they make sense.
func (p *profile) parseColor(icc []byte) bool {
	var last []byte
	for c, name := range [3]string{"r", "g", "b"} {
		curve := iccTag(icc, name+"TRC")
		if c > 0 && bytes.Equal(curve, last) { // as it mostly is
			p.light[c] = p.light[c-1]
		} else {
			var ok bool
			if p.light[c], ok = parseCurve(curve); !ok {
				return false
			}
		}
		last = curve
		xyz := iccTag(icc, name+"XYZ")
		if len(xyz) < 20 || string(xyz[:4]) != "XYZ " {
			return false
		}
		for i, row := range xyzToSRGB {
			sum := int64(0)
			for k, weight := range row {
				sum += weight * int64(int32(binary.BigEndian.Uint32(xyz[8+4*k:])))
			}
			const shift, most = 16 + 16 - lightBits, 8 << lightBits // no real colour space needs 8
			p.matrix[i][c] = (sum + 1<<(shift-1)) >> shift
			if m := p.matrix[i][c]; m > most || m < -most {
				return false
			}
		}
	}
	return true
}

// parseCurve reads a curve of type curveType or parametricCurveType.
func parseCurve(tag []byte) (light [256]int32, ok bool) {
	if len(tag) < 12 {
		return light, false
	}
	switch string(tag[:4]) {
	case "curv":
		return parseTable(binary.BigEndian.Uint32(tag[8:]), tag[12:])
	case "para":
		return parseFormula(binary.BigEndian.Uint16(tag[8:]), tag[12:])
	default:
		return light, false
	}
}

// parseTable reads n values of 16 bits, which are interpolated; one alone is a
// power in 8.8 bits, and none the power 1.
func parseTable(n uint32, values []byte) (light [256]int32, ok bool) {
	if uint64(n) > uint64(len(values)/2) {
		return light, false
	}
	at := func(i uint32) uint64 { return uint64(binary.BigEndian.Uint16(values[2*i:])) }
	switch n {
	case 0:
		return formula{1, 1}.light()
	case 1:
		return formula{float64(at(0)) / 256, 1}.light()
	}
	for v := range uint64(256) {
		i, part := v*uint64(n-1)/255, v*uint64(n-1)%255
		sum := at(uint32(i)) * (255 - part)
		if part > 0 {
			sum += at(uint32(i+1)) * part
		}
		light[v] = int32((sum<<lightBits + 255*65535/2) / (255 * 65535))
	}
	return light, true
}

// formula holds the parameters g, a, b, c, d, e, f of a curve: (ax+b)**g + e from
// x = d on, cx + f below.
type formula [7]float64

// parseFormula reads the parameters, which are in 16.16 bits.
func parseFormula(kind uint16, values []byte) (light [256]int32, ok bool) {
	counts := [...]int{1, 3, 4, 5, 7}
	if int(kind) >= len(counts) || len(values) < 4*counts[kind] {
		return light, false
	}
	f := formula{1, 1}
	for i := range counts[kind] {
		f[i] = float64(int32(binary.BigEndian.Uint32(values[4*i:]))) / 65536
	}
	if kind == 2 { // its fourth parameter, here c, is added to the power
		f[3], f[5] = 0, f[3]
	}
	return f.light()
}

// light evaluates the curve. Below x = -b/a, where types 1 and 2 end the power, it
// is 0 as that of a negative number is.
func (f formula) light() (light [256]int32, ok bool) {
	if f[0] <= 0 {
		return light, false
	}
	for v := range light {
		x := float64(v) / 255
		y := float64(f[3]*x) + f[6]
		if x >= f[4] {
			y = power(float64(f[1]*x)+f[2], f[0]) + f[5]
		}
		light[v] = int32(min(max(y, 0), 1)*(1<<lightBits) + 0.5)
	}
	return light, true
}
