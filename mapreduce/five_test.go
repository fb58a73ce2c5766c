package mapreduce_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// fiveJob has five stages, as a job has that first makes dictionaries: 00-scan, and 01-split, whose rows go into two combined
// streams that make the side datasets texts (in one partition) and digits; 02-look maps shards and reads texts; 03-weigh maps
// what that made, and reads texts and digits; 04-end maps texts, and reads what 02 and 03 made. Lines that begin with "#" are
// dropped by the split, "^KIND" is an act while the split has it emit, "~KIND" one while it writes it to a shard, "=KIND" one
// while it looks for the partition of what that emitted, and "!KIND" one in 02-look. "@KIND" is one in 03-weigh, and "%KIND" in the reduce of the split.
func fiveJob() mapreduce.Job { return jobOfFive("five", func(*five) {}) }

// looseJob is fiveJob with a stream that is not combined: its pairs are sent on batch by batch.
func looseJob() mapreduce.Job {
	return jobOfFive("loose", func(f *five) { f.byDigit.Combine = nil })
}

func jobOfFive(name string, change func(*five)) mapreduce.Job {
	return mapreduce.New(name, 1, numbersParams{Bytes: 200}, func(p numbersParams) ([]mapreduce.Stage, error) {
		f := newFive()
		change(f)
		src := numberSource(p)
		f.emits(src)
		look := mapreduce.NewStage("look", src, 4, f.look, f.pairs)
		look.Reads = []mapreduce.Port{&f.texts}
		weigh := mapreduce.NewStage("weigh", &f.sums, 3, f.weigh, &f.weighed, &f.middle)
		weigh.Reads = []mapreduce.Port{&f.texts, &f.digits}
		end := mapreduce.NewStage("end", &f.texts, 3, f.end, &f.ends)
		end.Reads = []mapreduce.Port{&f.sums, &f.middle}
		return []mapreduce.Stage{look, weigh, end}, nil
	})
}

// five are the streams and datasets of the job "five".
type five struct {
	texts, digits, sums, middle mapreduce.Dataset[count] // side datasets
	weighed, ends               mapreduce.Dataset[count]

	byText, byDigit, pairs *mapreduce.Stream[string, int64]
}

func newFive() *five {
	f := &five{
		texts: jsonl[count]("texts"), digits: jsonl[count]("digits"), sums: jsonl[count]("sums"), middle: jsonl[count]("middle"),
		weighed: jsonl[count]("weighed"), ends: jsonl[count]("ends"),
	}
	for _, d := range []*mapreduce.Dataset[count]{&f.texts, &f.digits, &f.sums, &f.middle} {
		d.Side = true
	}
	f.byText, f.byDigit, f.pairs = wordStream("texts", &f.texts), wordStream("digits", &f.digits), wordStream("pairs", &f.sums)
	f.byText.Partitions, f.byDigit.Partitions, f.pairs.Partitions = 1, 2, 2
	f.byDigit.Partition = func(context.Context, *mapreduce.Env) (func([]byte, int) int, error) {
		return func(group []byte, n int) int {
			if kind, ok := strings.CutPrefix(string(group), "="); ok {
				_ = act(kind)
			}
			return mapreduce.PartitionOf(group, n)
		}, nil
	}
	return f
}

func lastDigit(text string) string { return text[max(0, len(text)-1):] }

// emits has the source drop comments, and emit the texts of all other lines.
func (f *five) emits(src *mapreduce.Source[number]) {
	src.Writes = []mapreduce.Port{f.byText, f.byDigit}
	src.Emit = func(n *number, out *mapreduce.Out) {
		if strings.HasPrefix(n.Text, "#") {
			out.Drop(0, "comment")
			return
		}
		f.byText.Emit(out, 0, n.Text, 1)
		if kind, ok := strings.CutPrefix(n.Text, "^"); ok {
			_ = act(kind) // it returns only where it is done once
		}
		digit := lastDigit(n.Text)
		if strings.HasPrefix(n.Text, "=") {
			digit = n.Text
		}
		f.byDigit.Emit(out, 0, digit, 1)
		if n.Text == "bad" { // after it has emitted
			out.Reject(0, errTest)
		}
	}
	create := src.Shards.Create
	src.Shards.Create = func(env *mapreduce.Env, w io.Writer) (mapreduce.Sink[number], error) {
		s, err := create(env, w)
		return actingSink{s}, err
	}
}

// actingSink acts when it writes some rows.
type actingSink struct{ mapreduce.Sink[number] }

func (s actingSink) Write(n number) error {
	if kind, ok := strings.CutPrefix(n.Text, "~"); ok {
		_ = act(kind)
	}
	return s.Sink.Write(n)
}

func (f *five) look(_ context.Context, env *mapreduce.Env) (mapreduce.Mapper[number], error) {
	texts, err := readDict(env, &f.texts)
	return mapreduce.MapFunc[number](func(_ context.Context, i int, n *number, out *mapreduce.Out) error {
		if texts[n.Text] == 0 && !strings.HasPrefix(n.Text, "%") {
			return fmt.Errorf("%q is not among the texts", n.Text)
		}
		f.pairs.Emit(out, i, lastDigit(n.Text)+"/"+n.Text, texts[n.Text])
		if kind, ok := strings.CutPrefix(n.Text, "!"); ok {
			return act(kind)
		}
		return nil
	}), err
}

func (f *five) weigh(_ context.Context, env *mapreduce.Env) (mapreduce.Mapper[count], error) {
	texts, err := readDict(env, &f.texts)
	digits, err2 := readDict(env, &f.digits)
	return mapreduce.MapFunc[count](func(_ context.Context, i int, c *count, out *mapreduce.Out) error {
		digit, text, _ := strings.Cut(c.Word, "/")
		w := count{text, c.Count + 1000*digits[digit] + 1_000_000*texts[text]}
		f.weighed.Write(out, i, w)
		f.middle.Write(out, i, w)
		if kind, ok := strings.CutPrefix(text, "@"); ok {
			return act(kind)
		}
		return nil
	}), errors.Join(err, err2)
}

func (f *five) end(_ context.Context, env *mapreduce.Env) (mapreduce.Mapper[count], error) {
	sums, err := readDict(env, &f.sums)
	middle, err2 := readDict(env, &f.middle)
	return mapreduce.MapFunc[count](func(_ context.Context, i int, c *count, out *mapreduce.Out) error {
		if strings.HasPrefix(c.Word, "!") { // which may be a reject of 02-look
			return nil
		}
		f.ends.Write(out, i, count{c.Word, sums[lastDigit(c.Word)+"/"+c.Word] + middle[c.Word]})
		return nil
	}), errors.Join(err, err2)
}

// wantFive is what the job gives for lines without poison.
func wantFive(texts []string) (ends []count, dropped int64) {
	byText, byDigit := map[string]int64{}, map[string]int64{}
	for _, s := range texts {
		if strings.HasPrefix(s, "#") {
			dropped++
			continue
		}
		byText[s]++
		byDigit[lastDigit(s)]++
	}
	for s, n := range byText {
		ends = append(ends, count{s, 2*n*n + 1000*byDigit[lastDigit(s)] + 1_000_000*n})
	}
	slices.SortFunc(ends, func(a, b count) int { return cmp.Compare(a.Word, b.Word) })
	return ends, dropped
}

// fiveLines are lines of the job, of which some are dropped.
func fiveLines(n int) (lines []string) {
	for i := range n {
		s := strconv.Itoa(i * i % 97)
		if i%13 == 4 {
			s = "# " + s
		}
		lines = append(lines, s)
	}
	return lines
}

func fiveInputs(t *testing.T, lines ...[]string) string {
	t.Helper()
	texts := make([]string, len(lines))
	for i, l := range lines {
		texts[i] = strings.Join(l, "\n") + "\n"
	}
	return mrtest.Inputs(t, texts...)
}

// Five stages give what they are to give, in the same bytes for any number of workers, however the files are read.
func TestFiveStages(t *testing.T) {
	a, b := fiveLines(150), fiveLines(60)
	inputs := fiveInputs(t, a, b)
	want, dropped := wantFive(slices.Concat(a, b))
	for name, p := range numbersModes(200) {
		if p.InPlace {
			continue
		}
		t.Run(name, func(t *testing.T) {
			one := base(t, inputs)
			one.Params, one.Workers = params(t, p), 1
			s := mrtest.Run(t, options(), fiveJob(), one, mapreduce.ExitComplete)
			if got := rows[count](t, one.Dir, "out/ends"); !slices.Equal(got, want) {
				t.Errorf("%v, expected %v", got, want)
			}
			if r := s.Rows; r.Read != 210 || r.Mapped != 210-dropped || r.Dropped["comment"] != dropped || r.Rejected != 0 {
				t.Errorf("%+v", r)
			}
			sound(t, one.Dir)
			for _, workers := range []int{2, 4} {
				cfg := base(t, inputs)
				cfg.Params, cfg.Workers = one.Params, workers
				mrtest.Run(t, options(), fiveJob(), cfg, mapreduce.ExitComplete)
				mrtest.SameResults(t, one.Dir, cfg.Dir)
				mrtest.NothingLeft(t, cfg.Dir)
			}
		})
	}
}

// sound fails the test if verify finds anything.
func sound(t *testing.T, dir string) {
	t.Helper()
	for _, f := range findings(t, dir, fiveJob(), looseJob()) {
		if !f.OK {
			t.Errorf("%s: %v", f.Check, f.Problems)
		}
	}
}

// sides lists the datasets below stages/ that are there.
func sides(t *testing.T, dir string) string {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(dir, "stages", "*", "data", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range folders {
		names = append(names, filepath.Base(f))
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// A side dataset is there as long as a later stage maps it or reads it, and no longer.
func TestSideDatasetsStay(t *testing.T) {
	inputs := fiveInputs(t, fiveLines(100))
	want := map[string]string{
		"start:02-look/map-000000":  "digits shards texts",
		"start:03-weigh/map-000000": "digits sums texts",
		"start:04-end/map-000000":   "middle sums texts weighed",
		"finish":                    "ends weighed",
	}
	for _, keep := range []bool{false, true} {
		cfg := in(t, inputs)
		cfg.KeepIntermediate = keep
		got := map[string]string{}
		cfg.Hook = func(point string) {
			if want[point] != "" {
				got[point] = sides(t, cfg.Dir)
			}
		}
		mrtest.Run(t, options(), fiveJob(), cfg, mapreduce.ExitComplete)
		for point, names := range want {
			if !keep && got[point] != names {
				t.Errorf("at %s there are %s, expected %s", point, got[point], names)
			}
		}
		if all := "digits ends middle shards sums texts weighed"; keep && got["finish"] != all {
			t.Errorf("kept are %s, expected %s", got["finish"], all)
		}
		sound(t, cfg.Dir)
	}
}

// Drivers that die anywhere leave what the next one completes, and verify says no more of it than that it is not complete.
func TestKillDriverInFiveStages(t *testing.T) {
	cfg := base(t, fiveInputs(t, fiveLines(60)))
	points := mrtest.Points(t, options(), fiveJob(), cfg, mapreduce.ExitComplete)
	must := []string{
		"start:01-split/reduce-000000", "promote:01-split/reduce-000001", "committed:01-split/reduce-000002", "done:01-split", "clean:01-split",
		"committed:02-look/reduce-000001", "start:04-end/map-000000",
	}
	for _, p := range someOf(points, 12) {
		if !slices.Contains(must, p) {
			must = append(must, p)
		}
	}
	for _, p := range must {
		if !slices.Contains(points, p) {
			t.Errorf("there is no point %s", p)
		}
	}
	d := mrtest.Driver{Job: "five", Config: cfg, Code: mapreduce.ExitComplete}
	d.Walk(t, cfg.Dir, must)
	dir := jobDir(t)
	cmd, token := d.Start(t, dir, "committed:03-weigh/map-000000")
	mrtest.Wait(t, cmd, token)
	for _, f := range findings(t, dir, fiveJob(), looseJob()) {
		if !f.OK && f.Check != "complete" {
			t.Errorf("%s: %v", f.Check, f.Problems)
		}
	}
}

// A row that kills the process while it emits, in the split, or while it is written to a shard, costs that row, whatever was
// emitted or written with it.
func TestPoisonInSplit(t *testing.T) {
	lines := fiveLines(200)
	clean := in(t, fiveInputs(t, lines, lines))
	mrtest.Run(t, options(), looseJob(), clean, mapreduce.ExitComplete)
	for name, p := range numbersModes(200) {
		if p.InPlace {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var bad []string
			poisoned := slices.Clone(lines)
			for i, at := range []int{0, 70, 71, 150, 190, 191, len(poisoned)} {
				bad = append(bad, []string{"^panic", "~segv", "=panic", "~panic", "^segv", "=segv", "=panic"}[i])
				poisoned = slices.Insert(poisoned, at+i, bad[i])
			}
			cfg := base(t, fiveInputs(t, poisoned, lines))
			cfg.Params = params(t, p)
			s := mrtest.Run(t, options(), looseJob(), cfg, mapreduce.ExitRejects)
			mrtest.SameFiles(t, mrtest.Tree(t, clean.Dir, "out"), mrtest.Tree(t, cfg.Dir, "out"))
			var got []string
			for _, r := range rejects(t, cfg.Dir) {
				got = append(got, poisoned[r.Line-1])
				if r.Class != "crash" || r.Stage != "01-split" || !strings.HasPrefix(r.Reason, "crashed the worker twice: ") {
					t.Errorf("reject %+v", r)
				}
			}
			if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(bad))) || s.Rows.Rejected != int64(len(bad)) {
				t.Errorf("rejected %q, expected %q; %+v", got, bad, s.Rows)
			}
			sound(t, cfg.Dir)
			mrtest.NothingLeft(t, cfg.Dir)
		})
	}
}

// A worker that dies in the split without a row to blame costs an attempt.
func TestKillWorkerInSplit(t *testing.T) {
	for _, kind := range []string{"kill", "segv", "exit"} {
		marker := filepath.Join(t.TempDir(), "once")
		cfg := base(t, fiveInputs(t, append(fiveLines(60), "^"+kind+":"+marker)))
		mrtest.Run(t, options(), fiveJob(), cfg, mapreduce.ExitComplete)
		if _, err := os.Stat(marker); err != nil {
			t.Error("nothing died")
		}
		again := in(t, cfg.Inputs[0])
		mrtest.Run(t, options(), fiveJob(), again, mapreduce.ExitComplete)
		mrtest.SameResults(t, again.Dir, cfg.Dir)
		sound(t, cfg.Dir)
	}
}

// A worker that dies in the reduce of the split costs an attempt.
func TestKillWorkerInSplitReduce(t *testing.T) {
	for _, kind := range []string{"kill", "segv", "exit"} {
		marker := filepath.Join(t.TempDir(), "once")
		cfg := base(t, fiveInputs(t, append(fiveLines(60), "%"+kind+":"+marker)))
		mrtest.Run(t, options(), fiveJob(), cfg, mapreduce.ExitComplete)
		if _, err := os.Stat(marker); err != nil {
			t.Error("nothing died")
		}
		if n := mrtest.Started(mrtest.Events(t, cfg.Dir))["01-split/reduce-000000"]; n < 2 {
			t.Errorf("%s: %d attempts", kind, n)
		}
		again := in(t, cfg.Inputs[0])
		mrtest.Run(t, options(), fiveJob(), again, mapreduce.ExitComplete)
		mrtest.SameResults(t, again.Dir, cfg.Dir)
		sound(t, cfg.Dir)
	}
}

// A side dataset that is lost before its last reader is done is made again, by the split with the same shards, however
// many stages lie between.
func TestLostSideDataset(t *testing.T) {
	clean := in(t, fiveInputs(t, fiveLines(100)))
	mrtest.Run(t, options(), fiveJob(), clean, mapreduce.ExitComplete)
	for at, lost := range map[string]string{
		"start:02-look/map-000000":  "stages/01-split/data/texts/*",
		"start:02-look/map-000001":  "stages/01-split/data/texts/*", // which the worker has read
		"start:03-weigh/map-000000": "stages/01-split/data/digits/*1.*",
		"start:03-weigh/map-000001": "stages/02-look/data/sums/*1.*",
		"start:04-end/map-000000":   "stages/02-look/data/sums/*",
	} {
		for _, how := range damages() {
			cfg := in(t, clean.Inputs[0])
			cfg.Workers = 1
			hit := false
			cfg.Hook = func(point string) {
				if point == at && !hit {
					hit = true
					spoil(t, cfg.Dir, lost, how)
				}
			}
			mrtest.Run(t, options(), fiveJob(), cfg, mapreduce.ExitComplete)
			mrtest.SameResults(t, clean.Dir, cfg.Dir)
			mrtest.NothingLeft(t, cfg.Dir)
			sound(t, cfg.Dir)
			if !hit {
				t.Errorf("%s: nothing was lost", at)
			}
		}
	}
}

// Rejects of several stages: all work space stays until they have passed, and they are tried again from the first stage that has
// some.
func TestRejectsOfSeveralStages(t *testing.T) {
	first, second := filepath.Join(t.TempDir(), "1"), filepath.Join(t.TempDir(), "2")
	lines := append(fiveLines(100), "!reject:"+first, "@reject:"+second)
	cfg := in(t, fiveInputs(t, lines))
	s := mrtest.Run(t, options(), fiveJob(), cfg, mapreduce.ExitRejects)
	if s.Rows.Rejected != 2 || s.Rows.Read != 102 || s.Rows.Mapped != 93 {
		t.Errorf("%+v", s.Rows)
	}
	sound(t, cfg.Dir)
	var at []string
	for _, r := range rejects(t, cfg.Dir) {
		at = append(at, r.Stage)
	}
	if fmt.Sprint(at) != "[02-look 03-weigh]" {
		t.Errorf("rejects of %v", at)
	}
	if all := "digits ends middle shards sums texts weighed"; sides(t, cfg.Dir) != all {
		t.Errorf("there are %s, expected %s", sides(t, cfg.Dir), all)
	}
	before := mrtest.Started(mrtest.Events(t, cfg.Dir))
	cfg.Rerun.Rejected = true
	s = mrtest.Run(t, options(), fiveJob(), cfg, mapreduce.ExitComplete)
	if s.Rows.Rejected != 0 || s.Rows.Mapped != 94 {
		t.Errorf("%+v", s.Rows)
	}
	after := mrtest.Started(mrtest.Events(t, cfg.Dir))
	for task, n := range before {
		if strings.HasPrefix(task, "01-split/") && after[task] != n {
			t.Errorf("%s ran again", task)
		}
	}
	sound(t, cfg.Dir)
	if all := "ends weighed"; sides(t, cfg.Dir) != all {
		t.Errorf("there are %s, expected %s", sides(t, cfg.Dir), all)
	}
	fresh := in(t, cfg.Inputs[0])
	mrtest.Run(t, options(), fiveJob(), fresh, mapreduce.ExitComplete)
	mrtest.SameResults(t, fresh.Dir, cfg.Dir)
}

// A stage whose side input has been made again with other rows starts again, and with it those after it, also in workers
// that have read the one before.
func TestStaleSideInput(t *testing.T) {
	for _, workers := range []bool{false, true} {
		marker := filepath.Join(t.TempDir(), "once")
		cfg := in(t, fiveInputs(t, append(fiveLines(60), "%reject:"+marker)))
		cfg.Workers, cfg.InProcess = 1, !workers
		hit := false
		cfg.Hook = func(point string) { // 02-look has read a dictionary without the word
			if workers && point == "start:02-look/map-000001" && !hit {
				hit = true
				spoil(t, cfg.Dir, "stages/01-split/data/texts/*", os.Remove)
			}
		}
		code := mapreduce.ExitComplete
		if !workers {
			code = mapreduce.ExitRejects
		}
		mrtest.Run(t, options(), fiveJob(), cfg, code)
		if !workers {
			spoil(t, cfg.Dir, "stages/01-split/tasks/reduce-000000.json", os.Remove)
			mrtest.Run(t, options(), fiveJob(), cfg, mapreduce.ExitComplete)
		}
		fresh := in(t, cfg.Inputs[0])
		mrtest.Run(t, options(), fiveJob(), fresh, mapreduce.ExitComplete)
		mrtest.SameResults(t, fresh.Dir, cfg.Dir)
		sound(t, cfg.Dir)
		var notes []string
		for _, e := range mrtest.Events(t, cfg.Dir) {
			if e.Kind == mapreduce.EventNote {
				notes = append(notes, e.Text)
			}
		}
		if want := "02-look starts again: its inputs have been made again, and are others now"; !slices.Contains(notes, want) {
			t.Errorf("notes %q", notes)
		}
	}
}

// Verify finds a side dataset that is not the one that a stage has read.
func TestVerifyOfOtherSideInput(t *testing.T) {
	cfg := in(t, fiveInputs(t, fiveLines(60)))
	cfg.KeepIntermediate = true
	mrtest.Run(t, options(), fiveJob(), cfg, mapreduce.ExitComplete)
	st, err := mapreduce.ReadStatus(cfg.Dir)
	if w := st.WorkSpace(); err != nil || w.Sides == 0 || w.Shards == 0 || w.Runs == 0 {
		t.Errorf("work space %+v, %v", w, err)
	}
	spoil(t, cfg.Dir, "stages/04-end/plan.json", func(path string) error {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sum := regexp.MustCompile(`"crc32c": ([0-9]+)\n`).FindSubmatch(b[bytes.Index(b, []byte(`"middle"`)):])
		return edited(string(sum[1]), "12"+string(sum[1][2:]))(path)
	})
	for _, f := range findings(t, cfg.Dir, fiveJob()) {
		want := ""
		if f.Check == "accounting" {
			want = "[04-end: the files of dataset middle are not those that the plan says it reads]"
		}
		if got := fmt.Sprint(f.Problems); got != want && (want != "" || len(f.Problems) > 0) {
			t.Errorf("%s: %s, expected %s", f.Check, got, want)
		}
	}
}
