package preprocess

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/classify/internal/pixel"
)

// imagenetYAML is the preset imagenet as a spec file.
const imagenetYAML = `
layout: NCHW
channels: RGB
resize: shorter 256
crop: 224x224
scale: 0.00392156862745098
mean: [0.485, 0.456, 0.406]
std: [0.229, 0.224, 0.225]
output: {kind: logits}
`

func mustLoad(t testing.TB, name string) Spec {
	t.Helper()
	s, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustParse(t testing.TB, text string) Spec {
	t.Helper()
	s, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPresetsAreValid(t *testing.T) {
	for _, name := range Presets() {
		s := mustLoad(t, name)
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if want := "preset " + name; s.Name != want {
			t.Errorf("name %q, want %q", s.Name, want)
		}
		want := pixel.Options{Shorter: 256, CropWidth: 224, CropHeight: 224, ICC: true, MaxPixels: 7}
		if diff := cmp.Diff(want, s.Pixels(7)); diff != "" {
			t.Errorf("%s: pixel options (-want +got):\n%s", name, diff)
		}
	}
}

func TestPixelsCarriesEveryOption(t *testing.T) {
	s := mustParse(t, `{layout: NHWC, channels: gray, type: uint8, resize: 300x200, crop: 32x16,
crop_round: half-even, interpolation: nearest, orientation: exif, background: "#0102ff", icc: ignore, output: {kind: logits}}`)
	want := pixel.Options{
		Width: 300, Height: 200, CropWidth: 32, CropHeight: 16,
		HalfEven: true, Nearest: true, Gray: true, EXIF: true, MaxPixels: 9,
		Background: pixel.Background{Blend: true, R: 1, G: 2, B: 255},
	}
	if diff := cmp.Diff(want, s.Pixels(9)); diff != "" {
		t.Errorf("pixel options (-want +got):\n%s", diff)
	}
}

func TestCanonicalGolden(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("testdata", "canonical.golden"))
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for _, name := range Presets() {
		got = append(got, mustLoad(t, name).Canonical()...)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the canonical text changed, and with it every job's identity (-want +got):\n%s", diff)
	}
}

// A spec file that says what a preset says has the preset's identity.
func TestCanonicalIgnoresOrigin(t *testing.T) {
	file, preset := mustParse(t, imagenetYAML), mustLoad(t, "imagenet")
	if diff := cmp.Diff(string(preset.Canonical()), string(file.Canonical())); diff != "" {
		t.Error(diff)
	}
}

// Every field must show in the canonical text.
func TestCanonicalShowsEveryField(t *testing.T) {
	base := mustLoad(t, "imagenet")
	changes := map[string]func(*Spec){
		"layout":        func(s *Spec) { s.Layout = NHWC },
		"channels":      func(s *Spec) { s.Channels = BGR },
		"type":          func(s *Spec) { s.Type = Float16 },
		"resize":        func(s *Spec) { s.Resize.Shorter++ },
		"exact":         func(s *Spec) { s.Resize = Resize{Exact: Size{256, 256, true}} },
		"crop":          func(s *Spec) { s.Crop.Height-- },
		"crop_round":    func(s *Spec) { s.CropRound = HalfEven },
		"interpolation": func(s *Spec) { s.Interpolation = Nearest },
		"exif":          func(s *Spec) { s.Orientation = ByEXIF },
		"background":    func(s *Spec) { s.Background.Blend = true },
		"white":         func(s *Spec) { s.Background = Background{true, 255, 255, 255} },
		"scale":         func(s *Spec) { s.Scale = 0.00392156862745099 },
		"mean":          func(s *Spec) { s.Mean = []float64{0.485, 0.456, 0.407} },
		"std":           func(s *Spec) { s.Std = []float64{0.228, 0.224, 0.225} },
		"output":        func(s *Spec) { s.Output.Kind = Probabilities },
		"output scale":  func(s *Spec) { s.Output.Scale = 1 },
		"zero point":    func(s *Spec) { s.Output.ZeroPoint = 1 },
		"label_offset":  func(s *Spec) { s.LabelOffset = 1 },
	}
	seen := map[string]string{string(base.Canonical()): "the base"}
	for name, change := range changes {
		s := base
		change(&s)
		text := string(s.Canonical())
		if other, dup := seen[text]; dup {
			t.Errorf("changing %s gives the text of %s", name, other)
		}
		seen[text] = name
	}
}

func TestParseRefuses(t *testing.T) {
	line := func(old, replacement string) string {
		if !strings.Contains(imagenetYAML, old) {
			t.Fatalf("no %q to replace", old)
		}
		return strings.Replace(imagenetYAML, old, replacement, 1)
	}
	for _, tt := range []struct{ name, yaml, want string }{
		{"empty", "", "layout is missing"},
		{"no mapping", "- 1\n", "mapping"},
		{"broken", "layout: [\n", "sequence end token ']' not found"},
		{"unknown field", imagenetYAML + "colour: RGB\n", `unknown field "colour"`},
		{"unknown output field", line("{kind: logits}", "{kind: logits, top: 5}"), `unknown field "top"`},
		{"twice", imagenetYAML + "layout: NHWC\n", "already defined"},
		{"two documents", imagenetYAML + "---\nlayout: NCHW\n", "more than one YAML document"},
		{"layout", line("NCHW", "CHW"), `layout "CHW" is not one of [NCHW NHWC]`},
		{"channels", line("RGB", "rgb"), `channels "rgb" is not one of [RGB BGR gray]`},
		{"type", imagenetYAML + "type: int8\n", `type "int8" is not one of`},
		{"no resize", line("resize: shorter 256", ""), "resize is missing"},
		{"resize", line("shorter 256", "longer 256"), `resize "longer 256" is none of`},
		{"resize zero", line("shorter 256", "shorter 0"), `resize "shorter 0" is none of`},
		{"resize negative", line("shorter 256", "shorter -1"), `resize "shorter -1" is none of`},
		{"resize huge", line("shorter 256", "shorter 1000000"), "a side of 1000000 pixels"},
		{"no crop", line("crop: 224x224", ""), "crop is missing"},
		{"crop", line("224x224", "224"), `size "224" is neither`},
		{"crop larger", line("224x224", "257x224"), "the crop is larger than the resized image"},
		{"open size", line("224x224", "none"), "without a crop the resized size must be exact"},
		{"rounding", imagenetYAML + "crop_round: up\n", `crop_round "up" is not one of`},
		{"interpolation", imagenetYAML + "interpolation: cubic\n", `interpolation "cubic" is not one of`},
		{"icc", imagenetYAML + "icc: p3\n", `icc "p3" is not one of [srgb ignore]`},
		{"mean length", line("[0.485, 0.456, 0.406]", "[0.485]"), "mean has 1 and std 3 numbers, but there are 3 channels"},
		{"gray mean", line("RGB", "gray"), "mean has 3 and std 3 numbers, but there are 1 channels"},
		{"std zero", line("0.224", "0"), "scale and std must not be 0"},
		{"scale zero", line("0.00392156862745098", "0"), "scale and std must not be 0"},
		{"mean nan", line("0.485", ".nan"), "not a finite number"},
		{"scale inf", line("0.00392156862745098", ".inf"), "not a finite number"},
		{"float overflow", line("0.00392156862745098", "1e38"), "too large"},
		{"uint8 overflow", imagenetYAML + "type: uint8\n", "which uint8 does not hold"},
		{"no output", line("output: {kind: logits}", ""), "output kind is missing"},
		{"output", line("logits", "labels"), `output kind "labels" is not one of`},
		{"logits scale", line("{kind: logits}", "{kind: logits, scale: 2}"), "for quantised outputs only"},
		{"quantised", line("{kind: logits}", "{kind: quantised}"), "needs a scale above 0"},
		{"zero point", line("{kind: logits}", "{kind: quantised, scale: 1, zero_point: 256}"), "zero_point 256 is not between"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.yaml))
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q does not contain %q", err, tt.want)
			}
		})
	}
}

func TestParseDefaults(t *testing.T) {
	s := mustParse(t, "{layout: NHWC, channels: BGR, resize: none, crop: 8x4, output: {kind: quantised, scale: 0.5, zero_point: 3}, label_offset: 1}")
	want := `preprocess 1
layout NHWC
channels BGR
type float
resize none
crop 8x4
crop_round floor
interpolation bilinear
exif false
icc srgb
scale 1
mean [0 0 0]
std [1 1 1]
output quantised
output_scale 0.5
output_zero_point 3
label_offset 1
`
	if diff := cmp.Diff(want, string(s.Canonical())); diff != "" {
		t.Error(diff)
	}
}

// -0 preprocesses like 0, and so has its identity.
func TestMinusZeroMean(t *testing.T) {
	const text = "{layout: NCHW, channels: gray, resize: 4x4, crop: none, mean: [%s], output: {kind: logits}}"
	zero, minus := mustParse(t, fmt.Sprintf(text, "0.0")), mustParse(t, fmt.Sprintf(text, "-0.0"))
	if diff := cmp.Diff(string(zero.Canonical()), string(minus.Canonical())); diff != "" {
		t.Error(diff)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "raw")
	if err := os.WriteFile(path, []byte(imagenetYAML), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := mustLoad(t, path); s.Layout != NCHW || s.Name != "spec file "+path {
		t.Errorf("got layout %s, name %q", s.Layout, s.Name)
	}
	if _, err := Load("imagnet"); err == nil || err.Error() != `"imagnet" is neither a preset (imagenet, imagenet-caffe, raw) nor a spec file` {
		t.Errorf("misspelt preset: %v", err)
	}
	if _, err := Load(dir); err == nil || !strings.HasPrefix(err.Error(), "spec file: ") {
		t.Errorf("directory: %v", err)
	}
	if err := os.WriteFile(path, []byte("layout: CHW\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.HasPrefix(err.Error(), "spec file "+path+": layout ") {
		t.Errorf("bad file: %v", err)
	}
}

func TestSizeText(t *testing.T) {
	for _, text := range []string{"none", "1x1", "640x480"} {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s.String() != text {
			t.Errorf("size %q became %q, %v", text, s, err)
		}
	}
	for _, text := range []string{"none", "640x480", "shorter 256"} {
		var r Resize
		if err := r.UnmarshalText([]byte(text)); err != nil || r.String() != text {
			t.Errorf("resize %q became %q, %v", text, r, err)
		}
	}
	for _, text := range []string{"", "x", "1x", "x1", "0x1", "1x0", "-1x1", "1x1x1", " 1x1", "1 x 1", "99999999999x1", "None"} {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("size %q became %v", text, s)
		}
	}
}

// specGen draws valid specs.
func specGen() *rapid.Generator[Spec] {
	return rapid.Custom(func(t *rapid.T) Spec {
		s := Spec{
			Layout:        rapid.SampledFrom([]Layout{NCHW, NHWC}).Draw(t, "layout"),
			Channels:      rapid.SampledFrom([]Channels{RGB, BGR, Gray}).Draw(t, "channels"),
			Type:          rapid.SampledFrom([]Type{Float, Float32, Float16}).Draw(t, "type"),
			CropRound:     rapid.SampledFrom([]Rounding{Floor, HalfEven}).Draw(t, "round"),
			Interpolation: rapid.SampledFrom([]Interpolation{Bilinear, Nearest}).Draw(t, "interpolation"),
			Orientation:   rapid.SampledFrom([]Orientation{ByEXIF, IgnoreOrientation}).Draw(t, "orientation"),
			ICC:           rapid.SampledFrom([]ICC{ToSRGB, IgnoreICC}).Draw(t, "icc"),
			Scale:         rapid.Float64Range(1e-6, 10).Draw(t, "scale"),
			Output:        Output{Kind: Logits},
			LabelOffset:   rapid.IntRange(-5, 5).Draw(t, "offset"),
		}
		if rapid.Bool().Draw(t, "blend") {
			s.Background = Background{true, rapid.Byte().Draw(t, "r"), rapid.Byte().Draw(t, "g"), rapid.Byte().Draw(t, "b")}
		}
		side := rapid.IntRange(1, 21)
		s.Crop = Size{side.Draw(t, "w"), side.Draw(t, "h"), true}
		s.Resize = Resize{Shorter: max(s.Crop.Width, s.Crop.Height) + 3, given: true}
		s.Mean = rapid.SliceOfN(rapid.Float64Range(-300, 300), s.Depth(), s.Depth()).Draw(t, "mean")
		for i := range s.Mean {
			s.Mean[i] += 0
		}
		s.Std = rapid.SliceOfN(rapid.Float64Range(0.1, 100), s.Depth(), s.Depth()).Draw(t, "std")
		return s
	})
}

// specYAML writes a spec as a person would.
func specYAML(s Spec) string {
	list := func(v []float64) string { return strings.ReplaceAll(fmt.Sprint(v), " ", ", ") }
	return fmt.Sprintf("layout: %s\nchannels: %s\ntype: %s\nresize: %s\ncrop: %s\ncrop_round: %s\ninterpolation: %s\n"+
		"orientation: %v\nbackground: \"%v\"\nicc: %s\nscale: %v\nmean: %s\nstd: %s\noutput: {kind: %s}\nlabel_offset: %d\n",
		s.Layout, s.Channels, s.Type, s.Resize, s.Crop, s.CropRound, s.Interpolation,
		s.Orientation, s.Background, s.ICC, s.Scale, list(s.Mean), list(s.Std), s.Output.Kind, s.LabelOffset)
}

func TestParseRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := specGen().Draw(t, "spec")
		text := specYAML(s)
		got, err := Parse([]byte(text))
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if diff := cmp.Diff(string(s.Canonical()), string(got.Canonical())); diff != "" {
			t.Fatalf("%s\nin\n%s", diff, text)
		}
	})
}

// FuzzParse: whatever is accepted is valid, makes a filler and has one identity.
func FuzzParse(f *testing.F) {
	f.Add([]byte(imagenetYAML))
	f.Add([]byte("layout: NHWC\nchannels: gray\ntype: uint8\nresize: 4x4\ncrop: none\noutput: {kind: logits}\n"))
	f.Add([]byte("{}"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data)
		if err != nil {
			return
		}
		if _, err := NewFiller(s); err != nil {
			t.Fatalf("accepted but no filler: %v", err)
		}
		again, err := Parse(data)
		if err != nil || !bytes.Equal(s.Canonical(), again.Canonical()) {
			t.Fatalf("second parse differs: %v", err)
		}
	})
}
