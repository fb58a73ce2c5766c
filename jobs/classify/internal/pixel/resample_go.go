//go:build !cgo

package pixel

func resampleBlock(src []byte, stride, depth int, tx, ty *taps, a, n int, scratch, dst []byte) {
	resampleBlockGo(src, stride, depth, tx, ty, a, n, scratch, dst)
}
