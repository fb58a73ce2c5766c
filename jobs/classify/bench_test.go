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

// benchDriverEnv makes the test binary run the benchmark's job, given as JSON, and exit with its code.
const benchDriverEnv = "CLASSIFY_BENCH_DRIVER"

// benchJob is the job of a benchmark's driver process.
type benchJob struct {
	Dir, Manifest string
	Params        classify.Params
}

// TestBenchDriver is not a test of its own: it is the driver process that BenchmarkOverLimit measures.
func TestBenchDriver(t *testing.T) {
	text := os.Getenv(benchDriverEnv)
	if text == "" {
		t.Skip("runs as a child of BenchmarkOverLimit only")
	}
	var j benchJob
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		t.Fatal(err)
	}
	cfg := config(t, j.Dir, j.Params, j.Manifest)
	cfg.Workers = 0
	s, err := run(t, cfg)
	if err != nil {
		t.Error(err)
	}
	os.Exit(mapreduce.ExitCode(s, err))
}

// cost is what one part of a round took.
type cost struct{ cpu, wall, rss float64 } // seconds, seconds, MiB

// BenchmarkOverLimit compares a whole classification job, in child processes, with what no job could
// avoid: inference alone and decoding alone, each on all cores with the photos already in memory. The
// three take turns for BENCH_ROUNDS rounds (3), and medians are compared, since machines are noisy. SqueezeNet 1.1
// float32, batch 8, one worker a core, the 400 photos of sample-public-400 ten times.
func BenchmarkOverLimit(b *testing.B) {
	needRuntime(b)
	p := classify.Defaults()
	p.Model, p.Labels = shared(b, "models", "squeezenet1.1-fp32", "model.onnx"), shared(b, "models", "squeezenet1.1-fp32", "labels.txt")
	p.Preprocess, p.LabelCol, p.Root = "imagenet-caffe", "label_id", shared(b, "images", "sample-public-400")
	manifest, photos := repeated(b, filepath.Join(p.Root, "manifest.csv"), 10)
	rounds := benchRounds()
	var job, infer, decode []cost
	for b.Loop() {
		job, infer, decode = nil, nil, nil
		for range rounds {
			job = append(job, measureJob(b, benchJob{Dir: filepath.Join(b.TempDir(), "job"), Manifest: manifest, Params: p}))
			infer = append(infer, measureAlone(b, len(photos), func(i, n int) error { return inferAlone(p, n) }))
			decode = append(decode, measureAlone(b, len(photos), func(i, n int) error { return decodeAlone(p, photos[i:i+n]) }))
		}
	}
	n := float64(len(photos))
	b.Logf("%d photos, %d cores, %d rounds; CPU ms a photo: min, median, max", len(photos), runtime.NumCPU(), rounds)
	report := func(name string, costs []cost) float64 {
		lo, mid, hi := spread(costs, func(c cost) float64 { return c.cpu })
		_, wall, _ := spread(costs, func(c cost) float64 { return c.wall })
		_, rss, _ := spread(costs, func(c cost) float64 { return c.rss })
		b.Logf("%-10s %6.2f %6.2f %6.2f   %6.1f photos/s   peak RSS %4.0f MiB", name, lo/n*1e3, mid/n*1e3, hi/n*1e3, n/wall, rss)
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

// repeated writes a manifest that names the photos of another one n times, and reads the photos.
func repeated(b *testing.B, manifest string, n int) (path string, photos [][]byte) {
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
	var once [][]byte
	for line := range strings.Lines(rows) {
		name, _, _ := strings.Cut(line, ",")
		data, err := os.ReadFile(filepath.Join(filepath.Dir(manifest), name))
		if err != nil {
			b.Fatal(err)
		}
		once = append(once, data)
	}
	for range n {
		photos = append(photos, once...)
	}
	return path, photos
}

// measureJob runs the job in a driver process of its own and takes the CPU of all its processes.
func measureJob(b *testing.B, j benchJob) cost {
	b.Helper()
	text, err := json.Marshal(j)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestBenchDriver$")
	cmd.Env = append(os.Environ(), benchDriverEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		b.Fatal(err)
	}
	state := cmd.ProcessState // of the driver and, since it waited for them, its workers
	c := cost{cpu: (state.UserTime() + state.SystemTime()).Seconds(), wall: time.Since(start).Seconds()}
	if u, ok := state.SysUsage().(*syscall.Rusage); ok {
		c.rss = float64(u.Maxrss) / 1024
	}
	return c
}

// measureAlone splits n photos over the cores and takes the CPU of this process meanwhile.
func measureAlone(b *testing.B, n int, work func(first, n int) error) cost {
	b.Helper()
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
			b.Fatal(err)
		}
	}
	return cost{cpu: selfCPU() - cpu, wall: time.Since(start).Seconds()}
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
