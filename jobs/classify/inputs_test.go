package classify_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// TestFilesChangeMeanwhile: what a worker opens by name must be what the driver digested at the start.
func TestFilesChangeMeanwhile(t *testing.T) {
	needRuntime(t)
	var p classify.Params
	for _, file := range []*string{&p.Model, &p.Labels} {
		p = demoParams(t)
		own := filepath.Join(t.TempDir(), filepath.Base(*file))
		copyFile(t, *file, own)
		*file = own
		cfg := config(t, filepath.Join(t.TempDir(), "job"), p, demo(t, "manifest.csv"))
		cfg.Hook = func(point string) {
			if point == "done:00-split" {
				b, err := os.ReadFile(own)
				if err == nil {
					err = os.WriteFile(own, append(b, '\n'), 0o600)
				}
				if err != nil {
					t.Error(err)
				}
			}
		}
		_, err := run(t, cfg)
		if mapreduce.ClassOf(err) != mapreduce.Input || !strings.Contains(err.Error(), filepath.Base(own)+" changed since") {
			t.Errorf("%s: got %v", filepath.Base(own), err)
		}
	}
}

// TestFolders: a pattern that matches a folder searches it like the folder itself, links to folders are counted,
// special characters above a pattern are none, and a folder without images is an error.
func TestFolders(t *testing.T) {
	needRuntime(t)
	root := filepath.Join(t.TempDir(), "ph [2024]*")
	pic := picturesOf(t, 2)
	for _, d := range []string{"sub/one", "real", "empty"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	copyFile(t, demo(t, pic[0]), filepath.Join(root, "sub", "one", "a.JPG"))
	copyFile(t, demo(t, pic[1]), filepath.Join(root, "real", "b.jpg"))
	for _, name := range []string{"sub/one/readme.txt", "sub/one/list.csv", "empty/notes.txt"} {
		mrtest.Write(t, filepath.Join(root, filepath.FromSlash(name)), []byte("no picture\n"))
	}
	if err := os.Symlink("../real", filepath.Join(root, "sub", "link")); err != nil {
		t.Fatal(err)
	}
	p := demoParams(t)
	p.LabelCol = ""
	t.Chdir(root)
	for _, input := range []string{"sub", "s*", "sub/*ne", "../ph [[]2024]*/sub"} {
		var notes []string
		cfg := config(t, filepath.Join(t.TempDir(), "job"), p, input)
		cfg.Observe = func(e mapreduce.Event) {
			if e.Kind == mapreduce.EventNote {
				notes = append(notes, e.Text)
			}
		}
		if s := mustRun(t, cfg, mapreduce.ExitComplete); s.Rows.Mapped != 1 {
			t.Errorf("%s: rows %+v", input, s.Rows)
		}
		want := "3 files"
		if input == "sub/*ne" {
			want = "2 files"
		}
		if len(notes) != 1 || !strings.HasPrefix(notes[0], want) {
			t.Errorf("%s: notes %q, want %s", input, notes, want)
		}
		for _, r := range readDataset(t, cfg.Dir, "ranked", idColumns()) {
			if !strings.HasSuffix(r.ID, "sub/one/a.JPG") || filepath.IsAbs(r.ID) {
				t.Errorf("%s: the image is called %s", input, r.ID)
			}
		}
	}
	_, err := run(t, config(t, filepath.Join(t.TempDir(), "job"), p, "empty"))
	if mapreduce.ClassOf(err) != mapreduce.Input || !strings.Contains(err.Error(), "no image") {
		t.Errorf("a folder without images: %v", err)
	}
}

// TestNoProbabilities: logits that a spec calls probabilities stop the job, since thresholds would mean nothing.
func TestNoProbabilities(t *testing.T) {
	needRuntime(t)
	spec, err := os.ReadFile(demo(t, "preprocess.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.Replace(string(spec), "logits", "probabilities", 1)
	if wrong == string(spec) {
		t.Fatal("the demo's spec says nothing of logits")
	}
	p := demoParams(t)
	p.Preprocess = filepath.Join(t.TempDir(), "wrong.yaml")
	mrtest.Write(t, p.Preprocess, []byte(wrong))
	_, err = run(t, config(t, filepath.Join(t.TempDir(), "job"), p, demo(t, "manifest.csv")))
	if mapreduce.ClassOf(err) != mapreduce.Input || !strings.Contains(err.Error(), "no probability") {
		t.Errorf("got %v", err)
	}
}

// TestJobInsideInput: a job directory inside a folder that is searched is no input.
func TestJobInsideInput(t *testing.T) {
	needRuntime(t)
	root := t.TempDir()
	copyFile(t, demo(t, picturesOf(t, 1)[0]), filepath.Join(root, "a.jpg"))
	p := demoParams(t)
	p.LabelCol = ""
	for range 2 {
		if s := mustRun(t, config(t, filepath.Join(root, "job"), p, root), mapreduce.ExitComplete); s.Rows.Read != 1 {
			t.Errorf("rows %+v", s.Rows)
		}
	}
}

// TestOutIsAFile is a mistake on the command line.
func TestOutIsAFile(t *testing.T) {
	needRuntime(t)
	file := filepath.Join(t.TempDir(), "file")
	mrtest.Write(t, file, nil)
	for _, out := range []string{file, filepath.Join(file, "job")} {
		mustRun(t, config(t, out, demoParams(t), demo(t, "manifest.csv")), mapreduce.ExitUsage)
	}
}
