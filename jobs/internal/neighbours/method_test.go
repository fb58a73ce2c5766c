package neighbours

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
)

func TestDefaultsPassCheck(t *testing.T) {
	for _, a := range Algorithms() {
		if err := Defaults(a).Check(); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
	if m := Defaults(RP3beta); m.K != 200 || m.Alpha != 1 || m.Beta != 0.2 {
		t.Errorf("rp3beta: %+v", m)
	}
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	with := func(a Algorithm, change func(*Method)) Method {
		m := Defaults(a)
		change(&m)
		return m
	}
	for _, c := range []struct {
		method Method
		want   string // "" is right
	}{
		{Method{}, `unknown algorithm ""`},
		{Method{Algorithm: "pearson", K: 5}, "cosine, tfidf, bm25, jaccard, llr, rp3beta"},
		{with(Cosine, func(m *Method) { m.K = 0 }), "0 neighbours"},
		{with(Cosine, func(m *Method) { m.K = maxK + 1 }), "at most 1048576"},
		{with(Cosine, func(m *Method) { m.K = maxK }), ""},
		{with(Cosine, func(m *Method) { m.Shrink = 10 }), ""},
		{with(Cosine, func(m *Method) { m.Shrink = -1 }), "shrink is -1: at least 0"},
		{with(Jaccard, func(m *Method) { m.Shrink = math.NaN() }), "shrink is NaN"},
		{with(TFIDF, func(m *Method) { m.Shrink = math.Inf(1) }), "shrink is +Inf"},
		{with(LLR, func(m *Method) { m.Shrink = 1 }), "llr has no shrink"},
		{with(BM25, func(m *Method) { m.Beta = .2 }), "bm25 has no beta"},
		{with(BM25, func(m *Method) { m.B = 1.5 }), "b is 1.5: at least 0 and at most 1"},
		{with(BM25, func(m *Method) { m.K1 = 100 }), ""},
		{with(BM25, func(m *Method) { m.K1 = -1 }), "k1 is -1"},
		{with(RP3beta, func(m *Method) { m.Alpha = 0 }), "alpha is 0: at least 0.01"},
		{with(RP3beta, func(m *Method) { m.Alpha = 11 }), "alpha is 11"},
		{with(RP3beta, func(m *Method) { m.Beta = 0 }), ""},
		{with(RP3beta, func(m *Method) { m.Beta = math.NaN() }), "beta is NaN"},
		{with(RP3beta, func(m *Method) { m.K1 = 1 }), "rp3beta has no k1"},
	} {
		err := c.method.Check()
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%+v: %v", c.method, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%+v: %v, want %q", c.method, err, c.want)
		}
		if _, kernelErr := NewKernel(c.method, datasets.Compress(0, 0, nil, true), datasets.Compress(0, 0, nil, true)); (err == nil) != (kernelErr == nil) {
			t.Errorf("%+v: Check says %v, NewKernel %v", c.method, err, kernelErr)
		}
	}
}

func TestMethodAsJSON(t *testing.T) {
	for _, a := range Algorithms() {
		data, err := json.Marshal(Defaults(a))
		if err != nil {
			t.Fatal(err)
		}
		var m Method
		if err := json.Unmarshal(data, &m); err != nil || m != Defaults(a) {
			t.Errorf("%s is %+v: %v", data, m, err)
		}
	}
	data, err := json.Marshal(Defaults(RP3beta))
	if err != nil || string(data) != `{"algorithm":"rp3beta","k":200,"alpha":1,"beta":0.2}` {
		t.Errorf("%s, %v", data, err)
	}
}

func TestTransposed(t *testing.T) {
	for a, want := range map[Algorithm]bool{Cosine: true, Jaccard: true, TFIDF: false, BM25: false, LLR: false, RP3beta: false} {
		if got := Defaults(a).Transposed(); got != want {
			t.Errorf("%s: %v", a, got)
		}
	}
}
