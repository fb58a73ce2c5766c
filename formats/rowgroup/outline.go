package rowgroup

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/parquet"
)

// Outline is what the schema says of a top-level column.
type Outline struct {
	Name     string
	Scalar   bool     // it is neither a struct nor a list nor a map
	Binary   bool     // it is byte strings that are not called text, numbers or the like
	Members  []string // of a struct, those that are scalar
	Binaries []string // of these, those that are byte strings as above
}

// Limits of a schema that is worth reading.
const (
	firstPeek   = 64 << 10
	maxPeek     = 64 << 20
	maxElements = 1 << 16
)

// Outlines reads the names of the columns, and no more of the footer than the schema. It allocates about as much as it reads, and
// runs nothing of another library, so that it is safe in a process that must not die. Errors are those of Inspect.
func Outlines(r io.ReaderAt, size int64, name string) ([]Outline, error) {
	f := &footer{name: name, file: r, size: size}
	elements, err := f.elements()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(elements) == 0 {
		return nil, fmt.Errorf("%s: footer: %w", name, damaged("it has no schema"))
	}
	var out []Outline
	for i := 1; i < len(elements) && len(out) < int(elements[0].children); {
		end := subtree(elements, i)
		out = append(out, outline(elements[i:end]))
		i = end
	}
	return out, nil
}

// elements reads the schema, and more of the footer only as long as that is not enough.
func (f *footer) elements() ([]element, error) {
	at, size, err := f.place()
	if err != nil {
		return nil, err
	}
	for want := int64(firstPeek); ; want *= 8 {
		data := make([]byte, min(want, size))
		if err := readAt(f.file, data, at); err != nil {
			return nil, err
		}
		c := compact{data: data}
		out, err := c.schema()
		switch {
		case err == nil:
			return out, nil
		case errors.Is(err, ErrUnsupported):
			return nil, err
		case !errors.Is(err, errMore) || want >= size || want >= maxPeek:
			return nil, damaged("the footer has no schema that can be read")
		}
	}
}

// element is a SchemaElement of parquet.thrift: a node of the tree, in depth-first order.
type element struct {
	name       string
	leaf       bool // it has a type
	physical   int64
	repetition int64
	children   int64
	meaning    bool // it has a converted or logical type
}

// schema returns field 2 of FileMetaData, a list of structures; nothing behind it is read.
func (c *compact) schema() (out []element, err error) {
	done := errors.New("done")
	err = c.fields(func(id int64, kind byte) error {
		if id != 2 || kind != compactList {
			return c.value(kind, -1, 0, func(int, int64) {})
		}
		if out, err = c.elements(); err != nil {
			return err
		}
		return done
	})
	if errors.Is(err, done) {
		return out, nil
	}
	return nil, errors.Join(err, errHeader)
}

func (c *compact) elements() ([]element, error) {
	head, err := c.byte()
	if err != nil {
		return nil, err
	}
	n := uint64(head >> 4)
	if n == 15 {
		if n, err = c.uvarint(); err != nil {
			return nil, err
		}
	}
	if head&15 != compactStruct {
		return nil, errHeader
	}
	if n > maxElements {
		return nil, unsupported("a schema of %d nodes", n)
	}
	var out []element
	for range n {
		e, err := c.element()
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func (c *compact) element() (e element, err error) {
	err = c.fields(func(id int64, kind byte) error {
		var n int64
		var err error
		switch {
		case id == 4 && kind == compactBinary:
			e.name, err = c.text()
			return err
		case kind != compactInt32:
			e.meaning = e.meaning || id == 10
			return c.value(kind, -1, 0, func(int, int64) {})
		}
		if n, err = c.zigzag(); err != nil {
			return err
		}
		switch id {
		case 1:
			e.leaf, e.physical = true, n
		case 3:
			e.repetition = n
		case 5:
			e.children = n
		case 6:
			e.meaning = true
		}
		return nil
	})
	return e, err
}

// fields calls visit at the value of each field of a structure, which visit takes.
func (c *compact) fields(visit func(id int64, kind byte) error) error {
	for id := int64(0); ; {
		head, err := c.byte()
		if err != nil || head == compactStop {
			return err
		}
		if delta := int64(head >> 4); delta != 0 {
			id += delta
		} else if id, err = c.zigzag(); err != nil {
			return err
		}
		if err := visit(id, head&15); err != nil {
			return err
		}
	}
}

func (c *compact) text() (string, error) {
	n, err := c.uvarint()
	if err != nil {
		return "", err
	}
	from := c.at
	if err := c.skip(n); err != nil {
		return "", err
	}
	return string(c.data[from:c.at]), nil
}

// subtree returns where the subtree of node i ends.
func subtree(elements []element, i int) int {
	for left := int64(1); left > 0 && i < len(elements); i++ {
		left--
		if !elements[i].leaf {
			left += max(0, min(elements[i].children, maxElements))
		}
	}
	return i
}

// outline describes a node of the first level, which is followed by all below it.
func outline(nodes []element) Outline {
	o := Outline{Name: nodes[0].name, Scalar: nodes[0].scalar(), Binary: nodes[0].binary()}
	if nodes[0].leaf || nodes[0].repeated() {
		return o
	}
	for _, n := range nodes[1:] {
		if !n.leaf { // as in newMembers
			break
		}
		if n.scalar() {
			o.Members = append(o.Members, n.name)
		}
		if n.binary() {
			o.Binaries = append(o.Binaries, n.name)
		}
	}
	return o
}

func (e *element) repeated() bool { return e.repetition == int64(parquet.Repetitions.Repeated) }
func (e *element) scalar() bool   { return e.leaf && !e.repeated() }
func (e *element) binary() bool {
	return e.scalar() && !e.meaning && e.physical == int64(parquet.Types.ByteArray)
}
