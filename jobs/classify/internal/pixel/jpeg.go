package pixel

import (
	"bytes"
	"encoding/binary"
)

// exifHeader begins an APP1 segment that holds EXIF data.
const exifHeader = "Exif\x00\x00"

// iccHeader begins an APP2 segment that holds a part of an ICC profile.
const iccHeader = "ICC_PROFILE\x00"

// jpegInfo is what the segments before the first scan say; zero where they are silent.
type jpegInfo struct {
	precision int      // bits a sample
	adobe     bool     // written by Adobe: CMYK samples are inverted
	exif      []byte   // the TIFF structure of the EXIF segment
	icc       [][]byte // the parts of the ICC profile, behind their header
}

// scanJPEG reads the segments up to the first scan, leniently: garbage between
// them is skipped as libjpeg does, and the decoder has the last word.
func scanJPEG(data []byte) (info jpegInfo) {
	for rest := data[min(2, len(data)):]; ; {
		for len(rest) >= 2 && (rest[0] != 0xff || rest[1] == 0xff || rest[1] == 0) {
			rest = rest[1:]
		}
		if len(rest) < 4 || rest[1] == markerSOS || rest[1] == markerEOI {
			return info
		}
		marker := rest[1]
		if marker >= markerRST0 && marker < markerEOI || marker == markerTEM { // without a body
			rest = rest[2:]
			continue
		}
		n := int(binary.BigEndian.Uint16(rest[2:]))
		if n < 2 || n+2 > len(rest) {
			return info
		}
		info.segment(marker, rest[4:n+2])
		rest = rest[n+2:]
	}
}

// Markers of ITU-T T.81, table B.1.
const (
	markerTEM   = 0x01
	markerSOF0  = 0xc0
	markerDHT   = 0xc4
	markerJPG   = 0xc8
	markerDAC   = 0xcc
	markerSOF15 = 0xcf
	markerRST0  = 0xd0
	markerSOI   = 0xd8
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerAPP1  = 0xe1
	markerAPP2  = 0xe2
	markerAPP14 = 0xee
)

func (info *jpegInfo) segment(marker byte, body []byte) {
	switch {
	case marker == markerDHT || marker == markerJPG || marker == markerDAC:
	case marker >= markerSOF0 && marker <= markerSOF15 && len(body) > 0 && info.precision == 0:
		info.precision = int(body[0])
	case marker == markerAPP1 && info.exif == nil && bytes.HasPrefix(body, []byte(exifHeader)):
		info.exif = body[len(exifHeader):]
	case marker == markerAPP2 && bytes.HasPrefix(body, []byte(iccHeader)) && len(body) >= len(iccHeader)+2:
		info.icc = append(info.icc, body[len(iccHeader):])
	case marker == markerAPP14 && bytes.HasPrefix(body, []byte("Adobe")):
		info.adobe = true
	}
}

// openJPEG refuses what no decoder here reads, and decodes the rest.
func (d *Decoder) openJPEG(data []byte, turn orientation) (picture, view, error) {
	info := scanJPEG(data)
	if info.precision > 8 {
		return picture{}, view{}, rejectf("%d-bit JPEG is not supported", info.precision)
	}
	return d.decodeJPEG(data, info, turn)
}

// shrink chooses the reduction in the inverse DCT, 1, 2, 4 or 8: never below
// twice the size wanted, so that the filter still sees more than it drops.
func shrink(v view, nearest bool) int {
	by := 1
	for !nearest && by < 8 && v.x.size >= 4*by*v.x.resized && v.y.size >= 4*by*v.y.resized {
		by *= 2
	}
	return by
}
