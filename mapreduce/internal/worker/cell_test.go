package worker

import (
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

func TestPack(t *testing.T) {
	tests := []struct{ in, want task.Span }{
		{task.Span{}, task.Span{}},
		{task.Span{Lo: 7, Hi: 7}, task.Span{}},
		{task.Span{Lo: 8, Hi: 7}, task.Span{}},
		{task.Span{Lo: 0, Hi: 1}, task.Span{Lo: 0, Hi: 1}},
		{task.Span{Lo: 40, Hi: 48}, task.Span{Lo: 40, Hi: 48}},
		{task.Span{Lo: -3, Hi: 2}, task.Span{Lo: 0, Hi: 2}},
		{task.Span{Lo: -3, Hi: -1}, task.Span{}},
		{task.Span{Lo: 5, Hi: 5 + maxLen - 1}, task.Span{Lo: 5, Hi: 5 + maxLen - 1}},
		{task.Span{Lo: 5, Hi: 5 + maxLen}, task.Span{Lo: 5, Hi: math.MaxInt64}},
		{task.Span{Lo: 0, Hi: math.MaxInt64}, task.Span{Lo: 0, Hi: math.MaxInt64}},
		{task.Span{Lo: maxLo, Hi: maxLo + 1}, task.Span{Lo: maxLo, Hi: maxLo + 1}},
		{task.Span{Lo: maxLo + 9, Hi: maxLo + 10}, task.Span{Lo: maxLo, Hi: math.MaxInt64}},
		{task.Span{Lo: math.MaxInt64 - 1, Hi: math.MaxInt64}, task.Span{Lo: maxLo, Hi: math.MaxInt64}},
	}
	for _, tt := range tests {
		if got := unpack(pack(tt.in)); got != tt.want {
			t.Errorf("%v comes back as %v, want %v", tt.in, got, tt.want)
		}
	}
}

// What comes back contains what went in, and is the same where it fits.
func TestPackNeverCuts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := task.Span{
			Lo: rapid.OneOf(rapid.Int64Range(0, 1000), rapid.Int64Range(0, math.MaxInt64)).Draw(t, "lo"),
			Hi: rapid.OneOf(rapid.Int64Range(0, 1000), rapid.Int64Range(0, math.MaxInt64)).Draw(t, "hi"),
		}
		got := unpack(pack(in))
		switch {
		case in.Len() == 0:
			if got.Len() != 0 {
				t.Fatalf("%v is empty, %v is not", in, got)
			}
		case got.Intersect(in) != in:
			t.Fatalf("%v was cut to %v", in, got)
		case in.Lo <= maxLo && in.Len() < maxLen && got != in:
			t.Fatalf("%v came back as %v", in, got)
		}
	})
}

// FuzzUnpack reads any word that a broken worker can leave.
func FuzzUnpack(f *testing.F) {
	for _, w := range []uint64{0, 1, maxLen, math.MaxUint64, 40<<lenBits | 8} {
		f.Add(w)
	}
	f.Fuzz(func(t *testing.T, w uint64) {
		s := unpack(w)
		if s.Lo < 0 || s.Hi < s.Lo {
			t.Fatalf("%#x is %v", w, s)
		}
		if again := unpack(pack(s)); again != s {
			t.Fatalf("%#x is %v and then %v", w, s, again)
		}
	})
}

// The layout is what the package comment says, byte for byte.
func TestCellLayout(t *testing.T) {
	c, f := testCell(t)
	for range 5 {
		c.Beat()
	}
	c.InFlight(task.Span{Lo: 40, Hi: 48})
	b := make([]byte, cellSize)
	if _, err := f.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	want := make([]byte, cellSize)
	binary.NativeEndian.PutUint64(want[0:], 5)
	binary.NativeEndian.PutUint64(want[8:], 40<<28|8)
	if string(b) != string(want) {
		t.Errorf("% x", b[:32])
	}
	c.Clear()
	if s := c.Span(); s != (task.Span{}) {
		t.Errorf("cleared: %v", s)
	}
}

func testCell(t *testing.T) (*Cell, *os.File) {
	t.Helper()
	f, err := newCellFile()
	if err != nil {
		t.Fatal(err)
	}
	c, err := mapCell(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.unmap(); closeAll(f) })
	return c, f
}

func TestNilCell(t *testing.T) {
	var c *Cell
	c.Beat()
	c.InFlight(task.Span{Lo: 1, Hi: 2})
	c.Clear()
	if s := c.Span(); s != (task.Span{}) {
		t.Errorf("%v", s)
	}
}

func TestCellOfManyGoroutines(t *testing.T) {
	c := NewCell()
	before := c.progress()
	var wg sync.WaitGroup
	for i := range int64(4) {
		wg.Go(func() {
			for n := range int64(1000) {
				c.Beat()
				c.InFlight(task.Span{Lo: n, Hi: n + 10*i + 1})
				if s := c.Span(); s.Len()%10 != 1 || s.Hi > 1031 {
					t.Errorf("a span that nobody stored: %v", s)
				}
			}
		})
	}
	wg.Wait()
	if after := c.progress(); after[0]-before[0] != 4000 {
		t.Errorf("%d beats, want 4000", after[0]-before[0])
	}
}

// A kill at any moment leaves a span that the worker had stored.
func TestKillLeavesAWholeSpan(t *testing.T) {
	for range 15 {
		f, err := newCellFile()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), quick, flickerEnv+"=1")
		cmd.ExtraFiles = []*os.File{f}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		c, err := mapCell(f)
		if err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(10 * time.Second); c.progress()[0] < 1000; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the child does not run")
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if s := c.Span(); s != flicker(0) && s != flicker(1) {
			t.Errorf("left behind: %v", s)
		}
		c.unmap()
		closeAll(f)
	}
}

// flicker is a sequence of spans that have no bound in common.
func flicker(i int) task.Span {
	return []task.Span{{Lo: 10, Hi: 20}, {Lo: 1 << 33, Hi: 1<<33 + 1<<20}}[i%2]
}

func TestCrashText(t *testing.T) {
	_, f := testCell(t)
	if got := crashText(f); got != "" {
		t.Errorf("of a living worker: %q", got)
	}
	if _, err := f.WriteAt([]byte("panic: x\n"), cellSize); err != nil {
		t.Fatal(err)
	}
	if got := crashText(f); got != "panic: x\n" {
		t.Errorf("%q", got)
	}
	if _, err := f.WriteAt([]byte(strings.Repeat("y", 1<<20)), cellSize); err != nil {
		t.Fatal(err)
	}
	if got := crashText(f); len(got) != 4096 {
		t.Errorf("%d bytes of a long one", len(got))
	}
}

func BenchmarkBeat(b *testing.B) {
	c := NewCell()
	for b.Loop() {
		c.Beat()
	}
}

func BenchmarkInFlight(b *testing.B) {
	c := NewCell()
	for b.Loop() {
		c.InFlight(inFlight)
	}
}
