//go:build !amd64

package preprocess

// affines are the kernels of this machine: none.
func affines() (affine[float32], affine[uint16]) { return nil, nil }
