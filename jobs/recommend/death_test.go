package recommend_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// mortal sets when the workers of a mortal job die, and returns the file that says so.
func mortal(t *testing.T, when string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "mortal")
	mrtest.Write(t, path, []byte(when))
	t.Setenv(recommend.MortalEnv, path)
	return path
}

// TestWorkerDies kills a worker in the map and in the reduce tasks of each stage: the results are as if nothing had been.
func TestWorkerDies(t *testing.T) {
	in, all := smallCrowd(t), recommend.ModelPlaces()
	all["rp3beta"] = recommend.Places()
	for algorithm, places := range all {
		change := modelOf(algorithm).change
		clean := children(t, change, in)
		mrtest.Run(t, jobs.Standard(), smallJob(), clean, mapreduce.ExitComplete)
		for _, place := range places {
			t.Run(algorithm+"/"+place, func(t *testing.T) {
				path := mortal(t, "once")
				cfg := children(t, change, in)
				mrtest.Run(t, jobs.Standard(), recommend.MortalJob(place, smallBytes), cfg, mapreduce.ExitComplete)
				if _, err := os.Stat(path); err == nil {
					t.Fatal("no worker died")
				}
				var retried []string
				for _, e := range mrtest.Events(t, cfg.Dir) {
					if e.Kind == mapreduce.EventRetry {
						retried = append(retried, e.Stage+"/"+e.Task)
					}
				}
				if len(retried) != 1 || !strings.HasPrefix(retried[0], place+"-") {
					t.Errorf("tried again: %q, expected one of %s", retried, place)
				}
				mrtest.SameResults(t, clean.Dir, cfg.Dir)
				mrtest.NothingLeft(t, cfg.Dir)
			})
		}
	}
}

// TestPoisonVector: a user whose row kills each worker that makes its vector in the last iteration has none, and no list; all else is as
// without that.
func TestPoisonVector(t *testing.T) {
	in, user := loner(t)
	change := modelOf(recommend.ALS).change
	clean := children(t, change, in)
	s := mrtest.Run(t, jobs.Standard(), smallJob(), clean, mapreduce.ExitComplete)
	want := outcomeOf(t, clean.Dir, s)
	mortal(t, fmt.Sprint(len(want.Users)-1)) // the number of the user
	cfg := children(t, change, in)
	mrtest.Run(t, jobs.Standard(), recommend.MortalJob("09-users-03/map", smallBytes), cfg, mapreduce.ExitRejects)
	rejects := mrtest.Rejects(t, jobs.Standard(), cfg.Dir)
	if len(rejects) != 1 || rejects[0].Stage != "09-users-03" || rejects[0].Class != "crash" {
		t.Fatalf("rejects %+v, expected one", rejects)
	}
	users, got := factorsOf(t, cfg.Dir, "user"), lists(t, cfg.Dir)
	if _, ok := users[user]; ok || len(users) != len(want.Users)-1 || len(got[user]) != 0 || len(got) != len(want.Lists)-1 {
		t.Errorf("%d of %d vectors, %d of %d lists, and %v of %d", len(users), len(want.Users), len(got), len(want.Lists), got[user], user)
	}
	delete(want.Users, user)
	if !maps.EqualFunc(users, want.Users, slices.Equal[[]float32]) {
		t.Error("vectors of others are not as without the poison")
	}
}

// loner writes a dataset of some thousand rows with one more user, the last one, who has one row, on line 7.
func loner(t *testing.T) (path string, user int64) {
	t.Helper()
	text, err := os.ReadFile(smallCrowd(t))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	return input(t, strings.Join(slices.Insert(lines, 6, "900,3\n"), "")), 900
}

// TestPoison: a row that kills each worker that touches it costs that row alone, in the stage of interactions and in that of lists. What it costs
// is there when it does no harm any more and the rejects are run again.
func TestPoison(t *testing.T) {
	in, user := loner(t)
	clean := children(t, nil, in)
	mrtest.Run(t, jobs.Standard(), smallJob(), clean, mapreduce.ExitComplete)
	all := lists(t, clean.Dir)
	for place, line := range map[string]int64{"02-matrix/map": 7, "05-score/map": 0} {
		t.Run(place, func(t *testing.T) {
			cfg := children(t, nil, in)
			path := mortal(t, fmt.Sprint(len(all)-1)) // the number of the user
			mrtest.Run(t, jobs.Standard(), recommend.MortalJob(place, smallBytes), cfg, mapreduce.ExitRejects)
			rejects := mrtest.Rejects(t, jobs.Standard(), cfg.Dir)
			if len(rejects) != 1 || rejects[0].Line != line || rejects[0].Class != "crash" {
				t.Fatalf("rejects %+v, expected one on line %d", rejects, line)
			}
			got := lists(t, cfg.Dir)
			if _, ok := got[user]; ok || len(got) != len(all)-1 {
				t.Errorf("%d lists, expected those of all %d users but %d", len(got), len(all), user)
			}
			if place == "05-score/map" {
				for u, list := range got {
					if !slices.Equal(list, all[u]) {
						t.Fatalf("user %d: %v, expected %v", u, list, all[u])
					}
				}
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			cfg.Rerun = mapreduce.Rerun{Rejected: true}
			mrtest.Run(t, jobs.Standard(), recommend.MortalJob(place, smallBytes), cfg, mapreduce.ExitComplete)
			mrtest.SameResults(t, clean.Dir, cfg.Dir)
			if got := lists(t, cfg.Dir); !maps.EqualFunc(got, all, slices.Equal[[]listed]) {
				t.Error("lists are not those of a clean run")
			}
		})
	}
}

// TestPoisonOfRowless: a row that kills each worker takes those who are not in the data and are written with it along. They are there when it does no
// harm any more and the rejects are run again.
func TestPoisonOfRowless(t *testing.T) {
	in, user := loner(t) // the last one
	file := filepath.Join(t.TempDir(), "users")
	mrtest.Write(t, file, fmt.Appendf(nil, "3\n%d\n%d\n%d\n-1\n", user-1, user, user+1))
	rules := func(p *recommend.Params) { p.Users = file }
	clean := children(t, rules, in)
	mrtest.Run(t, jobs.Standard(), smallJob(), clean, mapreduce.ExitComplete)
	has, _ := hadBy(t, in)
	path, place := mortal(t, fmt.Sprint(len(has)-1)), "05-score/map" // the number of the user
	cfg := children(t, rules, in)
	mrtest.Run(t, jobs.Standard(), recommend.MortalJob(place, smallBytes), cfg, mapreduce.ExitRejects)
	if got := servedUsers(t, cfg.Dir, false); len(got) != 2 || got[3].listed == 0 || got[-1].reason == "" {
		t.Errorf("users %v, expected 3 and -1", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	cfg.Rerun = mapreduce.Rerun{Rejected: true}
	mrtest.Run(t, jobs.Standard(), recommend.MortalJob(place, smallBytes), cfg, mapreduce.ExitComplete)
	mrtest.SameResults(t, clean.Dir, cfg.Dir)
	if got := servedUsers(t, cfg.Dir, false); len(got) != 5 {
		t.Errorf("users %v", got)
	}
}
