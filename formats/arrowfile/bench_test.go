package arrowfile

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"testing"

	"github.com/shardmill/shardmill/formats/internal/formattest"
	"github.com/shardmill/shardmill/formats/table"
)

// line is a row such as the shards of a ranking have: a place, a key, a number, and a short text.
type line struct {
	input         string
	line, key, by int64
	text          []byte
}

func lineColumns() table.Columns[line] {
	return table.Columns[line]{
		table.Repeated("input", func(r *line) string { return r.input }, func(r *line, v string) { r.input = v }),
		table.Int64("line", func(r *line) int64 { return r.line }, func(r *line, v int64) { r.line = v }),
		table.Int64("key", func(r *line) int64 { return r.key }, func(r *line, v int64) { r.key = v }),
		table.Int64("by", func(r *line) int64 { return r.by }, func(r *line, v int64) { r.by = v }),
		table.Text("text", func(r *line) []byte { return r.text }, func(r *line, v []byte) { r.text = append(r.text[:0], v...) }),
	}
}

func lines(n int) []line {
	rows := make([]line, n)
	for i := range rows {
		rows[i] = line{"folder/ratings-000001.csv", int64(i) + 2, int64(i*7919) % 53424, int64(i) * 104729, strconv.AppendInt(nil, int64(i*31)%30000, 10)}
	}
	return rows
}

// encodeLines writes the rows so often that there are n batches.
func encodeLines(tb testing.TB, w io.Writer, rows []line, n int) {
	a, err := Create(w, lineColumns())
	if err != nil {
		tb.Fatal(err)
	}
	for range n * maxRows / len(rows) {
		for part := range slices.Chunk(rows, 64) {
			if err := a.WriteRows(part); err != nil {
				tb.Fatal(err)
			}
		}
	}
	if err := a.Close(); err != nil {
		tb.Fatal(err)
	}
}

const benchBatches = 64

// BenchmarkWriteLines writes files of 64 batches, as the shards of a ranking are.
func BenchmarkWriteLines(b *testing.B) {
	rows := lines(maxRows)
	formattest.PerRow(b, benchBatches*maxRows, func() {
		encodeLines(b, io.Discard, rows, benchBatches)
	})
}

func BenchmarkReadLines(b *testing.B) {
	var buf bytes.Buffer
	encodeLines(b, &buf, lines(maxRows), benchBatches)
	rows := make([]line, 512)
	formattest.PerRow(b, benchBatches*maxRows, func() {
		r, err := NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()), "mem", lineColumns())
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = r.ReadRows(rows)
		}
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
	})
}
