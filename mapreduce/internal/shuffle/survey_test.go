package shuffle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// numbers are what next passes.
func numbers(next func() (int, bool)) (all []int) {
	for n, ok := next(); ok; n, ok = next() {
		all = append(all, n)
	}
	return all
}

// A survey says of each partition what the maps emitted, in as many partitions as there is room for, and an input that is
// given the files it names, and what they hold, yields what one of all files does.
func TestSurveyMatchesOracle(t *testing.T) {
	root := t.TempDir()
	var buffers Buffers
	parts, skipped := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(root, "case")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		s := Stream{"s", rapid.IntRange(1, 300).Draw(t, "partitions"), rapid.SampledFrom([]int{0, 3, 8}).Draw(t, "key width"), 0}
		maps := drawMaps(t, s)
		paths := drawFiles(t, dir, s, maps)
		cfg := Config{
			KeyWidth: s.KeyWidth, TempDir: dir, Buffers: &buffers,
			Budget: rapid.SampledFrom([]int64{0, 5000, 1 << 20}).Draw(t, "budget"),
		}
		var v *Survey
		for cfg.Partition = 0; cfg.Partition < s.Partitions; cfg.Partition += 1 + s.Partitions/8 {
			if !v.Covers(cfg.Partition) {
				if v, err = NewSurvey(cfg, s.Partitions, len(paths), each(paths)); err != nil {
					t.Fatal(err)
				}
				parts += boolInt(len(v.sizes) < s.Partitions-cfg.Partition)
			}
			want := oracle(maps, cfg.Partition)
			var have []string
			for _, n := range numbers(v.Files(cfg.Partition)) {
				have = append(have, paths[n])
			}
			checkNamed(t, cfg.Partition, maps, paths, have)
			skipped += len(paths) - len(have)
			known := v.Size(cfg.Partition)
			cfg := cfg
			cfg.Known = &known
			in, err := NewInput(cfg, each(have))
			if err != nil {
				t.Fatal(err)
			}
			checkInput(t, in, int64(len(want)), want, nil)
			if err := in.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
	if parts == 0 || skipped == 0 {
		t.Errorf("%d surveys of some partitions, %d files left out", parts, skipped)
	}
}

// checkNamed compares the files that a survey names with those in which a partition has records.
func checkNamed(t *rapid.T, partition int, maps [][]record, paths, have []string) {
	var want []string
	for m, records := range maps {
		if slices.ContainsFunc(records, func(r record) bool { return r.partition == partition }) {
			want = append(want, paths[m])
		}
	}
	if !slices.Equal(have, want) {
		t.Fatalf("partition %d: files %v, want %v", partition, have, want)
	}
}

// However many files there are, a survey has at least a partition, and it is bounded.
func TestSurveyIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	writeFile(t, path, []Stream{{Name: "other", Partitions: 7}, {Name: "s", Partitions: 5000, KeyWidth: 4}}, func(add addFunc) {
		add(0, 3, []byte("other"), nil)
		for p := 0; p < 5000; p += 100 {
			add(1, p, fmt.Appendf(nil, "%04d", p), []byte("x"))
		}
	})
	const files = 3000
	for _, c := range []struct {
		budget    int64
		partition int
		want      int
	}{
		{0, 4321, 1},
		{1 << 30, 4321, 5000 - 4321},
		{1 << 20, 100, (1 << 16) / (8*47 + sizeBytes + entrySize)},
	} {
		left := files
		v, err := NewSurvey(Config{Stream: 1, Partition: c.partition, KeyWidth: 4, Budget: c.budget}, 5000, files, func() (string, bool) {
			left--
			return path, left >= 0
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(v.sizes); got != c.want || len(v.has) != got*47 {
			t.Errorf("budget %d: %d partitions in %d words, want %d", c.budget, got, len(v.has), c.want)
		}
		if p := c.partition + c.want; v.Covers(p) || !v.Covers(p-1) || v.Covers(c.partition-1) {
			t.Errorf("budget %d: it does not cover what it should", c.budget)
		}
		for p := c.partition; v.Covers(p); p++ {
			want := Size{}
			if p%100 == 0 {
				want = Size{files, files * 6} // a key of 4 bytes, and a value of one with its length
			}
			if v.Size(p) != want || len(numbers(v.Files(p))) != int(want.Records) {
				t.Fatalf("partition %d: %v in %d files, want %v", p, v.Size(p), len(numbers(v.Files(p))), want)
			}
		}
	}
}

// A survey fails as an input does, and where there are more files than it was told.
func TestSurveyFails(t *testing.T) {
	dir := t.TempDir()
	path, cut := filepath.Join(dir, "run"), filepath.Join(dir, "cut")
	streams := []Stream{{Name: "s", Partitions: 4, KeyWidth: 4}}
	writeFile(t, path, streams, func(add addFunc) { add(0, 2, []byte("abcd"), []byte("x")) })
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	entry := len(whole) - trailerSize - (16 + 1) - 2*entrySize // of partition 2
	damagedEntry := slices.Clone(whole)
	damagedEntry[entry]++
	entryPath := filepath.Join(dir, "entry")
	for p, b := range map[string][]byte{cut: whole[:len(whole)-1], entryPath: damagedEntry} {
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stopped := errors.New("stopped")
	isDamaged := func(err error) bool {
		var bad *DamagedError
		return errors.As(err, &bad)
	}
	for name, c := range map[string]struct {
		cfg   Config
		most  int
		n     int
		paths []string
		want  func(error) bool
	}{
		"missing":            {Config{KeyWidth: 4}, 4, 2, []string{path, filepath.Join(dir, "none")}, func(err error) bool { return errors.Is(err, fs.ErrNotExist) }},
		"cut":                {Config{KeyWidth: 4}, 4, 2, []string{path, cut}, isDamaged},
		"entry of another":   {Config{KeyWidth: 4, Budget: 1 << 20}, 4, 1, []string{entryPath}, isDamaged},
		"other widths":       {Config{KeyWidth: 8}, 4, 1, []string{path}, isDamaged},
		"other partitions":   {Config{KeyWidth: 4, Budget: 1 << 20}, 5, 1, []string{path}, isDamaged},
		"more than was told": {Config{KeyWidth: 4}, 4, 1, []string{path, path}, func(err error) bool { return err != nil && !isDamaged(err) }},
		"stopped":            {Config{KeyWidth: 4, Stopped: func() error { return stopped }}, 4, 1, []string{path}, func(err error) bool { return errors.Is(err, stopped) }},
	} {
		if v, err := NewSurvey(c.cfg, c.most, c.n, each(c.paths)); v != nil || !c.want(err) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
	if v, err := NewSurvey(Config{KeyWidth: 4}, 4, 2, each([]string{entryPath, path})); err != nil || v.Covers(2) {
		t.Errorf("a survey of partition 0 alone: %v", err)
	}
}

// An input whose files hold other than it was told does not pass for whole.
func TestInputOfAnotherSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	writeFile(t, path, []Stream{{Name: "s", Partitions: 1, KeyWidth: 4}}, func(add addFunc) { add(0, 0, []byte("abcd"), []byte("x")) })
	for _, known := range []Size{{}, {1, 6}, {2, 12}} {
		in, err := NewInput(Config{KeyWidth: 4, Budget: 1 << 20, Known: &known}, each([]string{path}))
		if (err == nil) != (known.Records == 1) {
			t.Errorf("%v: %v", known, err)
		}
		if err == nil {
			_ = in.Close()
		}
	}
}
