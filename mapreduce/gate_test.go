package mapreduce_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

func maxRejects(t testing.TB, s string) mapreduce.MaxRejects {
	t.Helper()
	m, err := mapreduce.ParseMaxRejects(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

// Below 1,000 rows the gate is judged at the end: the results are held, and a higher limit lets them out.
func TestHeld(t *testing.T) {
	inputs := mrtest.Inputs(t, text(40)+strings.Repeat("a !reject\n", 10))
	free := in(t, inputs)
	mrtest.Run(t, options(), wordsJob(), free, mapreduce.ExitRejects)
	for limit, passes := range map[string]bool{"9": false, "19%": false, "10": true, "20%": true, "0": false} {
		cfg := in(t, inputs)
		cfg.MaxRejects = maxRejects(t, limit)
		s, err := mapreduce.Run(t.Context(), options(), wordsJob(), cfg)
		if passes {
			mrtest.Code(t, s, err, mapreduce.ExitRejects)
			mrtest.SameResults(t, free.Dir, cfg.Dir)
			continue
		}
		mrtest.Code(t, s, err, mapreduce.ExitGate)
		var gate *mapreduce.GateError
		if !errors.As(err, &gate) || !gate.Held || gate.Rejects != 10 || gate.Rows != 50 || s.State != mapreduce.StateHeld {
			t.Errorf("%s: %v, state %s", limit, err, s.State)
		}
		if exists(cfg.Dir, "out") || !exists(cfg.Dir, "held/counts") || exists(cfg.Dir, "held/_SUCCESS") || len(rejects(t, cfg.Dir)) != 10 {
			t.Errorf("%s: results are not held", limit)
		}
		started := mrtest.Started(mrtest.Events(t, cfg.Dir))
		cfg.MaxRejects = mapreduce.MaxRejects{}
		mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitRejects)
		mrtest.SameResults(t, free.Dir, cfg.Dir)
		if exists(cfg.Dir, "held") {
			t.Errorf("%s: held/ is left", limit)
		}
		if again := mrtest.Started(mrtest.Events(t, cfg.Dir)); len(again) != len(started) {
			t.Errorf("%s: attempts %v became %v", limit, started, again)
		}
	}
}

// From 1,000 finished rows on the gate is judged while maps run: the job stops without results, and goes on.
func TestStopped(t *testing.T) {
	inputs := mrtest.Inputs(t, strings.Repeat("a\nb !reject\n", 1500))
	cfg := in(t, inputs)
	cfg.Params = params(t, wordsParams{ShardRows: 100, Batch: 10, Timeout: 1e10})
	cfg.MaxRejects, cfg.Workers = maxRejects(t, "10%"), 1
	s, err := mapreduce.Run(t.Context(), options(), wordsJob(), cfg)
	mrtest.Code(t, s, err, mapreduce.ExitGate)
	var gate *mapreduce.GateError
	if !errors.As(err, &gate) || gate.Held || gate.Rows < 1000 || gate.Rows > 1200 || s.State != mapreduce.StateStopped {
		t.Errorf("%v, state %s", err, s.State)
	}
	if exists(cfg.Dir, "out") || exists(cfg.Dir, "held") {
		t.Error("there are results")
	}
	cfg.MaxRejects = maxRejects(t, "1500")
	s = mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitRejects)
	if s.Stages[1].Reused < 10 || s.Rows.Rejected != 1500 || s.Rows.Read != 3000 {
		t.Errorf("summary %+v", s)
	}
}

// Rows that kill workers count at once, although their shard is far from committed.
func TestStoppedWhileIsolating(t *testing.T) {
	cfg := base(t, mrtest.Inputs(t, text(990)+strings.Repeat("!panic\n", 300)))
	cfg.Params = params(t, wordsParams{ShardRows: 330, Batch: 10, Timeout: 1e10})
	cfg.MaxRejects, cfg.Workers = maxRejects(t, "11"), 1
	s, err := mapreduce.Run(t.Context(), options(), wordsJob(), cfg)
	mrtest.Code(t, s, err, mapreduce.ExitGate)
	var gate *mapreduce.GateError
	if !errors.As(err, &gate) || gate.Rejects != 12 {
		t.Errorf("error %v", err)
	}
}

// Rejects of the split count as well, and are judged while it runs.
func TestStoppedInSplit(t *testing.T) {
	cfg := in(t, mrtest.Inputs(t, strings.Repeat("\xff\n", 2000), "a\n"))
	s, err := mapreduce.Run(t.Context(), options(), wordsJob(), cfg)
	mrtest.Code(t, s, err, mapreduce.ExitGate)
	if s.State != mapreduce.StateStopped {
		t.Errorf("state %s", s.State)
	}
}

// Above the limit no attempt starts, also none beside the commit of the results that show it; and however many of them are
// committed together, the job ends with one reason.
func TestStoppedBeforeTheNextAttempt(t *testing.T) {
	for workers, most := range map[int]int{1: 2, 3: 4} { // 1,000 rows are in two tasks; of three workers the first may end before
		inputs := mrtest.Inputs(t, strings.Repeat("a\nb !reject\n", 1500))
		cfg := in(t, inputs)
		cfg.Params = params(t, wordsParams{ShardRows: 500, Batch: 10, Timeout: 1e10})
		cfg.MaxRejects, cfg.Workers = maxRejects(t, "10%"), workers
		started := 0
		cfg.Hook = func(p string) {
			if strings.HasPrefix(p, "start:01-count/map") {
				started++
			}
			if p == "promote:01-count/map-000000" { // until the others have come to their ends
				time.Sleep(time.Second)
			}
		}
		s, err := mapreduce.Run(t.Context(), options(), wordsJob(), cfg)
		mrtest.Code(t, s, err, mapreduce.ExitGate)
		if n := strings.Count(err.Error(), "rejected"); n != 1 || started > most {
			t.Errorf("%d workers: %d tasks are started, not %d, and there are %d reasons: %v", workers, started, most, n, err)
		}
	}
}
