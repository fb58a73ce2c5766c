package preprocess

import (
	"fmt"
	"strconv"
	"strings"
)

// Size is a width and height in pixels, written "224x224"; zero is "none".
type Size struct {
	Width, Height int
	given         bool // written, be it as none
}

// UnmarshalText reads "WxH" or "none".
func (s *Size) UnmarshalText(text []byte) error {
	if string(text) == "none" {
		*s = Size{given: true}
		return nil
	}
	w, h, ok := strings.Cut(string(text), "x")
	width, height := side(w), side(h)
	if !ok || width == 0 || height == 0 {
		return fmt.Errorf("size %q is neither \"WxH\" nor \"none\"", text)
	}
	*s = Size{width, height, true}
	return nil
}

// String writes the size as it is read.
func (s Size) String() string {
	if s.Width == 0 {
		return "none"
	}
	return fmt.Sprintf("%dx%d", s.Width, s.Height)
}

// Resize is the size of an image after resizing: the length of its shorter side,
// or an exact size, or neither.
type Resize struct {
	Shorter int
	Exact   Size
	given   bool
}

// UnmarshalText reads "shorter N", "WxH" or "none".
func (r *Resize) UnmarshalText(text []byte) error {
	if n, ok := strings.CutPrefix(string(text), "shorter "); ok && side(n) > 0 {
		*r = Resize{Shorter: side(n), given: true}
		return nil
	}
	var exact Size
	if err := exact.UnmarshalText(text); err != nil {
		return fmt.Errorf("resize %q is none of \"shorter N\", \"WxH\" and \"none\"", text)
	}
	*r = Resize{Exact: exact, given: true}
	return nil
}

// String writes the resize as it is read.
func (r Resize) String() string {
	if r.Shorter > 0 {
		return "shorter " + strconv.Itoa(r.Shorter)
	}
	return r.Exact.String()
}

// side reads a length in decimal digits; 0 stands for anything else.
func side(s string) int {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}
