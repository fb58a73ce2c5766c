package preprocess

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/shardmill/shardmill/jobs/classify/internal/pixel"
)

// Layout is the order of the axes of a batch of images.
type Layout string

// The layouts: batch, channel, row, column; or batch, row, column, channel.
const (
	NCHW Layout = "NCHW"
	NHWC Layout = "NHWC"
)

// Channels is the order of the colour channels in a tensor.
type Channels string

// The channel orders.
const (
	RGB  Channels = "RGB"
	BGR  Channels = "BGR"
	Gray Channels = "gray"
)

// Type is the element type of a tensor.
type Type string

// The element types. Float stands for float32 or float16, as the model has it.
const (
	Float   Type = "float"
	Float32 Type = "float32"
	Float16 Type = "float16"
	Uint8   Type = "uint8"
)

// Interpolation is the filter of the resize.
type Interpolation string

// The interpolations. Bilinear is with antialias.
const (
	Bilinear Interpolation = "bilinear"
	Nearest  Interpolation = "nearest"
)

// ICC is what becomes of the ICC profile of an image.
type ICC string

// The treatments of profiles: samples are converted to sRGB, or taken as they are.
const (
	ToSRGB    ICC = "srgb"
	IgnoreICC ICC = "ignore"
)

// Orientation is what becomes of the EXIF orientation of an image.
type Orientation string

// The treatments of orientations: images are turned upright, or taken as they are stored.
const (
	ByEXIF            Orientation = "exif"
	IgnoreOrientation Orientation = "ignore"
)

// Rounding is what becomes of half a pixel in the offset of the crop.
type Rounding string

// The roundings.
const (
	Floor    Rounding = "floor"
	HalfEven Rounding = "half-even"
)

// Kind is what a model gives for each label.
type Kind string

// The output kinds.
const (
	Logits        Kind = "logits"
	Probabilities Kind = "probabilities"
	Quantised     Kind = "quantised"
)

// Output says how to read the scores of a model. Scale and ZeroPoint are those of
// a quantised output: probability = Scale * (score - ZeroPoint).
type Output struct {
	Kind      Kind    `yaml:"kind"`
	Scale     float64 `yaml:"scale"`
	ZeroPoint int     `yaml:"zero_point"`
}

// Spec is the preprocessing of one model; the package comment explains its fields.
type Spec struct {
	Name string `yaml:"-"` // for messages: "preset raw", "spec file a.yaml"

	Layout        Layout        `yaml:"layout"`
	Channels      Channels      `yaml:"channels"`
	Type          Type          `yaml:"type"`
	Resize        Resize        `yaml:"resize"`
	Crop          Size          `yaml:"crop"`
	CropRound     Rounding      `yaml:"crop_round"`
	Interpolation Interpolation `yaml:"interpolation"`
	Orientation   Orientation   `yaml:"orientation"`
	Background    Background    `yaml:"background"`
	ICC           ICC           `yaml:"icc"`
	Scale         float64       `yaml:"scale"`
	Mean          []float64     `yaml:"mean"`
	Std           []float64     `yaml:"std"`
	Output        Output        `yaml:"output"`
	LabelOffset   int           `yaml:"label_offset"`
}

// Validate reports the first field that is missing, unknown or contradicts another.
func (s Spec) Validate() error {
	return first(
		one("layout", s.Layout, NCHW, NHWC),
		one("channels", s.Channels, RGB, BGR, Gray),
		one("type", s.Type, Float, Float32, Float16, Uint8),
		one("crop_round", s.CropRound, Floor, HalfEven),
		one("interpolation", s.Interpolation, Bilinear, Nearest),
		one("orientation", s.Orientation, ByEXIF, IgnoreOrientation),
		one("icc", s.ICC, ToSRGB, IgnoreICC),
		s.geometry(),
		s.values(),
		s.Output.validate(),
		within("label_offset", float64(s.LabelOffset), -1<<31, 1<<31),
	)
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func one[T ~string](field string, v T, of ...T) error {
	if slices.Contains(of, v) {
		return nil
	}
	if v == "" {
		return fmt.Errorf("%s is missing: it is one of %v", field, of)
	}
	return fmt.Errorf("%s %q is not one of %v", field, string(v), of)
}

// within also refuses NaN.
func within(field string, v, lo, hi float64) error {
	if v >= lo && v <= hi {
		return nil
	}
	return fmt.Errorf("%s %v is not between %v and %v", field, v, lo, hi)
}

func (s Spec) geometry() error {
	if !s.Resize.given {
		return errors.New(`resize is missing: it is "shorter N", "WxH" or "none"`)
	}
	if !s.Crop.given {
		return errors.New(`crop is missing: it is "WxH" or "none"`)
	}
	return s.Pixels(0).Validate()
}

// values checks the numbers that make tensor elements of samples.
func (s Spec) values() error {
	if len(s.Mean) != s.Depth() || len(s.Std) != s.Depth() {
		return fmt.Errorf("mean has %d and std %d numbers, but there are %d channels", len(s.Mean), len(s.Std), s.Depth())
	}
	if s.Scale == 0 || slices.Contains(s.Std, 0) {
		return errors.New("scale and std must not be 0")
	}
	for c := range s.Depth() {
		for _, v := range []float64{s.element(0, c), s.element(255, c)} {
			if math.IsNaN(v) || math.Abs(v) > math.MaxFloat32 {
				return errors.New("scale, mean or std is not a finite number, or too large")
			}
			if s.Type == Uint8 && (math.RoundToEven(v) < 0 || math.RoundToEven(v) > 255) {
				return fmt.Errorf("scale, mean and std give %v, which uint8 does not hold", v)
			}
		}
	}
	return nil
}

func (o Output) validate() error {
	if err := one("output kind", o.Kind, Logits, Probabilities, Quantised); err != nil {
		return err
	}
	if o.Kind != Quantised {
		if o.Scale != 0 || o.ZeroPoint != 0 {
			return errors.New("output scale and zero_point are for quantised outputs only")
		}
		return nil
	}
	if !(o.Scale > 0) || math.IsInf(o.Scale, 0) {
		return errors.New("a quantised output needs a scale above 0")
	}
	return within("zero_point", float64(o.ZeroPoint), -128, 255)
}

// element gives the tensor element for sample v of channel c: (v*scale - mean) / std.
// The conversion keeps the compiler from fusing the multiplication with the
// subtraction, which would round otherwise on some processors.
func (s Spec) element(v, c int) float64 {
	return (float64(float64(v)*s.Scale) - s.Mean[c]) / s.Std[c]
}

// Depth gives the number of channels.
func (s Spec) Depth() int {
	if s.Channels == Gray {
		return 1
	}
	return 3
}

// Pixels gives the options of a decoder whose crops the spec's [Filler] takes.
// maxPixels is the pixel cap, 0 for the default.
func (s Spec) Pixels(maxPixels int64) pixel.Options {
	return pixel.Options{
		Shorter:    s.Resize.Shorter,
		Width:      s.Resize.Exact.Width,
		Height:     s.Resize.Exact.Height,
		CropWidth:  s.Crop.Width,
		CropHeight: s.Crop.Height,
		HalfEven:   s.CropRound == HalfEven,
		Nearest:    s.Interpolation == Nearest,
		Gray:       s.Channels == Gray,
		EXIF:       s.Orientation == ByEXIF,
		ICC:        s.ICC == ToSRGB,
		Background: pixel.Background(s.Background),
		MaxPixels:  maxPixels,
	}
}
