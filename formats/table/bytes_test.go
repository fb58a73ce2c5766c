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

func fixedBlobs(width int) Columns[blob] {
	return Columns[blob]{FixedBytes("b", width, (*blob).get, (*blob).set)}
}

// TestFixedBytesOfAnotherLength refuses values that are shorter or longer than those of their column.
func TestFixedBytesOfAnotherLength(t *testing.T) {
	cols := fixedBlobs(4)
	b, err := NewBatch(cols, cols.Schema("x 1"))
	if err != nil {
		t.Fatal(err)
	}
	good := []byte("four")
	for _, bad := range []string{"", "abc", "fives"} {
		var v *ValueError
		rows := []blob{{good}, {[]byte(bad)}}
		if n, err := b.AppendRows(rows, 1<<20); n != 0 || !errors.As(err, &v) || v.Column != "b" {
			t.Errorf("%q: %d rows, %v", bad, n, err)
		}
		if err := b.Append(&rows[0]); err != nil {
			t.Fatal(err)
		}
	}
	if b.Rows() != 3 || b.Bytes() != 12 {
		t.Errorf("%d rows of %d bytes", b.Rows(), b.Bytes())
	}
	view, r := NewView(cols), blob{}
	if err := view.Load(b.Take().Columns(), 3); err != nil {
		t.Fatal(err)
	}
	for n := range 4 {
		if got := view.Read(&r); got != (n < 3) || string(r.b) != "four" {
			t.Errorf("row %d: %v, %q", n, got, r.b)
		}
	}
}

// TestFixedBytesOfAnotherType does not read values of another length, nor those of other columns.
func TestFixedBytesOfAnotherType(t *testing.T) {
	three := fixedBlobs(3)
	b, err := NewBatch(three, three.Schema("x 1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Append(&blob{[]byte("abc")}); err != nil {
		t.Fatal(err)
	}
	arrays := b.Take().Columns()
	text := Columns[blob]{Text("b", (*blob).get, (*blob).set)}
	any := Columns[blob]{Bytes("b", (*blob).get, (*blob).set)}
	for _, cols := range []Columns[blob]{fixedBlobs(4), fixedBlobs(1), text, any} {
		if err := NewView(cols).Load(arrays, 1); !errors.Is(err, formats.ErrDamaged) {
			t.Errorf("read as %s: %v", cols[0].field.Type, err)
		}
		var c *ColumnError
		if _, err := cols.Match("f", three.Schema("x 1")); !errors.As(err, &c) || c.Got != "fixed_size_binary[3]" {
			t.Errorf("matched as %s: %v", cols[0].field.Type, err)
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
