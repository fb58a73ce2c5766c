//go:build !cgo

package pixel

func resampleBlock(src []byte, stride, x0, x1 int, tx, ty *taps, a, n int, scratch, dst []byte) {
	resampleBlockGo(src, stride, x0, x1, tx, ty, a, n, scratch, dst)
}

func yccToRGB(y, cb, cr, rgb []byte) { yccToRGBGo(y, cb, cr, rgb) }
