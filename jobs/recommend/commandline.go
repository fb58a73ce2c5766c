package recommend

import (
	"encoding/json"
	"maps"
	"slices"
)

// commandLine are the arguments of a job recommend with one algorithm, whose parameters are all in its text, and the parameters of
// the inputs: their JSON names are the flags.
func commandLine(p Params, algorithm string, inputs []string) []string {
	for _, o := range p.options() {
		o.clear()
	}
	p.Algorithm = algorithm
	given, usual := flagValues(p), flagValues(Defaults())
	args := []string{"recommend", "--algorithm", algorithm}
	for _, flag := range slices.Sorted(maps.Keys(given)) {
		value := given[flag]
		switch {
		case flag == "algorithm" || value == usual[flag]:
		case value == "true":
			args = append(args, "--"+flag)
		case value == `""` || value == "false": // the other way round there is no such default
		default:
			args = append(args, "--"+flag, plainText(value))
		}
	}
	return append(args, inputs...)
}

// flagValues are parameters as JSON, by their flags.
func flagValues(p Params) map[string]string {
	values := map[string]string{}
	text, err := json.Marshal(p)
	if err != nil {
		return values // of numbers that no check lets pass
	}
	var raw map[string]json.RawMessage
	if json.Unmarshal(text, &raw) != nil {
		return values
	}
	for flag, v := range raw {
		values[flag] = string(v)
	}
	return values
}

// plainText is a value in JSON as it is written on a command line.
func plainText(value string) string {
	var s string
	if json.Unmarshal([]byte(value), &s) == nil {
		return s
	}
	return value
}
