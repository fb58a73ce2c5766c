package recommend

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shardmill/shardmill/jobs/internal/neighbours"
)

// maxConfigurations bounds what one evaluation compares: more is a mistake.
const maxConfigurations = 1000

// grid is a parameter with values that are tried out: "k=20,50" for all algorithms that have it, "bm25:k=20,50" for one.
type grid struct {
	text      string // as it was given
	algorithm string // the one that it is for; "" for all that have the parameter
	key       string
	values    []string
}

// configurations lists what an evaluation compares, in the order of --algorithm, with all combinations of the grids'
// values, of which those of the last grid change first. With all, it is all algorithms, and those for which no grid is given have
// their own. The text of a configuration holds all its parameters: as --algorithm of a recommendation it means the same.
func configurations(p Params, grids []string, all bool) ([]part, error) {
	if all {
		p.Algorithm = strings.Join(Algorithms(), ",")
	}
	parts, err := p.parts()
	if err != nil {
		return nil, err
	}
	given, err := p.parseGrids(grids)
	if err != nil {
		return nil, err
	}
	if err := p.checkGrids(given, parts); err != nil {
		return nil, err
	}
	var list []part
	for _, of := range parts {
		own := of.gridsOf(given)
		if all && !slices.ContainsFunc(given, func(g grid) bool { return g.isFor(of.Algorithm) }) {
			own = of.gridsOf(defaultGrids(of.Params))
		}
		more, err := p.combinations(of, own, maxConfigurations-len(list))
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, checkDifferent(list)
}

// parseGrids reads grids, and finds values that are wrong for an algorithm that has the parameter.
func (p Params) parseGrids(texts []string) ([]grid, error) {
	var grids []grid
	for _, text := range texts {
		g, err := parseGrid(text)
		if err == nil {
			err = g.check()
		}
		if err != nil {
			return nil, fmt.Errorf("--grid %s: %w", text, err)
		}
		if slices.ContainsFunc(grids, func(o grid) bool { return o.algorithm == g.algorithm && o.key == g.key }) {
			return nil, fmt.Errorf("--grid %s: %s is there twice", text, g.name())
		}
		grids = append(grids, g)
	}
	return grids, nil
}

var errGrid = errors.New("a parameter with its values, such as k=20,50 or als:alpha=10,40")

func parseGrid(text string) (grid, error) {
	name, values, ok := strings.Cut(text, "=")
	algorithm, key, one := strings.Cut(name, ":")
	if !one {
		algorithm, key = "", name
	}
	switch {
	case !ok || key == "" || one && algorithm == "":
		return grid{}, errGrid
	case one && !slices.Contains(Algorithms(), algorithm):
		return grid{}, fmt.Errorf("%q: one of %s", algorithm, strings.Join(Algorithms(), ", "))
	case strings.Contains(key+values, ":"):
		return grid{}, errors.New("one parameter: give --grid again for another")
	}
	return grid{text, algorithm, key, strings.Split(values, ",")}, nil
}

// check finds values that the parameter cannot have, or has twice.
func (g grid) check() error {
	for i, v := range g.values {
		if slices.Contains(g.values[:i], v) {
			return fmt.Errorf("%s is there twice", v)
		}
		for _, name := range Algorithms() {
			if name != g.algorithm && !g.isFor(name) {
				continue
			}
			if _, err := (Params{}).partOf(name, g.key+"="+v, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// name is that of the parameter, behind that of its algorithm.
func (g grid) name() string {
	if g.algorithm == "" {
		return g.key
	}
	return g.algorithm + ":" + g.key
}

// isFor tells whether the grid names a parameter of an algorithm.
func (g grid) isFor(algorithm string) bool {
	return (g.algorithm == "" || g.algorithm == algorithm) && hasOption(algorithm, g.key)
}

func hasOption(algorithm, flag string) bool {
	return slices.ContainsFunc(new(Params).options(), func(o option) bool { return o.flag == flag && slices.Contains(o.of, algorithm) })
}

// checkGrids finds a grid that none of the algorithms follows, and one that two would with different meanings.
func (p Params) checkGrids(grids []grid, parts []part) error {
	for _, g := range grids {
		var has, follow []string
		for _, of := range parts {
			if g.isFor(of.Algorithm) {
				has = append(has, of.text)
			}
			if slices.ContainsFunc(of.gridsOf(grids), func(o grid) bool { return o.text == g.text }) {
				follow = append(follow, of.Algorithm)
			}
		}
		switch {
		case len(has) == 0 && g.algorithm != "":
			return fmt.Errorf("--grid %s: %s is not in --algorithm %s", g.text, g.algorithm, p.Algorithm)
		case len(has) == 0:
			return fmt.Errorf("--grid %s: no algorithm of %s has %s", g.text, p.Algorithm, g.key)
		case len(follow) == 0:
			return fmt.Errorf("--grid %s: %s is set elsewhere for %s", g.text, g.key, strings.Join(has, ", "))
		case g.key == "alpha" && slices.Contains(follow, ALS) && slices.Contains(follow, string(neighbours.RP3beta)):
			return fmt.Errorf("--grid %s: alpha is one thing for als and another for rp3beta: write als:%s or rp3beta:%s", g.text, g.text, g.text)
		}
	}
	return nil
}

// gridsOf are those that a part follows: not where it has the parameter already, by its text or by a flag for all, and of two
// that name a parameter the one that names the algorithm too.
func (of part) gridsOf(grids []grid) (own []grid) {
	params := of.Params
	for _, g := range grids {
		has := slices.ContainsFunc(params.options(), func(o option) bool { return o.flag == g.key && o.given }) ||
			strings.Contains(of.text, ":"+g.key+"=")
		closer := func(o grid) bool { return o.algorithm == of.Algorithm && o.key == g.key }
		if g.isFor(of.Algorithm) && !has && (g.algorithm != "" || !slices.ContainsFunc(grids, closer)) {
			own = append(own, g)
		}
	}
	return own
}

// defaultGrids are those of an algorithm of which nothing is said: few values on either side of what is usually good.
func defaultGrids(p Params) []grid {
	k := grid{key: "k", values: []string{"50", "200"}}
	switch p.Algorithm {
	case Popularity:
		return nil
	case ALS:
		return alsGrids(p)
	case EASE:
		return []grid{{key: "lambda", values: []string{"100", "400"}}}
	case string(neighbours.RP3beta):
		k.values = []string{"100", "200"}
		return []grid{k, {key: "beta", values: []string{"0.2", "0.4"}}}
	}
	return []grid{k}
}

// alsGrids has smaller values where they are multiplied by counts; ratings have no confidence.
func alsGrids(p Params) []grid {
	regularization := grid{key: "regularization", values: []string{"1", "50"}}
	if _, scaled := p.regularization(); scaled {
		regularization.values = []string{"0.01", "0.1"}
	}
	if p.Explicit {
		return []grid{regularization}
	}
	return []grid{regularization, {key: "alpha", values: []string{"10", "40"}}}
}

// combinations are those of the values of grids, with the parameters that a part has.
func (p Params) combinations(of part, grids []grid, most int) ([]part, error) {
	_, own, _ := strings.Cut(of.text, ":")
	texts := []string{own}
	for _, g := range grids {
		var longer []string
		if len(texts)*len(g.values) > most {
			return nil, errTooMany
		}
		for _, text := range texts {
			for _, v := range g.values {
				longer = append(longer, strings.TrimPrefix(text+":"+g.key+"="+v, ":"))
			}
		}
		texts = longer
	}
	if len(texts) > most {
		return nil, errTooMany
	}
	var list []part
	for _, text := range texts {
		params, err := p.partOf(of.Algorithm, text, text != "")
		if err != nil {
			return nil, fmt.Errorf("--algorithm %s:%s: %w", of.Algorithm, text, err)
		}
		one := part{Params: params, label: of.Algorithm, text: params.text()}
		if err := params.checkMethod(); err != nil {
			return nil, fmt.Errorf("configuration %s: %w", one.text, err)
		}
		list = append(list, one)
	}
	return list, nil
}

var errTooMany = fmt.Errorf("more than %d configurations: --grid needs fewer values", maxConfigurations)

// text is the one algorithm with the parameters that it has been given, as --algorithm takes it.
func (p Params) text() string {
	text := p.Algorithm
	for _, o := range p.options() {
		if o.given {
			text += ":" + o.flag + "=" + o.text()
		}
	}
	return text
}

// checkDifferent finds a configuration that is there twice.
func checkDifferent(list []part) error {
	seen := map[string]bool{}
	for _, of := range list {
		if seen[of.text] {
			return fmt.Errorf("configuration %s is there twice", of.text)
		}
		seen[of.text] = true
	}
	return nil
}
