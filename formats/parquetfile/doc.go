// Package parquetfile writes and reads results: Parquet files.
//
// # Format, version 1
//
// A file is a Parquet file that other programs open as such, with these settings:
//
//   - metadata "shardmill.format" = "parquet 1"; created_by is a constant, there is no time in the file
//   - zstd level 1; data pages version 1; statistics for each column chunk
//   - row groups of at most 1,048,576 rows, and of at most 128 MiB of values before the last batch of rows
//   - the root of the schema is required: with arrow/go v15's default, repeated, strict readers refuse the file
//   - columns as package table defines them; a dictionary where table.Column.Dictionary says so
//
// A file of no rows has no row groups. The same rows give the same bytes.
//
// The version is checked after the Parquet magic. Parquet files have no checksum
// of the whole; the engine keeps a CRC-32C. A file that is cut short has no footer and is refused.
//
// # Only files of our own
//
// Foreign or damaged Parquet must not be read here: arrow/go v15 can panic on
// damaged pages, in goroutines of its own if asked for whole tables, and it
// believes the sizes that a file states. Read such files in a process that may die.
//
// # Memory
//
// A Writer holds one row group as encoded pages (dictionary pages unpacked) and one batch of at
// most 65,536 rows, or 8 MiB of values and one row: 128 MiB and the batch in the worst case, since values do not grow when encoded.
// With a Spill, pages above its limit wait in files, one for each column that has such, and are copied from there.
// A zstd encoder adds about 6 MiB. A Files holds the batch, the encoder and
// the tables of dictionaries of integers of as many files as were open at the same time, until garbage has been collected twice.
// A Reader holds 4,096 rows, and for each column the page that it is in.
//
// # What is not the library's
//
// Text and integers are encoded here, since arrow/go v15 allocates and hashes each value of a dictionary through several
// interfaces, and copies all levels of a page of lists again and again, and
// pages are compressed by one encoder for a file, where v15 makes one for each page. A test compares the
// bytes with those of pqarrow's writer. They differ in one place: v15 lists the encodings of a column whose
// dictionary grew too large in random order.
//
// There are no statistics of lists, since those of v15 are wrong where some are empty: it counts these as nulls among
// the values. The lists of floats in version 1 have them.
package parquetfile

const (
	format    = "parquet"
	version   = 1
	createdBy = "shardmill version 1.0.0 (build arrow-go-15.0.2)"

	batchRows  = 64 << 10
	batchBytes = 8 << 20
	groupRows  = 1 << 20
	groupBytes = 128 << 20
	readRows   = 4096
	zstdLevel  = 1
)
