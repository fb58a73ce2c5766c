package rowgroup

import (
	"bytes"
	"testing"
)

// Statistics never hide a value: whatever is in a column, its row group may hold it.
func TestDescribeHoldsAllValues(t *testing.T) {
	known, tested := 0, 0
	for name, data := range damageFiles(t) {
		d, err := Describe(bytes.NewReader(data), int64(len(data)), name)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Chunks) != len(d.Groups) || d.CreatedBy == "" {
			t.Fatalf("%s: %d groups of chunks, %d row groups, by %q", name, len(d.Chunks), len(d.Groups), d.CreatedBy)
		}
		for g := range d.Groups {
			for i, column := range d.Columns {
				if column.Kind == Unsupported {
					continue
				}
				c := d.Chunks[g][i]
				if c.HasMinMax {
					known++
				}
				r, err := open(data, g, g+1, column.Name)
				if err != nil {
					t.Fatal(err)
				}
				nulls := int64(0)
				err = drain(r, func(row *Row, err error) {
					v := row.Values[0]
					switch {
					case v.Kind == Null:
						nulls++
					case err == nil && v.Kind != Bool && !(v.Kind == Float && v.Float != v.Float):
						tested++
						if !c.MayHold(v) {
							t.Fatalf("%s: group %d, %s: %v is not between %v and %v", name, g, column.Name, v, c.Min, c.Max)
						}
					}
				})
				if err != nil || c.Nulls >= 0 && c.Nulls != nulls {
					t.Errorf("%s: group %d, %s: %d nulls, stated %d (%v)", name, g, column.Name, nulls, c.Nulls, err)
				}
			}
		}
	}
	if known == 0 || tested == 0 {
		t.Errorf("%d columns with statistics, %d values: nothing was tested", known, tested)
	}
}

func TestMayHold(t *testing.T) {
	ints := Chunk{Min: intValue(3), Max: intValue(5), HasMinMax: true}
	texts := Chunk{Min: textValue("b"), Max: textValue("d"), HasMinMax: true}
	for _, c := range []struct {
		chunk Chunk
		v     Value
		want  bool
	}{
		{ints, intValue(2), false},
		{ints, intValue(3), true},
		{ints, intValue(5), true},
		{ints, intValue(6), false},
		{texts, textValue("a"), false},
		{texts, textValue("b"), true},
		{texts, textValue("dd"), false},
		{Chunk{}, intValue(9), true},
		{ints, textValue("x"), true}, // of another kind: nothing is known
	} {
		if got := c.chunk.MayHold(c.v); got != c.want {
			t.Errorf("%v in %v to %v: %v", c.v, c.chunk.Min, c.chunk.Max, got)
		}
	}
}

// A damaged footer gives an error or what it says, and never a panic.
func TestDescribeDamaged(t *testing.T) {
	for name, data := range damageFiles(t) {
		from := max(0, len(data)-400)
		for i := from; i < len(data); i++ {
			b := bytes.Clone(data)
			b[i] ^= 0x11
			_, _ = Describe(bytes.NewReader(b), int64(len(b)), name)
		}
	}
}
