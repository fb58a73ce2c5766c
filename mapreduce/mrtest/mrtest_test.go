package mrtest

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
)

// double stands in for a test that is to fail.
type double struct {
	testing.TB
	said     []string
	cleanups []func()
}

func (d *double) Helper() {}

func (d *double) Errorf(format string, args ...any) {
	d.said = append(d.said, fmt.Sprintf(format, args...))
}

func (d *double) Fatalf(format string, args ...any) {
	d.Errorf(format, args...)
	runtime.Goexit()
}

func (d *double) Fatal(args ...any) { d.Fatalf("%s", fmt.Sprint(args...)) }

func (d *double) Cleanup(f func()) { d.cleanups = append(d.cleanups, f) }

// fails runs a check in a double and returns what it said.
func fails(t *testing.T, check func(t testing.TB)) string {
	t.Helper()
	d := &double{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		check(d)
		for _, f := range d.cleanups {
			f()
		}
	}()
	<-done
	return strings.Join(d.said, "\n")
}

// jobDir makes a job directory out of names and contents.
func jobDir(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		Write(t, path, []byte(content))
	}
	return dir
}

func TestSameResults(t *testing.T) {
	good := map[string]string{"out/_SUCCESS": "", "out/d/part-000000.x": "abc", "rejects/part-000000.x": "r", "summary.json": "1"}
	want := jobDir(t, good)
	for name, c := range map[string]struct {
		file, content string // changed; "" removes it
		says          string
	}{
		"equal":         {"summary.json", "2", ""},
		"content":       {"out/d/part-000000.x", "abd", "out/d/part-000000.x differs"},
		"shorter":       {"out/d/part-000000.x", "ab", "differs"},
		"more":          {"out/d/part-000001.x", "", "expected"},
		"other rejects": {"rejects/part-000000.x", "R", "rejects/part-000000.x differs"},
	} {
		files := map[string]string{}
		for k, v := range good {
			files[k] = v
		}
		files[c.file] = c.content
		got := jobDir(t, files)
		if said := fails(t, func(t testing.TB) { SameResults(t, want, got) }); (said == "") != (c.says == "") || !strings.Contains(said, c.says) {
			t.Errorf("%s: said %q, expected %q", name, said, c.says)
		}
	}
	empty := jobDir(t, nil)
	if said := fails(t, func(t testing.TB) { SameResults(t, empty, empty) }); !strings.Contains(said, "has no results") {
		t.Errorf("two empty folders are the same results: %q", said)
	}
	Golden(t, want, want)
}

func TestNothingLeft(t *testing.T) {
	clean, dirty := jobDir(t, nil), jobDir(t, map[string]string{"tmp/01-x.map-000000.a1/f": ""})
	if err := os.Mkdir(filepath.Join(clean, "tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	NothingLeft(t, clean)
	if said := fails(t, func(t testing.TB) { NothingLeft(t, dirty) }); !strings.Contains(said, "01-x.map-000000.a1") {
		t.Errorf("said %q", said)
	}
}

func TestNoLeaks(t *testing.T) {
	if said := fails(t, func(t testing.TB) { NoLeaks(t) }); said != "" {
		t.Error(said)
	}
	files := openFiles()
	stop := make(chan struct{})
	said := fails(t, func(t testing.TB) {
		NoLeaks(t)
		for range 20 { // more than what may just be ending of the tests before
			go func() { <-stop }()
		}
	})
	close(stop)
	if !strings.Contains(said, "goroutines") {
		t.Errorf("a goroutine is not found: %q", said)
	}
	f, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" && openFiles() <= files {
		t.Error("an open file is not seen")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestNoProcesses(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("processes are looked for in /proc")
	}
	t.Parallel()
	token := tokenEnv + "=" + newToken()
	cmd := exec.Command("sleep", "60")
	cmd.Env = []string{token}
	if err := cmd.Start(); err != nil {
		t.Skipf("no sleep: %v", err)
	}
	said := fails(t, func(t testing.TB) { NoProcesses(t, token) })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if !strings.Contains(said, fmt.Sprint(cmd.Process.Pid)) {
		t.Errorf("said %q", said)
	}
	NoProcesses(t, token)
}

func TestEvents(t *testing.T) {
	dir := jobDir(t, map[string]string{
		"events.jsonl": `{"kind":"start","stage":"01-x","task":"map-000000","attempt":1}` + "\n" + `{"kind":"start","sta` + "\n" +
			`{"kind":"retry","stage":"01-x","task":"map-000000"}` + "\n" + `{"kind":"start","stage":"01-x","task":"map-000000","attempt":2}` + "\n",
		"stages/01-x/tasks/map-000000.json": "", "stages/02-y/tasks/reduce-000001.json": "",
	})
	events := Events(t, dir)
	if n := Started(events); len(events) != 3 || len(n) != 1 || n["01-x/map-000000"] != 2 {
		t.Errorf("events %+v, started %v", events, n)
	}
	if got := Committed(t, dir); !slices.Equal(got, []string{"01-x/map-000000", "02-y/reduce-000001"}) {
		t.Errorf("committed %q", got)
	}
}

// A driver process is told all of Config that can be told.
func TestWire(t *testing.T) {
	want := mapreduce.Config{
		Dir: "d", Params: []byte("{}"), Inputs: []string{"i"}, Partitions: 1, Limit: 2, Workers: 3, WorkerMemory: 4, Tries: 5,
		MaxRejects: mapreduce.MaxRejects{Rows: 6, Set: true}, FailFast: true, KeepIntermediate: true, CheckContent: true,
		InProcess: true, Rerun: mapreduce.Rerun{From: "reduce"}, Tool: "t", Profile: "p",
	}
	v := reflect.ValueOf(want)
	for i := range v.NumField() {
		kind := v.Field(i).Kind() // functions and readers belong to a process
		if v.Field(i).IsZero() != (kind == reflect.Func || kind == reflect.Interface) {
			t.Errorf("field %s: give it a value here", v.Type().Field(i).Name)
		}
	}
	b, err := json.Marshal(wire{Config: want, Job: "j", Point: "p"})
	if err != nil {
		t.Fatal(err)
	}
	var got wire
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Config, want) || got.Job != "j" || got.Point != "p" {
		t.Errorf("got %+v", got)
	}
}

func TestEventually(t *testing.T) {
	n := 0
	if !eventually(func() bool { n++; return n > 3 }) {
		t.Error("it came true")
	}
}

// rejectFile is a reader of the lines of a file, each of which is an id.
type rejectFile struct{ ids []string }

func (r *rejectFile) Read(row *mapreduce.Reject) error {
	if len(r.ids) == 0 {
		return io.EOF
	}
	*row, r.ids = mapreduce.Reject{ID: r.ids[0]}, r.ids[1:]
	return nil
}

func (*rejectFile) Close() error { return nil }

func TestRejects(t *testing.T) {
	opts := mapreduce.Options{RejectParts: mapreduce.Dataset[mapreduce.Reject]{
		Ext: "x", Open: func(_ *mapreduce.Env, path string) (mapreduce.Reader[mapreduce.Reject], error) {
			b, err := os.ReadFile(path)
			return &rejectFile{strings.Fields(string(b))}, err
		},
	}}
	dir := t.TempDir()
	if got := Rejects(t, opts, dir); len(got) != 0 {
		t.Errorf("no files: %+v", got)
	}
	if err := os.Mkdir(filepath.Join(dir, "rejects"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, ids := range map[string]string{"part-000000.x": "a\nb\n", "part-000001.x": "c\n", "notes.txt": "d\n"} {
		Write(t, filepath.Join(dir, "rejects", name), []byte(ids))
	}
	if got, want := Rejects(t, opts, dir), []mapreduce.Reject{{ID: "a"}, {ID: "b"}, {ID: "c"}}; !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
}
