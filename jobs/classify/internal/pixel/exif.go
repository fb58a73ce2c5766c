package pixel

import (
	"bytes"
	"encoding/binary"
)

// orientationOf reads the EXIF orientation of a file; anything missing, odd or
// broken means upright, as it does to other readers.
func orientationOf(f format, data []byte) orientation {
	switch f {
	case formatJPEG:
		return tiffOrientation(scanJPEG(data).exif)
	case formatPNG:
		return tiffOrientation(pngChunk(data, "eXIf"))
	case formatWebP:
		return tiffOrientation(bytes.TrimPrefix(riffChunk(data, "EXIF"), []byte(exifHeader)))
	case formatTIFF:
		return tiffOrientation(data)
	default:
		return upright
	}
}

// tiffOrientation reads tag 0x0112, a SHORT.
func tiffOrientation(data []byte) orientation {
	const tag, short = 0x0112, 3
	order, entry := tiffEntry(data, tag)
	if entry == nil || order.Uint16(entry[2:]) != short {
		return upright
	}
	return validOrientation(order.Uint16(entry[8:]))
}

func validOrientation(v uint16) orientation {
	if v < 1 || v > 8 {
		return upright
	}
	return orientation(v)
}

// pngChunk gives the first chunk of a type, or nil. Its checksum is not checked.
func pngChunk(data []byte, name string) []byte {
	for rest := data[min(8, len(data)):]; len(rest) >= 12; {
		n := uint64(binary.BigEndian.Uint32(rest))
		if n+12 > uint64(len(rest)) {
			return nil
		}
		if string(rest[4:8]) == name {
			return rest[8 : 8+n]
		}
		rest = rest[12+n:]
	}
	return nil
}

// riffChunk gives the first chunk of a type in a RIFF file, or nil.
func riffChunk(data []byte, name string) []byte { return chunk(data[min(12, len(data)):], name) }

// chunk gives the first of the chunks in rest that has the name, or nil.
func chunk(rest []byte, name string) []byte {
	for len(rest) >= 8 {
		n := uint64(binary.LittleEndian.Uint32(rest[4:]))
		if n+8 > uint64(len(rest)) {
			return nil
		}
		if string(rest[:4]) == name {
			return rest[8 : 8+n]
		}
		rest = rest[min(8+n+n&1, uint64(len(rest))):]
	}
	return nil
}
