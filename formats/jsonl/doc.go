// Package jsonl reads chosen columns of JSON lines: text with one JSON object a line.
//
// # Format
//
// UTF-8 text, with or without a byte order mark; one of UTF-16 is refused. A line ends with
// "\n" or "\r\n" or at the end of the input. A line of white space is skipped. Any other
// line is one JSON object as RFC 8259 defines it and encoding/json accepts it, nested no deeper than
// 10,000 levels. A column is a name in that object, compared exactly after its escapes are
// resolved. A name that comes twice has its last value. Escapes are resolved as encoding/json
// does, a lone surrogate as U+FFFD. A NUL can only be written as an escape and is passed on.
//
// # Bad lines
//
// A line that cannot be used is a *formats.RowError, and reading goes on with the next
// line. The causes, in the order in which they are reported: longer than Options.MaxLine without its
// line end (formats.ErrTooLong), a NUL (formats.ErrNUL), invalid UTF-8 (formats.ErrNotUTF8), invalid JSON
// anywhere in the line (ErrSyntax), not an object (ErrNotObject), an object or array as the value of a chosen
// column (ErrNested), unless Options.Scalars allows it.
//
// # Parts of a file
//
// Lines are those of package text, whose Scan and Starts say where a part has its first one.
package jsonl
