package metrics_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/classify/internal/metrics"
)

// naive computes a summary straight from the definitions, image by image.
func naive(labels int, images []image) metrics.Summary {
	s := metrics.Summary{Images: int64(len(images))}
	share := func(of []image, is func(image) bool) float64 {
		n := 0
		for _, im := range of {
			if is(im) {
				n++
			}
		}
		return float64(n) / max(float64(len(of)), 1)
	}
	filter := func(is func(image) bool) []image {
		return slices.DeleteFunc(slices.Clone(images), func(im image) bool { return !is(im) })
	}
	right := func(im image) bool { return im.top[0] == im.truth }
	s.Top1 = share(images, right)
	s.Top5 = share(images, func(im image) bool { return slices.Contains(im.top, im.truth) })
	seen := 0.0
	for id := range labels {
		isTrue := filter(func(im image) bool { return im.truth == id })
		predicted := filter(func(im image) bool { return im.top[0] == id })
		if len(isTrue)+len(predicted) == 0 {
			continue
		}
		seen++
		p, r := share(predicted, right), share(isTrue, right)
		s.Precision, s.Recall = s.Precision+p, s.Recall+r
		if p+r > 0 {
			s.F1 += 2 * p * r / (p + r)
		}
	}
	s.Precision, s.Recall, s.F1 = s.Precision/max(seen, 1), s.Recall/max(seen, 1), s.F1/max(seen, 1)
	mean := func(of []image) float64 {
		sum := 0.0
		for _, im := range of {
			sum += float64(im.score)
		}
		return sum / max(float64(len(of)), 1)
	}
	s.Confidence = mean(images)
	for m := 1.0; m <= 15; m++ {
		bin := filter(func(im image) bool {
			x := 15 * float64(im.score)
			return x > m-1 && x <= m || im.score == 0 && m == 1
		})
		s.ECE += float64(len(bin)) / max(float64(len(images)), 1) * math.Abs(share(bin, right)-mean(bin))
	}
	return s
}

func drawImage(t *rapid.T, labels int) image {
	top := rapid.Permutation(ids(labels)).Draw(t, "top")
	return image{rapid.IntRange(0, labels-1).Draw(t, "truth"), top[:min(labels, 5)], rapid.Float32Range(0, 1).Draw(t, "score")}
}

func ids(n int) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = i
	}
	return ids
}

// TestOracle compares with the definitions, and shuffled images with themselves, bit for bit.
func TestOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		labels := rapid.IntRange(1, 9).Draw(t, "labels")
		images := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) image { return drawImage(t, labels) }), 0, 40).Draw(t, "images")
		got, want := tallyOf(t, labels, images).Summary(), naive(labels, images)
		for _, v := range []struct {
			name      string
			got, want float64
		}{
			{"images", float64(got.Images), float64(want.Images)},
			{"top-1", got.Top1, want.Top1},
			{"top-5", got.Top5, want.Top5},
			{"precision", got.Precision, want.Precision},
			{"recall", got.Recall, want.Recall},
			{"F1", got.F1, want.F1},
			{"ECE", got.ECE, want.ECE},
			{"confidence", got.Confidence, want.Confidence},
		} {
			if math.Abs(v.got-v.want) > 1e-8 {
				t.Errorf("%s: %v, want %v", v.name, v.got, v.want)
			}
		}
		if len(images) > 0 {
			other := tallyOf(t, labels, rapid.Permutation(images).Draw(t, "order")).Summary()
			if other != got {
				t.Errorf("in another order: %+v, want %+v", other, got)
			}
		}
	})
}
