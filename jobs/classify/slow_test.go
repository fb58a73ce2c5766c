package classify_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// runSlow classifies in this process, by one worker, from storage with a latency.
func runSlow(tb testing.TB, dir string, p classify.Params, latency time.Duration, plainly bool, manifest string) time.Duration {
	tb.Helper()
	params, err := json.Marshal(p)
	if err != nil {
		tb.Fatal(err)
	}
	cfg := mapreduce.Config{Dir: dir, Params: params, Inputs: []string{manifest}, Workers: 1, InProcess: true}
	start := time.Now()
	s, err := mapreduce.Run(context.Background(), jobs.Standard(), classify.SlowJob(latency, plainly), cfg)
	if code := mapreduce.ExitCode(s, err); code != mapreduce.ExitComplete && code != mapreduce.ExitRejects {
		tb.Fatalf("exit code %d: %v", code, err)
	}
	return time.Since(start)
}

// TestSlowStorage: results and rejects are the same however files come, and latencies overlap.
func TestSlowStorage(t *testing.T) {
	needRuntime(t)
	p := demoParams(t)
	at := map[bool]string{}
	took := map[bool]time.Duration{}
	for _, plainly := range []bool{false, true} {
		at[plainly] = filepath.Join(t.TempDir(), "job")
		took[plainly] = runSlow(t, at[plainly], p, 30*time.Millisecond, plainly, demo(t, "manifest.csv"))
	}
	mrtest.SameResults(t, at[true], at[false])
	if took[false] > took[true]*2/3 {
		t.Errorf("%v where latencies overlap, %v where they do not", took[false], took[true])
	}
}

// BenchmarkSlowStorage classifies the 400 sample photos by SqueezeNet with one worker: from the disk as it is, with 20 ms more
// a file, and with those where files are read one by one.
func BenchmarkSlowStorage(b *testing.B) {
	needRuntime(b)
	p := classify.Defaults()
	p.Model, p.Labels = shared(b, "models", "squeezenet1.1-fp32", "model.onnx"), shared(b, "models", "squeezenet1.1-fp32", "labels.txt")
	p.Preprocess, p.LabelCol = "imagenet-caffe", "label_id"
	manifest := shared(b, "images", "sample-public-400", "manifest.csv")
	for _, c := range []struct {
		name    string
		latency time.Duration
		plainly bool
	}{{"none", 0, false}, {"20ms", 20 * time.Millisecond, false}, {"20ms-one-by-one", 20 * time.Millisecond, true}} {
		b.Run(c.name, func(b *testing.B) {
			cpu := selfCPU()
			for b.Loop() {
				runSlow(b, filepath.Join(b.TempDir(), "job"), p, c.latency, c.plainly, manifest)
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e3/400/float64(b.N), "ms/photo")
			b.ReportMetric((selfCPU()-cpu)*1e3/400/float64(b.N), "cpu-ms/photo")
		})
	}
}
