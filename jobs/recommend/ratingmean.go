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
	return starting("mean", 1, func(env *mapreduce.Env) mapreduce.Reducer[uint32, int64] { return averaging{a, env} }, a.ratings)
}

// averaging computes the mean.
type averaging struct {
	*alternation
	env *mapreduce.Env
}

// Reduce implements mapreduce.Reducer.
func (r averaging) Reduce(_ context.Context, _ uint32, _ iter.Seq2[uint32, int64], out *mapreduce.Out) error {
	mean, err := r.mean(r.env)
	if err != nil {
		return err
	}
	r.ratings.Write(out, 0, mean)
	return nil
}

// Close implements mapreduce.Reducer.
func (averaging) Close() error { return nil }
