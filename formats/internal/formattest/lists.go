package formattest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/table"
)

// ListColumns binds the lists of Row beside its id. They are not among Columns, which are those of the first golden files.
func ListColumns() table.Columns[Row] {
	words := func(r *Row) [][]byte { return r.Words }
	return table.Columns[Row]{
		Columns()[0],
		table.Int64s("counts", func(r *Row) []int64 { return r.Counts }, func(r *Row, v []int64) { r.Counts = v }),
		table.Texts("words.a", words, func(r *Row, v [][]byte) { r.Words = own(v) }),
		table.Texts("words", words, func(r *Row, v [][]byte) { r.Words = own(v) }).Plain(),
		Columns()[7],
	}
}

// own copies texts, which are good for a moment.
func own(v [][]byte) (words [][]byte) {
	for _, b := range v {
		words = append(words, bytes.Clone(b))
	}
	return words
}

// ListSample returns n rows of ListColumns with lists of many lengths, empty ones among them.
func ListSample(n int) []Row {
	words := []string{"", "tench", "größer", "猫", "\x00", "a, b]\n", "\U0001F9EA"}
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = Row{ID: fmt.Sprint("r", i)}
		for k := range i * 7 % 5 {
			rows[i].Counts = append(rows[i].Counts, math.MinInt64+int64(i)*1000003*int64(k))
			rows[i].Words = append(rows[i].Words, []byte(words[(i+k)%len(words)]))
			rows[i].Vector = append(rows[i].Vector, float32(k)/7)
		}
	}
	return rows
}

func listGenerator() *rapid.Generator[Row] {
	word := rapid.Map(rapid.OneOf(rapid.String(), rapid.Just(""), rapid.SampledFrom([]string{"a", "b"})), func(s string) []byte { return []byte(s) })
	return rapid.Custom(func(t *rapid.T) Row {
		return Row{
			ID:     rapid.String().Draw(t, "id"),
			Counts: rapid.SliceOfN(rapid.Int64(), 0, 9).Draw(t, "counts"),
			Words:  rapid.SliceOfN(word, 0, 9).Draw(t, "words"),
		}
	})
}

// testLists does for lists what other tests do for single values.
func testLists(t *testing.T, f Format) {
	path := save(t, nil)
	check := func(t TB, rows []Row) {
		data := f.encode(t, rows, ListColumns())
		if !bytes.Equal(data, f.encode(t, rows, ListColumns())) {
			t.Fatal("the same rows gave different bytes")
		}
		overwrite(t, path, data)
		got, err := f.ReadAll(t, path, ListColumns(), len(rows))
		if err != nil {
			t.Fatal(err)
		}
		compare(t, got, rows)
		if n, err := f.Rows(path); err != nil || n != int64(len(rows)) {
			t.Fatalf("Rows: %d, %v; want %d", n, err, len(rows))
		}
	}
	rapid.Check(t, func(t *rapid.T) { check(t, rapid.SliceOfN(listGenerator(), 0, 60).Draw(t, "rows")) })
	check(t, ListSample(f.Batch))
	check(t, make([]Row, 3000)) // of empty lists
	f.checkListsAlone(t, path)
	f.checkListsRefused(t)
	f.checkListFlips(t, path)
}

// checkListsAlone reads a column of lists without the others, and counts the rows of a file that has nothing else.
func (f Format) checkListsAlone(t *testing.T, path string) {
	rows := ListSample(5000)
	for i := range ListColumns() {
		cols := ListColumns()[i : i+1]
		overwrite(t, path, f.encode(t, rows, ListColumns()))
		got, err := f.ReadAll(t, path, cols, len(rows))
		if err != nil || len(got) != len(rows) {
			t.Fatalf("column %d: %d rows, %v", i, len(got), err)
		}
		overwrite(t, path, f.encode(t, rows, cols))
		again, err := f.ReadAll(t, path, cols, len(rows))
		if err != nil {
			t.Fatal(err)
		}
		compare(t, again, got)
		if n, err := f.Rows(path); err != nil || n != int64(len(rows)) {
			t.Errorf("column %d: Rows: %d, %v", i, n, err)
		}
	}
	wrong := table.Texts("counts", nil, func(*Row, [][]byte) {})
	var col *table.ColumnError
	overwrite(t, path, f.encode(t, rows, ListColumns()))
	if _, err := f.Open(path, table.Columns[Row]{wrong}); !errors.As(err, &col) || col.Got != "list of int64" || col.Want != "list of utf8" {
		t.Errorf("another type: %v", err)
	}
}

// checkListsRefused checks that a list that cannot be stored leaves no trace.
func (f Format) checkListsRefused(t *testing.T) {
	rows := ListSample(10)
	var buf bytes.Buffer
	w, err := f.Create(&buf, ListColumns())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		bad := r
		bad.Words = [][]byte{[]byte("good"), []byte("caf\xe9")}
		var value *table.ValueError
		if err := w.Write(bad); !errors.As(err, &value) || value.Column != "words.a" || !errors.Is(err, formats.ErrNotUTF8) {
			t.Fatalf("invalid UTF-8: %v", err)
		}
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(buf.Bytes(), f.encode(t, rows, ListColumns())) {
		t.Error("refused rows changed the file")
	}
}

// checkListFlips damages single bytes of lists, as testFlips does.
func (f Format) checkListFlips(t *testing.T, path string) {
	if !f.Flips {
		return
	}
	rows := ListSample(8)
	data := f.encode(t, rows, ListColumns())
	for at := range data {
		mask := []byte{0x01, 0x80, 0xff, 0x40}[at%4]
		data[at] ^= mask
		overwrite(t, path, data)
		data[at] ^= mask
		if _, err := f.ReadAll(t, path, ListColumns(), len(rows)); !known(err) {
			t.Fatalf("byte %d ^ %#x: %v", at, mask, err)
		}
	}
}
