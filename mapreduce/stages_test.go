package mapreduce_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// chainJob copies lines in one stage and again in the next. A line "!KIND" is an act in the first.
func chainJob() mapreduce.Job {
	return mapreduce.New("chain", 1, struct{}{}, func(struct{}) ([]mapreduce.Stage, error) {
		middle, end := jsonl[line]("middle"), jsonl[line]("end")
		middle.Side = true
		first := mapreduce.MapFunc[line](func(_ context.Context, i int, l *line, out *mapreduce.Out) error {
			middle.Write(out, i, *l)
			if kind, ok := strings.CutPrefix(l.Text, "!"); ok {
				return act(kind)
			}
			return nil
		})
		second := mapreduce.MapFunc[line](func(_ context.Context, i int, l *line, out *mapreduce.Out) error {
			end.Write(out, i, *l)
			return nil
		})
		return []mapreduce.Stage{
			mapreduce.NewStage("first", lineSource(20), 4, first.Mapper, &middle),
			mapreduce.NewStage("second", &middle, 4, second.Mapper, &end),
		}, nil
	})
}

// A stage whose input has been made again with other rows starts again.
func TestStalePlan(t *testing.T) {
	cfg := in(t, mrtest.Inputs(t, text(50)+"!reject:"+filepath.Join(t.TempDir(), "once")+"\n"))
	mrtest.Run(t, options(), chainJob(), cfg, mapreduce.ExitRejects)
	if n := len(rows[line](t, cfg.Dir, "out/end")); n != 50 {
		t.Fatalf("%d rows", n)
	}
	spoil(t, cfg.Dir, "stages/01-first/tasks/map-000002.json", os.Remove)
	mrtest.Run(t, options(), chainJob(), cfg, mapreduce.ExitComplete)
	if n := len(rows[line](t, cfg.Dir, "out/end")); n != 51 {
		t.Errorf("%d rows after the rejected one has passed", n)
	}
}

// The same when it happens in one run, whose workers know the former plan.
func TestStalePlanInOneRun(t *testing.T) {
	cfg := base(t, mrtest.Inputs(t, text(50)+"!reject:"+filepath.Join(t.TempDir(), "once")+"\n"))
	hit := false
	cfg.Hook = func(point string) {
		if point == "start:02-second/map-000002" && !hit {
			hit = true
			spoil(t, cfg.Dir, "stages/01-first/data/middle/map-000002.*", os.Remove)
		}
	}
	cfg.Workers = 1
	mrtest.Run(t, options(), chainJob(), cfg, mapreduce.ExitComplete)
	if n := len(rows[line](t, cfg.Dir, "out/end")); n != 51 || !hit {
		t.Errorf("%d rows", n)
	}
}

// probeParams say what making the mapper does, see act.
type probeParams struct{ Load string }

// probedJob makes its mapper once before it starts.
func probedJob() mapreduce.Job {
	return mapreduce.New("probed", 1, probeParams{}, func(p probeParams) ([]mapreduce.Stage, error) {
		copied := jsonl[line]("copied")
		st := mapreduce.NewStage("copy", lineSource(20), 4,
			func(context.Context, *mapreduce.Env) (mapreduce.Mapper[line], error) {
				if err := act(p.Load); err != nil {
					return nil, err
				}
				return mapreduce.MapFunc[line](func(_ context.Context, i int, l *line, out *mapreduce.Out) error {
					copied.Write(out, i, *l)
					return nil
				}), nil
			}, &copied)
		st.Probe = true
		return []mapreduce.Stage{st}, nil
	})
}

// What does not load, or crashes as it loads, is wrong input: the job ends before any work, and leaves nothing.
func TestProbe(t *testing.T) {
	for load, want := range map[string]string{"fail": "the test asks for it", "segv": "segmentation fault", "panic": "panic"} {
		cfg := base(t, mrtest.Inputs(t, text(10)))
		cfg.Params = params(t, probeParams{load})
		s, err := mapreduce.Run(t.Context(), options(), probedJob(), cfg)
		if mrtest.Code(t, s, err, mapreduce.ExitInput); !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", load, err)
		}
		if exists(cfg.Dir, "") || s.State != mapreduce.StateFailed {
			t.Errorf("%s: the job directory is there, or the state is %s", load, s.State)
		}
	}
	// Once the stage is done, its mapper is not needed any more.
	cfg := base(t, mrtest.Inputs(t, text(10)))
	cfg.Params = params(t, probeParams{"fail:" + cfg.Inputs[0] + "/a.txt"}) // the file is there: it passes
	mrtest.Run(t, options(), probedJob(), cfg, mapreduce.ExitComplete)
	if err := os.Remove(filepath.Join(cfg.Inputs[0], "a.txt")); err != nil {
		t.Fatal(err)
	}
	mrtest.Run(t, options(), probedJob(), cfg, mapreduce.ExitComplete)
	if exists(cfg.Inputs[0], "a.txt") {
		t.Error("the mapper was made again")
	}
}
