package pixel

import "strings"

type format string

const (
	formatUnknown format = ""
	formatJPEG    format = "JPEG"
	formatPNG     format = "PNG"
	formatGIF     format = "GIF"
	formatWebP    format = "WebP"
	formatBMP     format = "BMP"
	formatTIFF    format = "TIFF"
)

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
}

// sniff tells the format by the first bytes: names of files lie.
func sniff(data []byte) format {
	head := string(data[:min(len(data), 16)])
	for _, m := range magics {
		if hasMagic(head, m.magic) {
			return m.format
		}
	}
	return formatUnknown
}

func hasMagic(head, magic string) bool {
	before, after, wild := strings.Cut(magic, "....")
	if !wild {
		return strings.HasPrefix(head, magic)
	}
	return strings.HasPrefix(head, before) && len(head) >= len(magic) && strings.HasPrefix(head[len(before)+4:], after)
}
