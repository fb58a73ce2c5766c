package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"image"
	_ "image/gif" // image.Decode reads the pictures back
	_ "image/jpeg"
	_ "image/png"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const demo = ".." // testdata/demo, from here

// trained and built are what one run makes, shared by the tests.
var (
	trainOnce = sync.OnceValues(train)
	buildOnce = sync.OnceValues(func() (map[string][]byte, error) {
		h, err := trainOnce()
		if err != nil {
			return nil, err
		}
		return build(h)
	})
)

func trained(t *testing.T) head {
	t.Helper()
	h, err := trainOnce()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func built(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// A whole second run gives the same bytes.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	if err := run(dir, &log); err != nil {
		t.Fatal(err)
	}
	for name, want := range built(t) {
		if got, err := fs.ReadFile(os.DirFS(dir), name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs between two runs, or %v", name, err)
		}
	}
	if want := fmt.Sprintf("%d files in %s\n", len(built(t)), dir); log.String() != want {
		t.Errorf("log %q, want %q", log.String(), want)
	}
}

func TestWriteErrors(t *testing.T) {
	dir := t.TempDir()
	if err := write(dir, map[string][]byte{"a": nil}); err != nil {
		t.Fatal(err)
	}
	if err := write(dir, map[string][]byte{"a/b": nil}); err == nil {
		t.Error("a file as a folder is no error")
	}
	if err := write(filepath.Dir(dir), map[string][]byte{filepath.Base(dir): nil}); err == nil {
		t.Error("a folder as a file is no error")
	}
}

// The folder holds what this program makes, and nothing else.
func TestFolderIsCurrent(t *testing.T) {
	made := built(t)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(made)), slices.Sorted(maps.Keys(shipped(t)))); diff != "" {
		t.Errorf("files (-made +in the folder):\n%s", diff)
	}
	if !strings.HasPrefix(runtime.Version(), "go1.26") || runtime.GOARCH != "amd64" {
		t.Skipf("the files were made by go1.26 on amd64, this is %s on %s", runtime.Version(), runtime.GOARCH)
	}
	for name, data := range shipped(t) {
		if !bytes.Equal(made[name], data) {
			t.Errorf("%s differs: run go run ./testdata/demo/gen", name)
		}
	}
}

// shipped reads the demo folder, without this program.
func shipped(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := fs.WalkDir(os.DirFS(demo), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path == "gen":
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		files[path], err = fs.ReadFile(os.DirFS(demo), path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestSizes(t *testing.T) {
	total := 0
	for name, data := range shipped(t) {
		total += len(data)
		if len(data) > 100_000 {
			t.Errorf("%s has %d bytes", name, len(data))
		}
	}
	if total > 400_000 {
		t.Errorf("%d bytes in all", total)
	}
}

type row struct{ path, label, kind string }

func rows(t *testing.T) []row {
	t.Helper()
	records, err := csv.NewReader(bytes.NewReader(shipped(t)["manifest.csv"])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"path", "id", "label", "kind"}, records[0]); diff != "" {
		t.Fatal(diff)
	}
	var out []row
	ids := map[string]bool{}
	for _, r := range records[1:] {
		if ids[r[1]] {
			t.Errorf("id %s twice", r[1])
		}
		ids[r[1]] = true
		out = append(out, row{r[0], r[2], r[3]})
	}
	return out
}

func TestManifest(t *testing.T) {
	files := shipped(t)
	kinds, labels := map[string]int{}, map[string]int{}
	for _, r := range rows(t) {
		if files[r.path] == nil {
			t.Errorf("%s is missing", r.path)
		}
		if !slices.Contains(classes(), r.label) {
			t.Errorf("%s: label %q is unknown", r.path, r.label)
		}
		kinds[r.kind]++
		labels[r.label]++
		cfg, format, err := image.DecodeConfig(bytes.NewReader(files[r.path]))
		if r.kind == "text" {
			if err == nil {
				t.Errorf("%s is a picture", r.path)
			}
			continue
		}
		if err != nil || cfg.Width < 96 || cfg.Width > 160 || cfg.Height < 96 || cfg.Height > 120 {
			t.Errorf("%s: %dx%d %s, %v", r.path, cfg.Width, cfg.Height, format, err)
		}
		if _, _, err := image.Decode(bytes.NewReader(files[r.path])); (err != nil) != (r.kind == "truncated") {
			t.Errorf("%s, %s: %v", r.path, r.kind, err)
		}
	}
	want := map[string]int{"jpeg": 43, "png": 3, "gif": 1, "truncated": 1, "text": 1}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
	if len(labels) != len(classes()) {
		t.Errorf("labels %v", labels)
	}
	if got := string(files["labels.txt"]); got != strings.Join(classes(), "\n")+"\n" {
		t.Errorf("labels.txt is %q", got)
	}
}

func TestAccuracyOnShippedPictures(t *testing.T) {
	h, files := trained(t), shipped(t)
	right, all := 0, 0
	for _, r := range rows(t) {
		img, _, err := image.Decode(bytes.NewReader(files[r.path]))
		if err != nil {
			continue // the truncated one and the text
		}
		all++
		got := classes()[argmax(h.logits(describe(tensor(crop(img)))))]
		if got == r.label {
			right++
		} else {
			t.Logf("%s: %s", r.path, got)
		}
	}
	t.Logf("%d of %d right", right, all)
	if all != 47 || float64(right) < 0.9*float64(all) {
		t.Errorf("%d of %d right", right, all)
	}
}

func TestAccuracyOnNewPictures(t *testing.T) {
	h := trained(t)
	confusion := map[string]int{}
	wrong, test := 0, samples(99, 60)
	for _, s := range test {
		if got := argmax(h.logits(s.features)); got != s.class {
			wrong++
			confusion[classes()[s.class]+" as "+classes()[got]]++
		}
	}
	t.Logf("%d of %d wrong: %v", wrong, len(test), confusion)
	if wrong > len(test)/20 {
		t.Errorf("%d of %d wrong", wrong, len(test))
	}
}

func TestPatterns(t *testing.T) {
	base := pattern{w: 100, h: 100, period: 20, radius: 25, dark: [3]float64{0, 0, 0}, light: [3]float64{255, 255, 255}}
	tests := []struct {
		name   string
		class  int
		angle  float64
		same   [2]float64 // a step that changes nothing
		change [2]float64 // a step that swaps the colours, from (5, 5)
	}{
		{"horizontal", horizontal, math.Pi / 2, [2]float64{7, 0}, [2]float64{0, 10}},
		{"vertical", vertical, 0, [2]float64{0, 7}, [2]float64{10, 0}},
		{"diagonal", diagonal, math.Pi / 4, [2]float64{7, -7}, [2]float64{10 * math.Sqrt2 / 2, 10 * math.Sqrt2 / 2}},
		{"checkerboard", checkerboard, 0, [2]float64{10, 10}, [2]float64{10, 0}},
		{"disc", disc, 0, [2]float64{-10, 0}, [2]float64{40, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := base
			p.class, p.angle = tt.class, tt.angle
			v := p.at(5, 5)
			if got := p.at(5+tt.same[0], 5+tt.same[1]); math.Abs(got-v) > 1e-9 {
				t.Errorf("%v then %v", v, got)
			}
			if got := p.at(5+tt.change[0], 5+tt.change[1]); math.Abs(got-(1-v)) > 1e-9 || v < 0.6 {
				t.Errorf("%v then %v", v, got)
			}
		})
	}
	p := base
	p.class = gradient
	if a, b, c := p.at(-50, 0), p.at(0, 9), p.at(50, 0); !(a < b && b < c) || b != 0.5 {
		t.Errorf("gradient %v %v %v", a, b, c)
	}
}

func TestColoursDiffer(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		if a, b := colours(r); math.Abs(grey(a)-grey(b)) < 70 {
			t.Fatalf("%v and %v", a, b)
		}
	}
}

// The gradient of the loss agrees with differences of the loss.
func TestLossGradient(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	var data []sample
	for i := range 12 {
		s := sample{make([]float64, features), i % len(classes())}
		for j := range s.features {
			s.features[j] = r.NormFloat64()
		}
		data = append(data, s)
	}
	n := len(classes()) * (features + 1)
	x, grad, scratch := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	loss(data, x, grad)
	const step = 1e-6
	for i := range x {
		at := x[i]
		x[i] = at + step
		up := loss(data, x, scratch)
		x[i] = at - step
		down := loss(data, x, scratch)
		x[i] = at
		if want := (up - down) / (2 * step); math.Abs(want-grad[i]) > 1e-6 {
			t.Fatalf("%d: gradient %v, differences %v", i, grad[i], want)
		}
	}
}

// Undoing the standardization gives the same logits, up to the rounding of the weights.
func TestNewHead(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	x, mean, scale, f := make([]float64, len(classes())*(features+1)), make([]float64, features), make([]float64, features), make([]float64, features)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	for i := range f {
		mean[i], scale[i], f[i] = r.NormFloat64(), 0.5+r.Float64(), r.NormFloat64()
	}
	got := newHead(x, mean, scale).logits(f)
	for c := range got {
		want := x[c*(features+1)+features]
		for i := range f {
			want += x[c*(features+1)+i] * (f[i] - mean[i]) / scale[i]
		}
		if math.Abs(got[c]-want) > 0.02 {
			t.Errorf("class %d: %v, want %v", c, got[c], want)
		}
	}
}
