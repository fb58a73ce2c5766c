package preprocess

import (
	"bytes"
	"fmt"
)

// Canonical gives the spec as text that is equal for equal specs, whatever file or preset
// they came from, to be hashed into a job's identity. Numbers are written with
// the fewest digits that give the same float64.
func (s Spec) Canonical() []byte {
	var b bytes.Buffer
	for _, f := range []struct {
		name  string
		value any
	}{
		{"preprocess", 1}, // version of this text
		{"layout", s.Layout},
		{"channels", s.Channels},
		{"type", s.Type},
		{"resize", s.Resize},
		{"crop", s.Crop},
		{"crop_round", s.CropRound},
		{"interpolation", s.Interpolation},
		{"exif", s.Orientation == ByEXIF},
		{"icc", s.ICC},
		{"scale", s.Scale},
		{"mean", s.Mean},
		{"std", s.Std},
		{"output", s.Output.Kind},
		{"output_scale", s.Output.Scale},
		{"output_zero_point", s.Output.ZeroPoint},
		{"label_offset", s.LabelOffset},
	} {
		fmt.Fprintf(&b, "%s %v\n", f.name, f.value)
	}
	if s.Background.Blend { // added later: specs without it stay the same text
		fmt.Fprintf(&b, "background %v\n", s.Background)
	}
	return b.Bytes()
}
