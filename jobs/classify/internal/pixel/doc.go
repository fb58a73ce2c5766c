// Package pixel turns the bytes of an image file into a crop of fixed size, as
// the preprocessing of an image model asks for it.
//
// The crop is what "decode the whole file, resize it, cut out a part" would
// give, but only the part is computed. A [Decoder] sniffs the format, checks the
// pixel cap from the header before it decodes anything, decodes to red, green, blue
// (or gray), resamples with a separable triangle filter (bilinear with antialias: the
// filter widens with the reduction), vertically first and rounded to bytes in between,
// converts the crop to sRGB by the file's ICC profile if that is wanted, and turns
// it if EXIF orientation is. All arithmetic on samples is integer, so the same bytes
// give the same crop on every machine that uses the same JPEG decoder.
//
// Reductions by less than 4 follow libvips to the bit, but where a filter's centre is
// midway between two places of its grid: a quantised MobileNet changed its first label
// for 3 % of photos when samples differed by 0.1 on average. From 4 on, JPEG is
// reduced in the inverse DCT first.
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
//	GIF   image/gif: the first frame on its canvas, black, or the
//	      background, where it leaves the canvas open.
//	WebP  x/image/webp; of an animation the first frame, as in a GIF. VP8 is converted as the limited-range
//	      BT.601 it is (x/image labels it as full range: golang/go#40173).
//	BMP   x/image/bmp.
//	TIFF  x/image/tiff: the first image of the file.
//
// AVIF, HEIC, JPEG XL, JPEG 2000, BigTIFF and Photoshop files are refused by name.
//
// Alpha is dropped, or blended over a [Background] before the resize; of 16-bit samples the high byte is kept. Chroma is
// interpolated by libjpeg-turbo ("fancy upsampling") where its planes are halved, and
// repeated otherwise and by the decoders in Go.
//
// # Colour
//
// Photos from cameras and editors may be in Adobe RGB, Display P3 or a camera's own
// space, and taken as sRGB they have the wrong colours. ICC profiles in JPEG, PNG, WebP
// and TIFF that consist of curves and a matrix, or of one curve for gray, are applied to
// the finished crop; one that is sRGB within a level leaves it as it is. Colours outside
// sRGB are clipped in each channel. Ignored are profiles with tables (A2B0), of CMYK, for
// another number of channels than the image has, over 1 MiB in JPEG and PNG, and broken
// ones.
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
//	JPEG baseline     3 (1 if gray), over d*d when decoded at 1/d
//	JPEG progressive  as baseline, plus 3 to 6 for coefficients
//	JPEG CMYK         4 over d*d, plus 8 when progressive
//	PNG               1 (gray, palette) to 8 (16-bit RGBA); interlaced 1.5 times
//	GIF               1
//	WebP              1.5 (lossy), 4 (lossless), 6.5 (lossy with alpha)
//	BMP, TIFF         1 to 8, plus the unpacked strips of a TIFF
//
// JPEG in builds without libjpeg-turbo takes 1.5 to 3. Resampling adds no second copy
// of the image, but up to 110 bytes for each pixel of a side; sides over 2^20 pixels are
// refused. Memory of the decoders in Go is garbage afterwards: the process should have a
// memory limit (GOMEMLIMIT) below what it may use, so that it is collected in time.
//
// A progressive JPEG may hold hundreds of scans over all its pixels, so that a few
// kilobytes take minutes. libjpeg-turbo is told to stop at its limit of 500
// scans; beyond that only a timeout around Decode helps.
package pixel
