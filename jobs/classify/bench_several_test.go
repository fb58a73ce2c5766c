package classify_test

import (
	"cmp"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/shardmill/shardmill/jobs/classify"
)

// BenchmarkOverTwoPasses compares two models in one pass with a pass for each: the second decode must be saved, so
// the CPU of one pass is at most that of two passes less 0.8 of decoding alone. All four take turns for BENCH_ROUNDS
// rounds (3), and the least of each is compared. SqueezeNet 1.1 float32 and float16, batch 8, one worker a core, the 400
// photos of sample-public-400 five times.
func BenchmarkOverTwoPasses(b *testing.B) {
	needRuntime(b)
	var models []classify.Model
	for _, name := range []string{"squeezenet1.1-fp32", "squeezenet1.1-fp16"} {
		models = append(models, classify.Model{
			Path: shared(b, "models", name, "model.onnx"), Labels: shared(b, "models", name, "labels.txt"), Preprocess: "imagenet-caffe",
		})
	}
	p := classify.Defaults()
	p.LabelCol, p.Root = "label_id", shared(b, "images", "sample-public-400")
	manifest, photos := repeated(b, filepath.Join(p.Root, "manifest.csv"), 5)
	rounds := benchRounds()
	pass := func(m ...classify.Model) cost {
		return measureJob(b, benchChild{Dir: filepath.Join(b.TempDir(), "job"), Manifest: manifest, Params: p.WithModels(m)})
	}
	decoding := p.WithModels(models[:1])
	var both, first, second, decode []cost
	for b.Loop() {
		both, first, second, decode = nil, nil, nil, nil
		for range rounds {
			both = append(both, pass(models...))
			first = append(first, pass(models[0]))
			second = append(second, pass(models[1]))
			decode = append(decode, measureAlone(b, benchChild{Dir: b.TempDir(), Manifest: manifest, Params: decoding, Part: "decode"}))
		}
	}
	n := float64(photos)
	least := func(costs []cost) float64 {
		return slices.MinFunc(costs, func(a, b cost) int { return cmp.Compare(a.CPU, b.CPU) }).CPU / n * 1e3
	}
	one, two, alone := least(both), least(first)+least(second), least(decode)
	b.Logf("%d photos, %d cores, %d rounds; least CPU ms a photo", photos, runtime.NumCPU(), rounds)
	b.Logf("one pass %.2f, two passes %.2f (%.2f and %.2f), decode %.2f", one, two, least(first), least(second), alone)
	b.Logf("one pass saves %.2f of the decode (at least 0.80)", (two-one)/alone)
	b.ReportMetric((two-one)/alone, "saved/decode")
	b.ReportMetric(one, "cpu-ms/photo")
	b.ReportMetric(0, "ns/op")
}
