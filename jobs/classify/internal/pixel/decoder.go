package pixel

import "fmt"

// Status tells how a crop came about.
type Status uint8

// The statuses of a decoded image.
const (
	OK      Status = iota // the decoder had no complaint
	Damaged               // the decoder had to guess part of the image
)

// String names the status.
func (s Status) String() string {
	if s == Damaged {
		return "damaged"
	}
	return "ok"
}

// keep is the most scratch memory, in bytes, that outlives one image.
const keep = 64 << 20

// Decoder makes crops. It owns scratch memory and a libjpeg-turbo handle: one
// goroutine may use it at a time, and Close frees it.
type Decoder struct {
	opts    Options
	kernel  kernel
	tx, ty  taps
	crop    [3][]byte // the crop's channels, as stored in the file
	turned  []byte    // the crop's pixels before they are made upright
	band    [3][]byte // rows on their way from a raster
	planes  []byte    // what libjpeg-turbo decodes into
	turbo   turbo
	warning string
}

// New makes a decoder for one kind of crop.
func New(opts Options) (*Decoder, error) {
	if err := opts.Validate(); err != nil {
		return nil, fmt.Errorf("image options: %w", err)
	}
	d := &Decoder{opts: opts}
	if err := d.turbo.open(); err != nil {
		return nil, err
	}
	w, h := opts.Size()
	for i := range d.crop {
		d.crop[i] = make([]byte, w*h)
	}
	return d, nil
}

// Close frees what the decoder holds outside Go's memory.
func (d *Decoder) Close() { d.turbo.close() }

// Bytes gives the length of a crop: height x width x channels.
func (d *Decoder) Bytes() int { return d.opts.Bytes() }

// Warning tells why the image of the last Decode is [Damaged]; it is empty otherwise.
func (d *Decoder) Warning() string { return d.warning }

// Decode writes the crop of an image file to dst, as height x width x channels
// samples, red, green, blue (or gray). dst must be as long as a crop. An image that
// cannot be decoded gives a [*RejectError] and leaves dst undefined.
func (d *Decoder) Decode(data, dst []byte) (Status, error) {
	if len(dst) != d.Bytes() {
		return OK, fmt.Errorf("crop buffer has %d bytes, not %d", len(dst), d.Bytes())
	}
	defer d.trim()
	d.warning = ""
	pic, v, err := d.open(data)
	if err != nil {
		return OK, err
	}
	d.emit(pic.resample(d, v), v, dst)
	if d.warning != "" {
		return Damaged, nil
	}
	return OK, nil
}

// open decodes the file to a picture and computes what to take from it.
func (d *Decoder) open(data []byte) (picture, view, error) {
	if len(data) == 0 {
		return nil, view{}, rejectf("empty file")
	}
	f := sniff(data)
	if f == formatUnknown {
		return nil, view{}, rejectf("not an image (unknown format)")
	}
	turn := upright
	if d.opts.EXIF {
		turn = orientationOf(f, data)
	}
	if f == formatJPEG {
		return d.openJPEG(data, turn)
	}
	return d.openStandard(f, data, turn)
}

// emit converts the crop's planes to the pixels wanted, upright.
func (d *Decoder) emit(c colors, v view, dst []byte) {
	pixels := dst
	if v.turn != upright {
		d.turned = sized(d.turned, len(dst))
		pixels = d.turned
	}
	if d.opts.Gray {
		c.toGray(d.crop, pixels)
	} else {
		c.toRGB(d.crop, pixels)
	}
	if v.turn != upright {
		v.turn.apply(dst, pixels, v.x.out, v.y.out, d.opts.Channels())
	}
}

// trim lets go of the scratch memory that only an unusually large image needs.
func (d *Decoder) trim() {
	if cap(d.planes) > keep {
		d.planes = nil
	}
	for i := range d.band {
		if cap(d.band[i]) > keep {
			d.band[i] = nil
		}
	}
}
