package metrics_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/classify/internal/metrics"
)

// image is one image of a test, as an evaluation sees it.
type image struct {
	truth int
	top   []int // predicted labels, best first
	score float32
}

func (im image) count() metrics.Count {
	c := metrics.Count{Images: 1, Confidence: metrics.FixedOf(im.score)}
	if im.top[0] == im.truth {
		c.Correct = 1
	}
	if slices.Contains(im.top, im.truth) {
		c.Top5 = 1
	}
	return c
}

func tallyOf(t interface{ Fatal(...any) }, labels int, images []image) *metrics.Tally {
	tally := metrics.NewTally(labels)
	for _, im := range images {
		if err := tally.AddPair(im.truth, im.top[0], im.count()); err != nil {
			t.Fatal(err)
		}
		if err := tally.AddBin(metrics.BinOf(im.score), im.count()); err != nil {
			t.Fatal(err)
		}
	}
	return tally
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestByHand is a case that was computed by hand: four labels, of which the last one is never seen.
//
//	truth  0 0 0 1 1 2
//	first  0 0 1 1 0 1
func TestByHand(t *testing.T) {
	tally := tallyOf(t, 4, []image{
		{0, []int{0}, 1}, {0, []int{0}, .5}, {0, []int{1, 0}, .5}, {1, []int{1}, .25}, {1, []int{0}, .5}, {2, []int{1, 2}, .75},
	})
	want := map[int]metrics.Class{
		0: {Support: 3, Predicted: 3, Correct: 2, Top5: 3}, 1: {Support: 2, Predicted: 3, Correct: 1, Top5: 1}, 2: {Support: 1, Top5: 1},
	}
	got := map[int]metrics.Class{}
	for id, c := range tally.Classes() {
		got[id] = c
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
	near(t, "precision of 0", got[0].Precision(), 2./3)
	near(t, "recall of 0", got[0].Recall(), 2./3)
	near(t, "F1 of 0", got[0].F1(), 2./3)
	near(t, "precision of 1", got[1].Precision(), 1./3)
	near(t, "recall of 1", got[1].Recall(), 1./2)
	near(t, "F1 of 1", got[1].F1(), 2./5)
	near(t, "top-5 recall of 1", got[1].Top5Recall(), 1./2)
	near(t, "precision of 2", got[2].Precision(), 0) // never predicted
	s := tally.Summary()
	if s.Images != 6 {
		t.Errorf("%d images", s.Images)
	}
	near(t, "top-1", s.Top1, 3./6)
	near(t, "top-5", s.Top5, 5./6)
	near(t, "macro precision", s.Precision, (2./3+1./3+0)/3)
	near(t, "macro recall", s.Recall, (2./3+1./2+0)/3)
	near(t, "macro F1", s.F1, (2./3+2./5+0)/3)
	near(t, "mean confidence", s.Confidence, 3.5/6)
	// The bins of .25, .5, .75 and 1 have 1, 3, 1 and 1 images, 1, 1, 0 and 1 of them right: gaps .75, 1/6, .75 and 0.
	near(t, "ECE", s.ECE, 1./6*.75+3./6*(1./6)+1./6*.75)
}

// TestNothing: ratios of nothing are 0 and no NaN, which would not be equal to itself in a file.
func TestNothing(t *testing.T) {
	if s := metrics.NewTally(3).Summary(); s != (metrics.Summary{}) {
		t.Errorf("%+v", s)
	}
	c := metrics.Class{}
	if c.Precision() != 0 || c.Recall() != 0 || c.F1() != 0 || c.Top5Recall() != 0 || c.Seen() {
		t.Errorf("%+v", c)
	}
}

func TestBinOf(t *testing.T) {
	for _, c := range []struct {
		score float32
		bin   int
	}{
		{-.01, 0}, {0, 0}, {1e-9, 0}, {.2, 3}, {.1999, 2}, {.5, 7}, {.6, 9}, {.5999, 8}, {.99, 14}, {1, 14}, {1.01, 14},
	} {
		if got := metrics.BinOf(c.score); got != c.bin {
			t.Errorf("%v is in bin %d, want %d", c.score, got, c.bin)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		score := rapid.Float32Range(math.SmallestNonzeroFloat32, 1).Draw(t, "score")
		bin := float64(metrics.BinOf(score))
		// Compared as 15 times the score, which is exact.
		if x := float64(score) * metrics.Bins; x <= bin || x > bin+1 {
			t.Errorf("%v is in bin %v", score, bin)
		}
	})
	if lower, upper := metrics.Bounds(14); lower != 14./15 || upper != 1 {
		t.Errorf("the last bin is from %v to %v", lower, upper)
	}
}

func TestFixed(t *testing.T) {
	for score, want := range map[float32]metrics.Fixed{0: 0, .5: 1 << 29, 1: 1 << 30, -1: 0, 2: 1 << 30, 0x1p-31: 1, 0x1p-32: 0} {
		if got := metrics.FixedOf(score); got != want {
			t.Errorf("%v is %d, want %d", score, got, want)
		}
	}
	near(t, "mean", (metrics.FixedOf(.25) + metrics.FixedOf(.5)).Mean(2), .375)
	if m := metrics.Fixed(0).Mean(0); m != 0 {
		t.Errorf("the mean of nothing is %v", m)
	}
}

func TestTallyErrors(t *testing.T) {
	tally := metrics.NewTally(2)
	for _, pair := range [][2]int{{2, 0}, {0, 2}, {-1, 0}, {0, -1}} {
		if err := tally.AddPair(pair[0], pair[1], metrics.Count{}); err == nil {
			t.Errorf("labels %v of 2 pass", pair)
		}
	}
	for _, bin := range []int{-1, metrics.Bins} {
		if err := tally.AddBin(bin, metrics.Count{}); err == nil {
			t.Errorf("bin %d passes", bin)
		}
	}
}

func TestCodec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := metrics.Count{
			Images: rapid.Int64().Draw(t, "images"), Correct: rapid.Int64().Draw(t, "correct"),
			Top5: rapid.Int64().Draw(t, "top-5"), Confidence: metrics.Fixed(rapid.Uint64().Draw(t, "confidence")),
		}
		b := metrics.Codec{}.Append(nil, c)
		if got, err := (metrics.Codec{}).Decode(b); err != nil || got != c || len(b) != (metrics.Codec{}).Width() {
			t.Fatalf("%+v, %v, want %+v", got, err, c)
		}
		if _, err := (metrics.Codec{}).Decode(b[1:]); err == nil {
			t.Fatal("31 bytes pass")
		}
	})
}

func TestLabels(t *testing.T) {
	type outcome struct {
		truth int
		ok    bool
	}
	for _, c := range []struct {
		name, labels string
		want         map[string]outcome
	}{
		{"names", "cat,dog, dog,Dog", map[string]outcome{
			"cat": {0, true}, "dog": {1, true}, " dog": {2, true}, "Dog": {3, true}, "DOG": {}, "dog ": {}, "": {},
			"0": {0, true}, "3": {3, true}, "4": {}, "-1": {}, "+1": {}, "01": {}, "1.0": {},
		}},
		{"repeated names", "cat,crane,crane", map[string]outcome{"crane": {1, true}, "2": {2, true}}},
		{"names that are integers", "1,2,3", map[string]outcome{"1": {0, true}, "3": {2, true}, "0": {}}},
	} {
		l := metrics.NewLabels(strings.Split(c.labels, ","))
		for text, want := range c.want {
			got, ok := l.Truth(text)
			if ok != want.ok || ok && got.ID != want.truth {
				t.Errorf("%s: %q is %d, %v, want %+v", c.name, text, got.ID, ok, want)
			}
		}
	}
}

// TestRepeatedNames: an image of "crane" is right with either crane, one of label id 1 with that one only.
func TestRepeatedNames(t *testing.T) {
	l := metrics.NewLabels([]string{"cat", "crane", "crane"})
	for _, c := range []struct {
		text      string
		predicted int
		right     bool
	}{
		{"crane", 1, true},
		{"crane", 2, true},
		{"crane", 0, false},
		{"1", 1, true},
		{"1", 2, false},
		{"2", 2, true},
		{"2", 1, false},
	} {
		truth, ok := l.Truth(c.text)
		if right := l.Predicted(truth, c.predicted) == truth.ID; !ok || right != c.right {
			t.Errorf("%q predicted as %d: right is %v", c.text, c.predicted, right)
		}
	}
}
