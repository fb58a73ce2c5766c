package recommend_test

import (
	"maps"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// children is a run of several tasks of each stage in child processes.
func children(t *testing.T, change func(p *recommend.Params), inputs ...string) mapreduce.Config {
	t.Helper()
	cfg := config(t, change, inputs...)
	cfg.InProcess, cfg.Workers, cfg.Partitions = false, 2, 3
	return cfg
}

// TestSameBytes: the number of workers shows nowhere.
func TestSameBytes(t *testing.T) {
	cases := models()
	for _, algorithm := range []string{"rp3beta", "bm25", recommend.Popularity} {
		cases = append(cases, trained{algorithm, smallCrowd, func(p *recommend.Params) { p.Algorithm = algorithm }})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in, first := c.input(t), ""
			for _, workers := range []int{1, 2, 4} {
				cfg := children(t, c.change, in)
				cfg.Workers = workers
				s := mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
				if first == "" {
					first = cfg.Dir
				}
				mrtest.SameResults(t, first, cfg.Dir)
				for _, st := range s.Stages {
					if isHalfStep(st.Name) && st.Tasks < 3 {
						t.Errorf("%s has only %d tasks: the test shows nothing", st.Name, st.Tasks)
					}
				}
			}
		})
	}
}

// TestAnyPartitions: how many partitions there are shows only in how rows lie in parts.
func TestAnyPartitions(t *testing.T) {
	for _, c := range append(models(), trained{"rp3beta", smallCrowd, nil}) {
		t.Run(c.name, func(t *testing.T) {
			in, counts := c.input(t), []int{1, 2, 7, 50}
			if c.change != nil {
				counts = []int{1, 7} // there are many stages
			}
			var first outcome
			for i, partitions := range counts {
				cfg := config(t, c.change, in)
				cfg.Partitions = partitions
				s := mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
				got := outcomeOf(t, cfg.Dir, s)
				if i == 0 {
					first = got
				}
				if diff := cmp.Diff(first, got); diff != "" {
					t.Fatalf("%d partitions: %s", partitions, diff)
				}
			}
		})
	}
}

// TestCrashPoints kills the driver at points of every stage.
func TestCrashPoints(t *testing.T) {
	every := func(string) bool { return true }
	for _, c := range []struct {
		algorithm string
		stages    []string
		at        func(kind string) bool
	}{
		{"rp3beta", []string{"00-scan", "01-split", "02-matrix", "03-transpose", "04-similarity", "05-score"}, every},
		{recommend.ALS, []string{"04-start", "05-users-01", "06-items-01", "07-users-02", "08-items-02", "09-users-03", "10-items-03", "11-nearest", "12-score"}, atHalfSteps},
		{recommend.EASE, []string{"04-solve", "05-items", "06-score"}, func(kind string) bool {
			return strings.Contains(kind, "04-") || strings.HasPrefix(kind, "committed:0") && !before("04", kind)
		}},
	} {
		t.Run(c.algorithm, func(t *testing.T) {
			cfg := children(t, modelOf(c.algorithm).change, smallCrowd(t))
			points := mrtest.Points(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
			seen := map[string]bool{}
			some := slices.DeleteFunc(slices.Clone(points), func(p string) bool {
				kind := kindOfPoint(p)
				if seen[kind] || !c.at(kind) {
					return true
				}
				seen[kind] = true
				return false
			})
			for _, stage := range c.stages {
				if !slices.ContainsFunc(some, func(p string) bool { return strings.Contains(p, stage) }) {
					t.Errorf("no point in %s: %q", stage, points)
				}
			}
			if testing.Short() {
				some = some[:3]
			}
			mrtest.Driver{Job: "small", Config: cfg, Code: mapreduce.ExitComplete}.Walk(t, cfg.Dir, some)
		})
	}
}

// atHalfSteps tells whether a point is one of the points of a half-step, or of those between and inside of the others.
func atHalfSteps(kind string) bool {
	return strings.Contains(kind, "07-users-02") || !before("04", kind) && (strings.HasPrefix(kind, "committed:") || strings.HasPrefix(kind, "clean:"))
}

// before tells whether a kind of point is not in the stages from a number on.
func before(stage, kind string) bool {
	_, at, ok := strings.Cut(kind, ":")
	return !ok || at < stage
}

// kindOfPoint is a point without the number of its task.
func kindOfPoint(p string) string { return regexp.MustCompile(`-\d{6}$`).ReplaceAllString(p, "") }

// TestResume: a driver that was killed inside a half-step leaves all that was committed, and the next one runs what is missing, each
// task once.
func TestResume(t *testing.T) {
	cfg := children(t, modelOf(recommend.ALS).change, smallCrowd(t))
	mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
	all := mrtest.Started(mrtest.Events(t, cfg.Dir))

	dir := filepath.Join(t.TempDir(), "job")
	d := mrtest.Driver{Job: "small", Config: cfg, Code: mapreduce.ExitComplete}
	cmd, token := d.Start(t, dir, "committed:08-items-02/map-000001")
	if code := mrtest.Wait(t, cmd, token); code != -1 {
		t.Fatalf("the driver was not killed: exit code %d: %s", code, cmd.Stderr)
	}
	killed, committed := mrtest.Started(mrtest.Events(t, dir)), mrtest.Committed(t, dir)
	d.Finish(t, dir)
	missing := maps.Clone(all)
	for _, task := range committed {
		delete(missing, task)
	}
	resumed := mrtest.Started(mrtest.Events(t, dir))
	for task, n := range killed {
		if resumed[task] -= n; resumed[task] == 0 {
			delete(resumed, task)
		}
	}
	if !maps.Equal(resumed, missing) {
		t.Errorf("the second driver started %v, expected %v", resumed, missing)
	}
	for task := range missing {
		if task < "08-items-02" {
			t.Errorf("%s was not committed", task)
		}
	}
	if len(missing) == 0 || len(missing)+len(committed) != len(all) {
		t.Errorf("%d of %d tasks were missing, %d were committed", len(missing), len(all), len(committed))
	}
	mrtest.SameResults(t, cfg.Dir, dir)
}

// TestKill kills a worker or the driver at random moments and repeats the same command until it ends.
func TestKill(t *testing.T) {
	for algorithm, rounds := range map[string]int{"rp3beta": 6, recommend.ALS: 4, recommend.EASE: 3} {
		t.Run(algorithm, func(t *testing.T) {
			cfg := children(t, modelOf(algorithm).change, smallCrowd(t))
			start := time.Now()
			mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
			k := mrtest.Killer{Driver: mrtest.Driver{Job: "small", Config: cfg, Code: mapreduce.ExitComplete}, Span: time.Since(start)}
			seed := uint64(start.UnixNano())
			t.Logf("seed %d", seed)
			k.Rand = rand.New(rand.NewPCG(seed, 1))
			for range rounds {
				dir := filepath.Join(t.TempDir(), "job")
				k.UntilDone(t, dir)
				mrtest.SameResults(t, cfg.Dir, dir)
				mrtest.NothingLeft(t, dir)
				mrtest.NothingTwice(t, mrtest.Events(t, dir))
			}
			t.Logf("%d drivers and %d workers killed", k.Drivers, k.Workers)
			if k.Drivers+k.Workers == 0 {
				t.Error("nothing was killed: the moments are wrong")
			}
		})
	}
}
