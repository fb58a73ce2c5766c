package pixel

import (
	"errors"
	"fmt"
)

// DefaultMaxPixels is the pixel cap where [Options] sets none.
const DefaultMaxPixels = 100_000_000

// MaxSide bounds the sides of the resized image and of the crop that [Options]
// may ask for, in pixels.
const MaxSide = 8192

// Options says which crop of an image a [Decoder] makes. At most one of Shorter
// and Width x Height is set; with neither, images are not resized. Without
// CropWidth x CropHeight the whole resized image is the crop, and its size must
// be exact.
type Options struct {
	Shorter    int // length of the shorter side after resizing, pixels
	Width      int // exact width after resizing, pixels
	Height     int // exact height after resizing, pixels
	CropWidth  int // width of the centre crop, pixels
	CropHeight int // height of the centre crop, pixels

	HalfEven bool // round the crop offset half to even, as Pillow pipelines do, and not down
	Nearest  bool // nearest sample in place of bilinear with antialias
	Gray     bool // one channel (BT.601 luma) in place of red, green, blue
	EXIF     bool // turn the image upright by its EXIF orientation
	ICC      bool // convert to sRGB by the image's ICC profile

	Background Background // what shows through transparent pixels

	MaxPixels int64 // most pixels that an image may declare; 0 is DefaultMaxPixels
}

// Background is the colour that shows through transparent pixels, and where the first frame of an animation leaves its canvas
// open. Without Blend alpha is dropped and such a canvas is black.
type Background struct {
	Blend   bool
	R, G, B uint8 // as the samples of the file are, before a conversion to sRGB
}

// Validate reports options that contradict themselves or leave the size of the
// crop open.
func (o Options) Validate() error {
	for _, n := range []int{o.Shorter, o.Width, o.Height, o.CropWidth, o.CropHeight} {
		if n < 0 || n > MaxSide {
			return fmt.Errorf("a side of %d pixels is not between 0 and %d", n, MaxSide)
		}
	}
	exact, crop := o.Width > 0, o.CropWidth > 0
	switch {
	case o.MaxPixels < 0:
		return fmt.Errorf("the pixel cap %d is negative", o.MaxPixels)
	case exact != (o.Height > 0):
		return errors.New("an exact size needs both width and height")
	case crop != (o.CropHeight > 0):
		return errors.New("a crop needs both width and height")
	case exact && o.Shorter > 0:
		return errors.New("both a shorter side and an exact size are given")
	case !exact && !crop:
		return errors.New("without a crop the resized size must be exact, or images of different shape differ in size")
	case exact && crop && (o.CropWidth > o.Width || o.CropHeight > o.Height),
		o.Shorter > 0 && max(o.CropWidth, o.CropHeight) > o.Shorter:
		return errors.New("the crop is larger than the resized image")
	}
	return nil
}

// Size gives the width and height of the crop in pixels.
func (o Options) Size() (width, height int) {
	if o.CropWidth > 0 {
		return o.CropWidth, o.CropHeight
	}
	return o.Width, o.Height
}

// Channels gives the bytes a pixel of the crop: 3 (red, green, blue) or 1 (gray).
func (o Options) Channels() int {
	if o.Gray {
		return 1
	}
	return 3
}

// Bytes gives the length of a crop: height x width x channels.
func (o Options) Bytes() int {
	w, h := o.Size()
	return w * h * o.Channels()
}

func (o Options) maxPixels() int64 {
	if o.MaxPixels > 0 {
		return o.MaxPixels
	}
	return DefaultMaxPixels
}
