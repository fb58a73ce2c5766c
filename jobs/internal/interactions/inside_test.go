package interactions

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/tabular"
	"github.com/shardmill/shardmill/mapreduce"
)

func textCell(s string) *tabular.Cell { return &tabular.Cell{Kind: tabular.Text, Text: []byte(s)} }

func TestTimes(t *testing.T) {
	const day = 1_577_923_200 // 2020-01-02
	good := map[string]int64{
		"0": 0, "-1": -1, "1577923200": day, "1577923200.9": day, "-0.5": -1, "1.5779232e9": day,
		"100000000000": 1e11, "100000000001": 1e8, "1577923200999": day, "-1577923200001": -day - 1, "1577923200999999": day,
		"1577923200999999999": day, "-9223372036854775808": -9223372037,
		"2020-01-02": day, "2020-01-02 00:00:07": day + 7, "2020-01-02T00:00:07": day + 7, "2020-01-02T00:00:07.999": day + 7,
		"2020-01-02T00:00:07Z": day + 7, "2020-01-02t00:00:07z": day + 7, "2020-01-02 00:00:07.1+01:00": day + 7 - 3600,
		"2020-01-02T23:59:59-23:59": day + 86399 + 86340, "2000-02-29": 951782400, "1969-12-31": -86400, "0001-01-01": -62135596800,
	}
	for s, want := range good {
		if got, err := unixTime(textCell(s)); err != nil || got != want {
			t.Errorf("%q: %d, %v; expected %d", s, got, err, want)
		}
	}
	for _, s := range []string{
		"", " ", "now", "NaN", "Inf", "1e300", "2020-1-2", "2020-02-30", "2021-02-29", "2020-13-01", "2020-00-01", "2020-01-00",
		"2020-01-02T", "2020-01-02 12:00", "2020-01-02 24:00:00", "2020-01-02 00:60:00", "2020-01-02 00:00:60", "2020-01-02 00:00:00.",
		"2020-01-02 00:00:00+1", "2020-01-02 00:00:00+24:00", "2020-01-02 00:00:00Z ", "2020-01-02x", "-020-01-02", "2020-01-02Z", "+1-2-01-02",
	} {
		if got, err := unixTime(textCell(s)); err == nil {
			t.Errorf("%q is %d", s, got)
		}
	}
	for _, c := range []struct {
		cell tabular.Cell
		want int64
		ok   bool
	}{
		{tabular.Cell{Kind: tabular.Int, Int: 7}, 7, true},
		{tabular.Cell{Kind: tabular.Int, Int: 1e12}, 1e9, true},
		{tabular.Cell{Kind: tabular.Float, Float: -0.5}, -1, true},
		{tabular.Cell{Kind: tabular.Float, Float: 1e12}, 1e9, true},
		{tabular.Cell{Kind: tabular.Float, Float: math.NaN()}, 0, false},
		{tabular.Cell{Kind: tabular.Float, Float: 1 << 63}, 0, false},
		{tabular.Cell{Kind: tabular.Null}, 0, false},
		{tabular.Cell{}, 0, false},
	} {
		if got, err := unixTime(&c.cell); got != c.want || (err == nil) != c.ok {
			t.Errorf("%+v: %d, %v", c.cell, got, err)
		}
	}
}

// Times are those that package time reads.
func TestTimesAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		zone := time.FixedZone("", 60*rapid.IntRange(-23*60-59, 23*60+59).Draw(rt, "zone"))
		at := time.Unix(rapid.Int64Range(-62_000_000_000, 253_000_000_000).Draw(rt, "second"), rapid.Int64Range(0, 999_999_999).Draw(rt, "ns"))
		for _, layout := range []string{time.RFC3339, time.RFC3339Nano, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05.000Z07:00"} {
			s := at.In(zone).Format(layout)
			if got, err := unixTime(textCell(s)); err != nil || got != at.Unix() {
				rt.Fatalf("%q: %d, %v; expected %d", s, got, err, at.Unix())
			}
		}
		for _, layout := range []string{time.DateOnly, time.DateTime, "2006-01-02T15:04:05.000000"} {
			s := at.UTC().Format(layout)
			want, err := time.Parse(layout, s)
			if got, bad := unixTime(textCell(s)); err != nil || bad != nil || got != want.Unix() {
				rt.Fatalf("%q: %d, %v; expected %d", s, got, bad, want.Unix())
			}
		}
	})
}

// Text with the form of a time is what package time says of it.
func FuzzTime(f *testing.F) {
	for _, s := range []string{"2020-01-02", "2020-01-02 15:04:05", "2020-01-02T15:04:05.123+01:00", "1577923200", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseTime([]byte(s))
		if len(s) < len(time.DateOnly) || s[4] != '-' || s[7] != '-' {
			return
		}
		if len(s) > 10 && (s[10] == ' ' || s[10] == 't') {
			s = s[:10] + "T" + s[11:]
		}
		if strings.HasSuffix(s, "z") {
			s = s[:len(s)-1] + "Z"
		}
		for _, layout := range []string{time.DateOnly, "2006-01-02T15:04:05", time.RFC3339} {
			if want, err := time.Parse(layout, s); err == nil {
				if hour := strings.IndexByte(s, ':'); hour >= 0 && hour != 13 || len(s) > 10 && len(s) < 19 {
					continue // package time takes 1 digit for an hour, and ISO zones of 24 hours
				}
				if !ok || got != want.Unix() {
					if strings.Contains(s, "24:") { // a zone of 24 hours
						return
					}
					t.Fatalf("%q: %d, %v; expected %d", s, got, ok, want.Unix())
				}
				return
			}
		}
		if ok {
			t.Fatalf("%q is %d, and package time does not read it", s, got)
		}
	})
}

// allFields lists the fields of a line.
func allFields(line, separator string) (all []string) {
	f := fields{rest: []byte(line)}
	if separator != "" {
		f.separator = []byte(separator)
	}
	for f.more() {
		all = append(all, string(f.next()))
	}
	return all
}

// Fields are those of package strings.
func FuzzFields(f *testing.F) {
	f.Add("a b  c ", "")
	f.Add("a,b,,c,", ",")
	f.Add("a::b:::c", "::")
	f.Add("", "::")
	f.Add("000", "00")
	f.Fuzz(func(t *testing.T, line, separator string) {
		var want []string
		switch {
		case separator == "":
			want = strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
		case line != "":
			want = strings.Split(line, separator)
			if last := len(want) - 1; want[last] == "" {
				want = want[:last]
			}
		}
		if got := allFields(line, separator); strings.Join(got, "\x00") != strings.Join(want, "\x00") || len(got) != len(want) {
			t.Fatalf("%q by %q: %q, expected %q", line, separator, got, want)
		}
	})
}

// Rows of lines are those of splitting the line, whatever it is.
func FuzzLine(f *testing.F) {
	f.Add("ann 1 2 ", "")
	f.Add(",1", ",")
	f.Add("ann", ",")
	f.Fuzz(func(t *testing.T, line, separator string) {
		for _, baskets := range []bool{false, true} {
			source := &lineSource{baskets: baskets}
			if separator != "" {
				source.separator = []byte(separator)
			}
			taken := &taker{}
			b := lineRows{lineSource: source, rows: taken, name: "a", prefix: "a:"}
			if err := b.add([]byte(line), 7); err != nil {
				t.Fatal(err)
			}
			all := allFields(line, separator)
			user := "a:7"
			if !baskets && len(all) > 0 {
				user, all = all[0], all[1:]
			}
			var want taker
			for _, item := range all {
				if item != "" && user != "" {
					want.pairs = append(want.pairs, [2]string{user, item})
				} else if user != "" {
					want.rejects++
				}
			}
			if line != "" && len(allFields(line, separator)) > 0 && (user == "" || len(all) == 0) {
				want.rejects++
			}
			if diff := gocmp.Diff(want.pairs, taken.pairs); diff != "" || want.rejects != taken.rejects {
				t.Fatalf("%q by %q: %d rejects, expected %d (-want +got):\n%s", line, separator, taken.rejects, want.rejects, diff)
			}
		}
	})
}

// taker takes rows.
type taker struct {
	row     Row
	pairs   [][2]string
	rejects int
}

func (t *taker) Next() *Row { t.row.Reset(); return &t.row }

func (t *taker) Add() error {
	t.pairs = append(t.pairs, [2]string{string(t.row.User), string(t.row.Item)})
	return nil
}

func (t *taker) Reject(mapreduce.Origin, error) error { t.rejects++; return nil }

func TestIDs(t *testing.T) {
	for _, c := range []struct {
		cell tabular.Cell
		want string
	}{
		{*textCell("17850.0"), "17850.0"},
		{*textCell(""), ""},
		{*textCell(" "), " "},
		{tabular.Cell{Kind: tabular.Int, Int: -7}, "-7"},
		{tabular.Cell{Kind: tabular.Float, Float: 17850}, "17850.0"},
		{tabular.Cell{Kind: tabular.Float, Float: 0.1}, "0.1"},
		{tabular.Cell{Kind: tabular.Float, Float: 1e21}, "1e+21"},
		{tabular.Cell{Kind: tabular.Float, Float: math.NaN()}, ""},
		{tabular.Cell{Kind: tabular.Float, Float: math.Inf(-1)}, ""},
		{tabular.Cell{Kind: tabular.Null}, ""},
		{tabular.Cell{}, ""},
	} {
		if got := appendID([]byte("x"), &c.cell); string(got) != "x"+c.want {
			t.Errorf("%+v: %q", c.cell, got)
		}
	}
}

// A row that is reset keeps the memory of its ids, unless that is much, and nothing else.
func TestReset(t *testing.T) {
	r := Row{tabular.Place{Input: "a", Line: 1}, make([]byte, 9), make([]byte, keptBytes+1), 2, 3, true}
	r.Reset()
	if cap(r.User) != 9 || r.Item != nil || r.Value != 0 || r.Time != 0 || r.Test || r.Place != (tabular.Place{}) {
		t.Errorf("%+v", r)
	}
}

func TestCheck(t *testing.T) {
	for i, c := range []struct {
		o    Options
		want string
	}{
		{Defaults(), ""},
		{Options{Format: "xml", UserCol: "u", ItemCol: "i"}, "--input-format \"xml\""},
		{Options{Format: "auto", ItemCol: "i"}, "--user-col is needed"},
		{Options{Format: "auto", UserCol: "i"}, "--item-col is needed"},
		{Options{Format: "jsonl", UserCol: "u", ItemCol: "i", Separator: ";"}, "--separator"},
		{Options{Format: "parquet", UserCol: "u", ItemCol: "i", NoHeader: true}, "--no-header"},
		{Options{Format: "csv", UserCol: "u", ItemCol: "i", Separator: "\""}, "--separator"},
		{Options{Format: "lines"}, ""},
		{Options{Format: "baskets", Separator: ","}, ""},
		{Options{Format: "lines", ValueCol: "v"}, "--value-col"},
		{Options{Format: "baskets", TimeCol: "t"}, "--time-col"},
		{Options{Format: "lines", NoHeader: true}, "--no-header"},
		{Options{Format: "lines", Separator: "\n"}, "--separator"},
		{Options{Format: "lines", Test: "t"}, ""},
		{Options{Format: "baskets", Test: "t"}, "--test t: --input-format baskets"},
	} {
		if err := c.o.Check(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("case %d: %v, expected %q", i, err, c.want)
		}
	}
	o := Defaults()
	o.NoHeader = true
	if got := o.columns(); got[0] != "1" || got[1] != "2" {
		t.Errorf("columns %q", got)
	}
}

// Filling a row allocates nothing.
func TestFillAllocates(t *testing.T) {
	o := Defaults()
	o.ValueCol, o.TimeCol = "v", "t"
	f, r := newFiller(o), Row{User: make([]byte, 0, 16), Item: make([]byte, 0, 16)}
	cells := []tabular.Cell{*textCell("u1"), *textCell("i1"), *textCell("2.5"), *textCell("2020-01-02 03:04:05")}
	if n := testing.AllocsPerRun(100, func() {
		if err := f.fill(&r, tabular.Place{}, cells); err != nil {
			t.Fatal(err)
		}
	}); n > 0 || !bytes.Equal(r.User, []byte("u1")) || r.Time != 1577934245 {
		t.Errorf("%v allocations, %+v", n, r)
	}
}
