package recommend

import (
	"slices"
	"strings"
	"testing"
)

func algorithms(text string, change func(p *Params)) Params {
	p := Defaults()
	p.Algorithm = text
	if change != nil {
		change(&p)
	}
	return p
}

func TestParts(t *testing.T) {
	half := .5
	p := algorithms("als:factors=32:alpha=40:explicit=false:solver=cholesky:seed=7,rp3beta:k=50:beta=0,als,bm25,als:factors=8,cosine", func(p *Params) {
		factors := 16
		p.K, p.Shrink, p.Factors, p.B = 70, 1.5, &factors, &half
	})
	parts, err := p.parts()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"als", "rp3beta", "als2", "bm25", "als3", "cosine"}; !slices.Equal(labels(parts), want) {
		t.Errorf("labels %q, want %q", labels(parts), want)
	}
	first, near, second, bm25, third, cosine := parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]
	if first.Algorithm != ALS || *first.Factors != 32 || *first.Alpha != 40 || first.Solver != "cholesky" || first.Seed != 7 || first.Explicit {
		t.Errorf("als: %+v", first)
	}
	if first.K != 0 || first.Shrink != 0 || first.B != nil {
		t.Errorf("als has what is not for it: %+v", first)
	}
	if near.K != 50 || *near.Beta != 0 || near.Shrink != 0 || near.Factors != nil || near.Alpha != nil || near.B != nil {
		t.Errorf("rp3beta: %+v", near)
	}
	if *second.Factors != 16 || second.Alpha != nil || *third.Factors != 8 || bm25.K != 70 || *bm25.B != .5 || bm25.Shrink != 0 || cosine.K != 70 || cosine.Shrink != 1.5 {
		t.Errorf("flags for all: %+v, %+v, %+v, %+v", second, third, bm25, cosine)
	}
	if p.K != 70 || *p.Factors != 16 || *p.B != .5 {
		t.Errorf("the parameters of the job have changed: %+v", p)
	}
	if err := p.check(); err != nil {
		t.Error(err)
	}
}

// One algorithm has no labels, with parameters of its own or without, and these are the same as flags.
func TestPartAlone(t *testing.T) {
	k := 9
	for _, p := range []Params{algorithms("als:factors=9", nil), algorithms("als", func(p *Params) { p.Factors = &k })} {
		parts, err := p.parts()
		if err != nil || len(parts) != 1 || len(labels(parts)) != 0 || parts[0].factors() != 9 || parts[0].Algorithm != ALS {
			t.Errorf("%s: %+v, %v", p.Algorithm, parts, err)
		}
	}
}

func TestDescribing(t *testing.T) {
	for text, want := range map[string]int{
		"als,rp3beta": 0, "popularity,ease,cosine,als": 2, "ease,popularity": 0, "popularity": 0, "popularity,als": 1,
	} {
		parts, err := algorithms(text, nil).parts()
		if err != nil {
			t.Fatal(err)
		}
		if got := describing(parts); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

func TestWrongParts(t *testing.T) {
	number := 2.
	alpha := func(p *Params) { p.Alpha = &number }
	blend := func(how, weights string) func(p *Params) {
		return func(p *Params) { p.Blend, p.Weights = how, weights }
	}
	for _, c := range []struct {
		text   string
		change func(p *Params)
		says   []string
	}{
		{"", nil, []string{`--algorithm ""`, "one of popularity, "}},
		{"als,", nil, []string{`--algorithm ""`}},
		{"als,,rp3beta", nil, []string{`--algorithm ""`}},
		{"als, rp3beta", nil, []string{`" rp3beta"`}},
		{"als,:k=3", nil, []string{`--algorithm ""`}},
		{"als,magic:k=3", nil, []string{`"magic"`}},
		{"als:", nil, []string{"--algorithm als:", `""`, "key=value"}},
		{"als:factors", nil, []string{`"factors"`, "key=value"}},
		{"als::factors=3", nil, []string{"key=value"}},
		{"als:=3", nil, []string{`""`, "als has alpha, factors"}},
		{"als:k=3", nil, []string{`"k"`, "als has alpha, factors"}},
		{"als,popularity:k=3", nil, []string{"popularity:k=3", `"k"`, "popularity has no parameters"}},
		{"als:top=3", nil, []string{`"top"`}},
		{"als:factors=3:factors=4", nil, []string{"factors is there twice"}},
		{"als:factors=x", nil, []string{"factors=x: not a whole number"}},
		{"als:factors=0", nil, []string{"--factors 0"}},
		{"rp3beta,als:factors=0", nil, []string{"--algorithm als:factors=0: ", "--factors 0"}},
		{"rp3beta:k=0", nil, []string{"k=0: not a whole number above 0"}},
		{"cosine:beta=0", nil, []string{`"beta"`, "cosine has k, shrink"}},
		{"rp3beta:alpha=NaN", nil, []string{"alpha=NaN: not a number"}},
		{"rp3beta:alpha=", nil, []string{"alpha=: not a number"}},
		{"als:alpha=inf", nil, []string{"alpha=inf: not a number"}},
		{"als:solver=", nil, []string{"solver=: not a word"}},
		{"als:solver=lu", nil, []string{`--solver "lu"`}},
		{"als:seed=-1", nil, []string{"seed=-1: not a whole number"}},
		{"als:explicit=perhaps", nil, []string{"explicit=perhaps: not true or false"}},
		{"als:explicit=true", nil, []string{"--value-col"}},
		{"als,ease:lambda=-1", nil, []string{"--lambda -1"}},
		{"als,rp3beta", alpha, []string{"--alpha", "als:alpha=2", "rp3beta:alpha=2"}},
		{"ease,popularity", alpha, []string{"--alpha is not for --algorithm ease,popularity"}},
		{"als,popularity", func(p *Params) { p.Lambda = &number }, []string{"--lambda is not for"}},
		{"als,rp3beta", blend("sum", ""), []string{`--blend "sum": rrf or weighted`}},
		{"als,rp3beta", blend("", "1"), []string{`--weights "1"`, "2 algorithms"}},
		{"als,rp3beta", blend("", "1,2,3"), []string{"2 algorithms"}},
		{"als,rp3beta", blend("", "1,b"), []string{`--weights "1,b"`, "2,1,1"}},
		{"als,rp3beta", blend("", "1,"), []string{"2,1,1"}},
		{"als,rp3beta", blend("rrf", "1,-1"), []string{"a weight of -1"}},
		{"als,rp3beta", blend("weighted", "0,0"), []string{"no weight is above 0"}},
		{"als", blend("rrf", ""), []string{"--blend", "--algorithm als alone"}},
		{"als:factors=3", blend("", "1"), []string{"--weights", "als:factors=3 alone"}},
	} {
		err := algorithms(c.text, c.change).check()
		if err == nil {
			t.Errorf("%q: no error", c.text)
			continue
		}
		for _, word := range c.says {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%q: %v: does not say %q", c.text, err, word)
			}
		}
	}
}

// Flags that some of the algorithms have are fine.
func TestSharedFlags(t *testing.T) {
	number := 2.
	for text, change := range map[string]func(p *Params){
		"als,popularity":  func(p *Params) { p.Alpha = &number },
		"rp3beta,ease":    func(p *Params) { p.Alpha, p.Lambda = &number, &number },
		"cosine,ease,als": func(p *Params) { p.K, p.Blend, p.Weights = 3, "weighted", "2,0,.5" },
	} {
		if err := algorithms(text, change).check(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestCandidates(t *testing.T) {
	for top, want := range map[int]int{1: 100, 20: 100, 21: 105, 2000: 10_000, 10_000: 10_000} {
		if got := candidatesOf(top); got != want {
			t.Errorf("top %d: %d candidates, want %d", top, got, want)
		}
	}
}

// FuzzParts: whatever the text is, it is refused, or gives parts whose labels differ and that are each read again alike.
func FuzzParts(f *testing.F) {
	for _, text := range []string{"als", "als:factors=32:alpha=40,rp3beta:k=100", "als,als,als:seed=1", ":,=", "ease:lambda=1e3,bm25:k1=2:b=.5", "als:explicit=1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parts, err := algorithms(text, nil).parts()
		if err != nil {
			return
		}
		if n := strings.Count(text, ",") + 1; len(parts) != n {
			t.Fatalf("%q: %d parts, want %d", text, len(parts), n)
		}
		seen := map[string]bool{}
		var texts []string
		for _, of := range parts {
			if !slices.Contains(Algorithms(), of.Algorithm) || !strings.HasPrefix(of.label, of.Algorithm) || seen[of.label] {
				t.Fatalf("%q: %+v", text, of)
			}
			seen[of.label] = true
			texts = append(texts, of.text)
			if alone, err := algorithms(of.text, nil).parts(); err != nil || len(alone) != 1 || alone[0].label != of.Algorithm {
				t.Fatalf("%q: alone %+v, %v", of.text, alone, err)
			}
		}
		if strings.Join(texts, ",") != text {
			t.Fatalf("%q: parts of %q", text, texts)
		}
	})
}
