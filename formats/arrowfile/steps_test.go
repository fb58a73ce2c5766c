package arrowfile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/table"
)

// rankRow is a row as the shards of a ranking have it: a place, and bytes.
type rankRow struct {
	input string
	line  int64
	row   []byte
}

func (r rankRow) equal(o rankRow) bool {
	return r.input == o.input && r.line == o.line && bytes.Equal(r.row, o.row)
}

func rankColumns() table.Columns[rankRow] {
	return table.Columns[rankRow]{
		table.Repeated("input", func(r *rankRow) string { return r.input }, func(r *rankRow, v string) { r.input = v }),
		table.Steps("line", func(r *rankRow) int64 { return r.line }, func(r *rankRow, v int64) { r.line = v }),
		table.Bytes("row", func(r *rankRow) []byte { return r.row }, func(r *rankRow, v []byte) { r.row = bytes.Clone(v) }),
	}
}

// rankRows makes rows of two files: of the second, each row has two lines.
func rankRows(n int) []rankRow {
	rows := make([]rankRow, n)
	for i := range rows {
		rows[i] = rankRow{"a.csv", int64(i) + 2, []byte{0xff, 0, byte(i), byte(i >> 8)}[:i%5]}
		if i >= n/2 {
			rows[i].input, rows[i].line = "b.csv", int64(i-n/2)*2+2
		}
	}
	return rows
}

func encodeRanked(rows []rankRow, group int) ([]byte, error) {
	var buf bytes.Buffer
	w, err := Create(&buf, rankColumns())
	if err != nil {
		return nil, err
	}
	for part := range slices.Chunk(rows, group) {
		err = errors.Join(err, w.WriteRows(part))
	}
	err = errors.Join(err, w.Close())
	return buf.Bytes(), err
}

// readRanked reads all rows, some at a time.
func readRanked(data []byte, some int) (rows []rankRow, err error) {
	r, err := NewReader(bytes.NewReader(data), int64(len(data)), "mem", rankColumns())
	for part := make([]rankRow, some); err == nil && len(rows) < 1<<20; {
		var n int
		n, err = r.ReadRows(part)
		rows = append(rows, part[:n]...)
	}
	if errors.Is(err, io.EOF) {
		return rows, nil
	}
	return rows, err
}

// TestGoldenSteps reads a file with steps and bytes, which is never written again.
func TestGoldenSteps(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "v1-steps.arrow"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := readRanked(data, 6)
	if err != nil || !slices.EqualFunc(got, rankRows(20), rankRow.equal) {
		t.Errorf("%v, %v", got, err)
	}
	if again, err := encodeRanked(rankRows(20), 3); err != nil || !bytes.Equal(data, again) {
		t.Errorf("the same rows give other bytes today: if that is meant, it is a new version (%v)", err)
	}
}

// TestStepsInGroups checks that the bytes do not depend on how many rows are written at a time, nor the rows on how many are read.
func TestStepsInGroups(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rankRows(rapid.SampledFrom([]int{0, 1, 2, 77, maxRows, 2*maxRows + 9}).Draw(t, "rows"))
		all, err := encodeRanked(rows, len(rows)+1)
		if err != nil {
			t.Fatal(err)
		}
		some, err := encodeRanked(rows, rapid.IntRange(1, 5000).Draw(t, "group"))
		if err != nil || !bytes.Equal(all, some) {
			t.Fatalf("%d rows written in groups give other bytes (%v)", len(rows), err)
		}
		got, err := readRanked(all, rapid.IntRange(1, 5000).Draw(t, "some"))
		if err != nil || !slices.EqualFunc(got, rows, rankRow.equal) {
			t.Fatalf("%d rows of %d, %v", len(got), len(rows), err)
		}
	})
}

// TestStepsFlips damages each byte of a file: no panic, no endless file, and none of a foreign error.
func TestStepsFlips(t *testing.T) {
	rows := rankRows(20)
	data, err := encodeRanked(rows, 20)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for at := range data {
		for _, mask := range []byte{0x01, 0x80, 0xff} {
			data[at] ^= mask
			got, err := readRanked(data, 7)
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
		t.Errorf("%d of %d damaged files were refused", refused, 3*len(data))
	}
}
