package recommend_test

import (
	"fmt"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// leastMemory is the least that a worker may have.
const leastMemory = 64 << 20

// spread writes rows of users and items: each item has one, and each user as many as the others, of items that are not all near each other.
func spread(t *testing.T, users, items, rows int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("user,item\n")
	for n := range rows {
		item := n
		if n >= items {
			item = n * n % 9973 % items
		}
		fmt.Fprintf(&b, "%d,%d\n", n*7919%users, item)
	}
	return input(t, b.String())
}

// runWith runs a job in workers with so much memory, all of which live until it ends.
func runWith(t *testing.T, memory int64, change func(*recommend.Params), in string) string {
	t.Helper()
	cfg := config(t, change, in)
	cfg.InProcess, cfg.Workers, cfg.WorkerMemory = false, 2, memory
	mrtest.Run(t, jobs.Standard(), recommend.Job(), cfg, mapreduce.ExitComplete)
	mrtest.NothingLeft(t, cfg.Dir)
	again, err := filepath.Glob(filepath.Join(cfg.Dir, "logs", "*", "*.a[2-9]*"))
	if err != nil || len(again) > 0 {
		t.Errorf("%d MiB: workers were replaced: %v, %v", memory>>20, again, err)
	}
	return cfg.Dir
}

// TestLittleMemory: vectors and an inverse that are larger than a worker may hold bring the same results, and so do those of a model.
func TestLittleMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector alone takes more memory than these workers may")
	}
	for _, c := range []struct {
		name               string
		users, items, rows int
		change             func(*recommend.Params)
		model              bool
	}{
		{"als", 300, 16_000, 20_000, func(p *recommend.Params) { // packed items take 49 MB
			p.Algorithm, p.Factors, p.Iterations = "als", given(512), given(1)
		}, true},
		{"users", 30_000, 300, 31_000, func(p *recommend.Params) { // results of 61 MB wait to be written
			p.Algorithm, p.Factors, p.Iterations = "als", given(512), given(1)
		}, false},
		{"blend", 300, 16_000, 20_000, func(p *recommend.Params) {
			p.Algorithm = "cosine:k=5,als:factors=512:iterations=1,als:factors=511:iterations=1"
		}, false},
		{"ease", 5400, 5300, 30_000, func(p *recommend.Params) { p.Algorithm = "ease" }, true}, // 56 MB
	} {
		t.Run(c.name, func(t *testing.T) {
			in := spread(t, c.users, c.items, c.rows)
			much := runWith(t, 2<<30, c.change, in)
			mrtest.SameResults(t, much, runWith(t, leastMemory, c.change, in))
			if !c.model {
				return
			}
			fold := func(memory int64) string {
				return runWith(t, memory, func(p *recommend.Params) {
					p.Algorithm, p.Model = "", much
					folded, err := recommend.FoldIn(*p)
					if err != nil {
						t.Fatal(err)
					}
					*p = folded
				}, in)
			}
			mrtest.SameResults(t, fold(2<<30), fold(leastMemory))
		})
	}
}

// TestTooManyItems: items that workers cannot hold are refused before anything is learned.
func TestTooManyItems(t *testing.T) {
	cfg := config(t, func(p *recommend.Params) { p.Algorithm = "als" }, spread(t, 100, 140_000, 140_000))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(6 << 20)) // of this process, which runs the tasks
	s, err := mapreduce.Run(t.Context(), jobs.Standard(), recommend.Job(), cfg)
	mrtest.Code(t, s, err, mapreduce.ExitInput)
	if err == nil || !strings.Contains(err.Error(), "to score 140000 items") || !strings.Contains(err.Error(), "at least --worker-memory 8MiB") {
		t.Error(err)
	}
	if made, err := filepath.Glob(filepath.Join(cfg.Dir, "stages", "0[2-9]-*", "tasks", "*")); err != nil || len(made) > 0 {
		t.Errorf("work was done: %v, %v", made, err)
	}
}
