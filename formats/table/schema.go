package table

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/shardmill/shardmill/formats"
)

// MarkKey is the metadata key under which files of ours state their format and version, as "arrow 1".
const MarkKey = "shardmill.format"

// ErrColumns reports a list of columns that no file can have.
var ErrColumns = errors.New("invalid columns")

// Columns binds the record type R to the columns of a file, in their order in the file.
type Columns[R any] []Column[R]

// Check reports, as an ErrColumns, an empty list, a column without a name, and a name used twice.
func (cs Columns[R]) Check() error {
	if len(cs) == 0 {
		return fmt.Errorf("%w: none given", ErrColumns)
	}
	seen := make(map[string]bool, len(cs))
	for i, c := range cs {
		switch name := c.Name(); {
		case name == "":
			return fmt.Errorf("%w: column %d has no name", ErrColumns, i+1)
		case seen[name]:
			return fmt.Errorf("%w: two columns are named %q", ErrColumns, name)
		default:
			seen[name] = true
		}
	}
	return nil
}

// Schema returns the Arrow schema of the columns, with mark under MarkKey.
func (cs Columns[R]) Schema(mark string) *arrow.Schema {
	fields := make([]arrow.Field, len(cs))
	for i, c := range cs {
		fields[i] = c.field
	}
	meta := arrow.NewMetadata([]string{MarkKey}, []string{mark})
	return arrow.NewSchema(fields, &meta)
}

// Match returns, for each column, the index of its field in the schema of a file.
// The file may have more columns, in any order. A column that the file has not,
// or has with another type, is a *ColumnError.
func (cs Columns[R]) Match(file string, s *arrow.Schema) ([]int, error) {
	indices := make([]int, len(cs))
	for i, c := range cs {
		at := s.FieldIndices(c.Name())
		if len(at) != 1 {
			return nil, &ColumnError{File: file, Column: c.Name(), Want: typeName(c.field), Got: "", Has: fieldNames(s)}
		}
		indices[i] = at[0]
		if got, want := typeName(s.Field(at[0])), typeName(c.field); got != want {
			return nil, &ColumnError{File: file, Column: c.Name(), Want: want, Got: got, Has: fieldNames(s)}
		}
	}
	return indices, nil
}

// ColumnError reports a column that a file has not, or has with another type.
type ColumnError struct {
	File   string   // path
	Column string   // name of the column
	Want   string   // type wanted
	Got    string   // type in the file, "" where the file has no such column
	Has    []string // names of all columns of the file
}

// Error names the file, the column, and what is wrong with it.
func (e *ColumnError) Error() string {
	if e.Got == "" {
		return fmt.Sprintf("%s: no column %q; the columns are %q", e.File, e.Column, e.Has)
	}
	return fmt.Sprintf("%s: column %q has type %s, want %s", e.File, e.Column, e.Got, e.Want)
}

// typeName names a type by what must agree. The name of list elements need not, nor whether
// they may be null: v15 always writes them to Parquet as nullable. Reading refuses actual nulls.
func typeName(f arrow.Field) string {
	null := ""
	if f.Nullable {
		null = " or null"
	}
	if list, ok := f.Type.(*arrow.ListType); ok {
		return fmt.Sprintf("list of %s%s", list.Elem(), null)
	}
	return f.Type.String() + null
}

func fieldNames(s *arrow.Schema) []string {
	names := make([]string, s.NumFields())
	for i := range names {
		names[i] = s.Field(i).Name
	}
	return names
}

// Mark returns the mark of a version of a format, such as "arrow 1".
func Mark(format string, version int) string {
	return format + " " + strconv.Itoa(version)
}

// CheckMark checks the mark of a file. Any other version is a
// *formats.VersionError, anything else a formats.ErrForeign.
func CheckMark(file, mark, format string, version int) error {
	number, ok := strings.CutPrefix(mark, format+" ")
	got, err := strconv.Atoi(number)
	if !ok || err != nil {
		return fmt.Errorf("%s: %w: metadata %s is %q, want %q", file, formats.ErrForeign, MarkKey, mark, Mark(format, version))
	}
	if got != version {
		return &formats.VersionError{File: file, Format: format, Got: got, Want: version}
	}
	return nil
}
