package pixel

import (
	"bytes"
	"strings"
)

type format string

const (
	formatUnknown format = ""
	formatJPEG    format = "JPEG"
	formatPNG     format = "PNG"
	formatGIF     format = "GIF"
	formatWebP    format = "WebP"
	formatBMP     format = "BMP"
	formatTIFF    format = "TIFF"

	// Known, and not read.
	formatAVIF     format = "AVIF"
	formatHEIC     format = "HEIC"
	formatJPEGXL   format = "JPEG XL"
	formatJPEG2000 format = "JPEG 2000"
	formatBigTIFF  format = "BigTIFF"
	formatPSD      format = "Photoshop (PSD)"
)

// read tells whether a decoder here reads the format.
func (f format) read() bool {
	switch f {
	case formatJPEG, formatPNG, formatGIF, formatWebP, formatBMP, formatTIFF:
		return true
	default:
		return false
	}
}

// magics are the first bytes of the formats; a dot stands for any byte.
var magics = [...]struct {
	format format
	magic  string
}{
	{formatJPEG, "\xff\xd8"},
	{formatPNG, "\x89PNG\r\n\x1a\n"},
	{formatGIF, "GIF87a"},
	{formatGIF, "GIF89a"},
	{formatWebP, "RIFF....WEBP"},
	{formatTIFF, "II*\x00"},
	{formatTIFF, "MM\x00*"},
	{formatBMP, "BM"},
	{formatJPEGXL, "\xff\x0a"},
	{formatJPEGXL, "\x00\x00\x00\x0cJXL \r\n\x87\n"},
	{formatJPEG2000, "\x00\x00\x00\x0cjP  \r\n\x87\n"},
	{formatJPEG2000, "\xff\x4f\xff\x51"},
	{formatBigTIFF, "II+\x00"},
	{formatBigTIFF, "MM\x00+"},
	{formatPSD, "8BPS"},
}

// sniff tells the format by the first bytes: names of files lie.
func sniff(data []byte) format {
	head := string(data[:min(len(data), 16)])
	for _, m := range magics {
		if hasMagic(head, m.magic) {
			return m.format
		}
	}
	return sniffHEIF(data)
}

// sniffHEIF tells AVIF and HEIC by their brands (ISO/IEC 23008-12): a box "ftyp" with a major brand, a version, and
// those that the file is compatible with.
func sniffHEIF(data []byte) format {
	if len(data) < 16 || string(data[4:8]) != "ftyp" {
		return formatUnknown
	}
	size := int(data[2])<<8 | int(data[3]) // longer boxes are none of images
	brands := data[8:min(max(size, 12), len(data))]
	found := formatUnknown
	for ; len(brands) >= 4; brands = brands[4:] {
		switch {
		case bytes.Equal(brands[:4], []byte("avif")), bytes.Equal(brands[:4], []byte("avis")):
			return formatAVIF
		case bytes.HasPrefix(brands, []byte("hei")), bytes.HasPrefix(brands, []byte("hev")), bytes.Equal(brands[:4], []byte("mif1")):
			found = formatHEIC
		}
	}
	return found
}

func hasMagic(head, magic string) bool {
	before, after, wild := strings.Cut(magic, "....")
	if !wild {
		return strings.HasPrefix(head, magic)
	}
	return strings.HasPrefix(head, before) && len(head) >= len(magic) && strings.HasPrefix(head[len(before)+4:], after)
}
