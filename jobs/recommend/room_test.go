package recommend

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/dense"
	"github.com/shardmill/shardmill/mapreduce"
)

// TestRoom: arrays are in the heap as long as they take no more than half of it together, and then in files without names, until Close.
func TestRoom(t *testing.T) {
	const size = 1 << 14 // numbers, 64 KiB
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(8 * 4 * size))
	r := newRoom(mapreduce.NewEnv("05-score", nil), 4*size)
	r.folder = t.TempDir()
	words := func(part int, to []uint32) {
		for i := range to {
			to[i] += uint32(part*size + i) // of zeros
		}
	}
	floats := func(part int, to []float32) {
		for i := range to {
			to[i] += float32(part*size + i)
		}
	}
	for _, c := range []struct{ parts, files int }{{2, 0}, {2, 1}, {1, 1}, {1, 2}, {0, 2}} {
		got, err := r.Words(c.parts, size, words)
		want, _ := dense.Heap{}.Words(c.parts, size, words)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%d parts: other numbers, %v", c.parts, err)
		}
		if len(r.open) != c.files {
			t.Errorf("%d parts: %d files, want %d", c.parts, len(r.open), c.files)
		}
	}
	got, err := r.Floats(3, size, floats)
	want, _ := dense.Heap{}.Floats(3, size, floats)
	if err != nil || !slices.Equal(got, want) || len(r.open) != 3 {
		t.Fatalf("%d files, or other numbers, %v", len(r.open), err)
	}
	if left, err := os.ReadDir(r.folder); err != nil || len(left) > 0 {
		t.Errorf("files have names: %v, %v", left, err)
	}
	if err := r.Close(); err != nil || len(r.open) > 0 {
		t.Errorf("%d files are open, %v", len(r.open), err)
	}
}

// TestRoomEnter: a room outlives the attempt that it was made in, and then takes the folder of another one.
func TestRoomEnter(t *testing.T) {
	r := &room{inFiles: inFiles{folder: filepath.Join(t.TempDir(), "gone")}}
	fill := func(int, []float32) {}
	_, err := r.Floats(1, 1, fill)
	var failed *scratchError
	if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &failed) {
		t.Errorf("without a folder: %v", err)
	}
	r.enter(&mapreduce.Out{}) // whose folder is that of the system
	if _, err = r.Floats(1, 1, fill); err != nil || len(r.open) != 1 {
		t.Errorf("%d files, %v", len(r.open), err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// TestFitsWorker: what is refused would fit with the memory that the message gives, and not with a MiB less; one more als needs as much again.
func TestFitsWorker(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(64 << 20))
	for algorithm, parts := range map[string]int{"als": 1, "rp3beta,als,popularity": 1, "als:factors=8,als:factors=9": 2, "ease": 0, "rp3beta": 0} {
		p := Defaults()
		p.Algorithm = algorithm
		j := newRecommendation(p)
		most := 0
		if parts > 0 {
			most = 32 << 20 / placeBytes / parts
			debug.SetMemoryLimit(64 << 20)
			if err := j.fitsWorker(most); err != nil {
				t.Errorf("%s: %v", algorithm, err)
			}
		}
		err := j.fitsWorker(3 * most)
		if parts == 0 {
			if err := j.fitsWorker(1 << 40); err != nil {
				t.Errorf("%s: %v", algorithm, err)
			}
			continue
		}
		if mapreduce.ClassOf(err) != mapreduce.Input {
			t.Fatalf("%s: %v", algorithm, err)
		}
		var needed int64
		_, after, _ := strings.Cut(err.Error(), "at least --worker-memory ")
		if _, err := fmt.Sscanf(after, "%dMiB", &needed); err != nil {
			t.Fatalf("%s: %q: %v", algorithm, after, err)
		}
		for _, c := range []struct {
			mib  int64
			fits bool
		}{{needed, true}, {needed - 1, false}} {
			debug.SetMemoryLimit(c.mib << 20 * 85 / 100)
			if err := j.fitsWorker(3 * most); (err == nil) != c.fits {
				t.Errorf("%s: %d MiB of %d that are needed: %v", algorithm, c.mib, needed, err)
			}
		}
	}
}
