//go:build !arm64

package dense

// fma is x*y + z, rounded once.
func fma(x, y, z float32) float32 { return fmaFloat64(x, y, z) }
