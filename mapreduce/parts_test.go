package mapreduce

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/plan"
	"github.com/shardmill/shardmill/mapreduce/internal/shuffle"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

func TestParseBytes(t *testing.T) {
	for s, want := range map[string]int64{
		"1": 1, "1048576": 1 << 20, "300MiB": 300 << 20, "2GiB": 2 << 30, "1GB": 1e9, "1.5 KiB": 1536, "7B": 7, "2K": 2048,
		"10kB": 10000, "1TiB": 1 << 40,
	} {
		if got, err := ParseBytes(s); err != nil || got != want {
			t.Errorf("%q: %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "x", "-1", "0", "MiB", "1PiB", "NaN", "NaNGiB", "Inf", "1e30"} {
		if got, err := ParseBytes(s); err == nil {
			t.Errorf("%q: %d", s, got)
		}
	}
}

func FuzzParseBytes(f *testing.F) {
	f.Add("2GiB")
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := ParseBytes(s); err == nil && n < 0 {
			t.Errorf("%q: %d", s, n)
		}
	})
}

func TestParseMaxRejects(t *testing.T) {
	for s, want := range map[string]string{"0": "0", "100": "100", "5%": "5%", "0.1%": "0.1%", "100%": "100%"} {
		m, err := ParseMaxRejects(s)
		if err != nil || m.String() != want {
			t.Errorf("%q: %v, %v", s, m, err)
		}
	}
	for _, s := range []string{"", "-1", "x", "101%", "-1%", "NaN%", "1.5", "%"} {
		if m, err := ParseMaxRejects(s); err == nil {
			t.Errorf("%q: %v", s, m)
		}
	}
	if m := (MaxRejects{}); m.exceeded(50, 100) || !m.exceeded(51, 100) || m.exceeded(0, 0) || m.String() != "50%" {
		t.Error("the default is not 50%")
	}
}

func TestLastWords(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	stack := strings.Repeat("goroutine 9 [select]:\nmain.f()\n", 2000)
	for text, want := range map[string]string{
		"":                                     "",
		"a\nb\n":                               "a\nb",
		"1\n2\n3\n4\n5\n6\n7\n8\n9\n":          "2\n3\n4\n5\n6\n7\n8\n9",
		"x\npanic: boom\n\ngoroutine 1:\n":     "panic: boom\n\ngoroutine 1:",
		"fatal error: out of memory\n" + stack: "fatal error: out of memory\n" + strings.Repeat("goroutine 9 [select]:\nmain.f()\n", 3) + "goroutine 9 [select]:",
		"panic: old\nx\npanic: new\ny\n":       "panic: new\ny",
		"SIGSEGV: segmentation violation\nx":   "SIGSEGV: segmentation violation\nx",
	} {
		if err := os.WriteFile(log, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := lastWords(log); got != want {
			t.Errorf("%.40q: got %q, expected %q", text, got, want)
		}
	}
	if got := lastWords(log + ".none"); got != "" {
		t.Errorf("got %q", got)
	}
	e := task.Errorf(Retryable, "ended")
	if err := withLog(e, log); ClassOf(err) != Retryable || !errors.Is(err, e) {
		t.Errorf("error %v", err)
	}
}

func TestExitCode(t *testing.T) {
	join := errors.Join
	for _, c := range []struct {
		rejected int64
		err      error
		want     int
	}{
		{0, nil, 0},
		{1, nil, 3},
		{0, errors.New("x"), 1},
		{0, errAccount, 1},
		{0, &FailedError{}, 1},
		{0, &UsageError{Err: io.EOF}, 2},
		{0, &IdentityError{}, 2},
		{0, &jobdir.NotJobError{}, 2},
		{0, fmt.Errorf("x: %w", BadInput(io.EOF)), 4},
		{0, &GateError{}, 5},
		{0, jobdir.ErrNoJob, 10},
		{0, &jobdir.LockedError{}, 11},
		{0, &jobdir.FormatError{}, 12},
		{9, context.Canceled, 130},
		{0, join(errors.New("x"), task.New(task.Canceled, io.EOF), &GateError{}), 130},
	} {
		if got := ExitCode(Summary{Rows: RowSummary{Rejected: c.rejected}}, c.err); got != c.want {
			t.Errorf("%v: %d, expected %d", c.err, got, c.want)
		}
	}
}

func TestCodecs(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a, b := rapid.Int64().Draw(r, "a"), rapid.Int64().Draw(r, "b")
		checkOrder(r, Int64{}, a, b, a < b)
		checkOrder(r, Uint64{}, uint64(a), uint64(b), uint64(a) < uint64(b))
		s, u := rapid.String().Draw(r, "s"), rapid.String().Draw(r, "u")
		checkOrder(r, String{}, s, u, s < u)
	})
	if _, err := (Uint64{}).Decode(make([]byte, 7)); !errors.Is(err, ErrShort) {
		t.Errorf("error %v", err)
	}
	j := JSON[map[string]float64]{}
	if v, err := j.Decode(j.Append(nil, map[string]float64{"a": 1})); err != nil || v["a"] != 1 {
		t.Errorf("%v, %v", v, err)
	}
	if v, err := j.Decode(j.Append(nil, map[string]float64{"a": math.NaN()})); err != nil || v != nil {
		t.Errorf("%v, %v", v, err)
	}
}

func checkOrder[T comparable](r *rapid.T, c Codec[T], a, b T, less bool) {
	x, y := c.Append(nil, a), c.Append(nil, b)
	if bytes.Compare(x, y) < 0 != less {
		r.Errorf("%v and %v: order is not kept", a, b)
	}
	if got, err := c.Decode(x); err != nil || got != a {
		r.Errorf("%v became %v, %v", a, got, err)
	}
	if w, ok := c.(FixedWidth); ok && len(x) != w.Width() {
		r.Errorf("%v has %d bytes", a, len(x))
	}
}

// badStages are jobs with a mistake, and what is said of it.
func badStages() map[string][]Stage {
	src := func() *Source[int] { return &Source[int]{Shards: testData("")} }
	mapper := func(context.Context, *Env) (Mapper[int], error) { return nil, nil }
	stage := func(name string, in Feed[int], writes ...Port) Stage { return NewStage(name, in, 1, mapper, writes...) }
	one, a, b := src(), testData("a"), testData("b")
	again := testData("a")
	noCreate := Dataset[int]{Name: "c", Ext: "x"}
	reads := stage("s", one)
	reads.Reads = []Port{&b}
	first := testStream("n")
	first.First = -1
	cut := testStream("n")
	cut.First, cut.Combine = 1, func(a, _ string) string { return a }
	fleeting := &Stream[string, []byte]{
		Name: "n", Key: String{}, Value: Bytes{}, Combine: func(a, _ []byte) []byte { return a },
		Reduce: func(context.Context, *Env) (Reducer[string, []byte], error) { return nil, nil },
	}
	both := testStream("n")
	both.Combine, both.Merge = func(a, _ string) string { return a }, func(*string, string) {}
	like := testStream("m")
	like.PartitionsOf = testStream("o")
	return map[string][]Stage{
		"PartitionsOf is o, which is no": {stage("s", one, testStream("o")), stage("t", one, like)},
		"no stages":                      {},
		"the first stage maps a Source":  {stage("s", &a)},
		"a job has one source":           {stage("s", one), stage("t", src())},
		"no earlier stage writes it":     {stage("s", one), stage("t", &b)},
		"dataset b: it is read":          {reads},
		"written by two stages":          {stage("s", one, &a), stage("t", one, &again)},
		"two datasets of one name":       {stage("s", one, &a, &again)},
		"neither a Stream nor a Dataset": {stage("s", one, named("n"))},
		`"x/y" is not a name`:            {stage("x/y", one)},
		`"" is not a name`:               {stage("", one)},
		"Create and Ext are needed":      {stage("s", one, &noCreate)},
		"Key, Value and Reduce":          {stage("s", one, &Stream[string, string]{Name: "n"})},
		"First is -1":                    {stage("s", one, first)},
		"Combine and First exclude":      {stage("s", one, cut)},
		"codec Bytes cannot be combined": {stage("s", one, fleeting)},
		"only one may be set":            {stage("s", one, both)},
		"two streams of one name":        {stage("s", one, testStream("n"), testStream("n"))},
		"n is not a Dataset":             {stage("s", one, testStream("m", testStream("n")))},
		"more than 1000":                 slices.Repeat([]Stage{stage("s", one)}, maxStages),
	}
}

func testData(name string) Dataset[int] {
	return Dataset[int]{Name: name, Ext: "x", Create: func(*Env, io.Writer) (Sink[int], error) { return nil, nil }}
}

func testStream(name string, writes ...Port) *Stream[string, string] {
	return &Stream[string, string]{
		Name: name, Key: String{}, Value: String{}, Writes: writes,
		Reduce: func(context.Context, *Env) (Reducer[string, string], error) { return nil, nil },
	}
}

// Folders of stages sort by number, also where two digits do not count them all.
func TestStageFolders(t *testing.T) {
	for n, want := range map[int][]string{99: {"00-split", "01-s", "99-s"}, 100: {"000-split", "001-s", "100-s"}, 999: {"000-split", "001-s", "999-s"}} {
		one := &Source[int]{Shards: testData("")}
		own := slices.Repeat([]Stage{NewStage("s", one, 1, MapFunc[int](nil).Mapper)}, n)
		stages, err := link(own)
		if err != nil {
			t.Fatal(err)
		}
		if got := []string{stages[0].folder, stages[1].folder, stages[n].folder}; !slices.Equal(got, want) {
			t.Errorf("%d stages and a split: %q, want %q", n, got, want)
		}
	}
}

func TestLinkRefuses(t *testing.T) {
	for want, stages := range badStages() {
		job := New("j", 1, struct{}{}, func(struct{}) ([]Stage, error) { return stages, nil })
		if _, err := job.build(nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected %q", err, want)
		}
	}
}

// What a mapper or reducer must not write to is an error of the attempt and no panic.
func TestWrongPorts(t *testing.T) {
	mine, other := testStream("mine"), testStream("other")
	data, foreign := testData("a"), testData("b")
	foreign.index = 3
	for name, do := range map[string]func(*Out){
		"stream of the same number": func(o *Out) { other.Emit(o, 0, "k", "v") },
		"dataset of a high number":  func(o *Out) { foreign.Write(o, 0, 1) },
		"dataset of no writer":      func(o *Out) { data.Write(o, 0, 1) },
		"dataset of the same number": func(o *Out) {
			o.writers[0] = foreign.newWriter(nil, false)
			data.Write(o, 0, 1)
			o.writers[0] = nil
		},
	} {
		o := &Out{emitters: benchOut(t, mine).emitters, writers: []datasetWriter{nil}}
		o.begin(1)
		if do(o); o.flush(&task.Counts{}) == nil {
			t.Errorf("%s: no error", name)
		}
	}
	o := &Out{direct: true}
	o.Reject(0, io.EOF)
	if !errors.Is(o.err, errNoRows) {
		t.Errorf("error %v", o.err)
	}
	o = &Out{direct: true}
	if o.Drop(0, "rule"); !errors.Is(o.err, errNoRows) {
		t.Errorf("error %v", o.err)
	}
}

// What a row emitted and wrote is taken back when it is rejected, and stays when it is dropped.
func TestRejectTakesBack(t *testing.T) {
	s := testStream("s")
	o := benchOut(t, s)
	e := s.emitter(o)
	o.begin(4)
	for i := range 4 {
		s.Emit(o, i, "k", "v")
	}
	o.Reject(1, io.EOF)
	o.Reject(1, io.ErrClosedPipe) // the first counts
	o.Drop(1, "rule")             // rejected it stays
	o.Drop(2, "rule")
	o.Drop(3, "rule")
	o.Reject(3, io.EOF)
	o.Reject(99, io.EOF)
	if !o.Rejected(1) || o.Rejected(2) || !o.Rejected(3) || !errors.Is(o.rows[1].reason, io.EOF) {
		t.Errorf("rows %+v", o.rows)
	}
	live := 0
	for _, p := range e.pairs.List {
		if o.live(int(p.Row)) {
			live++
		}
	}
	o.emitters = nil
	var c task.Counts
	if err := o.flush(&c); err != nil || live != 2 || c.Mapped != 1 || c.Rejected != 2 || c.Dropped["rule"] != 1 {
		t.Errorf("%d live, counts %+v, %v", live, c, err)
	}
}

func TestListing(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		names := rapid.SliceOfN(rapid.String(), 1, 30).Draw(r, "names")
		var b bytes.Buffer
		l := newLister(nil, "", &b)
		for i, n := range names {
			if err := l.Entry(Entry{n, "/" + n, false}); err != nil {
				r.Fatal(err)
			}
			if i%7 == 3 {
				l.cut()
			}
		}
		if _, err := l.finish(); err != nil {
			r.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "listing")
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			r.Fatal(err)
		}
		var got []string
		for _, rg := range l.ranges {
			err := readListing(path, rg, func(e Entry) error {
				got = append(got, e.Name)
				if e.Path != "/"+e.Name {
					r.Errorf("entry %+v", e)
				}
				return nil
			})
			if err != nil {
				r.Fatal(err)
			}
		}
		if !slices.Equal(got, names) {
			r.Errorf("got %q, expected %q", got, names)
		}
	})
}

// A damaged file of a reduce's own is tried again; only run files go back to their maps.
func TestInputError(t *testing.T) {
	c := &child{plans: map[string]storedPlan{"": {Stage: &plan.Stage{}}}}
	tr := &taskRun{env: &Env{}}
	spill := &shuffle.DamagedError{Path: "x", Spill: true}
	if err := c.inputError(tr, fmt.Errorf("x: %w", spill)); ClassOf(err) != Retryable {
		t.Errorf("error %v", err)
	}
	for _, err := range []error{io.EOF, os.ErrNotExist, BadInput(io.EOF)} { // there are no run files
		if got := c.inputError(tr, err); !errors.Is(got, err) || ClassOf(got) != ClassOf(err) {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestConserved(t *testing.T) {
	d := testData("d")
	d.Stands = func(*int) bool { return true }
	s := &Stage{streams: []streamPort{testStream("own", &d), testStream("other")}, datasets: []datasetPort{&d}}
	for _, c := range []struct {
		standing, own, other int64
		ok                   bool
	}{
		{10, 0, 0, true},
		{9, 0, 0, false},
		{11, 0, 0, false},
		{9, 1, 0, true},
		{9, 0, 1, false},
		{8, 1, 0, false},
		{11, 2, 0, false},
		{9, 5, 0, true}, // one row with five records in a rejected group
	} {
		counts := task.Counts{
			Mapped: 10, Datasets: map[string]task.DatasetCount{"d": {Rows: c.standing, Standing: c.standing}},
			Streams: map[string]task.StreamCount{"own": {Rejected: c.own}, "other": {Rejected: c.other}},
		}
		done := jobdir.Done{Counts: counts, Data: map[string]jobdir.Total{"d": {Rows: c.standing}}}
		err := checkStage(s, &plan.Stage{}, done)
		if c.ok != (err == nil) || err != nil && !errors.Is(err, errAccount) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// The sums over a stage find each kind of loss.
func TestCheckStageFinds(t *testing.T) {
	d := testData("d")
	s := &Stage{kind: task.Map, streams: []streamPort{testStream("s")}, datasets: []datasetPort{&d}}
	p := &plan.Stage{Maps: []plan.Map{{Rows: 5}}, Streams: []plan.Stream{{Name: "s", Partitions: 1}}}
	good := func() jobdir.Done {
		return jobdir.Done{Tasks: 2, Data: map[string]jobdir.Total{"d": {Rows: 3}}, Counts: task.Counts{
			Mapped: 3, Rejected: 1, Dropped: map[string]int64{"r": 1},
			Streams: map[string]task.StreamCount{"s": {Written: 7, Reduced: 7}}, Datasets: map[string]task.DatasetCount{"d": {Rows: 3}},
		}}
	}
	if err := checkStage(s, p, good()); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*jobdir.Done){
		"task":   func(d *jobdir.Done) { d.Tasks-- },
		"row":    func(d *jobdir.Done) { d.Counts.Mapped-- },
		"record": func(d *jobdir.Done) { d.Counts.Streams["s"] = task.StreamCount{Written: 7, Reduced: 6} },
		"output": func(d *jobdir.Done) { d.Data["d"] = jobdir.Total{Rows: 2} },
	} {
		d := good()
		if change(&d); !errors.Is(checkStage(s, p, d), errAccount) {
			t.Errorf("a lost %s is not found", name)
		}
	}
}
