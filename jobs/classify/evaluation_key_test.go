package classify

import (
	"bytes"
	"cmp"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/classify/internal/metrics"
)

func drawEvaluationKey(t *rapid.T) evaluationKey {
	return evaluationKey{
		model: rapid.Uint32().Draw(t, "model"), kind: evaluationKind(rapid.Byte().Draw(t, "kind")),
		a: rapid.Uint32().Draw(t, "a"), b: rapid.Uint32().Draw(t, "b"),
	}
}

// TestEvaluationKeyCodec: keys come back, and their bytes have their order.
func TestEvaluationKeyCodec(t *testing.T) {
	c := evaluationKeyCodec{}
	rapid.Check(t, func(t *rapid.T) {
		x, y := drawEvaluationKey(t), drawEvaluationKey(t)
		if rapid.Bool().Draw(t, "near") {
			y = x
			y.b = rapid.Uint32().Draw(t, "b of y")
		}
		a, b := c.Append(nil, x), c.Append(nil, y)
		if got, err := c.Decode(a); err != nil || got != x || len(a) != c.Width() {
			t.Fatalf("%+v, %v, want %+v", got, err, x)
		}
		want := cmp.Or(cmp.Compare(x.model, y.model), cmp.Compare(x.kind, y.kind), cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b))
		if got := bytes.Compare(a, b); got != want {
			t.Fatalf("%+v and %+v compare as %d, want %d", x, y, got, want)
		}
		if _, err := c.Decode(a[1:]); err == nil {
			t.Fatal("a short key passes")
		}
	})
}

// TestMerged: counts of a key are added up, whatever parts they come in.
func TestMerged(t *testing.T) {
	values := func(yield func(evaluationKey, metrics.Count) bool) {
		for _, v := range []struct {
			b uint32
			n int64
		}{{0, 1}, {0, 2}, {1, 4}, {2, 8}, {2, 16}, {2, 32}} {
			if !yield(evaluationKey{b: v.b}, metrics.Count{Images: v.n}) {
				return
			}
		}
	}
	want := map[uint32]int64{0: 3, 1: 4, 2: 56}
	for k, c := range merged(values) {
		if want[k.b] != c.Images {
			t.Errorf("%+v has %d images, want %d", k, c.Images, want[k.b])
		}
		delete(want, k.b)
	}
	if len(want) > 0 {
		t.Errorf("%v lacks", want)
	}
	for k := range merged(values) {
		if k.b != 0 {
			t.Errorf("%+v is first", k)
		}
		break
	}
}

// TestBadCounts: counts that no mapper sends are errors, and no panics.
func TestBadCounts(t *testing.T) {
	e := evaluation{tally: metrics.NewTally(2)}
	for _, k := range []evaluationKey{{kind: pairImages, a: 2}, {kind: pairImages, b: 2}, {kind: binImages, a: metrics.Bins}, {kind: binImages + 1}} {
		if err := e.add(k, metrics.Count{Images: 1}); err == nil {
			t.Errorf("%+v passes", k)
		}
	}
	r := evaluationReducer{models: []named{{}}}
	if err := r.Reduce(t.Context(), evaluationKey{model: 1}, nil, nil); err == nil {
		t.Error("a model that there is not passes")
	}
}
