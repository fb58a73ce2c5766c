package jobs

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/jobs/internal/factors"
)

func TestInspectFactors(t *testing.T) {
	for _, c := range []struct {
		name  string
		rows  []factors.Row
		n     int
		want  string // behind "ours"
		cells [][]string
	}{
		{"none", nil, 3, `"format":"factors 1","bytes":0,"rows":0,"factors":{"first_row":null,"last_row":null,"factors":0}}`, nil},
		{
			"a gap",
			[]factors.Row{{Index: 5, Values: []float32{1, -.5}}, {Index: 7, Values: []float32{2, 1. / 3}}},
			3,
			`"format":"factors 1","bytes":0,"rows":3,"factors":{"first_row":5,"last_row":7,"factors":2},` +
				`"first":[{"row":5,"first_factors":[1,-0.5]},{"row":6,"first_factors":[0,0]},{"row":7,"first_factors":[2,0.33333334]}]}`,
			[][]string{{"5", "1 -0.5"}, {"6", "0 0"}, {"7", "2 0.3333"}},
		},
		{
			"long, the first",
			[]factors.Row{{Index: 0, Values: []float32{1, 2, 3, 4, 5, 6, 7, 8, 9}}, {Index: 1, Values: make([]float32, 9)}},
			1,
			`"format":"factors 1","bytes":0,"rows":2,"factors":{"first_row":0,"last_row":1,"factors":9},` +
				`"first":[{"row":0,"first_factors":[1,2,3,4,5,6,7,8]}]}`,
			[][]string{{"0", "1 2 3 4 5 ..."}},
		},
	} {
		text, cells := inspected(t, sideFile(t, factors.NewWriter, c.rows...), c.n)
		if d := cmp.Diff(`{"file":"","kind":"factors","ours":true,`+c.want, text); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
		if d := cmp.Diff(c.cells, cells); d != "" {
			t.Errorf("%s: cells: %s", c.name, d)
		}
	}
}

// TestInspectInverse looks at the goldens of both sides.
func TestInspectInverse(t *testing.T) {
	for _, of := range []string{"users", "items"} {
		i, err := Inspect(filepath.Join("internal", "ease", "testdata", "v1-"+of+".ease"), 3)
		if err != nil {
			t.Fatal(err)
		}
		v := i.Inverse
		if i.Kind != "EASE model" || i.Format != "ease 1" || i.Checked != checkedSections || v == nil || v.Of != of || i.Rows != int64(v.Inverted) ||
			v.Inverted < 1 || v.Users < 1 || v.Items < 1 || !(v.Lambda > 0) || len(i.First) > 0 {
			t.Errorf("%+v, %+v", i, v)
		}
		if all := map[string]int{"users": v.Users, "items": v.Items}[of]; v.Inverted > all {
			t.Errorf("%d of %d %s are inverted", v.Inverted, all, of)
		}
	}
}
