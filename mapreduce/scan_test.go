package mapreduce_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// numbersOf makes n lines of numbers of different lengths. Every tenth is none.
func numbersOf(n int) string {
	rng := rand.New(rand.NewPCG(uint64(n), 7))
	var b []byte
	for i := range n {
		switch {
		case i%10 == 9:
			b = append(b, "none\n"...)
		case i%17 == 5:
			b = append(b, '\n')
		default:
			b = fmt.Appendf(b, "%d\n", rng.Int64N(1<<uint(rng.IntN(50)+1)))
		}
	}
	return string(b)
}

// lineFile is an input of the job "numbers".
type lineFile struct{ name, text string }

func filesIn(dir string, texts ...string) (files []lineFile) {
	for i, s := range texts {
		files = append(files, lineFile{filepath.Join(dir, string(rune('a'+i))+".txt"), s})
	}
	return files
}

// linesOf is the oracle of numbersJob: its rows, and the lines that cannot be read.
func linesOf(files []lineFile, limit int) (good, bad []number) {
	for _, f := range files {
		for i, text := range strings.SplitAfter(f.text, "\n") {
			n := number{f.name, int64(i) + 1, strings.TrimSuffix(text, "\n")}
			switch {
			case text == "" || limit > 0 && len(good)+len(bad) == limit:
			case strings.Contains(text, "\xff"):
				bad = append(bad, n)
			default:
				good = append(good, n)
			}
		}
	}
	return good, bad
}

func sumsOf(lines []number) map[string]int64 {
	sums := map[string]int64{}
	for _, l := range lines {
		if v, err := strconv.ParseInt(l.Text, 10, 64); err == nil {
			sums[fmt.Sprint(v%10)] += v
		}
	}
	return sums
}

// checkNumbers compares the results of a job with what they are to be.
func checkNumbers(t testing.TB, dir string, good, bad []number) {
	t.Helper()
	if got := rows[number](t, dir, "out/kept"); !slices.Equal(got, good) {
		t.Errorf("%d rows, expected %d:\n%v\n%v", len(got), len(good), got, good)
	}
	want := sumsOf(good)
	for _, c := range rows[count](t, dir, "out/sums") {
		if n, ok := want[c.Word]; !ok || n != c.Count {
			t.Errorf("sum of %s: %d, expected %d", c.Word, c.Count, n)
		}
		delete(want, c.Word)
	}
	if len(want) > 0 {
		t.Errorf("no sums of %v", want)
	}
	var got []number
	for _, r := range rejects(t, dir) {
		got = append(got, number{r.Input, r.Line, r.Record})
	}
	if len(got) != len(bad) {
		t.Errorf("rejects %v, expected %v", got, bad)
	}
	for i := range got {
		if got[i].File != bad[i].File || got[i].Line != bad[i].Line {
			t.Errorf("reject %v, expected %v", got[i], bad[i])
		}
	}
}

// numbersModes are all ways to read the input.
func numbersModes(bytes int64) map[string]numbersParams {
	return map[string]numbersParams{
		"in place":          {InPlace: true, Bytes: bytes},
		"shards":            {Bytes: bytes},
		"in place, unknown": {InPlace: true, Bytes: bytes, Whole: "unknown"},
		"shards, unknown":   {Bytes: bytes, Whole: "unknown"},
		"in place, chunks":  {InPlace: true, Bytes: bytes, Whole: "chunks"},
		"shards, chunks":    {Bytes: bytes, Whole: "chunks"},
	}
}

// Wherever ranges begin and end, and whatever the limit: the rows are those of the files, in order, each with its line.
func TestScanAsInMemory(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		texts := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) string {
			lines := rapid.SliceOfN(rapid.SampledFrom([]string{"", "7", "12", "345", "none", "\xff", "1234567890123"}), 0, 12).Draw(r, "lines")
			text := strings.Join(lines, "\n")
			if len(lines) > 0 && (lines[len(lines)-1] == "" || rapid.Bool().Draw(r, "ended")) {
				text += "\n"
			}
			return text
		}), 1, 3).Draw(r, "files")
		size := rapid.SampledFrom([]int64{1, 2, 3, 5, 8, 40, 1000}).Draw(r, "bytes")
		names := slices.Sorted(func(yield func(string) bool) {
			for n := range numbersModes(0) {
				if !yield(n) {
					return
				}
			}
		})
		p := numbersModes(size)[rapid.SampledFrom(names).Draw(r, "mode")]
		if p.Whole == "chunks" {
			for i := range texts { // chunks are of whole lines
				if !strings.HasSuffix(texts[i], "\n") && texts[i] != "" {
					texts[i] += "\n"
				}
			}
		}
		dir := mrtest.Inputs(t, texts...)
		cfg := in(t, dir)
		cfg.Params, cfg.MaxRejects = params(t, p), maxRejects(t, "100%")
		cfg.Limit = rapid.Int64Range(0, 30).Draw(r, "limit")
		good, bad := linesOf(filesIn(dir, texts...), int(cfg.Limit))
		code := mapreduce.ExitComplete
		if len(bad) > 0 {
			code = mapreduce.ExitRejects
		}
		s := mrtest.Run(t, options(), numbersJob(), cfg, code)
		checkNumbers(t, cfg.Dir, good, bad)
		if s.Rows.Read != int64(len(good)+len(bad)) || s.Rows.Rejected != int64(len(bad)) ||
			s.Rows.Mapped+s.Rows.Dropped["no number"] != int64(len(good)) {
			t.Errorf("%d and %d lines, summary %+v", len(good), len(bad), s.Rows)
		}
		if t.Failed() {
			r.Fatalf("params %+v, limit %d, texts %q", p, cfg.Limit, texts)
		}
	})
}

// Workers, their number and what dies do not show in the results, and each way to read has the same sums.
func TestScanSameBytes(t *testing.T) {
	texts := []string{numbersOf(150), "", numbersOf(40)}
	dir := mrtest.Inputs(t, texts...)
	good, _ := linesOf(filesIn(dir, texts...), 0)
	var sums map[string][]byte
	for name, p := range numbersModes(200) {
		t.Run(name, func(t *testing.T) {
			one := in(t, dir)
			one.Params, one.Workers = params(t, p), 1
			s := mrtest.Run(t, options(), numbersJob(), one, mapreduce.ExitComplete)
			checkNumbers(t, one.Dir, good, nil)
			if s.Stages[0].Name != "00-scan" || s.Stages[0].Tasks == 0 {
				t.Errorf("stages %+v", s.Stages)
			}
			if got := mrtest.Tree(t, one.Dir, "out/sums"); sums == nil {
				sums = got
			} else {
				mrtest.SameFiles(t, sums, got)
			}
			for _, workers := range []int{2, 4} {
				cfg := base(t, dir)
				cfg.Params, cfg.Workers = one.Params, workers
				mrtest.Run(t, options(), numbersJob(), cfg, mapreduce.ExitComplete)
				mrtest.SameResults(t, one.Dir, cfg.Dir)
				mrtest.NothingLeft(t, cfg.Dir)
			}
		})
	}
}

// A row that kills the process costs that row, in place as with shards; what cannot be read is a reject at its own place.
func TestScanPoison(t *testing.T) {
	texts := []string{numbersOf(30) + "!panic\n" + numbersOf(20), "!reject\n\xff\n" + numbersOf(50) + "\xff\n!segv"}
	dir := mrtest.Inputs(t, texts...)
	var good, bad []number
	lines, unread := linesOf(filesIn(dir, texts...), 0)
	for _, n := range lines {
		if strings.HasPrefix(n.Text, "!") {
			bad = append(bad, n)
		} else {
			good = append(good, n)
		}
	}
	for name, p := range numbersModes(150) {
		if p.Whole == "chunks" {
			continue // the last line has no end
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := base(t, dir)
			cfg.Params = params(t, p)
			mrtest.Run(t, options(), numbersJob(), cfg, mapreduce.ExitRejects)
			want := slices.Concat(bad, unread)
			wantClass := map[string]string{"!panic": "crash", "!segv": "crash"}
			for _, r := range rejects(t, cfg.Dir) {
				i := slices.IndexFunc(want, func(n number) bool { return n.File == r.Input && n.Line == r.Line })
				if i < 0 {
					t.Fatalf("reject %+v", r)
				}
				if c := wantClass[want[i].Text]; c != "" && r.Class != c {
					t.Errorf("reject %+v, expected class %s", r, c)
				}
				want = slices.Delete(want, i, i+1)
			}
			if len(want) > 0 {
				t.Errorf("not rejected: %v", want)
			}
			if got := rows[number](t, cfg.Dir, "out/kept"); !slices.Equal(got, good) {
				t.Errorf("%d rows, expected %d", len(got), len(good))
			}
		})
	}
}

// The ordinals of rejects count all rows of the task, good or bad.
func TestScanOrdinals(t *testing.T) {
	dir := mrtest.Inputs(t, "1\n\xff\n2\n!reject\n", "3\n4\n\xff\n")
	cfg := in(t, dir)
	cfg.Params = params(t, numbersParams{InPlace: true, Bytes: 1 << 20})
	mrtest.Run(t, options(), numbersJob(), cfg, mapreduce.ExitRejects)
	var got []string
	for _, r := range rejects(t, cfg.Dir) {
		got = append(got, fmt.Sprint(r.Stage, " ", r.Task, " ", r.Ordinal, " ", filepath.Base(r.Input), ":", r.Line))
	}
	want := []string{"01-sum map-000000 1 a.txt:2", "01-sum map-000000 3 a.txt:4", "01-sum map-000000 6 b.txt:3"}
	if !slices.Equal(got, want) {
		t.Errorf("rejects %q, expected %q", got, want)
	}
}

// A driver that is killed at any of its points leaves a job directory that the next one completes.
func TestKillScanAtPoints(t *testing.T) {
	texts := []string{numbersOf(25), numbersOf(8) + "!reject\n"}
	dir := mrtest.Inputs(t, texts...)
	for name, c := range map[string]struct {
		numbersParams
		step int // in the interest of time
	}{
		"in place": {numbersParams{InPlace: true, Bytes: 80}, 2},
		"shards":   {numbersParams{Bytes: 80}, 5},
		"chunks":   {numbersParams{InPlace: true, Bytes: 20, Whole: "chunks"}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := in(t, dir)
			cfg.Params, cfg.Partitions = params(t, c.numbersParams), 2
			points := mrtest.Points(t, options(), numbersJob(), cfg, mapreduce.ExitRejects)
			if !slices.Contains(points, "committed:00-scan/scan-000001") {
				t.Errorf("points %q", points)
			}
			points = someOf(points, c.step)
			mrtest.Driver{Job: "numbers", Config: cfg, Code: mapreduce.ExitRejects}.Walk(t, cfg.Dir, points)
		})
	}
}

func TestKillScanAtRandom(t *testing.T) {
	rng := seed(t)
	cfg := base(t, mrtest.Inputs(t, numbersOf(300)+"!panic\n", numbersOf(100)))
	cfg.Params = params(t, numbersParams{InPlace: true, Bytes: 400})
	start := time.Now()
	mrtest.Run(t, options(), numbersJob(), cfg, mapreduce.ExitRejects)
	killAtRandom(t, rng, mrtest.Driver{Job: "numbers", Config: cfg, Code: mapreduce.ExitRejects}, time.Since(start))
}

// An input that changes between scan and map ends the job 4 and is named; put back, the job goes on.
func TestScannedInputChanges(t *testing.T) {
	text := numbersOf(100)
	other := strings.Replace(text, "none", "NONE", 3)
	for _, c := range []struct {
		name, point, to string
		params          numbersParams
		code            int
	}{
		{"in place", "planned:01-sum", other, numbersParams{InPlace: true, Bytes: 200}, mapreduce.ExitInput},
		{"in place, longer", "planned:01-sum", text + "1\n", numbersParams{InPlace: true, Bytes: 200}, mapreduce.ExitInput},
		{"in place, shorter", "planned:01-sum", text[:len(text)-1], numbersParams{InPlace: true, Bytes: 200}, mapreduce.ExitInput},
		{"in place, whole", "planned:01-sum", other, numbersParams{InPlace: true, Whole: "unknown"}, mapreduce.ExitInput},
		{"in place, chunks", "planned:01-sum", other, numbersParams{InPlace: true, Bytes: 20, Whole: "chunks"}, mapreduce.ExitInput},
		{"in place, chunks, touched", "planned:01-sum", text, numbersParams{InPlace: true, Bytes: 20, Whole: "chunks"}, mapreduce.ExitComplete},
		{"in place, touched", "planned:01-sum", text, numbersParams{InPlace: true, Bytes: 200}, mapreduce.ExitComplete},
		{"shards", "planned:01-split", other, numbersParams{Bytes: 200}, mapreduce.ExitInput},
		{"shards are made", "planned:02-sum", other, numbersParams{Bytes: 200}, mapreduce.ExitComplete},
		{"longer before the scan", "planned:00-scan", text + "1\n", numbersParams{InPlace: true, Bytes: 200}, mapreduce.ExitInput},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := mrtest.Inputs(t, numbersOf(20), text)
			file := filepath.Join(dir, "b.txt")
			cfg := in(t, dir)
			cfg.Params = params(t, c.params)
			cfg.Hook = func(p string) {
				if p == c.point {
					replace(t, file, c.to)
				}
			}
			s, err := mapreduce.Run(t.Context(), options(), numbersJob(), cfg)
			mrtest.Code(t, s, err, c.code)
			if c.code != mapreduce.ExitComplete && !strings.Contains(err.Error(), file) {
				t.Errorf("error %v does not name the file", err)
			}
			cfg.Hook = nil
			replace(t, file, text)
			mrtest.Run(t, options(), numbersJob(), cfg, mapreduce.ExitComplete)
			good, _ := linesOf(filesIn(dir, numbersOf(20), text), 0)
			checkNumbers(t, cfg.Dir, good, nil)
			if n := mrtest.Started(mrtest.Events(t, cfg.Dir))["00-scan/scan-000000"]; n != 1 {
				t.Errorf("the first range was scanned %d times", n)
			}
		})
	}
}

// replace writes a file again, at another time than before.
func replace(t *testing.T, file, text string) {
	t.Helper()
	mrtest.Write(t, file, []byte(text))
	if err := os.Chtimes(file, time.Time{}, time.Now().Add(time.Duration(rand.IntN(1e6)+1)*time.Second)); err != nil {
		t.Fatal(err)
	}
}

// A driver that goes on compares inputs whose size or time differs with what was scanned, range by range.
func TestScannedInputChangedAtResume(t *testing.T) {
	text := numbersOf(100)
	for _, c := range []struct {
		name, point, to string
		check, asDir    bool
		code            int
	}{
		{"touched", "start:01-sum/map-000001", text, false, false, mapreduce.ExitComplete},
		{"same size", "start:01-sum/map-000001", strings.Replace(text, "none", "NONE", 1), false, false, mapreduce.ExitInput},
		{"in the middle of the scan", "start:00-scan/scan-000002", strings.Replace(text, "none", "NONE", 1), false, false, mapreduce.ExitInput},
		{"where it was not scanned yet", "start:00-scan/scan-000001", text[:len(text)-6] + "NONE\n\n", false, false, mapreduce.ExitComplete},
		{"longer", "start:01-sum/map-000001", text + "1\n", false, false, mapreduce.ExitInput},
		{"gone", "start:01-sum/map-000001", "", false, false, mapreduce.ExitInput},
		{"gone, all read", "finish", "", false, false, mapreduce.ExitComplete},
		{"in a folder, all read", "finish", text + "1\n", false, true, mapreduce.ExitComplete},
		{"in a folder, checked", "finish", text + "1\n", true, true, mapreduce.ExitInput},
		{"in a folder, checked, equal", "finish", text, true, true, mapreduce.ExitComplete},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := mrtest.Inputs(t, text)
			file := filepath.Join(dir, "a.txt")
			cfg := in(t, file)
			if c.asDir {
				cfg.Inputs = []string{dir}
			}
			cfg.Workers, cfg.Params = 1, params(t, numbersParams{InPlace: true, Bytes: 200})
			interrupted(t, numbersJob(), cfg, c.point)
			if c.to == "" {
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
			} else {
				replace(t, file, c.to)
			}
			cfg.CheckContent = c.check
			s, err := mapreduce.Run(t.Context(), options(), numbersJob(), cfg)
			mrtest.Code(t, s, err, c.code)
			if c.code != mapreduce.ExitComplete && !strings.Contains(err.Error(), "a.txt") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// Whatever is lost or damaged is made again, and nothing else is.
func TestScanDamage(t *testing.T) {
	dir := mrtest.Inputs(t, numbersOf(60))
	one := "00-scan/scan-000001"
	for _, c := range []struct {
		params numbersParams
		point  string // "": after the end
		files  string
		again  []string // nil: not looked at
	}{
		{numbersParams{InPlace: true, Bytes: 150}, "", "stages/00-scan/tasks/scan-000001.json", []string{one}},
		{numbersParams{Bytes: 150}, "", "stages/00-scan/tasks/scan-000001.json", []string{one}},
		{numbersParams{InPlace: true, Bytes: 150}, "", "stages/00-scan/DONE.json", []string{}},
		{numbersParams{InPlace: true, Bytes: 150}, "", "stages/01-sum/tasks/map-000000.json", nil},
		{numbersParams{InPlace: true, Bytes: 150}, "", "stages/01-sum/plan.json", nil},
		{numbersParams{InPlace: true, Bytes: 150}, "", "stages/00-scan/plan.json", nil},
		{numbersParams{Bytes: 150}, "", "stages/01-split/plan.json", nil},
		{numbersParams{Bytes: 150}, "", "stages/01-split/tasks/split-000001.json", nil},
		{numbersParams{Bytes: 150}, "planned:02-sum", "stages/01-split/data/shards/split-000001.*", nil},
		{numbersParams{InPlace: true, Bytes: 150}, "start:01-sum/reduce-000001", "stages/01-sum/runs/map-000001.*", nil},
		{numbersParams{InPlace: true, Bytes: 150}, "finish", "stages/01-sum/data/kept/map-000001.*", nil},
	} {
		for name, damage := range damages() {
			t.Run(name+" "+strings.ReplaceAll(c.files, "/", "|"), func(t *testing.T) {
				t.Parallel()
				clean, cfg := in(t, dir), in(t, dir)
				clean.Params, cfg.Params = params(t, c.params), params(t, c.params)
				mrtest.Run(t, options(), numbersJob(), clean, mapreduce.ExitComplete)
				hit := c.point == ""
				cfg.Hook = func(p string) {
					if p == c.point && !hit {
						hit = true
						spoil(t, cfg.Dir, c.files, damage)
					}
				}
				mrtest.Run(t, options(), numbersJob(), cfg, mapreduce.ExitComplete)
				if c.point == "" {
					before := mrtest.Started(mrtest.Events(t, cfg.Dir))
					spoil(t, cfg.Dir, c.files, damage)
					mrtest.Run(t, options(), numbersJob(), cfg, mapreduce.ExitComplete)
					if again := ranAgain(t, cfg.Dir, before); c.again != nil && !slices.Equal(again, c.again) {
						t.Errorf("ran again: %q, expected %q", again, c.again)
					}
				}
				if !hit {
					t.Fatal("the point was not passed")
				}
				mrtest.SameResults(t, clean.Dir, cfg.Dir)
				mrtest.NothingLeft(t, cfg.Dir)
			})
		}
	}
}

func TestScanRerun(t *testing.T) {
	dir := mrtest.Inputs(t, numbersOf(60))
	maps := []string{"01-sum/map-000000", "01-sum/map-000001", "01-sum/map-000002", "01-sum/map-000003"}
	reduces := []string{"01-sum/reduce-000000", "01-sum/reduce-000001", "01-sum/reduce-000002"}
	for _, c := range []struct {
		rerun mapreduce.Rerun
		want  []string
	}{
		{mapreduce.Rerun{From: "reduce"}, slices.Concat(maps, reduces)},
		{mapreduce.Rerun{Task: "01-sum/map-000001"}, slices.Concat(maps, reduces)},
		{mapreduce.Rerun{Task: "00-scan/scan-000001"}, slices.Concat([]string{"00-scan/scan-000001"}, maps, reduces)},
		{mapreduce.Rerun{Rejected: true}, nil},
	} {
		cfg := in(t, dir)
		cfg.Params = params(t, numbersParams{InPlace: true, Bytes: 150})
		mrtest.Run(t, options(), numbersJob(), cfg, mapreduce.ExitComplete)
		clean, before := mrtest.Results(t, cfg.Dir), mrtest.Started(mrtest.Events(t, cfg.Dir))
		cfg.Rerun = c.rerun
		mrtest.Run(t, options(), numbersJob(), cfg, mapreduce.ExitComplete)
		if got := ranAgain(t, cfg.Dir, before); !slices.Equal(got, c.want) {
			t.Errorf("%+v: ran again: %q, expected %q", c.rerun, got, c.want)
		}
		mrtest.SameFiles(t, clean, mrtest.Results(t, cfg.Dir))
	}
}

// In place the tasks with rejects run again; what has passed since is among the results.
func TestScanRerunRejected(t *testing.T) {
	marker := filepath.Join(lowerDir(t), "once")
	texts := numbersOf(30) + "!reject:" + marker + "\n\xff\n"
	dir := mrtest.Inputs(t, texts)
	cfg := in(t, dir)
	cfg.Params = params(t, numbersParams{InPlace: true, Bytes: 1 << 20})
	mrtest.Run(t, options(), numbersJob(), cfg, mapreduce.ExitRejects)
	cfg.Rerun = mapreduce.Rerun{Rejected: true}
	mrtest.Run(t, options(), numbersJob(), cfg, mapreduce.ExitRejects)
	good, bad := linesOf(filesIn(dir, texts), 0)
	checkNumbers(t, cfg.Dir, good, bad)
}

// The status of a job in place and of one with shards tells all stages and counts rows once.
func TestScanStatus(t *testing.T) {
	dir := mrtest.Inputs(t, numbersOf(40)+"\xff\n!reject\n")
	for _, p := range []numbersParams{{InPlace: true, Bytes: 150}, {Bytes: 150}} {
		cfg := in(t, dir)
		cfg.Params = params(t, p)
		s := mrtest.Run(t, options(), numbersJob(), cfg, mapreduce.ExitRejects)
		st, err := mapreduce.ReadStatus(cfg.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if st.Rows.Read != 42 || st.Rows.Mapped != s.Rows.Mapped || st.Rows.Rejected != 2 || s.Rows.Read != 42 || s.Rows.Rejected != 2 {
			t.Errorf("status %+v, summary %+v", st.Rows, s.Rows)
		}
		var got []string
		for _, stage := range st.Stages {
			got = append(got, fmt.Sprint(stage.Name, " ", stage.Tasks[0].Kind, " ", stage.Rows, "/", stage.Total))
		}
		want := []string{"00-scan scan 0/0", "01-sum map 42/42"}
		if !p.InPlace {
			want = []string{"00-scan scan 0/0", "01-split split 42/42", "02-sum map 41/41"}
		}
		if !slices.Equal(got, want) || !st.Complete() {
			t.Errorf("stages %q, expected %q", got, want)
		}
	}
}

// When too many rows are rejected the job stops, however they are read.
func TestScanGate(t *testing.T) {
	dir := mrtest.Inputs(t, strings.Repeat("1\n\xff\n", 2000))
	for _, p := range []numbersParams{{InPlace: true, Bytes: 500}, {Bytes: 500}} {
		cfg := in(t, dir)
		cfg.Params, cfg.MaxRejects = params(t, p), maxRejects(t, "40%")
		gated(t, numbersJob(), cfg)
		if n := len(mrtest.Tree(t, cfg.Dir, "out", "held")); n > 0 {
			t.Errorf("%+v: it ran to its end", p)
		}
	}
}

// A source whose ranges do not hold the rows that it said is a bug, and found.
func TestScanMiscounts(t *testing.T) {
	for _, inPlace := range []bool{true, false} {
		cfg := in(t, mrtest.Inputs(t, numbersOf(30)))
		cfg.Params = params(t, numbersParams{InPlace: inPlace, Bytes: 100, Wrong: true})
		s, err := mapreduce.Run(t.Context(), options(), numbersJob(), cfg)
		mrtest.Code(t, s, err, mapreduce.ExitFailed)
		if !strings.Contains(err.Error(), "accounting") {
			t.Errorf("error %v", err)
		}
	}
}
