// Package wordcount counts words: the whole engine in one short file.
package wordcount

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"unicode/utf8"

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

// Params are the parameters of a count.
type Params struct {
	Shards string `json:"shards"` // disk or in-place
}

// Where lines rest between the input and the mappers.
const (
	onDisk  = "disk"
	inPlace = "in-place"
)

// Defaults are the parameters that a command line need not give.
func Defaults() Params { return Params{Shards: onDisk} }

// Job counts the words of text files. Words are what white space separates. The dataset counts
// holds each word once, sorted by its bytes within each part.
func Job() mapreduce.Job {
	return mapreduce.New("wordcount", 2, Defaults(), func(p Params) ([]mapreduce.Stage, error) {
		return stages(p, lines.Source(p.Shards == inPlace))
	})
}

func stages(p Params, text *mapreduce.Source[lines.Line]) ([]mapreduce.Stage, error) {
	if p.Shards != onDisk && p.Shards != inPlace {
		return nil, fmt.Errorf("--shards %q: %s or %s", p.Shards, onDisk, inPlace)
	}
	counts := &mapreduce.Dataset[Count]{Name: "counts", Ext: "parquet", Create: create}
	words := &mapreduce.Stream[[]byte, int64]{
		Name: "words", Key: mapreduce.Bytes{}, Value: mapreduce.Int64{}, BytesPerRow: 32,
		Combine: func(a, b int64) int64 { return a + b },
		Reduce:  sum(counts).Reducer,
		Writes:  []mapreduce.Port{counts},
	}
	return []mapreduce.Stage{mapreduce.NewStage("count", text, batch, split(words).Mapper, words)}, nil
}

func split(words *mapreduce.Stream[[]byte, int64]) mapreduce.MapFunc[lines.Line] {
	return func(_ context.Context, i int, l *lines.Line, out *mapreduce.Out) error {
		text := l.Text
		if !ascii(text) {
			for w := range bytes.FieldsSeq(text) {
				words.Emit(out, i, w, 1)
			}
			return nil
		}
		for at := 0; at < len(text); {
			start, end := nextWord(text, at)
			if at = end; start < end {
				words.Emit(out, i, text[start:end], 1)
			}
		}
		return nil
	}
}

// ascii tells whether text has no byte above 0x7f. Nearly all lines of most texts are such, and their words are found in
// a third of the time that bytes.FieldsSeq takes.
func ascii(text []byte) bool {
	for ; len(text) >= 8; text = text[8:] {
		if binary.LittleEndian.Uint64(text)&0x8080808080808080 != 0 {
			return false
		}
	}
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// nextWord finds the first word of an ASCII text at or after at. Start is end if there is none.
func nextWord(text []byte, at int) (start, end int) {
	for at < len(text) && space(text[at]) {
		at++
	}
	start = at
	for at < len(text) && !space(text[at]) {
		at++
	}
	return start, at
}

// space tells whether an ASCII character is white space as unicode.IsSpace has it.
func space(c byte) bool {
	return c <= ' ' && 1<<c&(1<<' '|1<<'\t'|1<<'\n'|1<<'\v'|1<<'\f'|1<<'\r') != 0
}

func sum(counts *mapreduce.Dataset[Count]) mapreduce.ReduceFunc[[]byte, int64] {
	return func(_ context.Context, word []byte, values iter.Seq2[[]byte, int64], out *mapreduce.Out) error {
		c := Count{Word: string(word)}
		for _, n := range values {
			c.Count += n
		}
		counts.Write(out, 0, c)
		return nil
	}
}

func create(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[Count], error) {
	return parquetfile.Create(w, table.Columns[Count]{
		table.String("word", func(c *Count) string { return c.Word }, func(c *Count, v string) { c.Word = v }).Plain(),
		table.Int64("count", func(c *Count) int64 { return c.Count }, func(c *Count, v int64) { c.Count = v }),
	})
}
