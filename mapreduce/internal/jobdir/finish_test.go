package jobdir_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
)

func parts(list ...jobdir.Part) iter.Seq2[jobdir.Part, error] {
	return func(yield func(jobdir.Part, error) bool) {
		for _, p := range list {
			if !yield(p, nil) {
				return
			}
		}
	}
}

func TestFinishRefuses(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		layout jobdir.Layout
		want   string
	}{
		"leaves":         {jobdir.Layout{Results: parts(jobdir.Part{From: "/w/f", To: "../x"})}, "not a name for a result"},
		"absolute":       {jobdir.Layout{Results: parts(jobdir.Part{From: "/w/f", To: "/x"})}, "not a name for a result"},
		"success":        {jobdir.Layout{Results: parts(jobdir.Part{From: "/w/f", To: "_SUCCESS"})}, "not a name for a result"},
		"twice":          {jobdir.Layout{Results: parts(jobdir.Part{From: "/w/f", To: "a/x"}, jobdir.Part{From: "/w/f", To: "a/x"})}, "exists"},
		"missing":        {jobdir.Layout{Results: parts(jobdir.Part{From: "/w/none", To: "a/x"})}, "no such file"},
		"broken listing": {jobdir.Layout{Results: func(yield func(jobdir.Part, error) bool) { yield(jobdir.Part{}, broken) }}, "broken"},
		"broken rejects": {jobdir.Layout{Results: parts(), Rejects: []jobdir.File{{Name: "x", Write: func(io.Writer) error { return broken }}}}, "broken"},
		"rejects leave":  {jobdir.Layout{Results: parts(), Rejects: []jobdir.File{{Name: "../x"}}}, "not a name for a file of rejects"},
		"rejects unnamed": {
			jobdir.Layout{Results: parts(), Rejects: []jobdir.File{{}}}, "not a name for a file of rejects",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, m := newJob(t)
			must(t, put(m, "/w/f", "result"))
			must(t, d.Finish(jobdir.Layout{Results: parts(jobdir.Part{From: "/w/f", To: "d/old"})}))
			err := d.Finish(c.layout)
			if err == nil || !strings.HasPrefix(err.Error(), "finish /w/job: ") || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v", err)
			}
			want := map[string]string{"out/": "", "out/d/": "", "out/d/old": "result", "out/_SUCCESS": ""}
			if d := cmp.Diff(want, only(tree(t, m, memJob), "out", "held", "rejects")); d != "" {
				t.Error("the older results changed:", d)
			}
		})
	}
}

func TestFinishLinksOnTheRealFileSystem(t *testing.T) {
	root := t.TempDir()
	d, err := jobdir.Create(fsx.OS{}, filepath.Join(root, "job"), theJob())
	must(t, err)
	defer func() { must(t, d.Unlock()) }()
	from := filepath.Join(root, "f")
	must(t, os.WriteFile(from, []byte("result"), 0o666))
	for n := range 3 { // the second and third time out/ is exchanged
		must(t, d.Finish(jobdir.Layout{Results: parts(jobdir.Part{From: from, To: "d/label=7/part"})}))
		a, err := os.Stat(from)
		must(t, err)
		b, err := os.Stat(d.Path("out", "d", "label=7", "part"))
		must(t, err)
		if !os.SameFile(a, b) {
			t.Errorf("finish %d: not a link", n)
		}
		if left, err := os.ReadDir(d.Path("tmp")); len(left) > 0 || err != nil {
			t.Error(left, err)
		}
	}
}

func TestFinishCopiesWhereLinksFail(t *testing.T) {
	for _, reason := range []error{syscall.EXDEV, syscall.EPERM, syscall.EMLINK, syscall.ENOTSUP, syscall.ENOSYS} {
		m := fsx.NewMem()
		must(t, m.Mkdir("/w"))
		must(t, m.Sync("/"))
		d, err := jobdir.Create(noLinks{m, reason}, memJob, theJob())
		must(t, err)
		must(t, put(m, "/w/f", "result"))
		must(t, d.Finish(jobdir.Layout{Results: parts(jobdir.Part{From: "/w/f", To: "part"})}))
		if got := tree(t, m.PowerFailure(nil), memJob)["out/part"]; got != "result" {
			t.Errorf("%v: %q", reason, got)
		}
	}
	m := fsx.NewMem()
	must(t, m.Mkdir("/w"))
	d, err := jobdir.Create(noLinks{m, syscall.EIO}, memJob, theJob())
	must(t, err)
	must(t, put(m, "/w/f", "result"))
	if err := d.Finish(jobdir.Layout{Results: parts(jobdir.Part{From: "/w/f", To: "part"})}); !errors.Is(err, syscall.EIO) {
		t.Error("any error made it copy:", err)
	}
}

func TestSummaryIsReplaced(t *testing.T) {
	d, m := newJob(t)
	var got map[string]any
	if err := d.ReadSummary(&got); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, s := range []string{"running", "complete"} {
		must(t, d.WriteSummary(map[string]any{"state": s}))
		after := m.PowerFailure(nil)
		must(t, again(t, after).ReadSummary(&got))
		if got["state"] != s || !json.Valid([]byte(tree(t, after, memJob)["summary.json"])) {
			t.Error(got)
		}
	}
	if err := d.WriteSummary(func() {}); err == nil {
		t.Error("wrote a function")
	}
	must(t, m.Remove(d.Path("summary.json")))
	must(t, put(m, d.Path("summary.json"), "{"))
	var damaged *jobdir.DamagedError
	if err := d.ReadSummary(&got); !errors.As(err, &damaged) {
		t.Error(err)
	}
}

func TestEvents(t *testing.T) {
	d, m := newJob(t)
	type event struct{ N int }
	must(t, d.AppendEvent(event{1}))
	must(t, d.AppendEvent(event{2}))
	must(t, d.Unlock())
	must(t, d.AppendEvent(event{3}))
	want := "{\"N\":1}\n{\"N\":2}\n{\"N\":3}\n"
	if got := tree(t, m, memJob)["events.jsonl"]; got != want {
		t.Errorf("%q", got)
	}
	if err := d.AppendEvent(func() {}); err == nil {
		t.Error("wrote a function")
	}
	must(t, d.Unlock())
}

// TestTornEventsCostOneLineEach cuts a line in the middle, in another process or in this one.
func TestTornEventsCostOneLineEach(t *testing.T) {
	_, m := newJob(t)
	torn := again(t, fsx.NewFaulty(m, 3, fsx.FailOnce, syscall.ENOSPC)) // append, write, write, write
	for n := range 5 {
		err := torn.AppendEvent(map[string]int{"n": n})
		if errors.Is(err, syscall.ENOSPC) != (n == 2) {
			t.Fatal(n, err)
		}
	}
	crashed := again(t, fsx.NewFaulty(m, 1, fsx.Crash, nil))
	if err := crashed.AppendEvent("lost"); !errors.Is(err, fsx.ErrCrashed) {
		t.Fatal(err)
	}
	must(t, again(t, m).AppendEvent("end"))
	want := "{\"n\":0}\n{\"n\":1}\n{\"n\"\n{\"n\":3}\n{\"n\":4}\n\"lo\n\"end\"\n"
	if got := tree(t, m, memJob)["events.jsonl"]; got != want {
		t.Errorf("%q", got)
	}
}

// TestFinishSurvivesAPowerFailure goes from every kind of finish to every other, stops at every call, and loses what
// was not synced: what is there is the old or the new results, and the new ones once Finish has returned.
func TestFinishSurvivesAPowerFailure(t *testing.T) {
	finish := func(fsys fsx.FS, kind string) error {
		d := again(t, fsys)
		l := jobdir.Layout{Held: strings.Contains(kind, "held"), Results: parts(jobdir.Part{From: "/w/" + kind, To: "d/" + kind})}
		if strings.Contains(kind, "rejects") {
			l.Rejects = []jobdir.File{{Name: kind, Write: func(io.Writer) error { return nil }}}
		}
		return d.Finish(l)
	}
	kinds := []string{"out", "out2 rejects", "held", "held2 rejects"}
	results := func(m *fsx.Mem, names ...string) map[string]string { return only(tree(t, m, memJob), names...) }
	for _, wrap := range []func(fsx.FS) fsx.FS{
		func(f fsx.FS) fsx.FS { return f },
		func(f fsx.FS) fsx.FS { return noExchange{f} },
	} {
		for _, from := range kinds {
			for _, to := range kinds {
				_, base := newJob(t)
				for _, k := range kinds {
					must(t, put(base, "/w/"+k, k))
					must(t, base.Sync("/w/"+k))
				}
				must(t, base.Sync("/w"))
				must(t, finish(wrap(base), from))
				old := results(base, "out", "held")
				clean := base.PowerFailure(keepAll)
				must(t, finish(wrap(clean), to))
				want := results(clean, "out", "held")
				for at, hit := 0, true; hit; at++ {
					m := base.PowerFailure(keepAll)
					faulty := fsx.NewFaulty(m, at, fsx.Crash, nil)
					err := finish(wrap(faulty), to)
					hit = faulty.Hit()
					for n, survives := range []func() bool{nil, keepAll, coin(uint64(at)), coin(uint64(at + 1000))} {
						after := m.PowerFailure(survives)
						got := results(after, "out", "held")
						if !oneOf([]map[string]string{old, {}, want}, got) {
							t.Fatalf("%s to %s, call %d, world %d: %v", from, to, at, n, got)
						}
						if err != nil {
							continue
						}
						if d := cmp.Diff(results(clean, "out", "held", "rejects"), results(after, "out", "held", "rejects")); d != "" {
							t.Fatalf("%s to %s, call %d, world %d, after Finish returned: %s", from, to, at, n, d)
						}
					}
				}
			}
		}
	}
}
