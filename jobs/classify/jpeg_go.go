//go:build !cgo || nojpegturbo

package classify

// jpegDecoder names the decoder that this build has.
func jpegDecoder() string { return "Go's image/jpeg (built without libjpeg-turbo)" }
