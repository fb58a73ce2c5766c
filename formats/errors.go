package formats

import (
	"errors"
	"fmt"
)

var (
	// ErrForeign reports a file that shardmill did not write.
	ErrForeign = errors.New("not a file written by shardmill")
	// ErrDamaged reports a file of ours whose bytes cannot be what was written.
	ErrDamaged = errors.New("file is damaged")
	// ErrNotUTF8 reports text that is not valid UTF-8.
	ErrNotUTF8 = errors.New("not valid UTF-8")
	// ErrUTF16 reports a text file that begins with a UTF-16 byte order mark.
	ErrUTF16 = errors.New("file is UTF-16; convert it to UTF-8")
	// ErrNUL reports a NUL character in text.
	ErrNUL = errors.New("text has a NUL character")
	// ErrTooLong reports a line or record above the reader's limit.
	ErrTooLong = errors.New("longer than the limit")
)

// RowError reports one input row that cannot be used. The reader that returned
// it is still good: its next Read continues after the row.
type RowError struct {
	File   string // as given to the reader
	Line   int64  // physical line on which the row starts, 1-based
	Last   int64  // physical line on which the row ends; equal to Line for most rows
	Column string // name of the column at fault, "" where it is not known
	Raw    string // text of the row as far as it was kept, always valid UTF-8
	Err    error  // what is wrong
}

// Error names the file, the lines, the column if known, and the cause.
func (e *RowError) Error() string {
	where := fmt.Sprintf("%s:%d", e.File, e.Line)
	if e.Last > e.Line {
		where = fmt.Sprintf("%s-%d", where, e.Last)
	}
	if e.Column != "" {
		where = fmt.Sprintf("%s: column %q", where, e.Column)
	}
	return fmt.Sprintf("%s: %v", where, e.Err)
}

// Unwrap returns the cause.
func (e *RowError) Unwrap() error { return e.Err }

// VersionError reports a file of ours in a version that this program does not read.
type VersionError struct {
	File   string // path
	Format string // "arrow" or "parquet"
	Got    int    // version of the file
	Want   int    // version that this program reads
}

// Error names both versions.
func (e *VersionError) Error() string {
	return fmt.Sprintf("%s: %s format version %d, this program reads version %d", e.File, e.Format, e.Got, e.Want)
}

// RowsError reports a file whose data does not hold the rows that its footer states.
type RowsError struct {
	File   string // path
	Footer int64  // rows by the footer
	Read   int64  // rows that were found in the data, as far as it was read
}

// Error names both counts.
func (e *RowsError) Error() string {
	return fmt.Sprintf("%s: the footer states %d rows, the data holds %d", e.File, e.Footer, e.Read)
}

// Is makes a RowsError count as ErrDamaged.
func (e *RowsError) Is(target error) bool { return target == ErrDamaged }
