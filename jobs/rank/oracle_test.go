package rank_test

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/rank"
)

// compareAs compares texts as values of a type; both are values of it.
func compareAs(kind, a, b string) int {
	switch kind {
	case "int":
		x, _ := strconv.ParseInt(a, 10, 64)
		y, _ := strconv.ParseInt(b, 10, 64)
		return cmp.Compare(x, y)
	case "float":
		x, _ := strconv.ParseFloat(a, 64)
		y, _ := strconv.ParseFloat(b, 64)
		return cmp.Compare(x, y)
	default:
		return strings.Compare(a, b)
	}
}

// shown is a value as results show it, and whether it is one of its type.
func shown(kind, s string) (string, bool) {
	switch {
	case s == null:
		return "", false
	case kind == "int":
		n, err := strconv.ParseInt(s, 10, 64)
		return s, err == nil && strconv.FormatInt(n, 10) == s
	case kind == "float":
		f, err := strconv.ParseFloat(s, 64)
		return strconv.FormatFloat(f+0, 'g', -1, 64), err == nil && !math.IsNaN(f)
	default:
		return s, true
	}
}

// best is the oracle: sort everything, count along.
func best(rows []inputRow, keyType, byType string, ascending bool, top int) (out []outRow) {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b inputRow) int {
		by := compareAs(byType, a.by, b.by)
		if !ascending {
			by = -by
		}
		return cmp.Or(compareAs(keyType, a.key, b.key), by)
	})
	n := 0
	for i, r := range rows {
		if i == 0 || rows[i-1].key != r.key {
			n = 0
		}
		if n++; n <= top {
			out = append(out, outRow{"key": {r.key, true}, "rank": {strconv.Itoa(n), true}, "by": {r.by, true}, "x": r.x, "y": r.y})
		}
	}
	return out
}

// merged puts parts into one list in order of keys; each part must be in order already, and no key in two.
func merged(t *rapid.T, keyType string, parts [][]outRow) (all []outRow) {
	order := func(a, b outRow) int {
		return cmp.Or(compareAs(keyType, a["key"].text, b["key"].text), compareAs("int", a["rank"].text, b["rank"].text))
	}
	where := map[string]int{}
	for i, part := range parts {
		if !slices.IsSortedFunc(part, order) {
			t.Fatalf("part %d is not in order: %v", i, part)
		}
		for _, r := range part {
			if at, ok := where[r["key"].text]; ok && at != i {
				t.Fatalf("key %q is in the parts %d and %d", r["key"].text, at, i)
			}
			where[r["key"].text] = i
		}
		all = append(all, part...)
	}
	slices.SortStableFunc(all, order)
	return all
}

func types() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"string", "int", "float"})
}

// checks bounds the runs of a property: each is a whole job, of 20 ms or more.
func checks(t *testing.T, n int, property func(rt *rapid.T)) {
	left, failed := n, false
	if testing.Short() {
		left = n / 4
	}
	rapid.Check(t, func(rt *rapid.T) {
		if left--; left < 0 && !failed { // a failure is shrunk
			return
		}
		defer func() { failed = failed || rt.Failed() }()
		property(rt)
	})
}

// The job gives what sorting all rows gives, in either mode, with the same bytes.
func TestRankedOracle(t *testing.T) {
	checks(t, 40, func(rt *rapid.T) {
		dir := t.TempDir()
		p := byColumn("key", "by", rapid.Int64Range(1, 6).Draw(rt, "top"))
		p.KeyType, p.ByType = types().Draw(rt, "key type"), types().Draw(rt, "by type")
		ascending := rapid.Bool().Draw(rt, "ascending")
		if ascending {
			p.By = "by:asc"
		}
		p.Columns = []string{"y", "x"}
		d := drawJob(rt, t, dir, p)
		got := merged(rt, p.KeyType, read(t, d.run(rt, t, dir), "out/ranked", [2]string{p.KeyType, "key"}, [2]string{"int", "rank"},
			[2]string{p.ByType, "by"}, [2]string{"null", "x"}, [2]string{"null", "y"}))
		want := best(d.good(), p.KeyType, p.ByType, ascending, int(p.Top))
		if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(value{})); diff != "" {
			rt.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// groupsOf gives the values of the column by of each group, in order.
func groupsOf(rows []inputRow, keyType, byType string) (keys []string, groups map[string][]string) {
	groups = map[string][]string{}
	for _, r := range rows {
		if groups[r.key] == nil {
			keys = append(keys, r.key)
		}
		groups[r.key] = append(groups[r.key], r.by)
	}
	slices.SortFunc(keys, func(a, b string) int { return compareAs(keyType, a, b) })
	for _, g := range groups {
		slices.SortStableFunc(g, func(a, b string) int { return compareAs(byType, a, b) })
	}
	return keys, groups
}

// exactSum adds up numbers, which are in order. It is not ok if they have no finite sum.
func exactSum(numbers []string) (sum *big.Float, ok bool) {
	sum = new(big.Float).SetPrec(2000)
	for _, s := range numbers {
		f, _, err := big.ParseFloat(s, 10, 2000, big.ToNearestEven)
		if err != nil || f.IsInf() {
			return nil, false
		}
		sum.Add(sum, f)
	}
	return sum, true
}

func TestGroupsOracle(t *testing.T) {
	checks(t, 25, func(rt *rapid.T) {
		dir := t.TempDir()
		p := rank.Defaults()
		p.Key, p.KeyType = "key", types().Draw(rt, "key type")
		p.ByType = rapid.SampledFrom([]string{"int", "float"}).Draw(rt, "by type")
		p.Agg = []string{"max:by", "count", "sum:by", "mean:by", "min:by"}
		d := drawJob(rt, t, dir, p)
		var got []outRow
		for _, part := range read(t, d.run(rt, t, dir), "out/groups", [2]string{p.KeyType, "key"}, [2]string{p.ByType, "max_by"}, [2]string{"int", "count"},
			[2]string{p.ByType, "sum_by"}, [2]string{"float", "mean_by"}, [2]string{p.ByType, "min_by"}) {
			if !slices.IsSortedFunc(part, func(a, b outRow) int { return compareAs(p.KeyType, a["key"].text, b["key"].text) }) {
				rt.Fatalf("a part is not in order: %v", part)
			}
			got = append(got, part...)
		}
		slices.SortFunc(got, func(a, b outRow) int { return compareAs(p.KeyType, a["key"].text, b["key"].text) })
		keys, groups := groupsOf(d.good(), p.KeyType, p.ByType)
		if len(got) != len(keys) {
			rt.Fatalf("%d groups, expected %d", len(got), len(keys))
		}
		for i, k := range keys {
			checkGroup(rt, p.ByType, k, groups[k], got[i])
		}
	})
}

func checkGroup(t *rapid.T, byType, key string, numbers []string, got outRow) {
	want := outRow{
		"key": {key, true}, "count": {strconv.Itoa(len(numbers)), true},
		"min_by": {numbers[0], true}, "max_by": {numbers[len(numbers)-1], true},
		"sum_by": got["sum_by"], "mean_by": got["mean_by"],
	}
	if sum, ok := exactSum(numbers); ok {
		// The values are such that their float64 sums are exact too.
		f, _ := sum.Float64()
		want["sum_by"] = value{strconv.FormatFloat(f, 'g', -1, 64), true}
		if byType == "int" {
			want["sum_by"] = value{sum.Text('f', 0), true}
		}
		want["mean_by"] = value{strconv.FormatFloat(f/float64(len(numbers)), 'g', -1, 64), true}
	} else if f, err := strconv.ParseFloat(got["sum_by"].text, 64); err != nil || !math.IsInf(f, 0) && !math.IsNaN(f) {
		t.Fatalf("the sum of %v is %v", numbers, got["sum_by"])
	}
	if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(value{})); diff != "" {
		t.Fatalf("%q (-want +got):\n%s", key, diff)
	}
}
