package rowgroup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/table"
)

const (
	magic          = "PAR1"
	encryptedMagic = "PARE"
	tailBytes      = 8 // size of the footer, and the magic
)

// footer is an open file.
type footer struct {
	name    string
	file    io.ReaderAt
	size    int64
	meta    *metadata.FileMetaData
	fields  []field
	members []field // of top-level structs, named STRUCT.MEMBER
	groups  []Group
}

// field is a top-level column with what its decoding needs.
type field struct {
	Column
	leaf     int    // its place among the chunks of a row group
	levels   uint32 // the definition level of a value that is there: 0 in a required column
	physical parquet.Type
	width    int // bytes of a fixed-length value
	logical  schema.LogicalType
}

func readFooter(r io.ReaderAt, size int64, name string) (f *footer, err error) {
	defer table.Recover(name, &err)
	f = &footer{name: name, file: r, size: size}
	data, err := f.load()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if f.meta, err = metadata.NewFileMetaData(data, nil); err != nil {
		return nil, fmt.Errorf("%s: footer: %w: %w", name, formats.ErrDamaged, err)
	}
	if err := errors.Join(f.readGroups(), f.readFields()); err != nil {
		return nil, fmt.Errorf("%s: footer: %w", name, err)
	}
	return f, nil
}

// load returns the bytes of the footer.
func (f *footer) load() ([]byte, error) {
	at, size, err := f.place()
	if err != nil {
		return nil, err
	}
	data := make([]byte, size)
	return data, readAt(f.file, data, at)
}

// place returns where the footer begins, and its size.
func (f *footer) place() (at, size int64, err error) {
	if f.size < int64(len(magic))+tailBytes {
		return 0, 0, fmt.Errorf("%w: it has %d bytes", ErrNotParquet, f.size)
	}
	var head, tail [tailBytes]byte
	if err := errors.Join(readAt(f.file, head[:len(magic)], 0), readAt(f.file, tail[:], f.size-tailBytes)); err != nil {
		return 0, 0, err
	}
	switch start, end := string(head[:len(magic)]), string(tail[len(tail)-len(magic):]); {
	case end == encryptedMagic:
		return 0, 0, unsupported("encryption")
	case start != magic:
		return 0, 0, fmt.Errorf("%w: it begins with %q", ErrNotParquet, start)
	case end != magic:
		return 0, 0, damaged("it ends with %q, not %q: cut short?", end, magic)
	}
	size = int64(binary.LittleEndian.Uint32(tail[:]))
	if size > f.size-tailBytes-int64(len(magic)) {
		return 0, 0, damaged("it has %d bytes, and its footer shall have %d", f.size, size)
	}
	return f.size - tailBytes - size, size, nil
}

// readAt fills dst, whose bytes the caller knows to be in the file.
func readAt(r io.ReaderAt, dst []byte, at int64) error {
	n, err := r.ReadAt(dst, at)
	if n == len(dst) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return damaged("it ends at byte %d", at+int64(n))
	}
	return err
}

func (f *footer) readGroups() error {
	if f.meta.IsSetEncryptionAlgorithm() {
		return unsupported("encryption")
	}
	leaves, left := f.meta.Schema.NumColumns(), f.meta.NumRows
	f.groups = make([]Group, len(f.meta.RowGroups))
	for i, g := range f.meta.RowGroups {
		if len(g.Columns) != leaves {
			return damaged("row group %d has %d columns, the schema %d", i, len(g.Columns), leaves)
		}
		if g.NumRows < 0 || g.NumRows > left {
			return damaged("row group %d has %d rows, and %d are left of %d", i, g.NumRows, left, f.meta.NumRows)
		}
		left -= g.NumRows
		f.groups[i].Rows = g.NumRows
		for _, c := range g.Columns {
			size := c.MetaData.GetTotalCompressedSize()
			if size < 0 || size > math.MaxInt64-f.groups[i].Bytes {
				return damaged("row group %d has a column of %d bytes", i, size)
			}
			f.groups[i].Bytes += size
		}
	}
	if left != 0 {
		return damaged("the row groups have %d rows less than the file", left)
	}
	return nil
}

// readFields lists the top-level columns. A schema is a tree whose leaves, from left to right, are the chunks of a row group.
func (f *footer) readFields() error {
	root, leaf := f.meta.Schema.Root(), 0
	for i := range root.NumFields() {
		node := root.Field(i)
		f.fields = append(f.fields, newField(node, leaf))
		f.members = append(f.members, newMembers(node, leaf)...)
		for leaf < f.meta.Schema.NumColumns() && f.meta.Schema.ColumnRoot(leaf) == node {
			leaf++
		}
	}
	if leaf != f.meta.Schema.NumColumns() {
		return damaged("%d of %d columns belong to no field", f.meta.Schema.NumColumns()-leaf, f.meta.Schema.NumColumns())
	}
	return nil
}

func newField(node schema.Node, leaf int) field {
	f := field{Column: Column{Name: node.Name(), Kind: Unsupported, Type: typeName(node)}, leaf: leaf, logical: node.LogicalType()}
	p, ok := node.(*schema.PrimitiveNode)
	if !ok || node.RepetitionType() == parquet.Repetitions.Repeated {
		return f
	}
	f.levels = level(node)
	f.physical = p.PhysicalType()
	switch f.physical {
	case parquet.Types.FixedLenByteArray:
		f.width = p.TypeLength()
	case parquet.Types.Int96:
		f.width = parquet.Int96SizeBytes
	}
	if kind := f.conversion().kind; kind != Null {
		f.Kind = kind
	}
	return f
}

// newMembers lists the members of a struct that have no structure themselves. The name of one is that of
// the struct, a dot and its own.
func newMembers(node schema.Node, leaf int) (members []field) {
	group, ok := node.(*schema.GroupNode)
	if !ok || node.RepetitionType() == parquet.Repetitions.Repeated {
		return nil
	}
	for i := range group.NumFields() {
		node := group.Field(i)
		if _, ok := node.(*schema.PrimitiveNode); !ok {
			return members // nobody knows how many leaves it has
		}
		m := newField(node, leaf+i)
		m.Name = group.Name() + "." + m.Name
		m.levels += level(group)
		members = append(members, m)
	}
	return members
}

// level is the definition level that a node adds to those above it.
func level(node schema.Node) uint32 {
	if node.RepetitionType() == parquet.Repetitions.Optional {
		return 1
	}
	return 0
}

// typeName names a type as Parquet does, such as "BYTE_ARRAY String" or "List".
func typeName(node schema.Node) string {
	var words []string
	if node.RepetitionType() == parquet.Repetitions.Repeated {
		words = append(words, "repeated")
	}
	if p, ok := node.(*schema.PrimitiveNode); ok {
		words = append(words, p.PhysicalType().String())
	}
	if l := node.LogicalType(); l != nil && l.IsValid() && !l.IsNone() {
		name, _, _ := strings.Cut(l.String(), ", is_from_converted_type") // how arrow/go was told of it
		words = append(words, name)
	} else if _, ok := node.(*schema.GroupNode); ok {
		words = append(words, "struct")
	}
	return strings.Join(words, " ")
}

// find returns the column of that name, or else the member of a struct. Errors name what there is.
func (f *footer) find(name string) (field, error) {
	var found []field
	names := make([]string, len(f.fields))
	if i := slices.IndexFunc(f.members, func(m field) bool { return m.Name == name }); i >= 0 && f.members[i].Kind != Unsupported {
		found = append(found, f.members[i])
	}
	if slices.ContainsFunc(f.fields, func(m field) bool { return m.Name == name }) {
		found = nil
	}
	for i, field := range f.fields {
		names[i] = field.Name
		if field.Name == name {
			found = append(found, field)
		}
	}
	switch {
	case len(found) == 0:
		return field{}, &table.ColumnError{File: f.name, Column: name, Want: supported, Has: names}
	case len(found) > 1:
		return field{}, fmt.Errorf("%s: %w: %d columns are named %q", f.name, table.ErrColumns, len(found), name)
	case found[0].Kind == Unsupported:
		return field{}, &table.ColumnError{File: f.name, Column: name, Want: supported, Got: found[0].Type, Has: names}
	}
	return found[0], nil
}
