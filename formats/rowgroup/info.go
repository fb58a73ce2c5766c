package rowgroup

import (
	"fmt"
	"io"
)

// Kind says what a Value is.
type Kind uint8

// The kinds. A column's Kind is that of its values that are not null.
const (
	Null        Kind = iota
	Int              // 64-bit signed; values of unsigned columns beyond that are Text
	Float            // 64-bit
	Text             // UTF-8
	Bool             // 0 or 1
	Unsupported      // of columns only
)

func kindNames() [6]string { return [...]string{"null", "int", "float", "text", "bool", "unsupported"} }

// String returns the kind's name.
func (k Kind) String() string {
	if names := kindNames(); int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// MarshalText returns the kind's name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText sets the kind by its name.
func (k *Kind) UnmarshalText(text []byte) error {
	for i, name := range kindNames() {
		if name == string(text) {
			*k = Kind(i)
			return nil
		}
	}
	return fmt.Errorf("no kind is named %q", text)
}

// Info is what the footer of a file says.
type Info struct {
	Columns []Column `json:"columns"`
	Groups  []Group  `json:"groups"`
}

// Column is a top-level column.
type Column struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"` // of its values; never Null
	Type string `json:"type"` // in terms of Parquet, for people
}

// Group is a row group.
type Group struct {
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes"` // of all its columns, as they lie in the file
}

// Rows returns the number of rows in all row groups.
func (i Info) Rows() int64 {
	var rows int64
	for _, g := range i.Groups {
		rows += g.Rows
	}
	return rows
}

// Inspect reads the footer of a file of size bytes; the name is for errors. The error is ErrNotParquet,
// ErrUnsupported, formats.ErrDamaged, or one of r, wrapped.
func Inspect(r io.ReaderAt, size int64, name string) (Info, error) {
	f, err := readFooter(r, size, name)
	if err != nil {
		return Info{}, err
	}
	info := Info{Columns: make([]Column, len(f.fields)), Groups: f.groups}
	for i, field := range f.fields {
		info.Columns[i] = field.Column
	}
	return info, nil
}
