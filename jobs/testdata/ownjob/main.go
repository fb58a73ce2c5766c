// Command ownjob sums the amounts in lines such as "berlin 12.50" by their first word.
package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/lines"
	"github.com/shardmill/shardmill/mapreduce"
)

func main() { os.Exit(mapreduce.Main(jobs.Standard(), sales())) }

// Sum is a row of the result.
type Sum struct {
	Shop  string
	Cents int64
}

func columns() table.Columns[Sum] {
	return table.Columns[Sum]{
		table.String("shop", func(s *Sum) string { return s.Shop }, func(s *Sum, v string) { s.Shop = v }),
		table.Int64("cents", func(s *Sum) int64 { return s.Cents }, func(s *Sum, v int64) { s.Cents = v }),
	}
}

func sales() mapreduce.Job {
	return mapreduce.New("sales", 1, struct{}{}, func(struct{}) ([]mapreduce.Stage, error) {
		sums := &mapreduce.Dataset[Sum]{Name: "sums", Ext: "parquet", Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[Sum], error) {
			return parquetfile.Create(w, columns())
		}}
		cents := &mapreduce.Stream[string, int64]{
			Name: "cents", Key: mapreduce.String{}, Value: mapreduce.Int64{}, Writes: []mapreduce.Port{sums},
			Combine: func(a, b int64) int64 { return a + b },
		}
		cents.Reduce = mapreduce.ReduceFunc[string, int64](func(_ context.Context, shop string, values iter.Seq2[string, int64], out *mapreduce.Out) error {
			total := Sum{Shop: shop}
			for _, v := range values {
				total.Cents += v
			}
			sums.Write(out, 0, total)
			return nil
		}).Reducer
		read := mapreduce.MapFunc[lines.Line](func(_ context.Context, i int, l *lines.Line, out *mapreduce.Out) error {
			var shop string
			var euros, rest int64
			if _, err := fmt.Sscanf(string(l.Text), "%s %d.%02d", &shop, &euros, &rest); err != nil {
				out.Reject(i, err) // this line only
				return nil
			}
			cents.Emit(out, i, shop, 100*euros+rest)
			return nil
		})
		return []mapreduce.Stage{mapreduce.NewStage("sum", lines.Source(false), 512, read.Mapper, cents)}, nil
	})
}
