//go:build !cgo || nojpegturbo

package pixel

// turbo stands in for libjpeg-turbo in builds without it.
type turbo struct{}

func (turbo) open() error { return nil }
func (turbo) close()      {}

// decodeJPEG decodes with image/jpeg.
func (d *Decoder) decodeJPEG(data []byte, _ jpegInfo, turn orientation) (picture, view, error) {
	return d.openStandard(formatJPEG, data, turn)
}
