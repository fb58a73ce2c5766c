package preprocess

import (
	"strings"
	"testing"
)

// specWith is a spec with more fields.
func specWith(fields string) string {
	return "{layout: NCHW, channels: RGB, resize: 4x4, crop: none, output: {kind: logits}" + fields + "}"
}

// The older field exif means what orientation does, and has its identity; images are taken as they are without either.
func TestOrientation(t *testing.T) {
	for fields, want := range map[string]Orientation{
		"":                      IgnoreOrientation,
		", orientation: ignore": IgnoreOrientation,
		", orientation: exif":   ByEXIF,
		", exif: false":         IgnoreOrientation,
		", exif: true":          ByEXIF,
	} {
		s := mustParse(t, specWith(fields))
		if s.Orientation != want || s.Pixels(0).EXIF != (want == ByEXIF) {
			t.Errorf("%q: %s", fields, s.Orientation)
		}
		same := mustParse(t, specWith(", orientation: "+string(want)))
		if string(same.Canonical()) != string(s.Canonical()) {
			t.Errorf("%q has an identity of its own:\n%s", fields, s.Canonical())
		}
	}
	for fields, want := range map[string]string{
		", orientation: exif, exif: true": "both orientation and exif are given",
		", orientation: upright":          "orientation \"upright\" is not one of",
		", exif: maybe":                   "",
	} {
		if _, err := Parse([]byte(specWith(fields))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", fields, err)
		}
	}
}

func TestBackground(t *testing.T) {
	for text, want := range map[string]string{
		"none": "none", "white": "#ffffff", "black": "#000000", "#0102fe": "#0102fe", "#ABCDEF": "#abcdef",
	} {
		var b Background
		if err := b.UnmarshalText([]byte(text)); err != nil || b.String() != want {
			t.Errorf("%q: %v, %v", text, b, err)
		}
		again := b
		if err := again.UnmarshalText([]byte(b.String())); err != nil || again != b {
			t.Errorf("%q: %v is read as %v, %v", text, b, again, err)
		}
	}
	for _, text := range []string{"", "red", "#", "#fff", "#00000g", "000000", "#0000000", "White"} {
		var b Background
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, b)
		}
	}
	if mustParse(t, specWith(", background: none")).Background.Blend {
		t.Error("none blends")
	}
	if _, err := Parse([]byte(specWith(", background: red"))); err == nil || !strings.Contains(err.Error(), "red") {
		t.Error(err)
	}
}
