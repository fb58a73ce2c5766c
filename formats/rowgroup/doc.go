// Package rowgroup reads row groups of Parquet files that other programs wrote: pandas, Spark, DuckDB, polars.
//
// # What is read
//
// Top-level columns without nesting, and members of structs, with these values:
//
//	boolean                                        Bool
//	integers of 8 to 64 bits                       Int; unsigned ones beyond 63 bits are Text in decimals
//	float16, float, double                         Float
//	strings, JSON, enums, plain bytes              Text, which must be UTF-8
//	UUID                                           Text as 01234567-89ab-cdef-0123-456789abcdef
//	decimals                                       Text with as many digits after the point as the column's scale
//	dates                                          Text as 2006-01-02
//	times of day                                   Text as 15:04:05, with a fraction as below
//	timestamps adjusted to UTC                     Text as 2006-01-02T15:04:05.000Z (RFC 3339)
//	timestamps of local time, INT96                Text as 2006-01-02T15:04:05.000, without a zone
//	null, of any of these types                    Null
//
// Fractions of seconds have the digits of the column's unit: 3, 6 or 9; INT96 has 9. So texts of a
// column sort like its times. A dictionary-encoded column (a pandas categorical) is a column of its values.
// Lists, maps, structs, intervals and BSON are unsupported: Inspect says so, and asking for one is a
// *table.ColumnError. But a member of a top-level struct, such as image.bytes, is read as a column if it is
// none of those. Byte strings that Options.Binary names need not be UTF-8.
//
// Both versions of data pages are read, and all encodings of the Parquet specification but the deprecated
// BIT_PACKED levels: PLAIN, dictionaries, RLE, DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY
// and BYTE_STREAM_SPLIT. Codecs are those of arrow/go v15, none, snappy, gzip, brotli and zstd, and LZ4_RAW. LZO
// and the older LZ4, of which there are several kinds, are an ErrUnsupported, as are encrypted files.
//
// # Damage
//
// Nothing that a file states is believed before it is checked. A page that carries a checksum is checked against it:
// those of parquet-mr do, so Spark's, those of pandas only on request, those of DuckDB and polars do not. Without one, changed bytes of an uncompressed page
// can give other values without an error; nothing in the file tells. Damage never gives a hang, and a panic
// of a codec or of the footer's parser, which are arrow/go's, becomes an error: both run in the caller's
// goroutine. A footer can still make that parser, and a page a codec, ask for more memory than there is, so
// files of unknown origin belong in a process that may die.
//
// The footer and the codecs are arrow/go's; pages are decoded here. The column readers of arrow/go v15 loop
// forever on definition levels that are cut short, take no notice of failed reads in version 2 pages,
// do not check checksums, and do not know BYTE_STREAM_SPLIT.
//
// # Memory
//
// A Reader holds the footer and, for each column asked for, one page as it lies in the file, the same page
// decompressed, the decoded dictionary of the chunk (8 bytes a number, 24 and its length a text), and 1,024 values.
// Most writers make pages of about 1 MB decompressed, polars too; DuckDB makes one of each chunk, for 122,880
// rows: 1 MB of numbers, more of long texts. Never is a row group or a chunk decoded at once.
// The memory is kept from page to page, so that reading allocates nothing for a row, but for decimals beyond 64 bits.
package rowgroup

const (
	window    = 1024     // values decoded at a time, and levels
	textBytes = 1 << 20  // of values in a window that must be put together, where one more may exceed it
	maxHeader = 16 << 20 // bytes of a page header; the statistics in it may hold long values
)
