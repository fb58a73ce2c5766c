package shuffle

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// scripted is a source of count records that then ends with err.
type scripted struct {
	count int
	err   error
}

func (s *scripted) next() (key, value []byte, err error) {
	if s.count == 0 {
		return nil, nil, s.err
	}
	s.count--
	return []byte("key"), noise(uint64(s.count), 1000), nil
}

func (s *scripted) close() error { return nil }

func testSpiller(t *testing.T, fan int) *spiller {
	return newSpiller(&Config{TempDir: t.TempDir(), MaxFan: fan, Beat: func() {}, Stopped: func() error { return nil }}, &cutter{})
}

// A spill that fails leaves no file.
func TestSpillFails(t *testing.T) {
	broken := errors.New("input/output error")
	s := testSpiller(t, 2)
	if err := s.spill(&scripted{100, broken}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	emptyDir(t, s.dir)
	if s.written != 0 || len(s.runs) != 0 {
		t.Errorf("%d bytes and %d runs on the books", s.written, len(s.runs))
	}
}

// A merge that meets a lost or foreign spill says so, and removal takes the rest.
func TestMergeLostSpill(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"missing": os.Remove,
		"empty":   func(path string) error { return os.Truncate(path, 0) },
		"version": func(path string) error {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			b[len(b)-len(magic)-4]++
			return os.WriteFile(path, b, 0o600)
		},
	} {
		s := testSpiller(t, 2)
		for range 4 {
			if err := s.spill(&scripted{10, io.EOF}); err != nil {
				t.Fatal(err)
			}
		}
		if err := spoil(s.runs[1].path); err != nil {
			t.Fatal(err)
		}
		_, err := s.merge()
		var damaged *DamagedError
		if !errors.As(err, &damaged) || !damaged.Spill || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.remove(); err != nil {
			t.Error(err)
		}
		emptyDir(t, s.dir)
	}
}

// Passes end with exactly fan ways and merge neighbours only.
func TestMergePasses(t *testing.T) {
	for fan := 2; fan <= 5; fan++ {
		for count := 1; count <= 14; count++ {
			s := testSpiller(t, fan)
			for range count {
				if err := s.spill(&scripted{1 + count%3, io.EOF}); err != nil {
					t.Fatal(err)
				}
			}
			m, err := s.merge()
			if err != nil {
				t.Fatal(err)
			}
			if len(s.runs) != min(fan, count) {
				t.Errorf("%d runs, fan %d: the last merge has %d ways", count, fan, len(s.runs))
			}
			n := 0
			for _, _, err = m.next(); err == nil; _, _, err = m.next() {
				n++
			}
			if !errors.Is(err, io.EOF) || n != count*(1+count%3) {
				t.Errorf("%d runs, fan %d: %d records, %v", count, fan, n, err)
			}
			if err := errors.Join(m.close(), s.remove()); err != nil {
				t.Error(err)
			}
			emptyDir(t, s.dir)
		}
	}
}

func TestCheapest(t *testing.T) {
	s := &spiller{}
	for _, n := range []int64{9, 4, 4, 1, 8, 1, 1} {
		s.runs = append(s.runs, run{bytes: n})
	}
	for n, want := range map[int]int{1: 3, 2: 5, 3: 1, 4: 3, 7: 0} {
		if got := s.cheapest(n); got != want {
			t.Errorf("cheapest(%d) = %d, want %d", n, got, want)
		}
	}
}

// The live heap stays within the budget and the few blocks beside it.
func TestInputMemory(t *testing.T) {
	const budget, slack = 8 << 20, 2 << 20
	var paths []string
	for m := range 8 {
		path := filepath.Join(t.TempDir(), fmt.Sprint("map-", m))
		writeFile(t, path, []Stream{{"s", 1, 0, 0}}, func(add addFunc) {
			for i := range 30_000 {
				add(0, 0, noise(uint64(i), 12), noise(uint64(m), 100))
			}
		})
		paths = append(paths, path)
	}
	live := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	base, peak, beats := live(), int64(0), 0
	in, err := NewInput(Config{Budget: budget, TempDir: t.TempDir(), Beat: func() {
		if beats++; beats%10 == 0 {
			peak = max(peak, live()-base)
		}
	}}, each(paths))
	if err != nil {
		t.Fatal(err)
	}
	for in.NextGroup() {
		in.Next()
	}
	if in.Err() != nil || in.Spilled() == 0 {
		t.Errorf("%d bytes spilled, %v", in.Spilled(), in.Err())
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if peak > budget+slack || peak < budget/2 {
		t.Errorf("live heap of %d bytes for a budget of %d", peak, budget)
	}
}
