package table

import (
	"bytes"
	"errors"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/shardmill/shardmill/formats"
)

type blob struct{ b []byte }

func (r *blob) get() []byte { return r.b }

func (r *blob) set(v []byte) { r.b = bytes.Clone(v) }

// TestBytesOfAnotherType does not read bytes as text, nor text as bytes.
func TestBytesOfAnotherType(t *testing.T) {
	data := Columns[blob]{Bytes("b", (*blob).get, (*blob).set)}
	text := Columns[blob]{Text("b", (*blob).get, (*blob).set)}
	for _, c := range []struct{ written, read Columns[blob] }{{data, text}, {text, data}} {
		schema := c.written.Schema("x 1")
		b, err := NewBatch(c.written, schema)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Append(&blob{[]byte("abc")}); err != nil {
			t.Fatal(err)
		}
		if err := NewView(c.read).Load(b.Take().Columns(), 1); !errors.Is(err, formats.ErrDamaged) {
			t.Errorf("%s read: %v", c.written[0].field.Type, err)
		}
		var e *ColumnError
		if _, err := c.read.Match("f", schema); !errors.As(err, &e) || e.Got != c.written[0].field.Type.String() {
			t.Errorf("%s matched: %v", c.written[0].field.Type, err)
		}
	}
}

// TestBytesAreAny stores what is no text, which a column of text refuses.
func TestBytesAreAny(t *testing.T) {
	r := blob{[]byte("\xff\x00")}
	for _, c := range []struct {
		col  Column[blob]
		want error
	}{
		{Bytes("b", (*blob).get, (*blob).set), nil},
		{Text("b", (*blob).get, (*blob).set), formats.ErrNotUTF8},
	} {
		cols := Columns[blob]{c.col}
		b, err := NewBatch(cols, cols.Schema("x 1"))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Append(&r); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.col.field.Type, err, c.want)
		}
	}
	if id := Bytes("b", (*blob).get, (*blob).set).field.Type.ID(); id != arrow.BINARY {
		t.Errorf("type %v", id)
	}
}
