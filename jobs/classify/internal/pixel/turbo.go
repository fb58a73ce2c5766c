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
	subsampling C.int // negative: one without a name
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

// decodeJPEG decodes to interleaved samples, at a reduced size where that loses nothing.
func (d *Decoder) decodeJPEG(data []byte, info jpegInfo, turn orientation) (picture, view, error) {
	h, err := d.turbo.header(data)
	if err != nil {
		return picture{}, view{}, err
	}
	v, err := d.opts.view(int(h.w), int(h.h), turn)
	if err != nil {
		return picture{}, view{}, err
	}
	p := picture{depth: 3, by: shrink(v, d.opts.Nearest)}
	if h.subsampling < 0 {
		p.by = 1 // chroma that is sparse already would be reduced with the luma
	}
	p.w, p.h = (int(h.w)+p.by-1)/p.by, (int(h.h)+p.by-1)/p.by
	switch {
	case h.space == C.TJCS_CMYK || h.space == C.TJCS_YCCK:
		err = d.turboInks(data, &p, info.adobe)
	case h.subsampling == C.TJSAMP_GRAY:
		p.depth = 1
		err = d.turboPixels(data, &p, 1, C.TJPF_GRAY)
	default:
		err = d.turboPixels(data, &p, 3, C.TJPF_RGB)
	}
	return p, v, err
}

// turboInks decodes to interleaved cyan, magenta, yellow, black.
func (d *Decoder) turboInks(data []byte, p *picture, adobe bool) error {
	flip := byte(0xff)
	if adobe {
		flip = 0
	}
	err := d.turboPixels(data, p, 4, C.TJPF_CMYK)
	p.inks, p.row = true, inks(p.pix, p.stride, flip)
	return err
}

// turboPixels decodes to interleaved samples, `step` bytes a pixel.
func (d *Decoder) turboPixels(data []byte, p *picture, step int, format C.int) error {
	p.stride = step * p.w
	d.pixels = sized(d.pixels, p.stride*p.h)
	p.pix = d.pixels
	return d.turboRun(p.pix[len(p.pix)-p.stride:], func() C.int {
		return C.shardmill_jpeg_pixels(d.turbo.handle, ucharPtr(data), C.ulong(len(data)), ucharPtr(p.pix),
			C.int(p.w), C.int(p.stride), C.int(p.h), format, &d.turbo.complaint[0])
	})
}

// turboRun decodes, and tells a warning from an error. libjpeg-turbo calls it a
// warning too when it warned first and gave up later; then samples are missing, and
// the last ones among them. So it decodes once more over the complement of the
// last row: what it does not write shows.
func (d *Decoder) turboRun(lastRow []byte, decode func() C.int) error {
	rc := decode()
	if rc == C.SHARDMILL_OK {
		return nil
	}
	if rc == C.SHARDMILL_WARNING && wrote(lastRow, decode) {
		d.warning = d.turbo.text()
		return d.turbo.reopen()
	}
	if err := d.turbo.reopen(); err != nil {
		return err
	}
	return &RejectError{Reason: d.turbo.text()}
}

// wrote reports whether decoding again gives the same last row.
func wrote(lastRow []byte, decode func() C.int) bool {
	first := bytes.Clone(lastRow)
	for i := range lastRow {
		lastRow[i] ^= 0xff
	}
	decode()
	return bytes.Equal(first, lastRow)
}

// ucharPtr gives C the memory of b, which may be empty: &b[0] would panic.
func ucharPtr(b []byte) *C.uchar { return (*C.uchar)(unsafe.Pointer(unsafe.SliceData(b))) }
