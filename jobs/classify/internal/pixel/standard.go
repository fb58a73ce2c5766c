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
	r := raster{limited: f == formatWebP}
	var frame webpFrame
	if f == formatWebP && animatedWebP(data) {
		var err error
		if frame, err = firstFrame(data); err != nil {
			return picture{}, view{}, err
		}
		data, r.at = frame.still, frame.at
	}
	c := codecOf(f)
	cfg, err := guard(f, func() (image.Config, error) { return c.config(bytes.NewReader(data)) })
	if err != nil {
		return picture{}, view{}, err
	}
	if r.w, r.h = cfg.Width, cfg.Height; frame.still != nil {
		if r.w, r.h = frame.w, frame.h; cfg.Width > r.w || cfg.Height > r.h {
			return picture{}, view{}, rejectf("the pixels are not what the header says")
		}
	}
	v, err := d.opts.view(r.w, r.h, turn)
	if err != nil {
		return picture{}, view{}, err
	}
	if r.img, err = guard(f, func() (image.Image, error) { return c.decode(bytes.NewReader(data)) }); err != nil {
		return picture{}, view{}, err
	}
	pic, err := r.picture(d.opts.Background)
	return pic, v, err
}
