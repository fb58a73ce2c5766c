package rank_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/rank"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// twoFiles writes ratings into a plain file and a compressed one. Some rows are bad.
func twoFiles(t *testing.T, rows int) (paths []string, all []rating) {
	t.Helper()
	in, data := t.TempDir(), ratings(rows)
	half := bytes.LastIndexByte(data[:len(data)/2], '\n') + 1
	head := []byte("user,item,score,note\n")
	bad := []byte("x,1,1,\n7,2,\"\n\",\n")
	return []string{
		write(t, filepath.Join(in, "a.csv"), append(data[:half:half], bad...)),
		write(t, filepath.Join(in, "b.csv.gz"), append(append(head, bad...), data[half:]...)),
	}, readRatings(t, data)
}

// children is a run of small parts in child processes.
func children(t *testing.T, p rank.Params, inputs ...string) mapreduce.Config {
	t.Helper()
	cfg := config(t, filepath.Join(t.TempDir(), "job"), p, inputs...)
	cfg.InProcess, cfg.Workers, cfg.Partitions = false, 2, 3
	return cfg
}

// The number of workers shows nowhere.
func TestSameBytes(t *testing.T) {
	paths, all := twoFiles(t, 4000)
	groups := topOfUsers(0)
	groups.By, groups.Agg = "", []string{"count", "sum:score", "mean:score"}
	for _, p := range []rank.Params{topOfUsers(10), groups} {
		p.ShardRows = 500
		for _, mode := range modes {
			p.Shards = mode
			first := ""
			for _, workers := range []int{1, 2, 4} {
				cfg := children(t, p, paths...)
				cfg.Workers = workers
				mrtest.Run(t, jobs.Standard(), rank.JobOfParts(smallParts), cfg, mapreduce.ExitRejects)
				if first != "" {
					mrtest.SameResults(t, first, cfg.Dir)
					continue
				}
				first = cfg.Dir
				if p.Agg == nil {
					checkTop(t, first, all, 10)
				}
			}
		}
	}
}

// The number of partitions shows only in how rows lie in parts.
func TestAnyPartitions(t *testing.T) {
	paths, all := twoFiles(t, 20000)
	for _, mode := range modes {
		p := topOfUsers(10)
		p.Shards = mode
		for _, partitions := range []int{1, 3, 50} {
			cfg := config(t, filepath.Join(t.TempDir(), "job"), p, paths...)
			cfg.Partitions = partitions
			run(t, cfg, mapreduce.ExitRejects)
			checkTop(t, cfg.Dir, all, 10)
		}
	}
}

// TestCrashPoints kills the driver at every point that it names, of tasks at those of the first of each kind.
func TestCrashPoints(t *testing.T) {
	paths, _ := twoFiles(t, 300) // the first in two parts
	for _, mode := range modes {
		p := topOfUsers(3)
		p.Shards = mode
		cfg := children(t, p, paths...)
		cfg.Partitions = 2
		job := rank.JobOfParts(smallParts)
		points := slices.DeleteFunc(mrtest.Points(t, jobs.Standard(), job, cfg, mapreduce.ExitRejects), func(p string) bool {
			return strings.Contains(p, "-0000") && !strings.HasSuffix(p, "-000000")
		})
		if testing.Short() {
			points = points[:3]
		}
		t.Run(mode, func(t *testing.T) {
			mrtest.Driver{Job: job.Name(), Config: cfg, Code: mapreduce.ExitRejects}.Walk(t, cfg.Dir, points)
		})
	}
}

// TestKill kills workers or the driver at random moments and repeats the same command until it ends.
func TestKill(t *testing.T) {
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("KILL_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("KILL_SEED=%d", seed)
	paths, _ := twoFiles(t, 4000)
	for _, mode := range modes {
		p := topOfUsers(10)
		p.ShardRows, p.Shards = 500, mode
		cfg := children(t, p, paths...)
		job := rank.JobOfParts(smallParts)
		start := time.Now()
		mrtest.Run(t, jobs.Standard(), job, cfg, mapreduce.ExitRejects)
		k := mrtest.Killer{
			Driver: mrtest.Driver{Job: job.Name(), Config: cfg, Code: mapreduce.ExitRejects},
			Span:   time.Since(start), Rand: rand.New(rand.NewPCG(seed, 1)),
		}
		for range rounds {
			dir := filepath.Join(t.TempDir(), "job")
			k.UntilDone(t, dir)
			mrtest.SameResults(t, cfg.Dir, dir)
			mrtest.NothingLeft(t, dir)
			mrtest.NothingTwice(t, mrtest.Events(t, dir))
		}
		t.Logf("%s: %d drivers and %d workers killed", mode, k.Drivers, k.Workers)
		if k.Drivers+k.Workers == 0 {
			t.Error("nothing was killed: the moments are wrong")
		}
	}
}
