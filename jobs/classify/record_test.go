package classify

import (
	"bytes"
	"cmp"
	"math"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/classify/internal/onnx"
	"github.com/shardmill/shardmill/jobs/classify/internal/pixel"
)

func anyText(t *rapid.T, label string) text {
	if rapid.Bool().Draw(t, label+" ok") {
		return text{rapid.String().Draw(t, label), true}
	}
	return text{}
}

func anyPrediction(t *rapid.T) prediction {
	p := prediction{
		path: rapid.String().Draw(t, "path"), shard: rapid.String().Draw(t, "shard"),
		status:  pixel.Status(rapid.IntRange(0, 1).Draw(t, "status")),
		label:   anyText(t, "label"),
		top:     []onnx.Scored{},
		carried: []text{},
	}
	for range rapid.IntRange(0, 6).Draw(t, "ranks") {
		p.top = append(p.top, onnx.Scored{
			ID: rapid.IntRange(0, 1<<20).Draw(t, "id"), Score: rapid.Float32().Draw(t, "score"),
		})
	}
	for range rapid.IntRange(0, 4).Draw(t, "columns") {
		p.carried = append(p.carried, anyText(t, "carried"))
	}
	return p
}

func TestPredictionCodec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyPrediction(t)
		b := predictionCodec{}.Append(nil, want)
		got, err := predictionCodec{}.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		opts := gocmp.AllowUnexported(prediction{}, text{})
		if d := gocmp.Diff(want, got, opts); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
		if _, err := (predictionCodec{}).Decode(b[:cut]); err == nil {
			t.Errorf("the first %d of %d bytes were decoded", cut, len(b))
		}
		if _, err := (predictionCodec{}).Decode(append(b, 0)); err == nil {
			t.Error("a byte too many was decoded")
		}
	})
}

func FuzzPredictionCodec(f *testing.F) {
	f.Add([]byte{})
	f.Add(predictionCodec{}.Append(nil, prediction{path: "a.jpg", shard: "map-000001", top: []onnx.Scored{{ID: 3, Score: .5}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := predictionCodec{}.Decode(b)
		if err != nil {
			return
		}
		again, err := predictionCodec{}.Decode(predictionCodec{}.Append(nil, p))
		if err != nil {
			t.Fatal(err)
		}
		if len(again.top) != len(p.top) || again.path != p.path {
			t.Errorf("%+v became %+v", p, again)
		}
	})
}

// TestRankCodec: the byte order of keys is label, then score downwards, then id.
func TestRankCodec(t *testing.T) {
	key := rapid.Custom(func(t *rapid.T) rankKey {
		score := rapid.Float32().Filter(func(f float32) bool { return !math.IsNaN(float64(f)) }).Draw(t, "score")
		return rankKey{label: uint32(rapid.IntRange(0, 3).Draw(t, "label")), score: score + 0, id: rapid.String().Draw(t, "id")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := key.Draw(t, "a"), key.Draw(t, "b")
		ab, bb := rankCodec{}.Append(nil, a), rankCodec{}.Append(nil, b)
		want := cmp.Or(cmp.Compare(a.label, b.label), cmp.Compare(b.score, a.score), strings.Compare(a.id, b.id))
		if got := bytes.Compare(ab, bb); got != want && a.score != b.score {
			t.Errorf("%v and %v compare as %d, want %d", a, b, got, want)
		}
		back, err := rankCodec{}.Decode(ab)
		if err != nil || back != a {
			t.Errorf("%v became %v, %v", a, back, err)
		}
	})
	if _, err := (rankCodec{}).Decode(make([]byte, 7)); err == nil {
		t.Error("seven bytes were decoded")
	}
}
