package parquetfile

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"testing"

	"github.com/shardmill/shardmill/formats/internal/formattest"
	"github.com/shardmill/shardmill/formats/table"
)

// best is a row such as the results of a ranking have, which are sorted by key and rank.
type best struct {
	key, rank int64
	by        float64
	text      []byte
	ok        bool
}

func bestColumns() table.Columns[best] {
	return table.Columns[best]{
		table.Int64("key", func(r *best) int64 { return r.key }, func(r *best, v int64) { r.key = v }),
		table.Int64("rank", func(r *best) int64 { return r.rank }, func(r *best, v int64) { r.rank = v }),
		table.Float64("by", func(r *best) float64 { return r.by }, func(r *best, v float64) { r.by = v }),
		table.NullText("text", func(r *best) ([]byte, bool) { return r.text, r.ok },
			func(r *best, v []byte, ok bool) { r.text, r.ok = append(r.text[:0], v...), ok }),
	}
}

// bests returns n rows: ten for each key, the scores falling, the texts drawn from 30,000 with the popular ones often.
func bests(n int) []best {
	rows := make([]best, n)
	state := uint64(1)
	next := func() uint64 {
		state = state*6364136223846793005 + 1442695040888963407
		return state >> 33
	}
	by := 0.0
	for i := range rows {
		if i%10 == 0 {
			by = 1
		}
		by -= float64(next()%100000) / 1e6
		item := next() % 30000 * (next() % 30000) / 30000
		rows[i] = best{key: int64(i / 10 * 3), rank: int64(i%10) + 1, by: by, text: strconv.AppendUint(nil, item, 10), ok: true}
	}
	return rows
}

func encodeBests(tb testing.TB, w io.Writer, rows []best) {
	p, err := Create(w, bestColumns())
	if err != nil {
		tb.Fatal(err)
	}
	for i := range rows {
		if err := p.Write(rows[i]); err != nil {
			tb.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		tb.Fatal(err)
	}
}

const benchRows = 600_000

// BenchmarkWriteBests writes a file as one reduce task of a ranking does.
func BenchmarkWriteBests(b *testing.B) {
	rows := bests(benchRows)
	formattest.PerRow(b, benchRows, func() {
		encodeBests(b, io.Discard, rows)
	})
}

func BenchmarkReadBests(b *testing.B) {
	path := saveBests(b)
	var row best
	formattest.PerRow(b, benchRows, func() {
		r, err := Open(path, bestColumns())
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			err = r.Read(&row)
		}
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkRowsBests(b *testing.B) {
	path := saveBests(b)
	formattest.PerRow(b, benchRows, func() {
		if n, err := Rows(path); n != benchRows || err != nil {
			b.Fatal(n, err)
		}
	})
}

func saveBests(b *testing.B) string {
	var buf bytes.Buffer
	encodeBests(b, &buf, bests(benchRows))
	b.Logf("%d bytes", buf.Len())
	return save(b, buf.Bytes())
}
