// Package tabular reads rows of named columns out of the files that users have: CSV, TSV, JSON lines and
// Parquet. Jobs describe with a Table which columns they need and how a row is made of its cells; NewSource
// makes of it what the engine splits.
//
// # Files
//
// The name of a file says what it is: .csv, .tsv, .jsonl or .ndjson, each with or without .gz or .zst, and .parquet.
// Whether a text is compressed, its first bytes say. The first record of CSV and TSV names the
// columns; JSON lines name theirs in each line, Parquet at the end of the file. Where users know better, a Form says
// so: another format or separator, no header, columns by number.
//
// A separator of one byte is that of CSV, with its quotes. One of several bytes, or outside of ASCII, separates plain text: a
// record is a line of package text that is not empty, a field is what stands between separators, and quotes are
// bytes like others. A line with another number of fields than there are columns is a bad row.
//
// # Cells
//
// Only the columns asked for are read. Text formats have cells of text, Parquet has typed ones: nothing is
// written as text to be parsed again. Where a text is wanted, an int is its decimals, a float the
// shortest decimals that give it back, as JSON writes it, and a bool is "true" or "false". Where an int is
// wanted, a float without a fraction, up to 2^53, is one: so pandas stores ints of which some are missing.
//
// # Parts
//
// A file is read as a whole or in parts. A part of text is a range of bytes and has the records that start
// in it; where the first one starts and on which line, scanning all parts tells: scan looks at one,
// and cut puts together what was found. Parts of Parquet are runs of row groups. Compressed text
// has no parts. All parts of a file, read one after another, give the rows and rejects of the whole file.
//
// # Memory
//
// A reader holds one window of 256 KiB to a few MiB, and one row. Rows become those of a job in a Block of up to 256: of CSV
// and TSV they lie in the window, of other formats up to 64 KiB of texts, or one longer row, are copied. A cell is valid until
// the next row or block.
package tabular
