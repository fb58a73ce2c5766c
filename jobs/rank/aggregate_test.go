package rank

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce"
)

func mustAggregates(t interface{ Fatal(...any) }, kind kind, list ...string) aggregates {
	p := Defaults()
	p.ByType, p.Agg = kind.String(), list
	a, err := p.aggregates()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAggregatesLayout(t *testing.T) {
	a := mustAggregates(t, integer, "mean:x", "count", "sum:x", "min:y", "max:y", "min:x")
	if a.words != 1+2+3 || len(a.cells) != 4 || strings.Join(a.columns, " ") != "x y" {
		t.Errorf("%+v", a)
	}
	names := make([]string, len(a.list))
	for i := range a.list {
		names[i] = a.list[i].name()
	}
	if got := strings.Join(names, " "); got != "mean_x count sum_x min_y max_y min_x" {
		t.Errorf("names %q", got)
	}
	if a = mustAggregates(t, float, "sum:x", "mean:x"); a.words != 2 {
		t.Errorf("a mean does not share the sum: %+v", a)
	}
	if a = mustAggregates(t, text, "count"); a.words != 1 {
		t.Errorf("a count: %+v", a)
	}
}

// beginOne is the state of a group of one row, behind one with other numbers.
func beginOne[W words](all aggregates, numbers W) W {
	var states [2]W
	begin(all.cells, []groupRow[W]{{numbers: *new(W)}, {numbers: numbers}}, states[:])
	return states[1]
}

// Ints are exact whatever the order and the cuts, and a sum that is no int64 is an error.
func TestIntAggregates(t *testing.T) {
	all := mustAggregates(t, integer, "count", "sum:x", "min:x", "max:x", "mean:x")
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-9, 9), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64}))
		numbers := rapid.SliceOfN(number, 1, 20).Draw(t, "numbers")
		cut := rapid.IntRange(0, len(numbers)).Draw(t, "cut")
		fold := func(numbers []int64) (s [8]uint64) {
			for i, n := range numbers {
				one := beginOne(all, [8]uint64{intValue(n).bits})
				if i == 0 {
					s = one
				} else {
					merge(all.cells, &s, &one)
				}
			}
			return s
		}
		state := fold(numbers)
		if cut > 0 && cut < len(numbers) {
			other, rest := fold(numbers[:cut]), fold(numbers[cut:])
			if merge(all.cells, &other, &rest); other != state {
				t.Fatalf("%v is not %v", other, state)
			}
		}
		sum, low, high := new(big.Int), numbers[0], numbers[0]
		for _, n := range numbers {
			sum.Add(sum, big.NewInt(n))
			low, high = min(low, n), max(high, n)
		}
		mean, _ := new(big.Rat).SetFrac(sum, big.NewInt(int64(len(numbers)))).Float64()
		if err := overflow(all.list, integer, &state); (err == nil) != sum.IsInt64() {
			t.Fatalf("the sum %v: %v", sum, err)
		}
		if sum.IsInt64() && intOf(all.list[1], &state) != sum.Int64() {
			t.Fatalf("sum %d, expected %v", intOf(all.list[1], &state), sum)
		}
		if n := intOf(all.list[0], &state); n != int64(len(numbers)) {
			t.Fatalf("count %d", n)
		}
		if a, b := intOf(all.list[2], &state), intOf(all.list[3], &state); a != low || b != high {
			t.Fatalf("min %d, max %d; expected %d, %d", a, b, low, high)
		}
		if got := floatOf(all.list[4], integer, &state); got != mean {
			t.Fatalf("mean %v, expected %v", got, mean)
		}
	})
}

func TestFloatAggregates(t *testing.T) {
	all := mustAggregates(t, float, "sum:x", "min:x", "max:x", "mean:x", "count")
	var state [4]uint64
	for i, f := range []float64{0.1, -0.25, 0.7} {
		one := beginOne(all, [4]uint64{floatValue(f).bits})
		if i == 0 {
			state = one
		} else {
			merge(all.cells, &state, &one)
		}
	}
	a, b, c := 0.1, -0.25, 0.7 // added at run time, not as constants
	sum := a + b
	sum += c
	for i, want := range []float64{sum, b, c, sum / 3} {
		if got := floatOf(all.list[i], float, &state); got != want {
			t.Errorf("%s: %v, expected %v", all.list[i].name(), got, want)
		}
	}
	if n := intOf(all.list[4], &state); n != 3 {
		t.Errorf("count %d", n)
	}
	if err := overflow(all.list, float, &state); err != nil {
		t.Error(err)
	}
}

func TestStateCodec(t *testing.T) {
	c := stateCodec[[4]uint64]{3}
	want := [4]uint64{1, math.MaxUint64, 3}
	b := c.Append(nil, want)
	if got, err := c.Decode(b); err != nil || got != want || len(b) != c.Width() {
		t.Errorf("%v, %v of %d bytes", got, err, len(b))
	}
	for _, bad := range [][]byte{nil, b[:23], append(b, 0)} {
		if _, err := c.Decode(bad); !errors.Is(err, mapreduce.ErrShort) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
}

func TestParams(t *testing.T) {
	ranked := func(f func(p *Params)) Params {
		p := Defaults()
		p.Key, p.By, p.Top = "k", "s", 3
		f(&p)
		return p
	}
	grouped := func(f func(p *Params)) Params {
		p := Defaults()
		p.Key, p.Agg = "k", []string{"count", "sum:x"}
		f(&p)
		return p
	}
	cases := []struct {
		p    Params
		want string // in the message; "" for none
	}{
		{ranked(func(*Params) {}), ""},
		{ranked(func(p *Params) { p.By, p.Columns = "s:asc", []string{"a", "b"} }), ""},
		{ranked(func(p *Params) { p.Columns = []string{} }), ""},
		{grouped(func(*Params) {}), ""},
		{grouped(func(p *Params) { p.Agg = []string{"min:k"} }), ""},
		{Defaults(), "--key is needed"},
		{ranked(func(p *Params) { p.KeyType = "auto" }), `--key-type "auto"`},
		{ranked(func(p *Params) { p.ByType = "" }), `--by-type ""`},
		{ranked(func(p *Params) { p.By = "" }), "--by is needed"},
		{ranked(func(p *Params) { p.By = ":asc" }), "--by"},
		{ranked(func(p *Params) { p.By = "k:desc" }), "it is the key"},
		{ranked(func(p *Params) { p.Top = 0 }), "--top 0"},
		{ranked(func(p *Params) { p.ShardRows = 0 }), "--shard-rows 0"},
		{ranked(func(p *Params) { p.Columns = []string{""} }), "--columns"},
		{ranked(func(p *Params) { p.Columns = []string{"s"} }), "written anyway"},
		{ranked(func(p *Params) { p.Columns = []string{"k"} }), "written anyway"},
		{ranked(func(p *Params) { p.Columns = []string{"a", "a"} }), "twice"},
		{grouped(func(p *Params) { p.By = "s" }), "--agg and --by"},
		{grouped(func(p *Params) { p.Top = 1 }), "--top"},
		{grouped(func(p *Params) { p.Columns = []string{"a"} }), "--columns"},
		{grouped(func(p *Params) { p.ByType = "string" }), "--by-type int or float"},
		{grouped(func(p *Params) { p.Agg = []string{"sum"} }), `--agg "sum"`},
		{grouped(func(p *Params) { p.Agg = []string{"sum:"} }), `--agg "sum:"`},
		{grouped(func(p *Params) { p.Agg = []string{"count:x"} }), `--agg "count:x"`},
		{grouped(func(p *Params) { p.Agg = []string{"median:x"} }), `--agg "median:x"`},
		{grouped(func(p *Params) { p.Agg = []string{"min:x", "min:x"} }), "two columns min_x"},
		{grouped(func(p *Params) { p.Agg = strings.Fields(strings.Repeat("sum:x ", 1) + manyAggregates()) }), "at most 16"},
	}
	for _, c := range cases {
		err := c.p.check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, expected %q", c.p, err, c.want)
		}
	}
}

func manyAggregates() string {
	var list []string
	for c := 'a'; c < 'p'; c++ {
		list = append(list, "min:"+string(c))
	}
	return strings.Join(list, " ")
}

func TestOrder(t *testing.T) {
	cases := []struct {
		by, column string
		descending bool
	}{
		{"s", "s", true}, {"s:asc", "s", false}, {"a:b:desc", "a:b", true}, {"a:b", "a:b", true}, {"asc", "asc", true},
	}
	for _, c := range cases {
		if column, descending := (Params{By: c.by}).order(); column != c.column || descending != c.descending {
			t.Errorf("%s: %q, %v", c.by, column, descending)
		}
	}
}
