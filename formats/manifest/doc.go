// Package manifest reads CSV files that list images: a header, then one row an image.
//
// # Format
//
// CSV as encoding/csv reads it with its default settings (RFC 4180, comma, quotes
// where needed, "\n" or "\r\n" at line ends, newlines inside quotes, blank lines
// skipped), in UTF-8 with or without a byte order mark. The first record is the
// header: its names are all different and not empty. Every other record has one
// field for each of them. Names are compared exactly.
//
// # Bad records
//
// A record that cannot be used is a *formats.RowError, and reading goes on with the
// next one: with the line after the last one that the bad record took. A record is bad
// when its quotes are (as encoding/csv says), its fields are too many or too few, its
// path is empty, it has invalid UTF-8 or a NUL, or it is longer than 1 MiB. Each physical
// line that is not blank belongs to exactly one row or one RowError.
//
// A quote that is opened and never closed takes the rest of the file, since no rule
// says which later line is a record: one RowError from the line of its record to the
// last line, which names the line of the quote. No record is ever held beyond 1 MiB, which is why
// records are cut out here and only then parsed by encoding/csv, which would hold the rest of the file.
package manifest
