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
	tx, ty  taps
	srgb    *srgbCurve // nil where ICC profiles are ignored
	scratch []byte     // of the resampler
	crop    []byte     // the crop before it is made upright or gets other channels
	band    []byte     // rows on their way from a picture that makes them
	pixels  []byte     // what libjpeg-turbo decodes into
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
	d.crop = make([]byte, 3*w*h)
	if opts.ICC {
		d.srgb = newSRGBCurve()
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
	crop, asWanted := dst, v.turn == upright && pic.depth == d.opts.Channels()
	if !asWanted {
		crop = d.crop[:v.x.out*v.y.out*pic.depth]
	}
	d.resample(pic, v, crop)
	if d.opts.ICC && !pic.inks {
		d.toSRGB(embeddedProfile(sniff(data), data), pic.depth, crop)
	}
	if !asWanted {
		v.turn.apply(dst, d.withDepth(crop, pic.depth), v.x.out, v.y.out, d.opts.Channels())
	}
	if d.warning != "" {
		return Damaged, nil
	}
	return OK, nil
}

// open decodes the file to a picture and computes what to take from it.
func (d *Decoder) open(data []byte) (picture, view, error) {
	if len(data) == 0 {
		return picture{}, view{}, rejectf("empty file")
	}
	f := sniff(data)
	if f == formatUnknown {
		return picture{}, view{}, rejectf("not an image (unknown format)")
	}
	if !f.read() {
		return picture{}, view{}, rejectf("%s is not supported", f)
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

// toSRGB converts a crop with the samples of an ICC profile, unless they are sRGB
// already or the profile is not one for them.
func (d *Decoder) toSRGB(icc []byte, depth int, crop []byte) {
	if p := parseProfile(icc); p != nil && p.depth == depth && !d.srgb.near(p) {
		d.srgb.convert(p, crop)
	}
}

// withDepth makes gray crops colour ones, and the other way round, as wanted.
func (d *Decoder) withDepth(crop []byte, depth int) []byte {
	switch {
	case depth == d.opts.Channels():
		return crop
	case d.opts.Gray:
		return toGray(crop)
	default:
		return toRGB(crop)
	}
}

// trim lets go of the scratch memory that only an unusually large image needs.
func (d *Decoder) trim() {
	for _, b := range []*[]byte{&d.scratch, &d.band, &d.pixels} {
		if cap(*b) > keep {
			*b = nil
		}
	}
}
