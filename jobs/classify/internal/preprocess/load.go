package preprocess

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
)

// Presets lists the names that [Load] knows.
func Presets() []string { return []string{"imagenet", "imagenet-caffe", "raw"} }

// preset gives the spec of a name in [Presets].
func preset(name string) (Spec, bool) {
	s := Spec{
		Name: "preset " + name, Layout: NCHW, Channels: RGB, Type: Float,
		Resize: Resize{Shorter: 256, given: true}, Crop: Size{224, 224, true}, CropRound: Floor, Interpolation: Bilinear,
		Orientation: IgnoreOrientation, ICC: ToSRGB,
		Scale: 1, Mean: []float64{0, 0, 0}, Std: []float64{1, 1, 1}, Output: Output{Kind: Probabilities},
	}
	switch name {
	case "imagenet":
		s.Scale, s.Mean, s.Std = 1./255, []float64{0.485, 0.456, 0.406}, []float64{0.229, 0.224, 0.225}
		s.Output.Kind = Logits
	case "imagenet-caffe":
		s.Channels, s.Mean = BGR, []float64{104, 117, 123}
	case "raw":
		s.Layout, s.Type = NHWC, Uint8
	default:
		return Spec{}, false
	}
	return s, true
}

// Load gives the preset of that name, or reads a spec file. A file that is named
// like a preset is reached as ./name.
func Load(nameOrPath string) (Spec, error) {
	if s, ok := preset(nameOrPath); ok {
		return s, nil
	}
	data, err := os.ReadFile(nameOrPath)
	if errors.Is(err, fs.ErrNotExist) {
		return Spec{}, fmt.Errorf("%q is neither a preset (%s) nor a spec file", nameOrPath, strings.Join(Presets(), ", "))
	}
	if err != nil {
		return Spec{}, fmt.Errorf("spec file: %w", err)
	}
	s, err := Parse(data)
	if err != nil {
		return Spec{}, fmt.Errorf("spec file %s: %w", nameOrPath, err)
	}
	s.Name = "spec file " + nameOrPath
	return s, nil
}

// Parse reads and validates a spec in YAML. Unknown fields are errors.
func Parse(data []byte) (Spec, error) {
	file := struct {
		Spec `yaml:",inline"`
		EXIF *bool `yaml:"exif"` // what orientation was called first
	}{Spec: Spec{Type: Float, CropRound: Floor, Interpolation: Bilinear, ICC: ToSRGB, Scale: 1}}
	if err := decode(data, &file); err != nil {
		return Spec{}, err
	}
	s := file.Spec
	if err := s.orient(file.EXIF); err != nil {
		return Spec{}, err
	}
	if s.Mean == nil {
		s.Mean = filled(s.Depth(), 0)
	}
	for i := range s.Mean {
		s.Mean[i] += 0 // makes -0 a 0, which preprocesses alike and so must have the same identity
	}
	if s.Std == nil {
		s.Std = filled(s.Depth(), 1)
	}
	if err := s.Validate(); err != nil {
		return Spec{}, err
	}
	return s, nil
}

// orient sets an orientation that is not given, by the older field exif if that is.
func (s *Spec) orient(exif *bool) error {
	switch {
	case exif != nil && s.Orientation != "":
		return errors.New("both orientation and exif are given: exif is the older name, leave it out")
	case s.Orientation != "":
	case exif != nil && *exif:
		s.Orientation = ByEXIF
	default:
		s.Orientation = IgnoreOrientation
	}
	return nil
}

// decode reads one YAML document, or none, into s. The YAML library panics on some
// input that is no YAML (testdata/fuzz has one); that is an error here.
func decode(data []byte, s any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("the YAML is broken")
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
	if err := dec.Decode(s); err != nil && !errors.Is(err, io.EOF) {
		return errors.New(yaml.FormatError(err, false, false))
	}
	if err := dec.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return errors.New("more than one YAML document")
	}
	return nil
}

func filled(n int, v float64) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = v
	}
	return s
}
