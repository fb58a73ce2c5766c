package rank_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/rank"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// needMemoryCap skips tests of what processes hold.
func needMemoryCap(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("hundreds of thousands of rows")
	}
	if raceDetector {
		t.Skip("the race detector needs several times the memory that the test allows")
	}
}

// little is a memory cap.
const little = 128 << 20

// programBytes is room for the program's own pages, which are shared and do not count for the cap, but for the peak that
// is compared with it they do.
const programBytes = 40 << 20

// littleForGroups has room for a combiner's table, which grows to 40 MiB whatever the cap is.
const littleForGroups = 256 << 20

// capped is a run in child processes that may hold little, each of them.
func capped(t *testing.T, p rank.Params, mode string, inputs ...string) mapreduce.Config {
	t.Helper()
	p.Shards = mode
	cfg := config(t, filepath.Join(t.TempDir(), "job"), p, inputs...)
	cfg.InProcess, cfg.Workers, cfg.WorkerMemory, cfg.Partitions = false, 2, little, 4
	if p.Agg != nil {
		cfg.WorkerMemory = littleForGroups
	}
	return cfg
}

// runCapped runs a job to its end, in which no task may be tried again: the engine stops a worker above its cap.
func runCapped(t *testing.T, cfg mapreduce.Config) {
	t.Helper()
	s := run(t, cfg, mapreduce.ExitComplete)
	if s.Usage.WorkerPeakRSS == 0 || s.Usage.WorkerPeakRSS > cfg.WorkerMemory+programBytes {
		t.Errorf("a worker held %d MiB of %d", s.Usage.WorkerPeakRSS>>20, cfg.WorkerMemory>>20)
	}
	for _, e := range mrtest.Events(t, cfg.Dir) {
		if e.Kind == mapreduce.EventRetry {
			t.Errorf("%s/%s was tried again: %s", e.Stage, e.Task, e.Text)
		}
	}
	t.Logf("%.1f s, %.1f CPU s, %d MiB", s.Usage.WallSeconds, s.Usage.CPUSeconds, s.Usage.WorkerPeakRSS>>20)
}

// spills tells, after done, whether reduce tasks of a job directory sorted on disk.
func spills(dir string) (done func() bool) {
	stop, found := make(chan struct{}), make(chan bool)
	go func() {
		seen := false
		for {
			paths, _ := filepath.Glob(filepath.Join(dir, "tmp", "*", "spill-*")) // the pattern is good
			seen = seen || len(paths) > 0
			select {
			case <-stop:
				found <- seen
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return func() bool {
		close(stop)
		return <-found
	}
}

// oneHotKey makes a CSV in which user 1 has a fifth of the rows, and others have eight at most.
func oneHotKey(rows int, score func(i int) int) []byte {
	var b bytes.Buffer
	b.WriteString("user,item,score\n")
	others := rows / 10
	for i := range rows {
		user := 1
		if i%5 > 0 {
			user = 2 + i%others
		}
		fmt.Fprintf(&b, "%d,%d,%d\n", user, i, score(i))
	}
	return b.Bytes()
}

// A key that has a fifth of the rows is small before it is shuffled, even if each row is better than all before
// it, and no reduce task has more to do than others.
func TestOneHotKey(t *testing.T) {
	needMemoryCap(t)
	const rows, top = 400_000, 10
	r := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct {
		name, mode string
		score      func(i int) int
		most       float64 // share of the hot rows that is shuffled
	}{
		{"random", "in-place", func(int) int { return r.IntN(rows) }, 0.02},
		{"ascending", "in-place", func(i int) int { return i }, 0.2},
		{"descending", "in-place", func(i int) int { return -i }, 0.01},
		{"equal", "in-place", func(int) int { return 1 }, 0.01},
	} {
		t.Run(c.name+"-"+c.mode, func(t *testing.T) {
			data := oneHotKey(rows, c.score)
			in := write(t, filepath.Join(t.TempDir(), "a.csv"), data)
			cfg := capped(t, topOfUsers(top), c.mode, in)
			runCapped(t, cfg)
			checkTop(t, cfg.Dir, readRatings(t, data), top)
			const hot = rows / 5
			if n := written(t, cfg.Dir) - (rows - hot); n < top || float64(n) > c.most*hot {
				t.Errorf("%d of %d hot rows are shuffled", n, hot)
			} else {
				t.Logf("%d of %d hot rows are shuffled", n, hot)
			}
			var most, sum int64
			reduces := tasks(t, cfg.Dir, "rank", "reduce")
			for _, c := range reduces {
				most = max(most, c.Streams["rows"].Reduced)
				sum += c.Streams["rows"].Reduced
			}
			if mean := sum / int64(len(reduces)); most > mean*5/4 {
				t.Errorf("a reduce task has %d records, %d are the mean", most, mean)
			}
		})
	}
}

// Partitions that no memory holds are sorted on disk, with the results of large memory, byte for byte, in either mode.
func TestLittleMemory(t *testing.T) {
	needMemoryCap(t)
	const rows, top = 1_400_000, 100
	r := rand.New(rand.NewPCG(7, 8))
	var b bytes.Buffer
	b.WriteString("user,item,score\n")
	for i := range rows {
		fmt.Fprintf(&b, "%d,%d,%d\n", r.IntN(rows/4), i, r.IntN(1000))
	}
	in := write(t, filepath.Join(t.TempDir(), "a.csv"), b.Bytes())
	first := ""
	for _, c := range []struct {
		memory int64
		mode   string
	}{{little, "in-place"}, {little, "disk"}, {2 << 30, "in-place"}} {
		cfg := capped(t, topOfUsers(top), c.mode, in)
		cfg.WorkerMemory, cfg.Partitions = c.memory, 1
		spilled := spills(cfg.Dir)
		runCapped(t, cfg)
		if s := spilled(); s != (c.memory < 1<<30) {
			t.Errorf("%d MiB, %s: sorted on disk: %v", c.memory>>20, c.mode, s)
		}
		if first == "" {
			first = cfg.Dir
			checkTop(t, first, readRatings(t, b.Bytes()), top)
			continue
		}
		mrtest.SameFiles(t, mrtest.Tree(t, first, "out/ranked"), mrtest.Tree(t, cfg.Dir, "out/ranked"))
	}
}

// A million keys of one row each.
func TestManyKeys(t *testing.T) {
	needMemoryCap(t)
	const rows = 1_000_000
	var b bytes.Buffer
	b.WriteString("user,item,score\n")
	for i := range rows {
		fmt.Fprintf(&b, "%d,%d,%d\n", uint64(i)*0x9e3779b97f4a7c15>>1, i, i%7)
	}
	in := write(t, filepath.Join(t.TempDir(), "a.csv"), b.Bytes())
	t.Run("ranked", func(t *testing.T) {
		cfg := capped(t, topOfUsers(10), "in-place", in)
		runCapped(t, cfg)
		checkTop(t, cfg.Dir, readRatings(t, b.Bytes()), 10)
	})
	t.Run("groups", func(t *testing.T) {
		p := rank.Defaults()
		p.Key, p.Agg = "user", []string{"count", "sum:score"}
		cfg := capped(t, p, "in-place", in)
		runCapped(t, cfg)
		seen := map[string]bool{}
		for _, r := range slices.Concat(readRows(t, cfg.Dir, "out/groups", table.Columns[countedKey]{
			table.String("user", nil, func(r *countedKey, v string) { r.key = v }),
			table.Int64("count", nil, func(r *countedKey, v int64) { r.count = v }),
		})...) {
			if seen[r.key] || r.count != 1 {
				t.Fatalf("%+v", r)
			}
			seen[r.key] = true
		}
		if len(seen) != rows {
			t.Errorf("%d groups", len(seen))
		}
	})
}

type countedKey struct {
	key   string
	count int64
}

// Keys of 10 kB differ in their last bytes only.
func TestLongKeys(t *testing.T) {
	needMemoryCap(t)
	const rows, keys, top = 12_000, 9_000, 2
	prefix := strings.Repeat("long ", 2000)
	keyOf := func(i int) string {
		if i%5 == 0 {
			return prefix + "hot"
		}
		return prefix + strconv.Itoa(i*7%keys)
	}
	var b bytes.Buffer
	b.WriteString("user,item,score\n")
	count := map[string]int64{}
	for i := range rows {
		count[keyOf(i)]++
		fmt.Fprintf(&b, "%s,%d,%d\n", keyOf(i), i, i%1000)
	}
	in := write(t, filepath.Join(t.TempDir(), "a.csv"), b.Bytes())
	for _, mode := range modes {
		t.Run("ranked-"+mode, func(t *testing.T) {
			cfg := capped(t, byColumn("user", "score", top), mode, in)
			cfg.Partitions = 1
			runCapped(t, cfg)
			got := map[string]int64{}
			for _, r := range slices.Concat(readRows(t, cfg.Dir, "out/ranked", table.Columns[countedKey]{
				table.String("user", nil, func(r *countedKey, v string) { r.key = strings.Clone(v) }),
			})...) {
				got[r.key]++
			}
			for k, n := range count {
				if got[k] != min(n, top) {
					t.Fatalf("%s: %d rows of %d", strings.TrimPrefix(k, prefix), got[k], n)
				}
			}
			if len(got) != len(count) {
				t.Errorf("%d keys, expected %d", len(got), len(count))
			}
		})
		t.Run("groups-"+mode, func(t *testing.T) {
			p := rank.Defaults()
			p.Key, p.Agg = "user", []string{"count"}
			cfg := capped(t, p, mode, in)
			runCapped(t, cfg)
			got := slices.Concat(readRows(t, cfg.Dir, "out/groups", table.Columns[countedKey]{
				table.String("user", nil, func(r *countedKey, v string) { r.key = strings.Clone(v) }),
				table.Int64("count", nil, func(r *countedKey, v int64) { r.count = v }),
			})...)
			for _, r := range got {
				if r.count != count[r.key] {
					t.Fatalf("%s: %d rows, expected %d", strings.TrimPrefix(r.key, prefix), r.count, count[r.key])
				}
			}
			if len(got) != len(count) {
				t.Errorf("%d keys, expected %d", len(got), len(count))
			}
		})
	}
}
