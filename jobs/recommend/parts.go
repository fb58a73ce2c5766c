package recommend

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/jobs/internal/blend"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
)

// part is one of the algorithms of a job: the job's parameters, without those that the algorithm has not got, and with its own.
type part struct {
	Params
	label string // the algorithm's name; with a number from 2 on for one that is there already
	text  string // as it was given
}

// parts reads the algorithms: "als:factors=32:alpha=40,rp3beta" is als with two parameters of its own, and rp3beta.
func (p Params) parts() ([]part, error) {
	var parts []part
	times := map[string]int{}
	for text := range strings.SplitSeq(p.Algorithm, ",") {
		name, own, _ := strings.Cut(text, ":")
		if !slices.Contains(Algorithms(), name) {
			return nil, fmt.Errorf("--algorithm %q: one of %s", name, strings.Join(Algorithms(), ", "))
		}
		of, err := p.partOf(name, own, len(name) < len(text))
		if err != nil {
			return nil, fmt.Errorf("--algorithm %s: %w", text, err)
		}
		times[name]++
		label := name
		if n := times[name]; n > 1 {
			label += strconv.Itoa(n)
		}
		parts = append(parts, part{Params: of, label: label, text: text})
	}
	return parts, p.checkShared(parts)
}

// partOf are the parameters of one algorithm, with those of its own, "key=value:key=value", if it has some.
func (p Params) partOf(name, own string, some bool) (Params, error) {
	of := p
	of.Algorithm, of.Blend, of.Weights = name, "", ""
	var known []string
	options := map[string]option{}
	for _, o := range of.options() {
		if !slices.Contains(o.of, name) {
			o.clear()
			continue
		}
		known = append(known, o.flag)
		options[o.flag] = o
	}
	if !some {
		return of, nil
	}
	for pair := range strings.SplitSeq(own, ":") {
		key, value, ok := strings.Cut(pair, "=")
		o, has := options[key]
		switch {
		case !ok:
			return of, fmt.Errorf("%q: parameters are key=value, with a colon between two", pair)
		case has && o.set == nil:
			return of, fmt.Errorf("%s is there twice", key)
		case !has && len(known) == 0:
			return of, fmt.Errorf("%q: %s has no parameters", key, name)
		case !has:
			return of, fmt.Errorf("%q: %s has %s", key, name, strings.Join(known, ", "))
		}
		if o.set(value) != nil { // that it is wrong is all that it tells
			return of, fmt.Errorf("%s=%s: not %s", key, value, o.kind)
		}
		options[key] = option{} // taken
	}
	return of, nil
}

// checkShared finds flags that no algorithm has, and one that two have with different meanings.
func (p Params) checkShared(parts []part) error {
	has := func(names ...string) bool {
		return slices.ContainsFunc(parts, func(of part) bool { return slices.Contains(names, of.Algorithm) })
	}
	for _, o := range p.options() {
		if o.given && !has(o.of...) {
			return fmt.Errorf("--%s is not for --algorithm %s", o.flag, p.Algorithm)
		}
	}
	if p.Alpha != nil && has(ALS) && has(string(neighbours.RP3beta)) {
		return fmt.Errorf("--alpha is one thing for als and another for rp3beta: write als:alpha=%v or rp3beta:alpha=%v in --algorithm", *p.Alpha, *p.Alpha)
	}
	return nil
}

// checkParts finds wrong parameters of algorithms and of their blend.
func (p Params) checkParts() error {
	parts, err := p.parts()
	if err != nil {
		return err
	}
	if len(parts) == 1 {
		if p.Blend != "" || p.Weights != "" {
			return fmt.Errorf("--blend and --weights are for several algorithms, not for --algorithm %s alone", p.Algorithm)
		}
		return parts[0].checkMethod()
	}
	for _, of := range parts {
		if err := of.checkMethod(); err != nil {
			return fmt.Errorf("--algorithm %s: %w", of.text, err)
		}
	}
	weights, err := p.weights(len(parts))
	if err != nil {
		return fmt.Errorf("--weights %q: %w", p.Weights, err)
	}
	if m := p.blendMethod(); m != blend.RRF && m != blend.Weighted {
		return fmt.Errorf("--blend %q: %s or %s", m, blend.RRF, blend.Weighted)
	}
	if _, err := blend.New(p.blendMethod(), weights, 0); err != nil {
		return fmt.Errorf("--weights %q: %w", p.Weights, err)
	}
	return nil
}

func (p Params) blendMethod() blend.Method {
	if p.Blend == "" {
		return blend.RRF
	}
	return blend.Method(p.Blend)
}

var errWeight = errors.New("numbers with commas between them, such as 2,1,1")

// weights are those of n algorithms.
func (p Params) weights(n int) ([]float64, error) {
	if p.Weights == "" {
		return slices.Repeat([]float64{1}, n), nil
	}
	var weights []float64
	for text := range strings.SplitSeq(p.Weights, ",") {
		w, err := finiteNumber(text)
		if err != nil {
			return nil, errWeight
		}
		weights = append(weights, w)
	}
	if len(weights) != n {
		return nil, fmt.Errorf("there are %d algorithms", n)
	}
	return weights, nil
}

// labels are those of the algorithms of a blend, none of one alone.
func labels(parts []part) (labels []string) {
	if len(parts) < 2 {
		return nil
	}
	for _, of := range parts {
		labels = append(labels, of.label)
	}
	return labels
}

// describing is the place of the part that writes items and similar_items: the first that knows which items are near.
func describing(parts []part) int {
	return max(0, slices.IndexFunc(parts, func(of part) bool { return of.Algorithm != Popularity && of.Algorithm != EASE }))
}
