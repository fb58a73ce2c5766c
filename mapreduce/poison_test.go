package mapreduce_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// withLines puts lines into a text at line numbers that spread over it.
func withLines(text string, lines ...string) string {
	all := strings.SplitAfter(text, "\n")
	for i, l := range lines {
		all = slices.Insert(all, (7*i+11)%len(all), l+"\n")
	}
	return strings.Join(all, "")
}

// poisonCase is an input with bad rows and how they are to end.
type poisonCase struct {
	name    string
	bad     []string
	class   string
	reason  string // part of it
	timeout time.Duration
	memory  int64
}

func poisonCases() []poisonCase {
	const soon = 700 * time.Millisecond
	return []poisonCase{
		{name: "reject", bad: []string{"a !reject", "!reject b"}, class: "bad-record", reason: "the test asks for it"},
		{name: "reject in Prepare", bad: []string{"a ?reject"}, class: "bad-record", reason: "the test asks for it"},
		{name: "plain error in Prepare", bad: []string{"a ?fail"}, class: "bad-record", reason: "the test asks for it"},
		{name: "panic", bad: []string{"a !panic b"}, class: "crash", reason: "twice: panic"},
		{name: "panic in Prepare", bad: []string{"a ?panic b"}, class: "crash", reason: "twice: panic"},
		{name: "segv", bad: []string{"!segv"}, class: "crash", reason: "twice: segmentation fault"},
		{name: "segv in Prepare", bad: []string{"?segv"}, class: "crash", reason: "twice: segmentation fault"},
		{name: "hang", bad: []string{"!hang"}, class: "timeout", reason: "no progress", timeout: soon},
		{name: "hang in Prepare", bad: []string{"?hang"}, class: "timeout", reason: "no progress", timeout: soon},
		{name: "plain error in Fetch", bad: []string{"a ^fail"}, class: "bad-record", reason: "the test asks for it"},
		{name: "panic in Fetch", bad: []string{"a ^panic b"}, class: "crash", reason: "twice: panic"},
		{name: "segv in Fetch", bad: []string{"^segv"}, class: "crash", reason: "twice: segmentation fault"},
		{name: "hang in Fetch", bad: []string{"^hang"}, class: "timeout", reason: "no progress", timeout: soon},
		{name: "several with Fetch", bad: []string{"!panic", "^segv", "?reject", "^reject", "^panic", "!reject"}},
		{name: "memory", bad: []string{"!memory"}, class: "memory", reason: "memory", memory: 256 << 20},
		{name: "several", bad: []string{"!panic", "?segv", "!reject", "!panic"}},
		{name: "neighbours", bad: []string{"!panic", "!panic"}, class: "crash"},
	}
}

// A bad row costs that row: the results are those of the same input without it.
func TestPoisonRows(t *testing.T) {
	good := text(60)
	clean := in(t, mrtest.Inputs(t, good))
	mrtest.Run(t, options(), wordsJob(), clean, mapreduce.ExitComplete)
	for _, c := range poisonCases() {
		t.Run(c.name, func(t *testing.T) {
			if c.memory > 0 && runtime.GOOS != "linux" {
				t.Skip("memory is sampled on Linux only")
			}
			t.Parallel()
			content := withLines(good, c.bad...)
			if c.name == "neighbours" {
				content = strings.Join(c.bad, "\n") + "\n" + good
			}
			cfg := base(t, mrtest.Inputs(t, content))
			cfg.WorkerMemory = c.memory
			cfg.Params = params(t, wordsParams{ShardRows: 40, Batch: 4, Timeout: cmp.Or(c.timeout, 20*time.Second), Fetch: strings.Contains(c.name, "Fetch")})
			s := mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitRejects)
			mrtest.SameFiles(t, mrtest.Tree(t, clean.Dir, "out"), mrtest.Tree(t, cfg.Dir, "out"))
			checkRejects(t, cfg.Dir, c)
			if s.Rows.Rejected != int64(len(c.bad)) {
				t.Errorf("%d rows rejected", s.Rows.Rejected)
			}
			for _, e := range mrtest.Events(t, cfg.Dir) {
				if e.Kind == mapreduce.EventFail {
					t.Errorf("event %+v", e)
				}
			}
		})
	}
}

func checkRejects(t *testing.T, dir string, c poisonCase) {
	t.Helper()
	var records []string
	for _, r := range rejects(t, dir) {
		records = append(records, r.Record)
		if c.class != "" && r.Class != c.class || !strings.Contains(r.Reason, c.reason) || r.Line == 0 {
			t.Errorf("reject %+v, expected class %q and reason %q", r, c.class, c.reason)
		}
	}
	slices.Sort(records)
	want := slices.Sorted(slices.Values(c.bad))
	if !slices.Equal(records, want) {
		t.Errorf("rejects %q, expected %q", records, want)
	}
}

// A bad group costs its group, also if rows of it were written before.
func TestPoisonGroups(t *testing.T) {
	good := text(40)
	clean := in(t, mrtest.Inputs(t, good))
	mrtest.Run(t, options(), wordsJob(), clean, mapreduce.ExitComplete)
	for kind, class := range map[string]string{
		"reject": "bad-record", "late:reject": "bad-record", "panic": "crash", "late:panic": "crash",
		"segv": "crash", "hang": "timeout",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			word := "%" + kind
			cfg := base(t, mrtest.Inputs(t, withLines(good, word, word+" "+word)))
			cfg.Params = params(t, wordsParams{ShardRows: 20, Batch: 4, Timeout: time.Second, NoCombine: true})
			s := mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitRejects)
			mrtest.SameFiles(t, mrtest.Tree(t, clean.Dir, "out"), mrtest.Tree(t, cfg.Dir, "out"))
			got := rejects(t, cfg.Dir)
			if len(got) != 1 || got[0].ID != word || got[0].Class != class || !strings.HasPrefix(got[0].Reason, "group of 3 records in stream words: ") {
				t.Errorf("rejects %+v", got)
			}
			if class == "bad-record" && !strings.HasSuffix(got[0].Reason, ": the test asks for it") {
				t.Errorf("reason %q", got[0].Reason)
			}
			if s.Rows.Rejected != 3 {
				t.Errorf("%d records rejected", s.Rows.Rejected)
			}
		})
	}
}

// A rejected group of one stream leaves the sums of the other stream's dataset alone, and a
// conserving dataset accounts for those of its own.
func TestRejectedGroupAndConserving(t *testing.T) {
	for _, bad := range []string{
		fmt.Sprintf("x %d 1\ny %d 1\nx %d 2\n", poisonRank, poisonRank, poisonRank),
		fmt.Sprintf("x %d 1\ny %d 1\nx %d 2\n", poisonID, poisonID, poisonID),
	} {
		cfg := in(t, mrtest.Inputs(t, strings.Repeat("a 1 3\nb 2 4\n", 20)+bad))
		s := mrtest.Run(t, options(), rankJob(), cfg, mapreduce.ExitRejects)
		if s.Rows.Rejected != 3 {
			t.Errorf("summary %+v", s.Rows)
		}
	}
}

// lowerDir is a new folder whose name is in lower case, as words are.
func lowerDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "once")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// A death that a record did not cause blames none: the attempt is tried again. What it kept in its scratch folder is gone.
func TestDeathWithoutBlame(t *testing.T) {
	for _, kind := range []string{"!kill", "!exit", "!retry", "?retry", "^retry", "^kill", "%retry", "%kill"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			marker := filepath.Join(lowerDir(t), "once")
			cfg := base(t, mrtest.Inputs(t, text(30)+kind+":"+marker+"\n"))
			cfg.Params = params(t, wordsParams{ShardRows: 20, Batch: 4, Timeout: time.Minute, Fetch: kind[0] == '^'})
			mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
			if _, err := os.Stat(marker); err != nil {
				t.Errorf("it did not happen: %v", err)
			}
			if len(rejects(t, cfg.Dir)) > 0 {
				t.Errorf("rejects %+v", rejects(t, cfg.Dir))
			}
			mrtest.NothingLeft(t, cfg.Dir)
		})
	}
}

// A task that fails for good leaves the others alone; the job ends 1, says why, and goes on once the cause is gone.
func TestFailedTask(t *testing.T) {
	for kind, want := range map[string]string{
		"!fail": "rows 8 to 11: the test asks for it", "!exit": "exit status 7", "!retry": "the test asks for it",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			content := withLines(text(70), kind) // line 12, so row 11
			cfg := base(t, mrtest.Inputs(t, content))
			cfg.Tries = 2
			s, err := mapreduce.Run(t.Context(), options(), wordsJob(), cfg)
			mrtest.Code(t, s, err, mapreduce.ExitFailed)
			if s.State != mapreduce.StateFailed || len(s.Failed) != 1 || s.Failed[0].Task != "01-count/map-000000" ||
				!strings.Contains(s.Failed[0].Reason, want) {
				t.Errorf("summary %+v", s)
			}
			if n := len(mrtest.Committed(t, cfg.Dir)); n != 1+3 {
				t.Errorf("%d tasks are committed: the others should be", n)
			}
		})
	}
}

func TestFailFast(t *testing.T) {
	cfg := in(t, mrtest.Inputs(t, "!fail\n"+text(200)))
	cfg.Workers, cfg.FailFast = 1, true
	s, err := mapreduce.Run(t.Context(), options(), wordsJob(), cfg)
	mrtest.Code(t, s, err, mapreduce.ExitFailed)
	if s.Stages[1].Committed != 0 {
		t.Errorf("summary %+v", s.Stages)
	}
}

func TestInputError(t *testing.T) {
	cfg := base(t, mrtest.Inputs(t, text(30)+"!input\n"))
	s, err := mapreduce.Run(t.Context(), options(), wordsJob(), cfg)
	mrtest.Code(t, s, err, mapreduce.ExitInput)
}

// The error of a panic shows the panic and not the end of its stack.
func TestPanicIsShown(t *testing.T) {
	cfg := base(t, mrtest.Inputs(t, "a\nb !panic\nc\n"))
	mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitRejects)
	for _, e := range mrtest.Events(t, cfg.Dir) {
		if e.Kind == mapreduce.EventRetry && strings.Contains(e.Text, "panic: poison") {
			return
		}
	}
	t.Errorf("no event shows the panic: %+v", mrtest.Events(t, cfg.Dir))
}
