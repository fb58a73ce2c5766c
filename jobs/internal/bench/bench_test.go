package bench

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/wordcount"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// TestMain makes the test binary its own worker program.
func TestMain(m *testing.M) { os.Exit(mrtest.Main(m, jobs.Standard(), wordcount.Job())) }

// burn takes CPU seconds, however long that lasts on a busy machine.
func burn(seconds float64) (n int) {
	for end := CPU() + seconds; CPU() < end; n++ {
	}
	return n
}

type ask struct {
	Burn float64
	Job  *Job
}

type told struct {
	CPU float64
	Run Run
}

// TestBenchChild is the child of the tests here.
func TestBenchChild(t *testing.T) {
	Serve(t, func(a ask) (told, error) {
		if a.Job != nil {
			r, err := a.Job.Run(wordcount.Job())
			return told{Run: r}, err
		}
		before := CPU()
		if burn(a.Burn) == 0 {
			return told{}, errors.New("no time passed")
		}
		return told{CPU: CPU() - before}, nil
	})
}

// inBenchmark runs a function as a benchmark, once.
func inBenchmark(t *testing.T, f func(b *testing.B)) {
	t.Helper()
	done := false
	testing.Benchmark(func(b *testing.B) {
		if !done {
			f(b)
		}
		done = !b.Failed()
	})
	if !done {
		t.Error("the benchmark failed")
	}
}

func TestCall(t *testing.T) {
	inBenchmark(t, func(b *testing.B) {
		out, c := Call[ask, told](b, "TestBenchChild", ask{Burn: .1})
		if out.CPU < .1 || out.CPU > c.CPU || c.CPU > 10 || c.Wall <= 0 {
			b.Errorf("it measured %v CPU seconds, and cost %+v", out.CPU, c)
		}
	})
}

func TestRun(t *testing.T) {
	input := filepath.Join(t.TempDir(), "a.txt")
	mrtest.Write(t, input, []byte("a b\nb c\n"))
	inBenchmark(t, func(b *testing.B) {
		j := &Job{Input: input, Dir: filepath.Join(b.TempDir(), "job")}
		out, c := Call[ask, told](b, "TestBenchChild", ask{Job: j})
		r := out.Run
		if r.Refused != "" || r.Read != 2 || r.Results != 3 || c.CPU <= 0 || len(r.Stages) == 0 {
			b.Errorf("%+v, %+v", r, c)
		}
		if r.WorkerRSS < 1<<20 || r.DriverRSS != 0 && r.DriverRSS < 1<<20 {
			b.Errorf("peaks %d and %d", r.DriverRSS, r.WorkerRSS)
		}
		j.Params = map[string]any{"no such parameter": 1}
		if out, _ := Call[ask, told](b, "TestBenchChild", ask{Job: j}); !strings.Contains(out.Run.Refused, "no such parameter") {
			b.Errorf("refused: %q", out.Run.Refused)
		}
	})
}

func TestSpread(t *testing.T) {
	for _, tt := range []struct {
		s                       Series
		least, median, greatest float64
		text                    string
	}{
		{nil, 0, 0, 0, "0 (0 to 0)"},
		{Series{2}, 2, 2, 2, "2 (2 to 2)"},
		{Series{3.14159, 1, 200}, 1, 3.14159, 200, "3.14 (1 to 200)"},
		{Series{4, 1, 3, 2}, 1, 3, 4, "3 (1 to 4)"},
	} {
		least, median, greatest := tt.s.Spread()
		if least != tt.least || median != tt.median || greatest != tt.greatest || tt.s.Median() != median || tt.s.Least() != least || tt.s.String() != tt.text {
			t.Errorf("%v: %v %v %v, %q", []float64(tt.s), least, median, greatest, tt.s)
		}
	}
}

// A file is made once, and again when it is not what it was.
func TestFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	made := 0
	get := func(write func(w *bufio.Writer) error) (string, int64, error) { return file(dir, "x-1.txt", write) }
	write := func(w *bufio.Writer) error {
		made++
		_, err := w.WriteString("some text")
		return err
	}
	path := filepath.Join(dir, "x-1.txt")
	steps := []struct {
		name string
		harm func() error
		made int
	}{
		{"new", func() error { return nil }, 1},
		{"kept", func() error { return nil }, 1},
		{"cut", func() error { return os.Truncate(path, 4) }, 2},
		{"changed", func() error { return os.WriteFile(path, []byte("some next"), 0o600) }, 3},
		{"gone", func() error { return os.Remove(path) }, 4},
		{"not noted", func() error { return os.Remove(path + ".sum") }, 5},
		{"kept again", func() error { return nil }, 5},
	}
	for _, s := range steps {
		if err := s.harm(); err != nil {
			t.Fatal(err)
		}
		got, size, err := get(write)
		b, _ := os.ReadFile(path)
		if err != nil || got != path || size != 9 || string(b) != "some text" || made != s.made {
			t.Errorf("%s: %s of %d bytes %q, made %d times (%v)", s.name, got, size, b, made, err)
		}
	}
	broken := errors.New("broken")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, _, err := get(func(*bufio.Writer) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("half a file stays (%v)", err)
	}
}

func TestSetting(t *testing.T) {
	t.Setenv("BENCH_TEST", "7")
	inBenchmark(t, func(b *testing.B) {
		if n := Setting(b, "BENCH_TEST", 3); n != 7 {
			b.Errorf("set to 7: %d", n)
		}
		if n := Setting(b, "BENCH_TEST_NOT_SET", 3); n != 3 {
			b.Errorf("not set: %d", n)
		}
	})
}
