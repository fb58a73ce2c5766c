package pixel

import (
	"image"
	"math"
	"testing"
)

// jpegSpec is a baseline JPEG to be written: the encoder of the standard library
// knows two samplings, and no RGB or CMYK.
type jpegSpec struct {
	w, h     int
	sampling [][2]int // of each component, across and down
	adobe    int      // colour transform of the Adobe segment, -1 for none
	// sample gives component c at u, v in [0,1].
	sample func(c int, u, v float64) float64
}

// prefixCode is a Huffman table: the code and its length for each symbol.
type prefixCode map[byte]struct{ code, length uint }

// jpegTables borrows quantisation and Huffman tables from the standard encoder.
func jpegTables(t testing.TB) (segments []byte, quant [64]float64, dc, ac prefixCode) {
	data := asJPEG(t, image.NewGray(image.Rect(0, 0, 8, 8)))
	dc, ac = prefixCode{}, prefixCode{}
	for at := 2; data[at+1] != markerSOS; {
		n := int(data[at+2])<<8 + int(data[at+3]) + 2
		segment := data[at : at+n]
		switch segment[1] {
		case 0xdb:
			for i, q := range segment[5:69] {
				quant[i] = float64(q)
			}
			segments = append(segments, segment...)
		case markerDHT:
			for body := segment[4:]; len(body) > 0; {
				body = readPrefixCode(body, map[byte]prefixCode{0x00: dc, 0x10: ac}[body[0]])
			}
			segments = append(segments, segment...)
		}
		at += n
	}
	return segments, quant, dc, ac
}

// readPrefixCode reads one table of a DHT segment, into a nil map not at all.
func readPrefixCode(body []byte, into prefixCode) (rest []byte) {
	counts, symbols := body[1:17], body[17:]
	code := uint(0)
	for length, n := range counts {
		for range n {
			if into != nil {
				into[symbols[0]] = struct{ code, length uint }{code, uint(length) + 1}
			}
			code, symbols = code+1, symbols[1:]
		}
		code <<= 1
	}
	return symbols
}

// bitWriter writes entropy-coded bits, most significant first.
type bitWriter struct {
	out  []byte
	acc  uint64
	have uint
}

func (b *bitWriter) put(v, n uint) {
	b.acc, b.have = b.acc<<n|uint64(v&(1<<n-1)), b.have+n
	for b.have >= 8 {
		b.have -= 8
		c := byte(b.acc >> b.have)
		if b.out = append(b.out, c); c == 0xff {
			b.out = append(b.out, 0)
		}
	}
}

// number writes a code for zero run and size, then the value's bits.
func (b *bitWriter) number(code prefixCode, run, v int) {
	size, bits := uint(0), v
	for m := max(v, -v); m > 0; m >>= 1 {
		size++
	}
	if v < 0 {
		bits--
	}
	e := code[byte(run<<4)|byte(size)]
	b.put(e.code, e.length)
	b.put(uint(bits), size)
}

// encodeJPEG writes an interleaved baseline scan.
func encodeJPEG(t testing.TB, s jpegSpec) []byte {
	tables, quant, dc, ac := jpegTables(t)
	out := []byte{0xff, 0xd8}
	if s.adobe >= 0 {
		out = append(out, 0xff, markerAPP14, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, byte(s.adobe))
	}
	out = append(out, tables...)
	n := len(s.sampling)
	out = append(out, 0xff, markerSOF0, 0, byte(8+3*n), 8, byte(s.h>>8), byte(s.h), byte(s.w>>8), byte(s.w), byte(n))
	maxH, maxV := 1, 1
	for c, hv := range s.sampling {
		out = append(out, byte(c+1), byte(hv[0]<<4|hv[1]), 0)
		maxH, maxV = max(maxH, hv[0]), max(maxV, hv[1])
	}
	out = append(out, 0xff, markerSOS, 0, byte(6+2*n), byte(n))
	for c := range n {
		out = append(out, byte(c+1), 0)
	}
	out = append(out, 0, 63, 0)

	var bits bitWriter
	last := make([]int, n)
	for y := 0; y < s.h; y += 8 * maxV {
		for x := 0; x < s.w; x += 8 * maxH {
			for c, hv := range s.sampling {
				stepX, stepY := float64(maxH)/float64(hv[0]), float64(maxV)/float64(hv[1])
				for b := range hv[0] * hv[1] {
					x0, y0 := float64(x)+8*stepX*float64(b%hv[0]), float64(y)+8*stepY*float64(b/hv[0])
					coef := transform(quant, func(i, j int) float64 {
						return s.sample(c, min((x0+(float64(i)+.5)*stepX)/float64(s.w), 1), min((y0+(float64(j)+.5)*stepY)/float64(s.h), 1))
					})
					bits.block(dc, ac, coef, last[c])
					last[c] = coef[0]
				}
			}
		}
	}
	bits.put(0x7f, 7)
	return append(append(out, bits.out...), 0xff, markerEOI)
}

func (b *bitWriter) block(dc, ac prefixCode, coef [64]int, last int) {
	b.number(dc, 0, coef[0]-last)
	run := 0
	for _, v := range coef[1:] {
		if v == 0 {
			run++
			continue
		}
		for ; run > 15; run -= 16 {
			b.number(ac, 15, 0)
		}
		b.number(ac, run, v)
		run = 0
	}
	if run > 0 {
		b.number(ac, 0, 0)
	}
}

// transform is the forward DCT of ITU-T T.81, A.3.3, quantised, in zigzag order.
func transform(quant [64]float64, sample func(i, j int) float64) (coef [64]int) {
	var basis, in, rows [8][8]float64 // basis[u][i], in[j][i], rows[j][u]
	for u := range 8 {
		for i := range 8 {
			basis[u][i] = math.Cos(float64((2*i+1)*u)*math.Pi/16) / 2
			if u == 0 {
				basis[u][i] = math.Sqrt2 / 4
			}
			in[u][i] = sample(i, u) - 128
		}
	}
	for j := range 8 {
		for u := range 8 {
			for i := range 8 {
				rows[j][u] += in[j][i] * basis[u][i]
			}
		}
	}
	u, v := 0, 0
	for k := range coef {
		sum := 0.0
		for j := range 8 {
			sum += rows[j][u] * basis[v][j]
		}
		coef[k] = int(math.Round(sum / quant[k]))
		u, v = zigzag(u, v)
	}
	return coef
}

func zigzag(u, v int) (int, int) {
	switch up := (u+v)%2 == 0; {
	case up && u == 7:
		return u, v + 1
	case up && v == 0:
		return u + 1, v
	case up:
		return u + 1, v - 1
	case v == 7:
		return u + 1, v
	case u == 0:
		return u, v + 1
	default:
		return u - 1, v + 1
	}
}
