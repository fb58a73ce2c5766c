package wordcount_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/internal/bench"
	"github.com/shardmill/shardmill/jobs/wordcount"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

const (
	vocabulary   = 50_000 // different words
	wordsPerLine = 12
)

// TestMain makes the test binary its own worker program.
func TestMain(m *testing.M) {
	os.Exit(mrtest.Main(m, jobs.Standard(), wordcount.Job(), wordcount.JobOfParts(smallParts)))
}

// words makes different words of small letters. Frequent ones, which come first, are short: 1 to 4 letters, about the
// thousandth has 4 to 7, and rare ones 7 to 10.
func words(r *rand.Rand) []string {
	list, seen := make([]string, 0, vocabulary), map[string]bool{}
	for len(list) < vocabulary {
		b := make([]byte, 1+bits.Len(uint(len(list)))*3/8+r.IntN(4))
		for i := range b {
			b[i] = byte('a' + r.IntN(26))
		}
		if w := string(b); !seen[w] {
			seen[w] = true
			list = append(list, w)
		}
	}
	return list
}

// writeText writes lines of Zipf-distributed words (s 1.1, v 1) until there are so many bytes.
func writeText(w *bufio.Writer, size int64) error {
	r := rand.New(rand.NewPCG(2026, 11))
	list := words(r)
	zipf := rand.NewZipf(r, 1.1, 1, vocabulary-1)
	var line []byte
	for n := int64(0); n < size; n += int64(len(line)) {
		line = line[:0]
		for range wordsPerLine {
			line = append(line, list[zipf.Uint64()]...)
			line = append(line, ' ')
		}
		line[len(line)-1] = '\n'
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// byHand is how the words are counted without the job: on one goroutine, in a map.
type byHand struct {
	Path     string
	Pointers bool // the map's values are pointers, so that a word that is known costs no allocation
}

// counted is what that made and took.
type counted struct {
	Words, Different int64
	CPU              float64 // seconds
}

func (h byHand) run() (c counted, err error) {
	before := bench.CPU()
	f, err := os.Open(h.Path)
	if err != nil {
		return c, err
	}
	defer func() { _ = f.Close() }() // only read
	if h.Pointers {
		c, err = countPointers(f)
	} else {
		c, err = count(f)
	}
	c.CPU = bench.CPU() - before
	return c, err
}

func count(in io.Reader) (c counted, err error) {
	m := map[string]int{}
	s := bufio.NewScanner(in)
	for s.Scan() {
		for _, w := range bytes.Fields(s.Bytes()) {
			m[string(w)]++
		}
	}
	for _, n := range m {
		c.Words += int64(n)
	}
	c.Different = int64(len(m))
	return c, s.Err()
}

func countPointers(in io.Reader) (c counted, err error) {
	m := map[string]*int{}
	s := bufio.NewScanner(in)
	for s.Scan() {
		for _, w := range bytes.Fields(s.Bytes()) {
			n := m[string(w)]
			if n == nil {
				n = new(int)
				m[string(w)] = n
			}
			*n++
		}
	}
	for _, n := range m {
		c.Words += int64(*n)
	}
	c.Different = int64(len(m))
	return c, s.Err()
}

// benchTask is what a child of the benchmark is to do: one of the two.
type benchTask struct {
	ByHand *byHand
	Job    *bench.Job
}

// benchAnswer is its answer.
type benchAnswer struct {
	Counted counted
	Run     bench.Run
}

// TestBenchChild is not a test of its own: it is the processes that BenchmarkOverMap measures.
func TestBenchChild(t *testing.T) {
	bench.Serve(t, func(task benchTask) (a benchAnswer, err error) {
		if task.ByHand != nil {
			runtime.GOMAXPROCS(bench.Cores)
			a.Counted, err = task.ByHand.run()
			return a, err
		}
		a.Run, err = task.Job.Run(wordcount.Job())
		return a, err
	})
}

// figures are those of one way to count.
type figures struct {
	name, refused, stages string
	task                  func(path, dir string) benchTask
	cpu, speed            bench.Series // seconds; MB a second
	driverRSS, workers    bench.Series // MiB
	different             int64
}

const (
	byMap, byPointers      = "m[string(w)]++", "map[string]*int"
	jobInPlace, jobOnShard = "job, in place", "job, shards"
)

// ways are what is measured. A job whose parameters are not taken yet is reported as such.
func ways() []*figures {
	hand := func(pointers bool) func(string, string) benchTask {
		return func(path, _ string) benchTask { return benchTask{ByHand: &byHand{path, pointers}} }
	}
	job := func(params map[string]any) func(string, string) benchTask {
		return func(path, dir string) benchTask {
			return benchTask{Job: &bench.Job{Params: params, Input: path, Dir: filepath.Join(dir, "job")}}
		}
	}
	return []*figures{
		{name: byMap, task: hand(false)},
		{name: byPointers, task: hand(true)},
		{name: jobInPlace, task: job(map[string]any{"shards": "in-place"})},
		{name: jobOnShard, task: job(map[string]any{})},
	}
}

// BenchmarkOverMap compares the job, in child processes, with one goroutine that counts in a map, in turns in the same
// run. BENCH_TEXT_MB is the size of the text (600), BENCH_ROUNDS the number of rounds (3). Medians are compared, since machines are noisy.
func BenchmarkOverMap(b *testing.B) {
	size := int64(bench.Setting(b, "BENCH_TEXT_MB", 600)) * 1e6
	rounds := bench.Setting(b, "BENCH_ROUNDS", 3)
	var all []*figures
	for b.Loop() {
		all = ways()
		path, n := bench.File(b, fmt.Sprintf("words-1-%d.txt", size), func(w *bufio.Writer) error { return writeText(w, size) })
		for range rounds {
			for _, f := range all {
				f.measure(b, path, float64(n))
			}
		}
	}
	report(b, all, rounds, size)
}

func (f *figures) measure(b *testing.B, path string, size float64) {
	b.Helper()
	if f.refused != "" {
		return
	}
	dir, err := os.MkdirTemp(b.TempDir(), "")
	if err != nil {
		b.Fatal(err)
	}
	a, c := bench.Call[benchTask, benchAnswer](b, "TestBenchChild", f.task(path, dir))
	if err := os.RemoveAll(dir); err != nil {
		b.Fatal(err)
	}
	const mib = 1 << 20
	r := a.Run
	switch {
	case r.Refused != "":
		f.refused = r.Refused
		return
	case a.Counted.Words > 0:
		c.CPU, f.different = a.Counted.CPU, a.Counted.Different // without the start of the process
	default:
		f.different, f.stages = r.Results, strings.Join(r.Stages, ", ")
		f.driverRSS, f.workers = append(f.driverRSS, float64(r.DriverRSS)/mib), append(f.workers, float64(r.WorkerRSS)/mib)
	}
	f.cpu, f.speed = append(f.cpu, c.CPU), append(f.speed, size/c.Wall/1e6)
}

// report prints what was measured. A benchmark's own log would be cut after ten lines.
func report(b *testing.B, all []*figures, rounds int, size int64) {
	b.Helper()
	_, _ = fmt.Printf("\n%d cores, %d rounds: medians (least to greatest); %d MB, %d words\n\n", bench.Cores, rounds, size/1e6, all[0].different)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "\tCPU s\tCPU ms a MB\tMB/s\tdriver MiB\tlargest worker MiB\tstages")
	for _, f := range all {
		if f.refused != "" {
			_, _ = fmt.Fprintf(w, "%s\tnot available\n", f.name)
			continue
		}
		if f.different != all[0].different {
			b.Errorf("%s found %d words, %s %d", f.name, f.different, all[0].name, all[0].different)
		}
		_, _ = fmt.Fprintf(w, "%s\t%v\t%.2f\t%.0f", f.name, f.cpu, f.cpu.Median()/float64(size)*1e9, f.speed.Median())
		if f.stages != "" {
			_, _ = fmt.Fprintf(w, "\t%.0f\t%.0f\t%s", f.driverRSS.Median(), f.workers.Median(), f.stages)
		}
		_, _ = fmt.Fprintln(w)
	}
	_ = w.Flush()
	for _, f := range all[2:] {
		if f.refused == "" {
			unit := strings.NewReplacer(", ", "-", " ", "-").Replace(f.name)
			for k, limit := range []string{" (limit 0.7)", ""} {
				_, _ = fmt.Printf("%s over %s: %.2f%s\n", f.name, all[k].name, f.cpu.Median()/all[k].cpu.Median(), limit)
			}
			b.ReportMetric(f.cpu.Median()/all[0].cpu.Median(), unit+"/map")
			b.ReportMetric(f.speed.Median(), unit+"-MB/s")
		}
	}
	b.ReportMetric(0, "ns/op")
}

// What is made up is as it is said, and both ways to count by hand find the same.
func TestText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "text.txt")
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	if err := writeText(w, 1e6); err != nil || w.Flush() != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	lines := int64(bytes.Count(b.Bytes(), []byte("\n")))
	var got []counted
	for _, pointers := range []bool{false, true} {
		c, err := byHand{path, pointers}.run()
		if err != nil || c.CPU <= 0 || c.Words != lines*wordsPerLine || c.Different < 1000 || c.Different > vocabulary {
			t.Errorf("%+v of %d lines (%v)", c, lines, err)
		}
		got = append(got, c)
	}
	if got[0].Different != got[1].Different {
		t.Errorf("%+v", got)
	}
	if mean := float64(b.Len()) / float64(got[0].Words); mean < 5 || mean > 6.5 { // English has 5.7
		t.Errorf("a word and its space have %.1f bytes", mean)
	} else {
		t.Logf("a word and its space have %.1f bytes", mean)
	}
}
