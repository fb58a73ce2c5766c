package formattest

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats/table"
)

// Row has one field for each type of column.
type Row struct {
	ID      string
	Note    string
	HasNote bool
	Small   int32
	Big     int64
	Score   float32
	Exact   float64
	Flag    bool
	Vector  []float32
	Counts  []int64  // of ListColumns
	Words   [][]byte // of ListColumns
}

// Columns binds all fields of Row. One name has a dot, which the Parquet library takes for a path.
func Columns() table.Columns[Row] {
	return table.Columns[Row]{
		table.String("id", func(r *Row) string { return r.ID }, func(r *Row, v string) { r.ID = v }).Plain(),
		table.NullString("note.text", func(r *Row) (string, bool) { return r.Note, r.HasNote },
			func(r *Row, v string, ok bool) { r.Note, r.HasNote = v, ok }),
		table.Int32("small", func(r *Row) int32 { return r.Small }, func(r *Row, v int32) { r.Small = v }),
		table.Int64("big", func(r *Row) int64 { return r.Big }, func(r *Row, v int64) { r.Big = v }),
		table.Float32("score", func(r *Row) float32 { return r.Score }, func(r *Row, v float32) { r.Score = v }),
		table.Float64("exact", func(r *Row) float64 { return r.Exact }, func(r *Row, v float64) { r.Exact = v }),
		table.Bool("flag", func(r *Row) bool { return r.Flag }, func(r *Row, v bool) { r.Flag = v }),
		table.Floats("vector", func(r *Row) []float32 { return r.Vector }, func(r *Row, v []float32) { r.Vector = v }),
	}
}

// Equal compares rows bit by bit, so that NaN equals itself and 0 differs from -0.
func Equal(a, b Row) bool {
	return a.ID == b.ID && a.Note == b.Note && a.HasNote == b.HasNote && a.Small == b.Small && a.Big == b.Big &&
		math.Float32bits(a.Score) == math.Float32bits(b.Score) &&
		math.Float64bits(a.Exact) == math.Float64bits(b.Exact) && a.Flag == b.Flag &&
		slices.EqualFunc(a.Vector, b.Vector, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) }) &&
		slices.Equal(a.Counts, b.Counts) && slices.EqualFunc(a.Words, b.Words, bytes.Equal)
}

// Sample returns n rows that differ from each other in all fields and have extremes among them.
func Sample(n int) []Row {
	words := []string{"", "tench", "größer", "猫", "\x00", "a,b\n\"c\"", "\U0001F9EA"}
	floats := []float64{0, math.Copysign(0, -1), 1.5, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64}
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = Row{
			ID:      fmt.Sprintf("%s-%06d", words[i%len(words)], i),
			HasNote: i%3 != 0,
			Small:   int32(i) * 7919 * int32(1-2*(i%2)),
			Big:     math.MaxInt64 - int64(i)*104729,
			Score:   float32(floats[i%len(floats)]),
			Exact:   floats[(i+1)%len(floats)],
			Flag:    i%5 < 2,
			Vector:  make([]float32, i%4),
		}
		if rows[i].HasNote {
			rows[i].Note = words[(i/2)%len(words)]
		}
		for j := range rows[i].Vector {
			rows[i].Vector[j] = float32(i) / float32(j+1)
		}
	}
	return rows
}

// generator draws rows with arbitrary values.
func generator() *rapid.Generator[Row] {
	texts := rapid.OneOf(rapid.String(), rapid.Just(""), rapid.StringN(0, 40, 2000))
	return rapid.Custom(func(t *rapid.T) Row {
		r := Row{
			ID:      texts.Draw(t, "id"),
			HasNote: rapid.Bool().Draw(t, "hasNote"),
			Small:   rapid.Int32().Draw(t, "small"),
			Big:     rapid.Int64().Draw(t, "big"),
			Score:   math.Float32frombits(rapid.Uint32().Draw(t, "score")),
			Exact:   math.Float64frombits(rapid.Uint64().Draw(t, "exact")),
			Flag:    rapid.Bool().Draw(t, "flag"),
			Vector:  rapid.SliceOfN(rapid.Float32(), 0, 9).Draw(t, "vector"),
		}
		if r.HasNote {
			r.Note = texts.Draw(t, "note")
		}
		return r
	})
}
