// Package wordcount counts words: the whole engine in one short file.
package wordcount

import (
	"context"
	"io"
	"iter"
	"strings"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/lines"
	"github.com/shardmill/shardmill/mapreduce"
)

// Count is a row of the result: how often a word stands in the input.
type Count struct {
	Word  string
	Count int64
}

// batch is the number of lines that one call of Map gets.
const batch = 512

// Job counts the words of text files. Words are what white space separates. The dataset counts
// holds each word once, sorted by its bytes within each part.
func Job() mapreduce.Job {
	return mapreduce.New("wordcount", 1, struct{}{}, func(struct{}) ([]mapreduce.Stage, error) {
		counts := &mapreduce.Dataset[Count]{Name: "counts", Ext: "parquet", Create: create}
		words := &mapreduce.Stream[string, int64]{
			Name: "words", Key: mapreduce.String{}, Value: mapreduce.Int64{}, BytesPerRow: 32,
			Combine: func(a, b int64) int64 { return a + b },
			Reduce: func(context.Context, *mapreduce.Env) (mapreduce.Reducer[string, int64], error) {
				return reducer{counts}, nil
			},
			Writes: []mapreduce.Port{counts},
		}
		count := mapreduce.NewStage("count", lines.Source(), batch,
			func(context.Context, *mapreduce.Env) (mapreduce.Mapper[lines.Line], error) {
				return mapper(words), nil
			}, words)
		return []mapreduce.Stage{count}, nil
	})
}

func mapper(words *mapreduce.Stream[string, int64]) mapreduce.MapFunc[lines.Line] {
	return func(_ context.Context, i int, l *lines.Line, out *mapreduce.Out) error {
		for w := range strings.FieldsSeq(l.Text) {
			words.Emit(out, i, w, 1)
		}
		return nil
	}
}

type reducer struct{ counts *mapreduce.Dataset[Count] }

// Reduce implements mapreduce.Reducer.
func (r reducer) Reduce(_ context.Context, word string, values iter.Seq2[string, int64], out *mapreduce.Out) error {
	c := Count{Word: word}
	for _, n := range values {
		c.Count += n
	}
	r.counts.Write(out, 0, c)
	return nil
}

// Close implements mapreduce.Reducer.
func (reducer) Close() error { return nil }

func create(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[Count], error) {
	return parquetfile.Create(w, table.Columns[Count]{
		table.String("word", func(c *Count) string { return c.Word }, func(c *Count, v string) { c.Word = v }).Plain(),
		table.Int64("count", func(c *Count) int64 { return c.Count }, func(c *Count, v int64) { c.Count = v }),
	})
}
