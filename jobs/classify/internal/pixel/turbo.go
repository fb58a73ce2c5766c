//go:build cgo && !nojpegturbo

package pixel

// #cgo linux LDFLAGS: -l:libturbojpeg.a
// #cgo !linux LDFLAGS: -lturbojpeg
// #include "turbo.h"
import "C"

import (
	"bytes"
	"errors"
	"unsafe"
)

// turbo is a libjpeg-turbo decompressor, and the text of its last error or first
// warning.
type turbo struct {
	handle    C.tjhandle
	complaint [C.SHARDMILL_COMPLAINT]C.char
}

func (t *turbo) open() error {
	if t.handle = C.tjInitDecompress(); t.handle == nil {
		return errors.New("libjpeg-turbo: no memory for a decompressor")
	}
	return nil
}

func (t *turbo) close() {
	if t.handle != nil {
		C.tjDestroy(t.handle)
		t.handle = nil
	}
}

// reopen replaces a decompressor that has complained: after an error in a header
// libjpeg-turbo 2.1 goes on with the old file's marker in the next file.
func (t *turbo) reopen() error {
	t.close()
	return t.open()
}

func (t *turbo) text() string { return C.GoString(&t.complaint[0]) }

// turboHeader is a JPEG header as libjpeg-turbo reads it.
type turboHeader struct {
	w, h, space C.int
	subsampling C.int // negative: one without a name, which cannot be decoded to planes
}

// header reads the header. A subsampling without a name makes the call fail, but
// not before it has told the size.
func (t *turbo) header(data []byte) (turboHeader, error) {
	var h turboHeader
	rc := C.shardmill_jpeg_header(t.handle, ucharPtr(data), C.ulong(len(data)),
		&h.w, &h.h, &h.subsampling, &h.space, &t.complaint[0])
	if rc == C.SHARDMILL_OK {
		return h, nil
	}
	if err := t.reopen(); err != nil {
		return h, err
	}
	if h.w <= 0 || h.h <= 0 {
		return h, &RejectError{Reason: t.text()}
	}
	return h, nil
}

// decodeJPEG decodes to planes where libjpeg-turbo can, else to packed pixels.
func (d *Decoder) decodeJPEG(data []byte, info jpegInfo, turn orientation) (picture, view, error) {
	h, err := d.turbo.header(data)
	if err != nil {
		return nil, view{}, err
	}
	v, err := d.opts.view(int(h.w), int(h.h), turn)
	if err != nil {
		return nil, view{}, err
	}
	var pic picture
	switch {
	case h.space == C.TJCS_CMYK || h.space == C.TJCS_YCCK:
		pic, err = d.turboInks(data, h, info.adobe)
	case h.subsampling < 0:
		pic, err = d.turboRGB(data, h)
	default:
		pic, err = d.turboPlanes(data, h, shrink(v, d.opts.Nearest))
	}
	return pic, v, err
}

// turboRun decodes, and tells a warning from an error. libjpeg-turbo calls it a
// warning too when it warned first and gave up later; then samples are missing, and
// the last ones among them. So it decodes once more over the complement of the
// last row of every plane: what it does not write shows.
func (d *Decoder) turboRun(lastRows [][]byte, decode func() C.int) error {
	rc := decode()
	if rc == C.SHARDMILL_OK {
		return nil
	}
	if rc == C.SHARDMILL_WARNING && d.wrote(lastRows, decode) {
		d.warning = d.turbo.text()
		return d.turbo.reopen()
	}
	if err := d.turbo.reopen(); err != nil {
		return err
	}
	return &RejectError{Reason: d.turbo.text()}
}

// wrote reports whether decoding again gives the same last rows.
func (d *Decoder) wrote(lastRows [][]byte, decode func() C.int) bool {
	first := bytes.Join(lastRows, nil)
	for _, row := range lastRows {
		for i := range row {
			row[i] ^= 0xff
		}
	}
	decode()
	return bytes.Equal(first, bytes.Join(lastRows, nil))
}

// turboPlanes decodes each component to a plane of its own, at 1/by of the size.
func (d *Decoder) turboPlanes(data []byte, h turboHeader, by int) (picture, error) {
	w, ht := (h.w+C.int(by)-1)/C.int(by), (h.h+C.int(by)-1)/C.int(by)
	p := &planar{colors: turboColors(h)}
	size := 0
	for i := range p.colors.channels() {
		p.plane[i] = turboPlane(i, w, ht, h.subsampling, by)
		size += p.plane[i].stride * p.plane[i].h
	}
	d.planes = sized(d.planes, size)
	rest := d.planes
	var lastRows [][]byte
	for i := range p.colors.channels() {
		pl := &p.plane[i]
		pl.pix, rest = rest[:pl.stride*pl.h], rest[pl.stride*pl.h:]
		lastRows = append(lastRows, pl.pix[(pl.h-1)*pl.stride:][:pl.w])
	}
	err := d.turboRun(lastRows, func() C.int {
		return C.shardmill_jpeg_planes(d.turbo.handle, ucharPtr(data), C.ulong(len(data)),
			ucharPtr(p.plane[0].pix), ucharPtr(p.plane[1].pix), ucharPtr(p.plane[2].pix),
			C.int(p.plane[0].stride), C.int(p.plane[1].stride), w, ht, &d.turbo.complaint[0])
	})
	return p, err
}

// turboPlane gives the shape of component i of an image of w x h pixels, which
// is 1/by of the file's.
func turboPlane(i int, w, h, subsampling C.int, by int) plane {
	pl := plane{
		w:  int(C.tjPlaneWidth(C.int(i), w, subsampling)),
		h:  int(C.tjPlaneHeight(C.int(i), h, subsampling)),
		rx: 1 / float64(by),
		ry: 1 / float64(by),
	}
	pl.stride = (pl.w + 63) &^ 63
	if i > 0 {
		sx, sy := turboSubsampling(subsampling)
		pl.rx, pl.ry = pl.rx/float64(sx), pl.ry/float64(sy)
	}
	return pl
}

func turboColors(h turboHeader) colors {
	switch {
	case h.subsampling == C.TJSAMP_GRAY:
		return gray
	case h.space == C.TJCS_RGB:
		return rgb
	default:
		return ycc
	}
}

// turboSubsampling gives the pixels that a chroma sample covers.
func turboSubsampling(s C.int) (x, y int) {
	switch s {
	case C.TJSAMP_422:
		return 2, 1
	case C.TJSAMP_420:
		return 2, 2
	case C.TJSAMP_440:
		return 1, 2
	case C.TJSAMP_411:
		return 4, 1
	default:
		return 1, 1
	}
}

// turboRGB decodes to interleaved red, green, blue.
func (d *Decoder) turboRGB(data []byte, h turboHeader) (picture, error) {
	err := d.turboPacked(data, h, 3, C.TJPF_RGB)
	return packed(rgb, d.planes, 3*int(h.w), 3, [3]int{0, 1, 2}), err
}

// turboInks decodes to interleaved cyan, magenta, yellow, black.
func (d *Decoder) turboInks(data []byte, h turboHeader, adobe bool) (picture, error) {
	flip := byte(0xff)
	if adobe {
		flip = 0
	}
	err := d.turboPacked(data, h, 4, C.TJPF_CMYK)
	return inks(d.planes, 4*int(h.w), flip), err
}

// turboPacked decodes to interleaved samples, `step` bytes a pixel.
func (d *Decoder) turboPacked(data []byte, h turboHeader, step int, format C.int) error {
	stride := step * int(h.w)
	d.planes = sized(d.planes, stride*int(h.h))
	return d.turboRun([][]byte{d.planes[len(d.planes)-stride:]}, func() C.int {
		return C.shardmill_jpeg_packed(d.turbo.handle, ucharPtr(data), C.ulong(len(data)), ucharPtr(d.planes),
			h.w, C.int(stride), h.h, format, &d.turbo.complaint[0])
	})
}

// ucharPtr gives C the memory of b, which may be empty: &b[0] would panic.
func ucharPtr(b []byte) *C.uchar { return (*C.uchar)(unsafe.Pointer(unsafe.SliceData(b))) }
