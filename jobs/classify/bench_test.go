package classify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/jobs/classify/internal/onnx"
	"github.com/shardmill/shardmill/jobs/classify/internal/pixel"
	"github.com/shardmill/shardmill/jobs/classify/internal/preprocess"
	"github.com/shardmill/shardmill/mapreduce"
)

// benchChildEnv makes the test binary do the work of a benchmark's child process, given as JSON, and exit with its code.
const benchChildEnv = "CLASSIFY_BENCH_CHILD"

// workerMalloc is what workers tell glibc about memory. The parts that the job is compared with get it too.
const workerMalloc = "GLIBC_TUNABLES=glibc.malloc.hugetlb=1"

// benchChild is the work of a child process: the job, or one part of it alone.
type benchChild struct {
	Dir, Manifest string
	Params        classify.Params
	Part          string // inference or decode, whose cost comes to be in Dir/cost.json; "" for the job
}

// TestBenchChild is not a test of its own: it is the child process that benchmarks measure.
func TestBenchChild(t *testing.T) {
	text := os.Getenv(benchChildEnv)
	if text == "" {
		t.Skip("runs as a child of benchmarks only")
	}
	var c benchChild
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	if c.Part != "" {
		c.alone(t)
		return
	}
	cfg := config(t, c.Dir, c.Params, c.Manifest)
	cfg.Workers = 0
	s, err := run(t, cfg)
	if err != nil {
		t.Error(err)
	}
	os.Exit(mapreduce.ExitCode(s, err))
}

// alone carries out a part on all cores, with the photos in memory before it begins.
func (c benchChild) alone(t *testing.T) {
	photos := readPhotos(t, c.Manifest, c.Params.Root)
	work := func(_, n int) error { return inferAlone(c.Params, n) }
	if c.Part == "decode" {
		work = func(first, n int) error { return decodeAlone(c.Params, photos[first:first+n]) }
	}
	text, err := json.Marshal(onAllCores(t, len(photos), work))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.Dir, "cost.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// cost is what one part of a round took.
type cost struct {
	CPU, Wall float64 // seconds
	RSS       float64 // MB, of the largest worker
}

// BenchmarkOverLimit compares a whole classification job with what no job could avoid: inference alone and
// decoding alone, each on all cores with the photos already in memory. Each is done in child processes, with the same
// settings of glibc. The three take turns for BENCH_ROUNDS rounds (3), and medians are compared, since machines are noisy. SqueezeNet 1.1
// float32, batch 8, one worker a core, the 400 photos of sample-public-400 ten times.
func BenchmarkOverLimit(b *testing.B) {
	needRuntime(b)
	p := classify.Defaults()
	p.Model, p.Labels = shared(b, "models", "squeezenet1.1-fp32", "model.onnx"), shared(b, "models", "squeezenet1.1-fp32", "labels.txt")
	p.Preprocess, p.LabelCol, p.Root = "imagenet-caffe", "label_id", shared(b, "images", "sample-public-400")
	manifest, photos := repeated(b, filepath.Join(p.Root, "manifest.csv"), 10)
	part := func(name string) cost {
		return measureAlone(b, benchChild{Dir: b.TempDir(), Manifest: manifest, Params: p, Part: name})
	}
	rounds := benchRounds()
	var job, infer, decode []cost
	for b.Loop() {
		job, infer, decode = nil, nil, nil
		for range rounds {
			job = append(job, measureJob(b, benchChild{Dir: filepath.Join(b.TempDir(), "job"), Manifest: manifest, Params: p}))
			infer = append(infer, part("inference"))
			decode = append(decode, part("decode"))
		}
	}
	n := float64(photos)
	b.Logf("%d photos, %d cores, %d rounds; CPU ms a photo: min, median, max", photos, runtime.NumCPU(), rounds)
	report := func(name string, costs []cost) float64 {
		lo, mid, hi := spread(costs, func(c cost) float64 { return c.CPU })
		_, wall, _ := spread(costs, func(c cost) float64 { return c.Wall })
		_, _, rss := spread(costs, func(c cost) float64 { return c.RSS })
		b.Logf("%-10s %6.2f %6.2f %6.2f   %6.1f photos/s   largest worker %4.0f MB", name, lo/n*1e3, mid/n*1e3, hi/n*1e3, n/wall, rss)
		return mid
	}
	whole, limit := report("job", job), report("inference", infer)+report("decode", decode)
	b.Logf("limit %.2f, job over limit %.3f (at most 1.06)", limit/n*1e3, whole/limit)
	b.ReportMetric(whole/limit, "job/limit")
	b.ReportMetric(whole/n*1e3, "cpu-ms/photo")
	b.ReportMetric(0, "ns/op")
}

// benchRounds is BENCH_ROUNDS, or 3.
func benchRounds() int {
	if n, err := strconv.Atoi(os.Getenv("BENCH_ROUNDS")); err == nil && n > 0 {
		return n
	}
	return 3
}

func spread(costs []cost, of func(cost) float64) (lo, mid, hi float64) {
	v := make([]float64, len(costs))
	for i, c := range costs {
		v[i] = of(c)
	}
	slices.Sort(v)
	return v[0], v[len(v)/2], v[len(v)-1]
}

// repeated writes a manifest that names the photos of another one n times, and counts them.
func repeated(b *testing.B, manifest string, n int) (path string, photos int) {
	b.Helper()
	text, err := os.ReadFile(manifest)
	if err != nil {
		b.Fatal(err)
	}
	header, rows, _ := strings.Cut(string(text), "\n")
	path = filepath.Join(b.TempDir(), "manifest.csv")
	if err := os.WriteFile(path, []byte(header+"\n"+strings.Repeat(rows, n)), 0o600); err != nil {
		b.Fatal(err)
	}
	return path, n * strings.Count(rows, "\n")
}

// readPhotos reads the photos that a manifest names, each once.
func readPhotos(t *testing.T, manifest, root string) (photos [][]byte) {
	t.Helper()
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	_, rows, _ := strings.Cut(string(text), "\n")
	once := map[string][]byte{}
	for line := range strings.Lines(rows) {
		name, _, _ := strings.Cut(line, ",")
		if once[name] == nil {
			if once[name], err = os.ReadFile(filepath.Join(root, name)); err != nil {
				t.Fatal(err)
			}
		}
		photos = append(photos, once[name])
	}
	return photos
}

// start runs a child process to its end.
func (c benchChild) start(b *testing.B, env ...string) (*os.ProcessState, time.Duration) {
	b.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestBenchChild$")
	cmd.Env = slices.Concat(env, os.Environ(), []string{benchChildEnv + "=" + string(text)})
	cmd.Stderr = os.Stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		b.Fatal(err)
	}
	return cmd.ProcessState, time.Since(start)
}

// measureJob runs the job in a driver process of its own and takes the CPU of all its processes. The memory is what the job
// says of its workers: the maximum that the system keeps for a process begins at that of the one that started it.
func measureJob(b *testing.B, c benchChild) cost {
	b.Helper()
	state, wall := c.start(b) // the driver and, since it waits for them, its workers
	var s mapreduce.Summary
	readJSON(b, filepath.Join(c.Dir, "summary.json"), &s)
	return cost{
		CPU: (state.UserTime() + state.SystemTime()).Seconds(), Wall: wall.Seconds(), RSS: float64(s.Usage.WorkerPeakRSS) / 1e6,
	}
}

// measureAlone runs a part of the job in a process of its own, which measures itself: its start does not count.
func measureAlone(b *testing.B, c benchChild) (alone cost) {
	b.Helper()
	c.start(b, workerMalloc)
	readJSON(b, filepath.Join(c.Dir, "cost.json"), &alone)
	return alone
}

func readJSON(b *testing.B, path string, to any) {
	b.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		b.Fatal(err)
	}
}

// onAllCores splits n photos over the cores and takes the CPU of this process meanwhile.
func onAllCores(t *testing.T, n int, work func(first, n int) error) cost {
	t.Helper()
	cores := runtime.NumCPU()
	errs := make([]error, cores)
	var wg sync.WaitGroup
	start, cpu := time.Now(), selfCPU()
	for c := range cores {
		wg.Go(func() { errs[c] = work(c*n/cores, (c+1)*n/cores-c*n/cores) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return cost{CPU: selfCPU() - cpu, Wall: time.Since(start).Seconds()}
}

func selfCPU() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return (time.Duration(u.Utime.Nano()) + time.Duration(u.Stime.Nano())).Seconds()
}

// inferAlone runs the model on n images of zeros in full batches: its time does not depend on the pixels.
func inferAlone(p classify.Params, n int) error {
	rt, err := onnx.Find(nil)
	if err != nil {
		return err
	}
	s, err := onnx.Open(rt, p.Model, onnx.Options{Threads: 1, Batch: p.Batch, Row: []int64{3, 224, 224}})
	if err != nil {
		return err
	}
	in := s.Float32()
	for i := range in {
		in[i] = float32(i%255) - 120
	}
	for done := 0; done < n; done += p.Batch {
		if err := s.Run(context.Background(), min(p.Batch, n-done)); err != nil {
			return err
		}
	}
	return s.Close()
}

// decodeAlone makes crops of photos that are in memory.
func decodeAlone(p classify.Params, photos [][]byte) error {
	spec, err := preprocess.Load(p.Preprocess)
	if err != nil {
		return err
	}
	d, err := pixel.New(spec.Pixels(p.MaxPixels))
	if err != nil {
		return err
	}
	defer d.Close()
	crop := make([]byte, d.Bytes())
	for i, data := range photos {
		if _, err := d.Decode(data, crop); err != nil {
			return fmt.Errorf("photo %d: %w", i, err)
		}
	}
	return nil
}
