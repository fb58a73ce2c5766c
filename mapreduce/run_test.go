package mapreduce_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// text makes n lines of words.
func text(n int) string {
	var b []byte
	for i := range n {
		b = fmt.Appendf(b, "The word w%d and w%d are in line %d\n", i%7, i%31, i)
	}
	return string(b)
}

func jobDir(t testing.TB) string { return filepath.Join(t.TempDir(), "job") }

// in is a Config of a job in this process, base one of a job in two worker processes, over a folder of inputs.
func in(t testing.TB, inputs string) mapreduce.Config {
	return mapreduce.Config{Dir: jobDir(t), Inputs: []string{inputs}, Partitions: 3, Workers: 2, InProcess: true}
}

func base(t testing.TB, inputs string) mapreduce.Config {
	cfg := in(t, inputs)
	cfg.InProcess = false
	return cfg
}

func params(t testing.TB, p any) []byte {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rows reads a final dataset, all parts one after another.
func rows[R any](t testing.TB, dir, folder string) []R {
	t.Helper()
	files := mrtest.Tree(t, dir, folder)
	var all []R
	for _, name := range slices.Sorted(maps.Keys(files)) {
		d := json.NewDecoder(bytes.NewReader(files[name]))
		for {
			var r R
			err := d.Decode(&r)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			all = append(all, r)
		}
	}
	return all
}

func rejects(t testing.TB, dir string) []mapreduce.Reject {
	t.Helper()
	return rows[mapreduce.Reject](t, dir, "rejects")
}

// counted is the oracle of wordsJob.
func counted(text string) map[string]int64 {
	n := map[string]int64{}
	for w := range strings.FieldsSeq(strings.ToLower(text)) {
		n[w]++
	}
	return n
}

func checkCounts(t testing.TB, dir, text string) {
	t.Helper()
	got := map[string]int64{}
	for _, c := range rows[count](t, dir, "out/counts") {
		if _, twice := got[c.Word]; twice {
			t.Errorf("%q is there twice", c.Word)
		}
		got[c.Word] = c.Count
	}
	if want := counted(text); !maps.Equal(got, want) {
		t.Errorf("got %v, expected %v", got, want)
	}
}

// Whatever the rows, shards, batches and partitions: the counts are those of a loop over the text.
func TestWordsAsInMemory(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		lines := rapid.SliceOfN(rapid.StringMatching(`[a-d ]{0,8}`), 0, 60).Draw(r, "lines")
		files := rapid.IntRange(1, 3).Draw(r, "files")
		p := wordsParams{
			ShardRows: rapid.Int64Range(1, 30).Draw(r, "shard"), Batch: rapid.IntRange(1, 7).Draw(r, "batch"),
			NoCombine: rapid.Bool().Draw(r, "no combiner"),
		}
		contents := make([]string, files)
		for i, l := range lines {
			contents[i%files] += l + "\n"
		}
		cfg := in(t, mrtest.Inputs(t, contents...))
		cfg.Params, cfg.Partitions = params(t, p), rapid.IntRange(0, 4).Draw(r, "partitions")
		s := mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
		checkCounts(t, cfg.Dir, strings.Join(lines, "\n"))
		if s.Rows.Read != int64(len(lines)) || s.Rows.Mapped != s.Rows.Read {
			t.Errorf("%d lines, summary %+v", len(lines), s.Rows)
		}
	})
}

// The job with two streams, folders and a secondary sort does what a sort in memory does.
func TestRankAsInMemory(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var all []scored
	var b strings.Builder
	dropped, bad := int64(0), int64(0)
	for i := range 300 {
		v := scored{ID: fmt.Sprintf("id%d", rng.IntN(200)), Group: uint32(rng.IntN(5)), Score: float64(rng.IntN(40) - 4)}
		fmt.Fprintf(&b, "%s %d %g\n", v.ID, v.Group, v.Score)
		if v.Score < 0 {
			dropped++
		} else {
			all = append(all, v)
		}
		if i%50 == 0 {
			b.WriteString("nonsense\n")
			bad++
		}
	}
	cfg := base(t, mrtest.Inputs(t, b.String()))
	s := mrtest.Run(t, options(), rankJob(), cfg, mapreduce.ExitRejects)
	if s.Rows.Dropped["negative"] != dropped || s.Rows.Rejected != bad || s.Rows.Mapped != int64(len(all)) {
		t.Errorf("summary %+v, expected %d dropped and %d rejected", s.Rows, dropped, bad)
	}
	for g := range uint32(5) {
		want := slices.DeleteFunc(slices.Clone(all), func(v scored) bool { return v.Group != g })
		slices.SortStableFunc(want, func(a, b scored) int {
			if a.Score != b.Score {
				return int(b.Score - a.Score)
			}
			return strings.Compare(a.ID, b.ID)
		})
		for i := range want {
			want[i].Rank = int64(i) + 1
		}
		if got := rows[scored](t, cfg.Dir, fmt.Sprintf("out/ranked/group=%d", g)); !slices.Equal(got, want) {
			t.Errorf("group %d: got %v, expected %v", g, got, want)
		}
	}
	if got := rows[scored](t, cfg.Dir, "out/kept"); len(got) != len(all) {
		t.Errorf("%d rows kept, expected %d", len(got), len(all))
	}
}

// The same bytes for any number of workers, any memory, in process or not.
func TestSameBytes(t *testing.T) {
	mrtest.NoLeaks(t)
	for _, job := range []mapreduce.Job{wordsJob(), multiJob(), rankJob()} {
		t.Run(job.Name(), func(t *testing.T) {
			content := text(200)
			if job.Name() == "rank" {
				content = strings.Repeat("a 1 3\nb 2 4\nc 1 5\nd 1 -2\n", 40)
			}
			inputs := mrtest.Inputs(t, content, "")
			clean := in(t, inputs)
			mrtest.Run(t, options(), job, clean, mapreduce.ExitComplete)
			for _, workers := range []int{1, 2, 4} {
				cfg := base(t, inputs)
				cfg.Workers = workers
				cfg.WorkerMemory = 1 << 30 / int64(workers)
				mrtest.Run(t, options(), job, cfg, mapreduce.ExitComplete)
				mrtest.SameResults(t, clean.Dir, cfg.Dir)
				mrtest.NothingLeft(t, cfg.Dir)
			}
		})
	}
}

// The result does not depend on the number of partitions, apart from how it is spread over parts.
func TestPartitionsOnlySpread(t *testing.T) {
	content := text(200)
	for _, n := range []int{0, 1, 5, 40} {
		cfg := in(t, mrtest.Inputs(t, content))
		cfg.Partitions = n
		mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
		checkCounts(t, cfg.Dir, content)
		if got := len(mrtest.Tree(t, cfg.Dir, "out/counts")); got != max(1, n) {
			t.Errorf("%d parts, expected %d", got, max(1, n))
		}
	}
}

func TestNoRows(t *testing.T) {
	for _, job := range []mapreduce.Job{wordsJob(), rankJob(), multiJob()} {
		for _, inputs := range []string{mrtest.Inputs(t, ""), t.TempDir()} {
			cfg := in(t, inputs)
			cfg.MaxRejects = mapreduce.MaxRejects{Set: true}
			s := mrtest.Run(t, options(), job, cfg, mapreduce.ExitComplete)
			if s.Rows.Read != 0 || s.State != mapreduce.StateComplete {
				t.Errorf("%s: summary %+v", job.Name(), s)
			}
			if _, ok := mrtest.Results(t, cfg.Dir)["out/_SUCCESS"]; !ok {
				t.Errorf("%s: no results", job.Name())
			}
			mrtest.Run(t, options(), job, cfg, mapreduce.ExitComplete)
		}
	}
}

func TestLimit(t *testing.T) {
	content := text(100)
	first := strings.Join(strings.SplitAfter(content, "\n")[:33], "")
	cfg := in(t, mrtest.Inputs(t, content))
	cfg.Limit = 33
	s := mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
	checkCounts(t, cfg.Dir, first)
	if s.Rows.Read != 33 {
		t.Errorf("read %d rows", s.Rows.Read)
	}
}

// A row that the source cannot read is a reject with its file and line.
func TestRejectOfTheSource(t *testing.T) {
	cfg := in(t, mrtest.Inputs(t, "one\nbad \xff\ntwo\nthree\n"))
	s := mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitRejects)
	got := rejects(t, cfg.Dir)
	if len(got) != 1 || got[0].Line != 2 || got[0].Stage != "00-split" || got[0].Class != "bad-record" {
		t.Errorf("rejects %+v", got)
	}
	if s.Rows.Read != 4 || s.Rows.Rejected != 1 || s.Rows.Mapped != 3 {
		t.Errorf("summary %+v", s.Rows)
	}
}

// A stage that reads a dataset sees what the earlier stages made of all rows.
func TestStages(t *testing.T) {
	content := text(90)
	cfg := base(t, mrtest.Inputs(t, content))
	mrtest.Run(t, options(), multiJob(), cfg, mapreduce.ExitComplete)
	n := counted(content)
	want := map[string]int64{}
	for l := range strings.Lines(content) {
		for w := range strings.FieldsSeq(strings.ToLower(l)) {
			want["The"] += n[w]
		}
	}
	got := rows[count](t, cfg.Dir, "out/totals")
	if len(got) != 1 || got[0].Count != want["The"] {
		t.Errorf("got %v, expected %v", got, want)
	}
	if got := rows[weight](t, cfg.Dir, "out/lines"); len(got) != 90 || got[0].Text+"\n" != content[:strings.Index(content, "\n")+1] {
		t.Errorf("%d lines, first %+v", len(got), got[0])
	}
	for _, gone := range []string{"stages/00-split/data/shards", "stages/01-count/data/dict", "stages/02-weigh/data/weights", "stages/01-count/runs"} {
		if files := mrtest.Tree(t, cfg.Dir, gone); len(files) > 0 {
			t.Errorf("%s is still there", gone)
		}
	}
	for _, not := range []string{"out/dict", "out/weights", "out/shards"} {
		if _, err := os.Stat(filepath.Join(cfg.Dir, not)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", not, err)
		}
	}
}

func TestKeepIntermediate(t *testing.T) {
	cfg := in(t, mrtest.Inputs(t, text(40)))
	cfg.KeepIntermediate = true
	mrtest.Run(t, options(), multiJob(), cfg, mapreduce.ExitComplete)
	for _, kept := range []string{"stages/00-split/data/shards", "stages/01-count/data/dict", "stages/01-count/runs"} {
		if len(mrtest.Tree(t, cfg.Dir, kept)) == 0 {
			t.Errorf("%s is gone", kept)
		}
	}
	cfg.KeepIntermediate = false
	mrtest.Run(t, options(), multiJob(), cfg, mapreduce.ExitComplete)
	if files := mrtest.Tree(t, cfg.Dir, "stages/00-split/data", "stages/01-count/runs"); len(files) > 0 {
		t.Errorf("%d files are left", len(files))
	}
}

// A job that is complete is looked at, and nothing runs again.
func TestCompleteAgain(t *testing.T) {
	cfg := base(t, mrtest.Inputs(t, text(60)))
	mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
	before, started := mrtest.Results(t, cfg.Dir), mrtest.Started(mrtest.Events(t, cfg.Dir))
	s := mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
	mrtest.SameFiles(t, before, mrtest.Results(t, cfg.Dir))
	if again := mrtest.Started(mrtest.Events(t, cfg.Dir)); !maps.Equal(started, again) {
		t.Errorf("attempts %v became %v", started, again)
	}
	if s.Rows.Read != 60 || len(s.Datasets) != 1 || s.Stages[1].Reused != s.Stages[1].Tasks {
		t.Errorf("summary %+v", s)
	}
}

// A worker goes on while what it has made is committed.
func TestWorkersDoNotWaitForCommits(t *testing.T) {
	cfg := in(t, mrtest.Inputs(t, text(200)))
	cfg.Workers = 1
	var points []string
	cfg.Hook = func(p string) {
		points = append(points, p)
	}
	mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
	at := func(point string) int {
		n := slices.Index(points, point)
		if n < 0 {
			t.Fatalf("%s is missing in %v", point, points)
		}
		return n
	}
	for n := range 9 {
		id, next := fmt.Sprintf("01-count/map-%06d", n), fmt.Sprintf("01-count/map-%06d", n+1)
		if at("start:"+next) > at("committed:"+id) {
			t.Errorf("%s waits for %s", next, id)
		}
	}
	if at("start:01-count/reduce-000000") < at("committed:01-count/map-000009") {
		t.Error("a reduce does not wait for a map")
	}
	checkCounts(t, cfg.Dir, text(200))
}

func TestResumeByDirectory(t *testing.T) {
	cfg := in(t, mrtest.Inputs(t, text(60)))
	cfg.Limit = 50
	ctx, cancel := context.WithCancel(t.Context())
	cfg.Hook = func(p string) {
		if p == "committed:01-count/map-000001" {
			cancel()
		}
	}
	s, err := mapreduce.Run(ctx, options(), wordsJob(), cfg)
	mrtest.Code(t, s, err, mapreduce.ExitInterrupted)
	if s.State != mapreduce.StateInterrupted {
		t.Errorf("state %s", s.State)
	}
	s, err = mapreduce.Resume(t.Context(), options(), []mapreduce.Job{rankJob(), wordsJob()}, mapreduce.Config{Dir: cfg.Dir, InProcess: true})
	mrtest.Code(t, s, err, mapreduce.ExitComplete)
	if s.Rows.Read != 50 {
		t.Errorf("read %d rows", s.Rows.Read)
	}
	_, err = mapreduce.Resume(t.Context(), options(), []mapreduce.Job{rankJob()}, mapreduce.Config{Dir: cfg.Dir})
	mrtest.Code(t, s, err, mapreduce.ExitNoJob)
}
