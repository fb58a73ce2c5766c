// Package pixel turns the bytes of an image file into a crop of fixed size, as
// the preprocessing of an image model asks for it.
//
// The crop is what "decode the whole file, resize it, cut out a part" would
// give, but only the part is computed. A [Decoder] sniffs the format, checks the
// pixel cap from the header before it decodes anything, decodes, resamples each
// channel with a separable triangle filter (bilinear with antialias: the filter
// widens with the reduction), converts colours on the crop only, and turns the
// result if EXIF orientation is wanted. All arithmetic on samples is integer, so the same
// bytes give the same crop on every machine that uses the same JPEG decoder.
//
// # Geometry
//
// Sides of the resized image are rounded to nearest; the crop is central, its
// offset (w-C)/2 rounded down (or half to even, see [Options]). With EXIF
// orientation on, both are computed in the upright image.
//
// # Formats
//
//	JPEG  libjpeg-turbo, linked statically; with the build tag nojpegturbo, or
//	      without cgo, image/jpeg. 8 bits; gray, YCbCr, RGB, CMYK and YCCK;
//	      libjpeg-turbo also reads arithmetic coding.
//	PNG   image/png: all bit depths; of an animation, the default image.
//	GIF   image/gif: the first frame on its canvas, black where it leaves the
//	      canvas open.
//	WebP  x/image/webp: still images. VP8 is converted as the limited-range
//	      BT.601 it is (x/image labels it as full range: golang/go#40173).
//	BMP   x/image/bmp.
//	TIFF  x/image/tiff: the first image of the file.
//
// Alpha is dropped, not blended; of 16-bit samples the high byte is kept; ICC profiles
// are ignored.
//
// # Outcomes
//
// Decode gives [OK]; [Damaged] when the decoder had to guess part of the image
// (libjpeg-turbo warns and goes on; the decoders in Go never do, they refuse);
// or a [RejectError] with a short reason that is the same in every run.
//
// # Memory
//
// Peak bytes for each pixel of the file, so that a cap on pixels is a cap on
// memory:
//
//	JPEG baseline     1.5 (4:2:0) to 3 (4:4:4), over d*d when decoded at 1/d
//	JPEG progressive  as baseline, plus 3 to 6 for coefficients
//	JPEG CMYK         4, plus 8 when progressive
//	PNG               1 (gray, palette) to 8 (16-bit RGBA); interlaced 1.5 times
//	GIF               1
//	WebP              1.5 (lossy), 4 (lossless), 6.5 (lossy with alpha)
//	BMP, TIFF         1 to 8, plus the unpacked strips of a TIFF
//
// Resampling adds up to a quarter of a byte a pixel and no second copy of the
// image; sides over 2^20 pixels are refused. Memory of the decoders in Go is garbage afterwards: the process should
// have a memory limit (GOMEMLIMIT) below what it may use, so that it is collected in time.
//
// A progressive JPEG may hold hundreds of scans over all its pixels, so that a few
// kilobytes take minutes. libjpeg-turbo is told to stop at its limit of 500
// scans; beyond that only a timeout around Decode helps.
package pixel
