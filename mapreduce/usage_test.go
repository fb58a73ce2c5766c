package mapreduce_test

import (
	"context"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// hoard is what the first reduce task of the job below holds, and no other.
const hoard = 200 << 20

func hoardingJob() mapreduce.Job {
	return mapreduce.New("hoarding", 1, struct{}{}, func(struct{}) ([]mapreduce.Stage, error) {
		counts := jsonl[count]("counts")
		words := wordStream("words", &counts)
		words.Partitions, words.Combine = 3, nil
		words.Partition = func(context.Context, *mapreduce.Env) (func([]byte, int) int, error) {
			return func(key []byte, _ int) int { return int(key[0] - 'a') }, nil
		}
		words.Reduce = mapreduce.ReduceFunc[string, int64](func(_ context.Context, word string, _ iter.Seq2[string, int64], _ *mapreduce.Out) error {
			if word == "a" {
				held := make([]byte, hoard)
				for i := 0; i < len(held); i += 4096 {
					held[i] = 1
				}
				runtime.KeepAlive(held)
			}
			return nil
		}).Reducer
		m := mapreduce.MapFunc[line](func(_ context.Context, i int, l *line, out *mapreduce.Out) error {
			words.Emit(out, i, l.Text, 1)
			return nil
		})
		return []mapreduce.Stage{mapreduce.NewStage("hoard", lineSource(2), 2, m.Mapper, words)}, nil
	})
}

// TestUsages: each committed task tells what it cost; the memory of one reduce is not that of those before it.
func TestUsages(t *testing.T) {
	cfg := base(t, mrtest.Inputs(t, "a\nb\nc\n"))
	cfg.Workers, cfg.WorkerMemory = 1, 1<<30
	cfg.InProcess = false
	mrtest.Run(t, options(), hoardingJob(), cfg, mapreduce.ExitComplete)
	var kinds []string
	var peaks []int64
	for u, err := range mapreduce.Usages(cfg.Dir, "01-hoard") {
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, u.Kind)
		if u.Stage != "01-hoard" || u.CPUSeconds < 0 || u.WallSeconds <= 0 || u.PeakRSS <= 0 {
			t.Errorf("%+v", u)
		}
		if u.Kind == "reduce" {
			if u.Index != len(peaks) {
				t.Errorf("reduce %d comes as number %d", u.Index, len(peaks))
			}
			peaks = append(peaks, u.PeakRSS)
		}
	}
	if !slices.Contains(kinds, "map") || len(peaks) != 3 {
		t.Fatalf("tasks %s", strings.Join(kinds, " "))
	}
	if runtime.GOOS == "linux" && (peaks[0] < hoard || peaks[1] > peaks[0]-hoard/2 || peaks[2] > peaks[0]-hoard/2) {
		t.Errorf("peaks %d: only the first holds %d", peaks, hoard)
	}
	for _, err := range mapreduce.Usages(t.TempDir(), "01-hoard") {
		if err == nil {
			t.Error("a folder that is no job has usages")
		}
	}
}
