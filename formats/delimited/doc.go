// Package delimited reads CSV, TSV and other text whose fields are separated by one
// byte, in parts of a file that begin anywhere.
//
// # Format
//
// The language and the values are those of encoding/csv with its default settings: a
// record ends at a line end that is not inside quotes; a field that begins with a quote
// ends at the next quote that is not doubled, and holds line ends, separators and,
// doubled, quotes; no other field has a quote. A line ends with "\n" or "\r\n", or at the end of
// the input, where a final "\r" is dropped; inside quotes "\r\n" counts as "\n".
// Blank lines between records are skipped. The separator is any byte of ASCII but NUL,
// the quote, "\r" and "\n". A UTF-8 byte order mark at the start is skipped, one of UTF-16
// is refused. The header is a record like any other; what it means is up to the caller.
//
// All records have as many fields as Options.Columns has names or, without names, as
// the first good record has.
//
// Reader.Read reads one record, Reader.ReadRecords several at once; numbers are read fastest out of the same field of
// several records.
//
// # Bad records
//
// A record that cannot be used is a *formats.RowError, and reading goes on at the line
// after the last one that the bad record took. In the order in which they are
// reported, the causes are: a quote that is never closed (csv.ErrQuote), which takes the rest of
// the input; a record longer than Options.MaxRecord (formats.ErrTooLong), counted without its last
// line end; a quote where none may be (csv.ErrBareQuote, csv.ErrQuote), after
// which the record ends at the next line end; too few or too many fields
// (csv.ErrFieldCount); a NUL (formats.ErrNUL); invalid UTF-8 (formats.ErrNotUTF8). Each
// physical line that is not blank belongs to exactly one record or one RowError.
//
// # Parts of a file
//
// What a byte means depends on all quotes before it. Scan finds, for each State in
// which a part may begin, the state in which it ends, its first record and the number of
// its records, so parts can be scanned in parallel and in any order. Compose joins the
// results of neighbours; it is associative. Starts turns the results of all parts into the
// Position of the first record of each, where NewRangeReader begins:
//
//	head, err := delimited.NewReader(file, name, o) // reads the header
//	err = head.Read(&header)
//	base := head.Position()
//	scans[i], err = delimited.ScanRange(file, cuts[i], cuts[i+1], ',') // cuts[0] is base.Offset
//	starts := delimited.Starts(base, scans)
//	r, err := delimited.NewRangeReader(file, name, starts[i], cuts[i+1], o)
//
// ScanReader and NewPartReader do the same with an input that can only be read from its start to its end. What
// Scan returns may be kept as JSON.
//
// A record starts at its first byte, or at its second if the first is "\r": until the
// second is seen, the line may still be blank. So a part that ends between the two
// leaves the record to the next part.
package delimited
