package tabular

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/formats/delimited"
	"github.com/shardmill/shardmill/formats/table"
)

// Form is what a user says of files that do not say it themselves, or says otherwise. A table of such files has at least two
// columns, which may be asked for by number, from 1, where none has that name; JSON lines have no numbers. Those that
// are not asked for may have no name, or one of others. Unknown columns, and files of which none has a row, are
// found before anything is read. Texts without a record are passed over.
type Form struct {
	Format    string // csv, tsv, jsonl or parquet, or auto: what the name of each file says
	Separator string // between the fields of CSV and TSV, which \t is too; "" for what the format says
	NoHeader  bool   // the first record of CSV and TSV is a row: columns have numbers only
}

// The values of Form.Format.
const (
	Auto    = "auto"
	CSV     = "csv"
	TSV     = "tsv"
	JSONL   = "jsonl"
	Parquet = "parquet"
)

var (
	// errNoRecord reports a text that has nothing but blank lines, if that.
	errNoRecord = errors.New("no record")
	// ErrNoRows reports inputs that are all empty.
	ErrNoRows = errors.New("the input has no rows: all its files are empty")
	// errSameColumn reports columns that are asked for twice.
	errSameColumn = errors.New("one column is asked for twice")
)

// Check finds values that no file can have. Errors name the flags --input-format, --separator and --no-header.
func (f *Form) Check() error {
	fields := f.Format == Auto || f.Format == CSV || f.Format == TSV
	switch {
	case !fields && f.Format != JSONL && f.Format != Parquet:
		return fmt.Errorf("--input-format %q: none of auto, csv, tsv, jsonl, parquet", f.Format)
	case !fields && f.Separator != "":
		return fmt.Errorf("--separator: %s has none", f.Format)
	case !fields && f.NoHeader:
		return fmt.Errorf("--no-header: %s names its columns", f.Format)
	}
	return CheckSeparator(f.Separator)
}

// CheckSeparator finds separators that cannot stand between fields. The empty one is fine.
func CheckSeparator(sep string) error {
	if strings.ContainsAny(sep, "\n\r\x00\"") {
		return fmt.Errorf("--separator %q: no quote, NUL or line end can be one", sep)
	}
	return nil
}

// Separator is what a user means by a separator: \t is a tab.
func Separator(sep string) string {
	return strings.ReplaceAll(sep, `\t`, "\t")
}

// formatOf tells how a file is read. The form may be nil.
func (f *Form) formatOf(name string) (format, error) {
	of, err := formatOf(name)
	if f == nil {
		return of, err
	}
	switch f.Format {
	case CSV:
		of = format{comma: ','}
	case TSV:
		of = format{comma: '\t'}
	case JSONL:
		of = format{layout: jsonLines}
	case Parquet:
		of = format{layout: rowGroups}
	default:
		if err != nil && f.Separator == "" {
			return of, fmt.Errorf("%w%s", err, f.hint())
		}
	}
	of.form = f
	if sep := Separator(f.Separator); sep != "" && of.layout == separated {
		of.comma = sep[0]
		if len(sep) > 1 || sep[0] >= 0x80 {
			of.layout, of.sep = plain, sep
		}
	}
	return of, nil
}

// hides tells whether a file that a folder has is none of its inputs. Where the format is told names say little: those that begin
// with "." or "_" are of other programs. The form may be nil.
func (f *Form) hides(name string) bool {
	if f == nil || f.Format == Auto {
		return !IsTable(name)
	}
	return IsHidden(name)
}

// IsHidden tells by its name whether a file in a folder is none of the user's data: ".DS_Store", "_SUCCESS".
func IsHidden(name string) bool {
	base := filepath.Base(name)
	return base[0] == '.' || base[0] == '_'
}

// hint ends a message that names say nothing of.
func (f *Form) hint() string {
	if f == nil {
		return ""
	}
	return "; or give --input-format"
}

// resolve returns the names that the columns asked for have in a file. The form may be nil.
func (f *Form) resolve(file string, names, columns []string) ([]string, error) {
	found := make([]string, len(columns))
	at := make([]int, len(columns))
	for i, c := range columns {
		var err error
		if at[i], err = f.find(file, names, c); err != nil {
			return nil, err
		}
		if j := slices.Index(at[:i], at[i]); j >= 0 {
			return nil, fmt.Errorf("%s: %w, as %q and %q", file, errSameColumn, columns[j], c)
		}
		found[i] = names[at[i]]
	}
	return found, nil
}

// find returns the index of a column in the names of a file. The form may be nil.
func (f *Form) find(file string, names []string, column string) (int, error) {
	at := slices.Index(names, column)
	switch {
	case f != nil && at >= 0 && slices.Contains(names[at+1:], column):
		return 0, fmt.Errorf("%s: %w: two columns are called %q", file, errHeader, column)
	case at >= 0:
		return at, nil
	case f == nil:
		return 0, &table.ColumnError{File: file, Column: column, Has: names}
	}
	return f.findNumber(file, names, column)
}

// findNumber is find for a column that is none of the names. One that is called by a number gives away a header that is a row.
func (f *Form) findNumber(file string, names []string, column string) (int, error) {
	const row = "if the first line is a row, give --no-header"
	n, err := strconv.Atoi(column)
	numbered := err == nil && 1 <= n && n <= len(names)
	unknown := &table.ColumnError{File: file, Column: column, Has: names}
	switch {
	case numbered && isNumber(names[n-1]):
		return 0, fmt.Errorf("%s: %w: column %d is called %q: %s", file, errHeader, n, names[n-1], row)
	case numbered:
		return n - 1, nil
	case !f.NoHeader && len(names) > 0 && isNumber(names[0]):
		return 0, fmt.Errorf("%w: %s", unknown, row)
	}
	return 0, unknown
}

func isNumber(s string) bool {
	_, ok := delimited.Float([]byte(s))
	return ok
}

// oneField says what is wrong with a file whose first record is one field with what may be a separator.
func oneField(file, field string) error {
	for _, sep := range []struct{ text, flag string }{
		{"::", "::"}, {"\t", `'\t'`}, {";", "';'"}, {"|", "'|'"}, {",", ","}, {" ", "' '"},
	} {
		if strings.Contains(field, sep.text) {
			const most = 100
			return fmt.Errorf("%s: %w: found one column %.*q: give --separator %s", file, errHeader, most, field, sep.flag)
		}
	}
	return nil
}
