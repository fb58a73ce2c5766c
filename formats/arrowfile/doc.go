// Package arrowfile writes and reads shards and side inputs: Arrow IPC files, uncompressed.
//
// # Format, version 1
//
// A file is an Arrow IPC file (https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format)
// that other programs open as such:
//
//	"ARROW1" 00 00                     magic and padding
//	schema message                     metadata "shardmill.format" = "arrow 1"
//	record batch messages              at least one, each of at most 4096 rows, and of at most 4 MiB of values before its last row
//	FF FF FF FF 00 00 00 00            end of stream
//	"SMIL" version crc zero            the seal: 4 x 4 bytes, numbers little-endian
//	footer, size of footer, "ARROW1"   as Arrow defines them
//
// What table.Repeated and table.Steps store once for many rows counts once for each run. Their columns are run-end encoded,
// which Arrow has since format 1.3 (2023); programs that do not know that layout refuse the file. Files without such a column are as
// they were before there were any: the version is the same.
//
// The seal stands where Arrow readers do not look. Its crc is the CRC-32C of all bytes
// after the seal: Arrow footers are trusted by their readers down to the sizes they
// allocate, so the footer is checked before it is parsed. The data is not covered;
// the engine keeps a CRC-32C of whole files. Reading checks the Arrow magic, the
// seal's magic, the version, the crc, in this order. The same rows give the same bytes.
package arrowfile

const (
	format  = "arrow"
	version = 1

	maxRows  = 4096
	maxBytes = 4 << 20
)
