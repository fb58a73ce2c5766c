package rowgroup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
)

const benchRows = 1 << 19

func user(i int) int64    { return int64(i * 7919 % 53424) }
func item(i int) int64    { return int64(i * 104729 % 3000) }
func score(i int) float64 { return float64(i*31%100) / 100 }

// ratings is a file of a user, an item and a score.
func ratings(b *testing.B, rep parquet.Repetition, dictionary bool) []byte {
	s := shape{rep: rep, dictionary: dictionary, codec: compress.Codecs.Snappy, groups: []int{benchRows}, pageBytes: 1 << 20}
	return s.file(b, []spec{
		{name: "user", logical: none, typ: parquet.Types.Int64, write: values(user)},
		{name: "item", logical: none, typ: parquet.Types.Int64, write: values(item)},
		{name: "score", logical: none, typ: parquet.Types.Double, write: values(score)},
	})
}

func BenchmarkRead(b *testing.B) {
	for _, rep := range []parquet.Repetition{parquet.Repetitions.Required, parquet.Repetitions.Optional} {
		for _, dictionary := range []bool{false, true} {
			b.Run(fmt.Sprintf("%v/dictionary=%v", rep, dictionary), func(b *testing.B) {
				data := ratings(b, rep, dictionary)
				b.ReportAllocs()
				for b.Loop() {
					r, err := NewReader(bytes.NewReader(data), int64(len(data)), "x", Options{Columns: []string{"user", "item", "score"}, Hi: 1})
					if err != nil {
						b.Fatal(err)
					}
					var row Row
					for err == nil {
						err = r.Read(&row)
					}
					if !errors.Is(err, io.EOF) || row.Number != benchRows {
						b.Fatal(row.Number, err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchRows), "ns/row")
			})
		}
	}
}

type rating struct {
	user, item int64
	score      float64
}

// BenchmarkParquetfile reads the same rows with the reader of our own files.
func BenchmarkParquetfile(b *testing.B) {
	cols := table.Columns[rating]{
		table.Int64("user", func(r *rating) int64 { return r.user }, func(r *rating, v int64) { r.user = v }),
		table.Int64("item", func(r *rating) int64 { return r.item }, func(r *rating, v int64) { r.item = v }),
		table.Float64("score", func(r *rating) float64 { return r.score }, func(r *rating, v float64) { r.score = v }),
	}
	var buf bytes.Buffer
	w, err := parquetfile.Create(&buf, cols)
	if err != nil {
		b.Fatal(err)
	}
	for i := range benchRows {
		if err := w.Write(rating{user(i), item(i), score(i)}); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	path := save(b, buf.Bytes())
	b.ReportAllocs()
	for b.Loop() {
		r, err := parquetfile.Open(path, cols)
		if err != nil {
			b.Fatal(err)
		}
		var row rating
		for err == nil {
			err = r.Read(&row)
		}
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchRows), "ns/row")
}
