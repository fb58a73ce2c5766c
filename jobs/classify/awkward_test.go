package classify_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// TestAwkward classifies damaged, odd and hostile files, by their manifest and as a folder. Each ends as the table of the
// decoder's test says, as a result or as a reject with that reason, and no worker grows above its cap.
func TestAwkward(t *testing.T) {
	needRuntime(t)
	folder := shared(t, "awkward", "public")
	const files, memory = 93, 640 << 20
	p := classify.Defaults()
	p.Model, p.Labels = shared(t, "models", "squeezenet1.1-fp32", "model.onnx"), shared(t, "models", "squeezenet1.1-fp32", "labels.txt")
	p.Preprocess, p.ShardRows = "imagenet-caffe", 25
	outcomes := map[string]map[string]string{}
	for _, input := range []string{filepath.Join(folder, "notes.csv"), folder} {
		dir := filepath.Join(t.TempDir(), "job")
		cfg := config(t, dir, p, input)
		cfg.WorkerMemory = memory
		s := mustRun(t, cfg, mapreduce.ExitRejects)
		if s.Rows.Read != files || s.Rows.Mapped+s.Rows.Rejected != files {
			t.Errorf("%s: rows %+v, want %d", filepath.Base(input), s.Rows, files)
		}
		if s.Usage.WorkerPeakRSS > memory {
			t.Errorf("a worker had %d bytes, the cap is %d", s.Usage.WorkerPeakRSS, memory)
		}
		t.Logf("%s: %d results, %d rejects, largest worker %d MiB", filepath.Base(input), s.Rows.Mapped, s.Rows.Rejected, s.Usage.WorkerPeakRSS>>20)
		outcomes[input] = outcomesOf(t, dir, folder)
	}
	byManifest, byFolder := outcomes[filepath.Join(folder, "notes.csv")], outcomes[folder]
	if len(byManifest) != files || len(byFolder) != files {
		t.Fatalf("%d and %d outcomes, want %d", len(byManifest), len(byFolder), files)
	}
	for name, o := range byManifest {
		if byFolder[name] != o {
			t.Errorf("%s: %s by manifest, %s in the folder", name, o, byFolder[name])
		}
	}
	listed := awkwardTable(t)
	for name, got := range byManifest {
		if want := listed[name]; got != want {
			t.Errorf("%s: %q, the table says %q", name, got, want)
		}
	}
	for name := range listed {
		if byManifest[name] == "" && slices.Contains([]string{".jpg", ".png", ".gif", ".webp"}, filepath.Ext(name)) {
			t.Errorf("%s has no outcome", name)
		}
	}
}

// awkwardTable gives the outcome of each file, as the decoder's test has it.
func awkwardTable(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("internal", "pixel", "testdata", "awkward.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	libraries, err := classify.FindLibraries()
	if err != nil {
		t.Fatal(err)
	}
	table := map[string]string{}
	_, lines, _ := strings.Cut(string(text), "\n")
	for line := range strings.Lines(lines) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		want := cells[1]
		if !strings.HasPrefix(libraries.JPEG, "libjpeg-turbo") {
			want = cells[2]
		}
		if want != "ok" && want != "damaged" {
			want = "reject: " + want
		}
		table[cells[0]] = want
	}
	return table
}

// outcomesOf tells for each file, by its path below folder, its status or the reason of its reject.
func outcomesOf(t *testing.T, dir, folder string) map[string]string {
	t.Helper()
	m := map[string]string{}
	name := func(path string) string { return strings.TrimPrefix(path, folder+"/") }
	for _, r := range readDataset(t, dir, "ranked", idColumns()) {
		m[name(r.Path)] = r.Status
	}
	for _, r := range mrtest.Rejects(t, jobs.Standard(), dir) {
		if r.Reason == "" || m[name(r.ID)] != "" {
			t.Errorf("reject without a reason, or of a result: %+v", r)
		}
		m[name(r.ID)] = "reject: " + r.Reason
	}
	return m
}
