package pixel

import (
	"encoding/binary"
	"image"
)

// Flags of the extended header of a WebP file.
const (
	webpAnimation = 1 << 1
	webpAlpha     = 1 << 4
)

// animatedWebP looks at the animation flag of the extended header.
func animatedWebP(data []byte) bool {
	head := riffChunk(data, "VP8X")
	return len(head) > 0 && head[0]&webpAnimation != 0
}

// webpFrame is a frame of an animated WebP: a still WebP of its own, and where it stands on which canvas.
type webpFrame struct {
	still []byte
	at    image.Point
	w, h  int // of the canvas
}

// firstFrame takes the first frame out of an animated WebP, as its container specification has it: a chunk ANMF of 16
// bytes, which say where it stands, and the chunks of an image.
func firstFrame(data []byte) (webpFrame, error) {
	const header = 16
	canvas, body := riffChunk(data, "VP8X"), riffChunk(data, "ANMF")
	if len(canvas) < 10 || len(body) < header {
		return webpFrame{}, rejectf("webp: an animation without a frame")
	}
	f := webpFrame{
		w: uint24(canvas[4:]) + 1, h: uint24(canvas[7:]) + 1,
		at: image.Pt(2*uint24(body), 2*uint24(body[3:])),
	}
	chunks := body[header:]
	if alpha := chunk(chunks, "ALPH"); alpha != nil {
		size := append([]byte{webpAlpha, 0, 0, 0}, body[6:12]...)
		f.still = appendChunk(appendChunk(f.still, "VP8X", size), "ALPH", alpha)
	}
	for _, name := range []string{"VP8 ", "VP8L"} {
		if pixels := chunk(chunks, name); pixels != nil {
			f.still = appendChunk(f.still, name, pixels)
			break
		}
	}
	head := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(f.still)+4))
	f.still = append(append(head, "WEBP"...), f.still...)
	return f, nil
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// appendChunk appends a chunk of a RIFF file.
func appendChunk(dst []byte, name string, body []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(append(dst, name...), uint32(len(body)))
	return append(append(dst, body...), make([]byte, len(body)%2)...)
}
