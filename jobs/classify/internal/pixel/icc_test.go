package pixel

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// oracleConvert converts a colour crop in floating point, by the text of ICC.1 and
// IEC 61966-2-1. It knows single gammas alone.
func oracleConvert(crop, icc []byte) []byte {
	at := func(name string, offset int) float64 {
		return float64(int32(binary.BigEndian.Uint32(iccTag(icc, name)[offset:]))) / 65536
	}
	gamma := func(name string) float64 { return float64(binary.BigEndian.Uint16(iccTag(icc, name)[12:])) / 256 }
	sample := func(light float64) byte {
		light = min(max(light, 0), 1)
		if light <= 0.0031308 {
			return byte(math.Round(255 * 12.92 * light))
		}
		return byte(math.Round(255 * (1.055*math.Pow(light, 1/2.4) - 0.055)))
	}
	out := bytes.Clone(crop)
	for p := out; len(p) >= 3; p = p[3:] {
		if string(icc[16:20]) == "GRAY" {
			v := sample(math.Pow(float64(p[0])/255, gamma("kTRC")))
			p[0], p[1], p[2] = v, v, v
			continue
		}
		var xyz [3]float64
		for c, name := range []string{"r", "g", "b"} {
			light := math.Pow(float64(p[c])/255, gamma(name+"TRC"))
			for i := range xyz {
				xyz[i] += light * at(name+"XYZ", 8+4*i)
			}
		}
		p[0] = sample(3.1338561*xyz[0] - 1.6168667*xyz[1] - 0.4906146*xyz[2])
		p[1] = sample(-0.9787684*xyz[0] + 1.9161415*xyz[1] + 0.0334540*xyz[2])
		p[2] = sample(0.0719453*xyz[0] - 0.2289914*xyz[1] + 1.4052427*xyz[2])
	}
	return out
}

func TestConvertMatchesOracle(t *testing.T) {
	curve := newSRGBCurve()
	rapid.Check(t, func(t *rapid.T) {
		colorants := rapid.SampledFrom([][3][3]float64{srgbColorants, adobeColorants, p3Colorants}).Draw(t, "colorants")
		icc := colorProfile(colorants, gammaCurve(rapid.Float64Range(0.5, 4).Draw(t, "gamma")))
		p := parseProfile(icc)
		if p == nil {
			t.Fatal("refused")
		}
		crop := rapid.SliceOfN(rapid.Byte(), 300, 300).Draw(t, "crop")
		want := oracleConvert(crop, icc)
		curve.convert(p, crop)
		if most, _ := distance(crop, want); most > 1 {
			t.Fatalf("samples differ by up to %d", most)
		}
	})
	for _, colorants := range [][3][3]float64{adobeColorants, p3Colorants} {
		icc, crop := colorProfile(colorants, gammaCurve(2.2)), noise(100, 100, 1).Pix
		want := oracleConvert(crop, icc)
		curve.convert(parseProfile(icc), crop)
		wantClose(t, crop, want, 1, 0.02)
	}
}

// Gray stays gray in every colour space whose colorants add up to white.
func TestGrayStaysGray(t *testing.T) {
	curve := newSRGBCurve()
	for name, colorants := range map[string][3][3]float64{"sRGB": srgbColorants, "Adobe": adobeColorants, "P3": p3Colorants} {
		p := parseProfile(colorProfile(colorants, gammaCurve(1.8)))
		for v := range 256 {
			px := []byte{byte(v), byte(v), byte(v)}
			curve.convert(p, px)
			if off := max(px[0], px[1], px[2]) - min(px[0], px[1], px[2]); off > 1 {
				t.Errorf("%s: %d became %v", name, v, px)
			}
			if v == 0 && px[1] != 0 || v == 255 && px[1] != 255 {
				t.Errorf("%s: %d became %v", name, v, px)
			}
		}
	}
}

// Known colours: saturated Adobe RGB is outside sRGB and clipped, P3's red likewise.
func TestKnownColours(t *testing.T) {
	curve := newSRGBCurve()
	p3 := colorProfile(p3Colorants, srgbFormula())
	for _, tt := range []struct {
		icc      []byte
		in, want [3]byte
	}{
		{adobeProfile(), [3]byte{255, 0, 0}, [3]byte{255, 0, 0}},
		{adobeProfile(), [3]byte{0, 255, 0}, [3]byte{0, 255, 0}},
		{adobeProfile(), [3]byte{255, 255, 255}, [3]byte{255, 255, 255}},
		{p3, [3]byte{255, 0, 0}, [3]byte{255, 0, 0}},
		{p3, [3]byte{234, 51, 35}, [3]byte{255, 0, 0}},    // sRGB red in P3
		{p3, [3]byte{117, 251, 76}, [3]byte{0, 255, 0}},   // green
		{p3, [3]byte{0, 0, 245}, [3]byte{0, 0, 255}},      // blue
		{p3, [3]byte{255, 255, 84}, [3]byte{255, 255, 0}}, // yellow
	} {
		got := tt.in
		curve.convert(parseProfile(tt.icc), got[:])
		wantClose(t, got[:], tt.want[:], 8, 5)
	}
}

func TestNear(t *testing.T) {
	curve := newSRGBCurve()
	var table []uint16
	for i := range 1024 {
		table = append(table, uint16(math.Round(65535*srgbLight(float64(i)/1023))))
	}
	shifted := srgbColorants
	shifted[0][0] += 0.01
	for _, tt := range []struct {
		name string
		icc  []byte
		want bool
	}{
		{"sRGB by formula", colorProfile(srgbColorants, srgbFormula()), true},
		{"sRGB by table", colorProfile(srgbColorants, tableCurve(table...)), true},
		{"sRGB with gamma 2.2", colorProfile(srgbColorants, gammaCurve(2.2)), false},
		{"another red", colorProfile(shifted, srgbFormula()), false},
		{"P3", colorProfile(p3Colorants, srgbFormula()), false},
		{"Adobe", adobeProfile(), false},
		{"gray with the sRGB curve", grayProfile(srgbFormula()), true},
		{"gray with gamma 2.2", grayProfile(gammaCurve(2.2)), false},
	} {
		if got := curve.near(parseProfile(tt.icc)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// Profiles that are no matrix and curves, or broken, are ignored.
func TestParseProfileRefuses(t *testing.T) {
	good := adobeProfile()
	if parseProfile(good) == nil {
		t.Fatal("a good profile is refused")
	}
	edit := func(at int, text string) []byte {
		icc := bytes.Clone(good)
		copy(icc[at:], text)
		return icc
	}
	huge := adobeColorants
	huge[1][1] = 30000
	for name, icc := range map[string][]byte{
		"nothing":             nil,
		"a header":            good[:128],
		"no signature":        edit(36, "ABCD"),
		"Lab":                 edit(20, "Lab "),
		"CMYK":                edit(16, "CMYK"),
		"gray without kTRC":   edit(16, "GRAY"),
		"a table":             colorProfile(adobeColorants, gammaCurve(2.2), tag{"A2B0", []byte("mft2")}),
		"a table of floats":   colorProfile(adobeColorants, gammaCurve(2.2), tag{"D2B0", []byte("mpet")}),
		"one tag short":       edit(128, "\x00\x00\x00\x05"),
		"tag outside":         edit(132+4, "\xff\xff\xff\xff\xff\xff\xff\xff"),
		"colorant of no XYZ":  edit(132+12*6, "XYX "),
		"colorants too large": colorProfile(huge, gammaCurve(2.2)),
		"gamma 0":             colorProfile(adobeColorants, tableCurve(0)),
		"curve of no type":    colorProfile(adobeColorants, []byte("sf32\x00\x00\x00\x00\x00\x00\x00\x00")),
		"curve too short":     colorProfile(adobeColorants, []byte("curv")),
		"curve that lies":     colorProfile(adobeColorants, []byte("curv\x00\x00\x00\x00\xff\xff\xff\xff\x00\x00")),
		"formula 5":           colorProfile(adobeColorants, formulaCurve(5, 1, 1, 1, 1, 1, 1, 1)),
		"formula too short":   colorProfile(adobeColorants, formulaCurve(4, 1, 1, 1, 1, 1, 1)),
		"formula of power 0":  colorProfile(adobeColorants, formulaCurve(0, 0)),
	} {
		if parseProfile(icc) != nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for n := range good { // its last tag is needed whole
		if parseProfile(good[:n]) != nil {
			t.Fatalf("%d of %d bytes accepted", n, len(good))
		}
	}
}

// Types 0 to 4 of ICC.1:2022, table 68.
func TestFormulas(t *testing.T) {
	const g, a, b, c, d, e, f = 2.2, 0.9, 0.05, 0.3, 0.2, 0.02, 0.01
	power := func(x float64) float64 { return math.Pow(max(a*x+b, 0), g) }
	for kind, want := range []func(x float64) float64{
		func(x float64) float64 { return math.Pow(x, g) },
		power,
		func(x float64) float64 { return power(x) + c },
		func(x float64) float64 {
			if x >= d {
				return power(x)
			}
			return c * x
		},
		func(x float64) float64 {
			if x >= d {
				return power(x) + e
			}
			return c*x + f
		},
	} {
		light, ok := parseCurve(formulaCurve(byte(kind), g, a, b, c, d, e, f))
		if !ok {
			t.Fatalf("type %d refused", kind)
		}
		for v, got := range light {
			if off := float64(got) - min(max(want(float64(v)/255), 0), 1)*(1<<lightBits); off < -1.5 || off > 1.5 {
				t.Errorf("type %d at %d: off by %v", kind, v, off)
			}
		}
	}
	light, ok := parseCurve(formulaCurve(1, g, 1, -0.5)) // 0 below -b/a
	if !ok || light[127] != 0 || light[129] == 0 && light[200] == 0 {
		t.Errorf("type 1 with an offset: %v", light)
	}
}

func TestTables(t *testing.T) {
	light, ok := parseCurve(tableCurve(0, 65535, 0))
	if !ok || light[0] != 0 || light[255] != 0 || light[127] != light[128] || light[64] != 8224 {
		t.Errorf("a peak: %v", light)
	}
	if light, ok = parseCurve(tableCurve()); !ok || light[255] != 1<<lightBits || light[51] != 3277 {
		t.Errorf("no values: %v", light)
	}
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Uint16(), 2, 2000).Draw(t, "values")
		light, ok := parseCurve(tableCurve(values...))
		if !ok {
			t.Fatal("refused")
		}
		for v, got := range light {
			at := float64(v) * float64(len(values)-1) / 255
			i := min(int(at), len(values)-2)
			want := float64(values[i]) + (at-float64(i))*(float64(values[i+1])-float64(values[i]))
			if off := float64(got) - want/65535*(1<<lightBits); off < -0.6 || off > 0.6 {
				t.Fatalf("at %d: off by %v", v, off)
			}
		}
	})
}

// The largest profile that is read costs no more than a small one.
func TestHostileProfileIsCheap(t *testing.T) {
	curve := newSRGBCurve()
	values := make([]uint16, maxProfile/2)
	icc := colorProfile(adobeColorants, tableCurve(values...))
	binary.BigEndian.PutUint32(icc[128:], math.MaxUint32)
	start := time.Now()
	for range 20 {
		if p := parseProfile(icc); p == nil || curve.near(p) {
			t.Fatal("not the profile expected")
		}
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("20 profiles took %v", took)
	}
}

// Every sample keeps its value through light and back.
func TestSRGBCurve(t *testing.T) {
	curve := newSRGBCurve()
	for v := range 256 {
		light := int(math.Round(srgbLight(float64(v)/255) * (1 << lightBits)))
		if got := int(curve[light]); got != v {
			t.Errorf("%d became %d", v, got)
		}
	}
	for i := range curve[1:] {
		if curve[i+1] < curve[i] {
			t.Fatalf("the curve falls at %d", i)
		}
	}
}

func TestPower(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, g := rapid.Float64Range(1e-9, 4).Draw(t, "x"), rapid.Float64Range(0.01, 20).Draw(t, "g")
		got, want := power(x, g), math.Pow(x, g)
		if math.Abs(got-want) > 1e-9*max(want, 1e-9) {
			t.Fatalf("%v**%v is %v, want %v", x, g, got, want)
		}
	})
	for _, tt := range [][3]float64{{0, 2, 0}, {-1, 2, 0}, {1, 5, 1}, {2, 3, 8}, {0.25, 0.5, 0.5}} {
		if got := power(tt[0], tt[1]); math.Abs(got-tt[2]) > 1e-11 {
			t.Errorf("%v**%v is %v", tt[0], tt[1], got)
		}
	}
	if got := power(1e9, 30000); !math.IsInf(got, 1) {
		t.Errorf("a huge power is %v", got)
	}
	if got := power(1e-9, 30000); got != 0 {
		t.Errorf("a tiny power is %v", got)
	}
}

// FuzzProfile: any profile is refused or gives light in range, and samples.
func FuzzProfile(f *testing.F) {
	f.Add(adobeProfile())
	f.Add(colorProfile(p3Colorants, srgbFormula()))
	f.Add(colorProfile(p3Colorants, tableCurve(0, 9, 65535)))
	f.Add(grayProfile(formulaCurve(4, 2.4, 1, 0, 0, 0, 0, 0)))
	curve := newSRGBCurve()
	ramp := make([]byte, 3*256)
	for i := range ramp {
		ramp[i] = byte(i * 7)
	}
	f.Fuzz(func(t *testing.T, icc []byte) {
		p := parseProfile(icc)
		if p == nil {
			return
		}
		for c := range p.depth {
			for v, light := range p.light[c] {
				if light < 0 || light > 1<<lightBits {
					t.Fatalf("channel %d: light of %d is %d", c, v, light)
				}
			}
		}
		curve.near(p)
		curve.convert(p, bytes.Clone(ramp))
	})
}

// FuzzEmbeddedProfile: no bytes make the readers of profiles panic or exceed the limit.
func FuzzEmbeddedProfile(f *testing.F) {
	icc, m := adobeProfile(), noise(9, 9, 1)
	f.Add(withJPEGProfile(asJPEG(f, m), icc, 3, 2, 1, 0))
	f.Add(withPNGProfile(f, asPNG(f, m), icc))
	f.Add(asProfileTIFF(binary.BigEndian, 7, icc))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, kind := range []format{formatJPEG, formatPNG, formatWebP, formatTIFF} {
			if n := len(embeddedProfile(kind, data)); n > max(maxProfile, len(data)) {
				t.Errorf("%s: %d bytes", kind, n)
			}
		}
	})
}
