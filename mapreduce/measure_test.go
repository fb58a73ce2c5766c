package mapreduce_test

import (
	"context"
	"fmt"
	"iter"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// measuredJob measures lines: their lengths in the map, and how many lines each length has in the reduce.
func measuredJob() mapreduce.Job {
	return mapreduce.New("measured", 1, struct{}{}, func(struct{}) ([]mapreduce.Stage, error) {
		counts := jsonl[count]("counts")
		lengths := wordStream("lengths", &counts)
		lengths.Reduce = func(context.Context, *mapreduce.Env) (mapreduce.Reducer[string, int64], error) {
			return measuringReducer{}, nil
		}
		lengths.Combine = nil
		m := mapreduce.MapFunc[line](func(_ context.Context, i int, l *line, out *mapreduce.Out) error {
			out.Measure(i, "length", float64(2*len(l.Text)), 2)
			out.MeasureSquares(i, "root", float64(len(l.Text)*len(l.Text)), 1)
			out.Measure(i, "never", math.NaN(), 1)
			lengths.Emit(out, i, fmt.Sprint(len(l.Text)), 1)
			if l.Text == "!reject" {
				return &mapreduce.Error{Record: -1, Class: mapreduce.BadRecord, Err: fmt.Errorf("not this one")}
			}
			return nil
		})
		return []mapreduce.Stage{mapreduce.NewStage("measure", lineSource(2), 2, m.Mapper, lengths)}, nil
	})
}

type measuringReducer struct{}

func (measuringReducer) Reduce(_ context.Context, _ string, values iter.Seq2[string, int64], out *mapreduce.Out) error {
	n := 0
	for range values {
		n++
	}
	out.Measure(0, "lines", float64(n)/3, 1)
	return nil
}

func (measuringReducer) Close() error { return nil }

// What rows measure is in the summary and the status as means and roots, without rejected rows, whatever the number of workers; and
// stays there when nothing runs again.
func TestMeasure(t *testing.T) {
	want := map[string]float64{"length": 3, "root": math.Sqrt(73. / 7), "lines": 7.0 / 3 / 5} // seven lines of five lengths
	in := mrtest.Inputs(t, "a\nbb\nccc\n!reject\ndddd\neeeee\nfff\nggg\n")
	for _, workers := range []int{1, 3} {
		cfg := base(t, in)
		cfg.Workers = workers
		for range 2 {
			sum := mrtest.Run(t, options(), measuredJob(), cfg, mapreduce.ExitRejects)
			last := sum.Stages[len(sum.Stages)-1]
			if diff := cmp.Diff(want, last.Measures, cmp.Comparer(near)); diff != "" {
				t.Errorf("summary (-want +got):\n%s", diff)
			}
			status, err := mapreduce.ReadStatus(cfg.Dir)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, status.Stages[len(status.Stages)-1].Measures, cmp.Comparer(near)); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
		}
	}
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-6 }
