//go:build cgo && !nojpegturbo

package pixel

// withTurbo tells tests which JPEG decoder is built in.
const withTurbo = true
