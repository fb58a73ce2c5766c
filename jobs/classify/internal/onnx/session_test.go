package onnx

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// open opens a session for the length of the test.
func open(t testing.TB, path string, o Options) *Session {
	t.Helper()
	s, err := Open(needRuntime(t), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// fillEcho writes value(row, class) into every slot of an echo model.
func fillEcho(s *Session, value func(row, class int) int) {
	for i := range s.Batch() * s.Classes() {
		v := value(i/s.Classes(), i%s.Classes())
		switch s.Input().Type {
		case Float32:
			s.Float32()[i] = float32(v)
		case Float16:
			s.Float16()[i] = narrow(v)
		case Uint8:
			s.Uint8()[i] = uint8(v)
		}
	}
}

// narrow gives the binary16 of an integer that has one exactly (|v| <= 2048).
func narrow(v int) uint16 {
	bits := math.Float32bits(float32(v))
	if v == 0 {
		return 0
	}
	return uint16(bits>>16&0x8000) | uint16(bits>>23&0xff-127+15)<<10 | uint16(bits>>13&0x3ff)
}

func TestNarrow(t *testing.T) {
	for v := -2048; v <= 2048; v++ {
		if got := widen(narrow(v)); got != float32(v) {
			t.Fatalf("narrow(%d) widens to %v", v, got)
		}
	}
}

func TestEcho(t *testing.T) {
	const classes = 5
	for _, elem := range []struct {
		code int64
		name Element
	}{{1, Float32}, {10, Float16}, {2, Uint8}} {
		for _, batch := range []int64{-1, 1, 3} {
			t.Run(fmt.Sprintf("%s batch %d", elem.name, batch), func(t *testing.T) {
				s := open(t, echoModel(t, elem.code, batch, classes), Options{Batch: 6})
				if s.Batch() != 6 || s.Classes() != classes || s.Input().Type != elem.name || s.Output().Name != "scores" {
					t.Fatalf("batch %d, classes %d, input %s, output %s", s.Batch(), s.Classes(), s.Input(), s.Output())
				}
				if (s.Float32() != nil) != (elem.name == Float32) || (s.Float16() != nil) != (elem.name == Float16) || (s.Uint8() != nil) != (elem.name == Uint8) {
					t.Error("not exactly one buffer is there")
				}
				for round, n := range []int{6, 1, 5, 2, 6, 3, 4} {
					value := func(row, class int) int { return 30*round + 5*row + class }
					fillEcho(s, value)
					checkEcho(t, s, n, value)
				}
			})
		}
	}
}

func checkEcho(t *testing.T, s *Session, n int, value func(row, class int) int) {
	t.Helper()
	if err := s.Run(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	scores := make([]float32, s.Classes())
	for row := range n {
		s.Scores(row, scores)
		for class, got := range scores {
			if want := float32(value(row, class)); got != want {
				t.Fatalf("run of %d: row %d, class %d: %v, want %v", n, row, class, got, want)
			}
		}
	}
}

// TestTailOfAFixedBatch runs a model whose rows see each other: the slots after
// n must not reach the result.
func TestTailOfAFixedBatch(t *testing.T) {
	for _, batch := range []int64{-1, 1, 4} {
		s := open(t, maxModel(t, batch, 2), Options{Batch: 8})
		for n := 1; n <= s.Batch(); n++ {
			for i := range s.Float32() {
				s.Float32()[i] = 1
			}
			for i := n * 2; i < len(s.Float32()); i++ {
				s.Float32()[i] = 100 // what an earlier batch left
			}
			checkEcho(t, s, n, func(int, int) int { return 2 })
		}
	}
}

func TestRunRefusals(t *testing.T) {
	s := open(t, echoModel(t, 1, -1, 3), Options{Batch: 4})
	for _, n := range []int{-1, 5} {
		if err := s.Run(t.Context(), n); err == nil || !strings.Contains(err.Error(), "batch of 4") {
			t.Errorf("run of %d: %v", n, err)
		}
	}
	if err := s.Run(t.Context(), 0); err != nil {
		t.Errorf("run of 0: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled run: %v", err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if err := s.Run(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("run after close: %v", err)
	}
}

// TestOpenClasses runs a model whose number of classes is known only when it
// runs: it keeps the columns that are not all zero.
func TestOpenClasses(t *testing.T) {
	path := writeModel(t,
		[]op{
			{kind: "Flatten", in: []string{"image"}, out: []string{"flat"}},
			{kind: "ReduceMax", in: []string{"flat"}, out: []string{"max"}, attrs: [][]byte{intsAttr("axes", 0), intAttr("keepdims", 0)}},
			{kind: "Cast", in: []string{"max"}, out: []string{"keep"}, attrs: [][]byte{intAttr("to", 9)}}, // to bool
			{kind: "Compress", in: []string{"flat", "keep"}, out: []string{"scores"}, attrs: [][]byte{intAttr("axis", 1)}},
		},
		[]port{{"image", 1, []int64{-1, 1, 1, 4}}},
		[]port{{"scores", 1, []int64{-1, -1}}})
	if _, err := Open(needRuntime(t), path, Options{}); err == nil || !strings.Contains(err.Error(), "the number of classes is open") {
		t.Errorf("open without a number of classes: %v", err)
	}
	s := open(t, path, Options{Classes: 4})
	value := func(row, class int) int { return 1 + row + class }
	fillEcho(s, value)
	checkEcho(t, s, 8, value)
	s = open(t, path, Options{Classes: 5})
	pixels := s.Float32()
	for i := range pixels {
		pixels[i] = 1
	}
	if err := s.Run(t.Context(), 8); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("wrong number of classes: %v", err)
	}
}

func TestOpenRefusals(t *testing.T) {
	rt := needRuntime(t)
	path := echoModel(t, 1, -1, 3)
	for _, tt := range []struct {
		name string
		o    Options
		want string
	}{
		{"threads", Options{Threads: -1}, "out of range"},
		{"batch", Options{Batch: -8}, "out of range"},
		{"large batch", Options{Batch: 1 << 30}, "out of range"},
		{"output", Options{Output: "nothing"}, `no output "nothing"`},
		{"row", Options{Row: []int64{3, 224, 224}}, "do not fit"},
	} {
		if _, err := Open(rt, path, tt.o); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want the path and %q", tt.name, err, tt.want)
		}
	}
	if _, err := Open(Runtime{Path: textFile(t)}, path, Options{}); err == nil || !strings.Contains(err.Error(), "ONNX Runtime") {
		t.Errorf("open with a text file as library: %v", err)
	}
	if _, err := Open(Runtime{Path: fakeLibrary(t, "libold.so", "1.2.0")}, path, Options{}); err == nil {
		t.Error("opened with an old library")
	}
}

func TestDefaults(t *testing.T) {
	o, err := Options{}.defaulted()
	if err != nil || o.Threads != 1 || o.Batch != 8 {
		t.Errorf("defaults %+v, %v", o, err)
	}
}

// TestReload unloads and loads the library again and again in one process.
func TestReload(t *testing.T) {
	rt := needRuntime(t)
	path := echoModel(t, 1, -1, 3)
	for range 5 {
		s, err := Open(rt, path, Options{Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Run(t.Context(), 8), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGarbageCollection runs sessions while the collector runs all the time and
// other goroutines make garbage.
func TestGarbageCollection(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var noise sync.WaitGroup
	noise.Go(func() {
		for ctx.Err() == nil {
			_ = make([]float32, 1<<16)
			runtime.GC()
		}
	})
	defer noise.Wait()
	defer stop()
	var users sync.WaitGroup
	defer users.Wait()
	for user := range 3 {
		s := open(t, maxModel(t, []int64{-1, 1, 4}[user], 200), Options{})
		users.Go(func() {
			scores := make([]float32, s.Classes())
			for round := range 100 {
				n := 1 + round%s.Batch()
				in := s.Float32()
				for i := range in {
					in[i] = float32(round)
				}
				if err := s.Run(ctx, n); err != nil {
					t.Error(err)
					return
				}
				s.Scores(n-1, scores)
				if scores[0] != float32(2*round) || scores[len(scores)-1] != float32(2*round) {
					t.Errorf("round %d: %v and %v", round, scores[0], scores[len(scores)-1])
					return
				}
			}
		})
	}
}

// TestRunAllocatesLittle holds the library's binding to what it does itself: a
// few small slices a call.
func TestRunAllocatesLittle(t *testing.T) {
	s := open(t, echoModel(t, 1, -1, 1000), Options{})
	ctx := t.Context()
	scores := make([]float32, s.Classes())
	n := testing.AllocsPerRun(20, func() {
		if err := s.Run(ctx, 8); err != nil {
			t.Fatal(err)
		}
		s.Scores(7, scores)
	})
	if n > 6 {
		t.Errorf("%v allocations a run", n)
	}
}

// Check sees the model's input before the rest of the options is looked at, and its error is that of Open.
func TestOpenChecks(t *testing.T) {
	refused := errors.New("refused")
	var seen []Tensor
	o := Options{Row: []int64{1}, Check: func(in Tensor) error { seen = append(seen, in); return refused }}
	if _, err := Open(needRuntime(t), echoModel(t, 1, -1, 4), o); !errors.Is(err, refused) {
		t.Errorf("error %v", err)
	}
	if len(seen) != 1 || seen[0].Type != Float32 || len(seen[0].Shape) != 4 {
		t.Errorf("seen %v", seen)
	}
	if _, loaded := library.active(); loaded {
		t.Error("a refused Open keeps the library")
	}
}
