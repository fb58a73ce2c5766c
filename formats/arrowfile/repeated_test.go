package arrowfile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/table"
)

// goldenLines are what testdata/v1-repeated.arrow holds.
func goldenLines() []line {
	rows := lines(20)
	for i := range rows[7:] {
		rows[7+i].input = "größer.csv"
	}
	rows[19].input = ""
	return rows
}

// encodeGroups writes rows in groups of n.
func encodeGroups(tb testing.TB, rows []line, n int) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w, err := Create(&buf, lineColumns())
	if err != nil {
		tb.Fatal(err)
	}
	for part := range slices.Chunk(rows, n) {
		if err := w.WriteRows(part); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

// readLines reads all rows, some at a time.
func readLines(data []byte, some int) (rows []line, err error) {
	r, err := NewReader(bytes.NewReader(data), int64(len(data)), "mem", lineColumns())
	for err == nil && len(rows) < 1<<20 {
		part := make([]line, some)
		var n int
		n, err = r.ReadRows(part)
		rows = append(rows, part[:n]...)
	}
	if errors.Is(err, io.EOF) {
		return rows, nil
	}
	return rows, err
}

func sameLine(a, b line) bool {
	return a.input == b.input && a.line == b.line && a.key == b.key && a.by == b.by && bytes.Equal(a.text, b.text)
}

// TestGoldenRepeated reads a file with a repeated column, which is never written again.
func TestGoldenRepeated(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "v1-repeated.arrow"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := readLines(data, 6)
	if err != nil || !slices.EqualFunc(got, goldenLines(), sameLine) {
		t.Errorf("%v, %v", got, err)
	}
	if !bytes.Equal(data, encodeGroups(t, goldenLines(), 3)) {
		t.Error("the same rows give other bytes today: if that is meant, it is a new version")
	}
}

// TestGroups checks that the bytes do not depend on how many rows are written at a time, nor the rows on how many are
// read, whichever bound ends a batch.
func TestGroups(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := lines(rapid.IntRange(0, 40).Draw(t, "rows"))
		for i := range rows {
			rows[i].input = rapid.SampledFrom([]string{"a", "a", "a", "b", ""}).Draw(t, "input")
		}
		size := 0
		if rapid.IntRange(0, 20).Draw(t, "large") == 0 {
			size = rapid.IntRange(1, maxBytes).Draw(t, "size")
			for i := range rows {
				rows[i].text = bytes.Repeat([]byte("x"), size*(i%3)/8)
			}
		} else if rapid.IntRange(0, 9).Draw(t, "many") == 0 {
			rows = slices.Repeat(rows, 300)
		}
		checkGroups(t, rows, rapid.IntRange(1, 5000).Draw(t, "group"))
	})
}

func checkGroups(t *rapid.T, rows []line, group int) {
	encode := func(n int) []byte {
		var buf bytes.Buffer
		w, err := Create(&buf, lineColumns())
		for part := range slices.Chunk(rows, n) {
			err = errors.Join(err, w.WriteRows(part))
		}
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	data := encode(1)
	if !bytes.Equal(data, encode(group)) {
		t.Fatalf("%d rows written %d at a time give other bytes", len(rows), group)
	}
	got, err := readLines(data, group)
	if err != nil || !slices.EqualFunc(got, rows, sameLine) {
		t.Fatalf("%d rows of %d, %v", len(got), len(rows), err)
	}
}

// TestWriteRowsRefused checks that a Writer is of no use after rows that it cannot store.
func TestWriteRowsRefused(t *testing.T) {
	w, err := Create(io.Discard, lineColumns())
	if err != nil {
		t.Fatal(err)
	}
	rows := lines(3)
	rows[1].text = []byte("\xff")
	if err := w.WriteRows(rows); !errors.Is(err, formats.ErrNotUTF8) {
		t.Error(err)
	}
	if err := errors.Join(w.Write(rows[0]), w.Close()); !errors.Is(err, formats.ErrNotUTF8) {
		t.Errorf("after it: %v", err)
	}
}

// TestRepeatedFlips damages each byte of a file with runs: no panic, no endless file, and none of a foreign error.
func TestRepeatedFlips(t *testing.T) {
	rows := goldenLines()
	data := encodeGroups(t, rows, 20)
	refused := 0
	for at := range data {
		for _, mask := range []byte{0x01, 0x80, 0xff, 0x10} {
			data[at] ^= mask
			got, err := readLines(data, 7)
			data[at] ^= mask
			var version *formats.VersionError
			var column *table.ColumnError
			if len(got) > len(rows) || err != nil && !errors.Is(err, formats.ErrDamaged) && !errors.Is(err, formats.ErrForeign) &&
				!errors.As(err, &version) && !errors.As(err, &column) {
				t.Fatalf("byte %d ^ %#x: %d rows, %v", at, mask, len(got), err)
			}
			if err != nil {
				refused++
			}
		}
	}
	if refused < len(data) {
		t.Errorf("%d of %d damaged files were refused", refused, 4*len(data))
	}
}

// TestRepeatedIsAnotherType opens a repeated column as text.
func TestRepeatedIsAnotherType(t *testing.T) {
	data := encodeGroups(t, lines(1), 1)
	cols := table.Columns[line]{table.String("input", func(r *line) string { return r.input }, func(r *line, v string) { r.input = v })}
	var c *table.ColumnError
	if _, err := NewReader(bytes.NewReader(data), int64(len(data)), "mem", cols); !errors.As(err, &c) || !strings.Contains(err.Error(), "run_end_encoded") {
		t.Error(err)
	}
}

// TestRunsAreSmall checks what a repeated text costs in a file.
func TestRunsAreSmall(t *testing.T) {
	rows := lines(2 * maxRows)
	small := len(encodeGroups(t, rows, 64))
	for i := range rows {
		rows[i].input = ""
	}
	if none := len(encodeGroups(t, rows, 64)); small-none > 1000 {
		t.Errorf("%d bytes for %d rows", small-none, len(rows))
	}
}
