package recommend

import (
	"context"
	"io"
	"iter"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/mapreduce"
)

// ratingMean is the dataset of one number, the mean of all ratings: a part of a model of explicit ratings.
func ratingMean() *mapreduce.Dataset[float64] {
	return &mapreduce.Dataset[float64]{
		Name: "rating_mean", Ext: "parquet",
		Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[float64], error) {
			return parquetfile.Create(w, ratingColumns())
		},
	}
}

func ratingColumns() table.Columns[float64] {
	return table.Columns[float64]{
		table.Float64("mean", func(m *float64) float64 { return *m }, func(m *float64, v float64) { *m = v }),
	}
}

// meanStream makes the dataset in its one reduce task. What the maps send only begins it.
func (a *alternation) meanStream() *mapreduce.Stream[uint32, int64] {
	return &mapreduce.Stream[uint32, int64]{
		Name: "mean", Key: rowCodec{}, Value: mapreduce.Int64{}, Merge: func(into *int64, n int64) { *into += n }, Partitions: 1,
		Reduce: func(_ context.Context, env *mapreduce.Env) (mapreduce.Reducer[uint32, int64], error) {
			mean, err := a.mean(env)
			return meanReducer{a.ratings, mean}, err
		},
		Writes: []mapreduce.Port{a.ratings},
	}
}

// meanReducer writes the mean.
type meanReducer struct {
	to   *mapreduce.Dataset[float64]
	mean float64
}

// Reduce implements mapreduce.Reducer.
func (r meanReducer) Reduce(_ context.Context, _ uint32, _ iter.Seq2[uint32, int64], out *mapreduce.Out) error {
	r.to.Write(out, 0, r.mean)
	return nil
}

// Close implements mapreduce.Reducer.
func (meanReducer) Close() error { return nil }
