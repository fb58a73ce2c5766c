package pixel

import (
	"bytes"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// codec is a decoder in Go: the header alone, and the whole image.
type codec struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

func codecOf(f format) codec {
	switch f {
	case formatJPEG:
		return codec{jpeg.DecodeConfig, jpeg.Decode}
	case formatPNG:
		return codec{png.DecodeConfig, png.Decode}
	case formatGIF:
		return codec{gif.DecodeConfig, gif.Decode}
	case formatWebP:
		return codec{webp.DecodeConfig, webp.Decode}
	case formatBMP:
		return codec{bmp.DecodeConfig, bmp.Decode}
	default:
		return codec{tiff.DecodeConfig, tiff.Decode}
	}
}

// openStandard decodes with the standard library or x/image.
func (d *Decoder) openStandard(f format, data []byte, turn orientation) (picture, view, error) {
	if f == formatWebP && animatedWebP(data) {
		return picture{}, view{}, rejectf("animated WebP is not supported")
	}
	c := codecOf(f)
	cfg, err := guard(f, func() (image.Config, error) { return c.config(bytes.NewReader(data)) })
	if err != nil {
		return picture{}, view{}, err
	}
	v, err := d.opts.view(cfg.Width, cfg.Height, turn)
	if err != nil {
		return picture{}, view{}, err
	}
	img, err := guard(f, func() (image.Image, error) { return c.decode(bytes.NewReader(data)) })
	if err != nil {
		return picture{}, view{}, err
	}
	pic, err := newPicture(img, f == formatWebP, cfg.Width, cfg.Height)
	return pic, v, err
}

// animatedWebP looks at the animation flag of the extended header.
func animatedWebP(data []byte) bool {
	const animation = 1 << 1
	head := riffChunk(data, "VP8X")
	return len(head) > 0 && head[0]&animation != 0
}
