package pixel

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
)

// maxProfile is the most bytes of an ICC profile that are read; one that consists
// of curves and a matrix rarely has more than 10 KB.
const maxProfile = 1 << 20

// embeddedProfile gives the ICC profile of a file, nil if there is none or it is
// too large or incomplete.
func embeddedProfile(f format, data []byte) []byte {
	switch f {
	case formatJPEG:
		return joinProfile(scanJPEG(data).icc)
	case formatPNG:
		return inflateProfile(pngChunk(data, "iCCP"))
	case formatWebP:
		return riffChunk(data, "ICCP")
	case formatTIFF:
		return tiffProfile(data)
	default:
		return nil
	}
}

// joinProfile puts the parts of a profile in order: ICC.1:2022, B.4. Each begins
// with its number, from 1 on, and the number of parts.
func joinProfile(parts [][]byte) []byte {
	ordered := make([][]byte, len(parts))
	size := 0
	for _, p := range parts {
		number, count := int(p[0]), int(p[1])
		if count != len(parts) || number < 1 || number > count || ordered[number-1] != nil {
			return nil
		}
		ordered[number-1] = p[2:]
		size += len(p)
	}
	if size > maxProfile {
		return nil
	}
	return bytes.Join(ordered, nil)
}

// inflateProfile reads an iCCP chunk: a name, a zero, the compression method 0,
// and what zlib made of the profile.
func inflateProfile(chunk []byte) []byte {
	_, packed, ok := bytes.Cut(chunk, []byte{0})
	if !ok || len(packed) == 0 || packed[0] != 0 {
		return nil
	}
	r, err := zlib.NewReader(bytes.NewReader(packed[1:]))
	if err != nil {
		return nil
	}
	icc, err := io.ReadAll(io.LimitReader(r, maxProfile+1))
	if err != nil || len(icc) > maxProfile {
		return nil
	}
	return icc
}

// tiffProfile reads tag 34675, of type UNDEFINED: ICC.1:2022, B.3.
func tiffProfile(data []byte) []byte {
	const tag, undefined = 34675, 7
	order, entry := tiffEntry(data, tag)
	if entry == nil || order.Uint16(entry[2:]) != undefined {
		return nil
	}
	size, from := uint64(order.Uint32(entry[4:])), uint64(order.Uint32(entry[8:]))
	if from+size > uint64(len(data)) {
		return nil
	}
	return data[from : from+size]
}

// tiffEntry finds a tag in the first directory of a TIFF structure, nil if it is
// missing: TIFF 6.0, section 2.
func tiffEntry(data []byte, tag uint16) (order binary.ByteOrder, entry []byte) {
	order = binary.LittleEndian
	if len(data) < 8 {
		return order, nil
	}
	if data[0] == 'M' {
		order = binary.BigEndian
	}
	at := uint64(order.Uint32(data[4:]))
	if at+2 > uint64(len(data)) {
		return order, nil
	}
	entries := data[at+2:]
	for n := order.Uint16(data[at:]); n > 0 && len(entries) >= 12; n-- {
		if order.Uint16(entries) == tag {
			return order, entries[:12]
		}
		entries = entries[12:]
	}
	return order, nil
}
