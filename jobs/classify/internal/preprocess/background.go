package preprocess

import (
	"encoding/hex"
	"fmt"

	"github.com/shardmill/shardmill/jobs/classify/internal/pixel"
)

// Background is the colour that shows through transparent pixels. Zero is "none": alpha is dropped.
type Background pixel.Background

// UnmarshalText reads "none", "white", "black" or "#rrggbb".
func (b *Background) UnmarshalText(text []byte) error {
	switch string(text) {
	case "none":
		*b = Background{}
		return nil
	case "white":
		*b = Background{Blend: true, R: 255, G: 255, B: 255}
		return nil
	case "black":
		*b = Background{Blend: true}
		return nil
	}
	var rgb [3]byte
	if len(text) == 7 && text[0] == '#' {
		if _, err := hex.Decode(rgb[:], text[1:]); err == nil {
			*b = Background{true, rgb[0], rgb[1], rgb[2]}
			return nil
		}
	}
	return fmt.Errorf("background %q is none of \"none\", \"white\", \"black\" and \"#rrggbb\"", text)
}

// String writes the background as it is read.
func (b Background) String() string {
	if !b.Blend {
		return "none"
	}
	return fmt.Sprintf("#%02x%02x%02x", b.R, b.G, b.B)
}
