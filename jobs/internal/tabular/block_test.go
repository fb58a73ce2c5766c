package tabular

import (
	"errors"
	"io"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats"
)

// readBlocks reads a file as readAll does, in blocks of which it drops some rows at a time.
func readBlocks(t *rapid.T, in blocks) (rows []got) {
	b := Block{input: "a.csv"}
	for {
		err := in.readBlock(&b)
		var bad *formats.RowError
		switch {
		case errors.Is(err, io.EOF):
			return rows
		case errors.As(err, &bad):
			rows = append(rows, got{Line: bad.Line, Wrong: reason(bad).Error()})
		case err != nil || b.Len() < 1 || b.Len() > BlockRows:
			t.Fatalf("%d rows, %v", b.Len(), err)
		}
		for b.Len() > 0 {
			head := b.head(rapid.IntRange(1, b.Len()).Draw(t, "head"))
			for i := range head.Len() {
				rows = append(rows, rowOf(&head, i))
			}
			checkValues(t, &head)
			b.skip(head.Len())
		}
	}
}

func rowOf(b *Block, i int) got {
	g := got{Line: b.Place(i).Line}
	for _, c := range b.appendCells(nil, i) {
		g.Kinds = append(g.Kinds, c.Kind)
		g.Texts = append(g.Texts, string(c.AppendText(nil)))
	}
	return g
}

// checkValues compares the values of columns with those of cells.
func checkValues(t *rapid.T, b *Block) {
	for column := range b.Columns() {
		ints, floats := make([]int64, b.Len()), make([]float64, b.Len())
		isInt, notInt := b.Integers(column, ints)
		isFloat, notFloat := b.Numbers(column, floats)
		present, missing := b.Present(column, b.Len())
		for i := range b.Len() {
			c := b.Cell(i, column)
			text, ok := b.Text(i, column, nil)
			if ok != c.OK() || string(text) != string(c.AppendText(nil)) {
				t.Fatalf("text %q, %v of %+v", text, ok, c)
			}
			if n, err := c.Integer(); i < isInt && (err != nil || n != ints[i]) || i == isInt && !same(err, notInt) {
				t.Fatalf("int %d of %d, %v: %+v", i, isInt, notInt, c)
			}
			if f, err := c.Number(); i < isFloat && (err != nil || f != floats[i]) || i == isFloat && !same(err, notFloat) {
				t.Fatalf("float %d of %d, %v: %+v", i, isFloat, notFloat, c)
			}
			if i < present && !c.OK() || i == present && (c.OK() || !errors.Is(missing, ErrMissing)) {
				t.Fatalf("value %d of %d, %v: %+v", i, present, missing, c)
			}
		}
		if (isInt < b.Len()) != (notInt != nil) || (isFloat < b.Len()) != (notFloat != nil) || (present < b.Len()) != (missing != nil) {
			t.Fatalf("%d ints, %v; %d floats, %v; %d values, %v", isInt, notInt, isFloat, notFloat, present, missing)
		}
	}
}

func same(a, b error) bool { return a != nil && b != nil && a.Error() == b.Error() }

// Blocks have the rows that are read one by one, with their lines and values, and bad rows in their place.
func TestBlocks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cell := rapid.SampledFrom([]string{"7", "7", "123456", "-12", "0.25", "1e3", "NaN", "07", "", "x", `"q,"`, "\"2\n2\"", "\xff", `b"`})
		var text strings.Builder
		text.WriteString("a,b\n")
		for range rapid.IntRange(0, 20).Draw(rt, "rows") {
			n := rapid.SampledFrom([]int{1, 1, 1, BlockRows}).Draw(rt, "times")
			text.WriteString(strings.Repeat(cell.Draw(rt, "a")+","+cell.Draw(rt, "b")+"\n", n))
		}
		rg := put(t, filepath.Join(t.TempDir(), "a.csv"), []byte(text.String()))
		want := readAll(t, rg, 2, "b", "z", "a")
		in, err := openSeparated(disk{}, rg, format{layout: separated, comma: ','}, []string{"b", "z", "a"})
		if err != nil {
			rt.Fatal(err)
		}
		if _, ok := in.(blocks); !ok {
			rt.Fatalf("a %T has no blocks", in)
		}
		if diff := cmp.Diff(want, readBlocks(rt, asBlocks(in))); diff != "" {
			rt.Fatalf("(-want +got):\n%s", diff)
		}
		if err := in.close(); err != nil {
			rt.Fatal(err)
		}
	})
}

// Blocks of rows that are read one by one have these, and end before their texts are large.
func TestGathered(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rows := [][]string{{"a", "b"}}
		for range rapid.IntRange(0, 5).Draw(rt, "rows") {
			row := []string{rapid.SampledFrom([]string{"7", "x", none, "é"}).Draw(rt, "a"), rapid.SampledFrom([]string{"", "1.5"}).Draw(rt, "b")}
			if rapid.IntRange(0, 4).Draw(rt, "long") == 0 {
				row[1] = strings.Repeat("long ", gatherBytes/6)
			}
			for range rapid.SampledFrom([]int{1, 1, BlockRows}).Draw(rt, "times") {
				rows = append(rows, row)
			}
		}
		rg := encodeRows(t, filepath.Join(t.TempDir(), "a.jsonl"), rows)
		text := strings.SplitAfter(string(readFile(t, rg.Path)), "\n")
		at := rapid.IntRange(0, len(text)-1).Draw(rt, "bad")
		text[at] = "[]\n" + text[at]
		putRaw(t, rg.Path, []byte(strings.Join(text, "")))
		want := readAll(t, rg, 2, "b", "z", "a")
		in, err := openLines(disk{}, rg, []string{"b", "z", "a"}, 2)
		if err != nil {
			rt.Fatal(err)
		}
		g := &gathered{records: in}
		if diff := cmp.Diff(want, readBlocks(rt, g)); diff != "" {
			rt.Fatalf("(-want +got):\n%s", diff)
		}
		if n := cap(g.texts); n > 8*gatherBytes {
			rt.Errorf("texts of %d bytes", n)
		}
		if err := in.close(); err != nil {
			rt.Fatal(err)
		}
	})
}

// A block of one row has typed cells too.
func TestRowBlock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cells := []Cell{
			{},
			{Kind: Null},
			{Kind: Int, Int: rapid.Int64().Draw(t, "int")},
			{Kind: Text, Text: []byte(rapid.String().Draw(t, "text"))},
			{Kind: Float, Float: rapid.SampledFrom([]float64{0, 7, 0.5, math.NaN(), math.Inf(1)}).Draw(t, "float")},
		}
		b := RowBlock("a.jsonl", Record{Line: 7, Cells: cells})
		if b.Len() != 1 || b.Columns() != len(cells) || b.Place(0) != (Place{"a.jsonl", 7}) || len(b.appendCells(nil, 0)) != len(cells) {
			t.Fatalf("%+v", b)
		}
		checkValues(t, &b)
	})
}
