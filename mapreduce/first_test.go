package mapreduce_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// topJob keeps the first values of each group, of lines "ID GROUP SCORE". A line that ends with "!" is rejected after
// its pair was emitted.
func topJob(first int64) mapreduce.Job {
	return mapreduce.New("top", 1, struct{}{}, func(struct{}) ([]mapreduce.Stage, error) {
		tops := jsonl[scored]("tops")
		byRank := &mapreduce.Stream[rankKey, struct{}]{
			Name: "by_rank", Key: rankCodec{}, Value: mapreduce.Empty{}, Group: func([]byte) int { return 4 },
			First: first, Writes: []mapreduce.Port{&tops},
			Reduce: func(context.Context, *mapreduce.Env) (mapreduce.Reducer[rankKey, struct{}], error) {
				return &topper{tops: &tops}, nil
			},
		}
		mapper := mapreduce.MapFunc[line](func(_ context.Context, i int, l *line, out *mapreduce.Out) error {
			var r scored
			if _, err := fmt.Sscanf(l.Text, "%s %d %g", &r.ID, &r.Group, &r.Score); err != nil {
				return err
			}
			byRank.Emit(out, i, rankKey{r.Group, r.Score, r.ID}, struct{}{})
			if strings.HasSuffix(l.Text, "!") {
				out.Reject(i, errors.New("taken back"))
			}
			return nil
		})
		return []mapreduce.Stage{mapreduce.NewStage("top", lineSource(100), 16, mapper.Mapper, byRank)}, nil
	})
}

// topper writes three values of a group, or fewer if there are fewer.
type topper struct {
	tops *mapreduce.Dataset[scored]
}

func (r *topper) Reduce(_ context.Context, _ rankKey, values iter.Seq2[rankKey, struct{}], out *mapreduce.Out) error {
	var rank int64
	for k := range values {
		if rank++; rank > 3 {
			return nil
		}
		r.tops.Write(out, 0, scored{k.id, k.group, k.score, rank})
	}
	return nil
}

func (*topper) Close() error { return nil }

// First changes nothing but the work: the results are those of a reducer that reads no further by itself, rejected
// rows displace none, and the sums add up.
func TestFirst(t *testing.T) {
	var b strings.Builder
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 3000 {
		group := r.IntN(20)
		if i%3 == 0 {
			group = 0 // a third of all rows
		}
		fmt.Fprintf(&b, "id%d %d %d", i, group, r.IntN(50))
		if i%11 == 0 {
			b.WriteString(" !")
		}
		b.WriteByte('\n')
	}
	inputs := mrtest.Inputs(t, b.String())
	run := func(first int64, workers int) mapreduce.Config {
		cfg := in(t, inputs)
		cfg.Workers = workers
		s := mrtest.Run(t, options(), topJob(first), cfg, mapreduce.ExitRejects)
		if s.Rows.Read != 3000 || s.Rows.Rejected != 273 {
			t.Errorf("summary %+v", s.Rows)
		}
		return cfg
	}
	all := run(0, 2)
	if n := len(rows[scored](t, all.Dir, "out/tops")); n != 60 {
		t.Errorf("%d results", n)
	}
	for _, workers := range []int{1, 3} {
		mrtest.SameFiles(t, mrtest.Tree(t, all.Dir, "out"), mrtest.Tree(t, run(3, workers).Dir, "out"))
	}
}
