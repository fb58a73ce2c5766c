package rules

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"price <= 20":                    "price <= 20",
		" price<=20 ":                    "price <= 20",
		"price>=-1.5e3":                  "price >= -1.5e3",
		"price<20":                       "price < 20",
		"price > 20":                     "price > 20",
		"language = en":                  "language = en",
		"language=en us":                 "language = en us",
		"language != en":                 "language != en",
		"category in a,b":                "category in a, b",
		"category  not  in a , b c":      "category not in a, b c",
		`category in "a, b",c`:           `category in "a, b", c`,
		`name = "say ""x"""`:             `name = "say ""x"""`,
		`"unit price" < 3`:               `"unit price" < 3`,
		"max 3 per brand":                "max 3 per brand",
		" max  3  per  brand ":           "max 3 per brand",
		`max 1 per "the brand"`:          `max 1 per "the brand"`,
		"max <= 3":                       "max <= 3",
		"max in 3, 4":                    "max in 3, 4",
		"max = 3":                        "max = 3",
		"in in in":                       "in in in",
		"not not in not":                 "not not in not",
		`größe in "klein", groß`:         "größe in klein, groß",
		`a in "x"` + ` , ` + `"y"`:       "a in x, y",
		"indexed = 1":                    "indexed = 1",
		`quoted = " spaces at its end "`: `quoted = " spaces at its end "`,
	} {
		r, err := Parse(text)
		if err != nil || r.String() != want {
			t.Errorf("%q is %q, %v, want %q", text, r, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "not a rule",
		"price":                            "not a rule",
		"price 20":                         "not a rule",
		"price is 20":                      "not a rule",
		"price not 20":                     "not a rule",
		"<= 20":                            "not a rule",
		`"" = 1`:                           "not a rule",
		"price inside a":                   "not a rule",
		"price <= cheap":                   `<= needs a number, not "cheap"`,
		"price <= NaN":                     "<= needs a number",
		"price <= 1, 2":                    `<= takes one value`,
		"price = 1, 2":                     `= takes one value`,
		"price == 20":                      "not a rule",
		"price =< 20":                      "not a rule",
		"price => 20":                      "not a rule",
		"price <> 20":                      "not a rule",
		"category in":                      "a value is missing",
		"category in a,,b":                 "a value is missing",
		"category in a,":                   "a value is missing",
		`category in ""`:                   "a value is missing",
		`category in "a`:                   "a quote is not closed",
		`category in "a" b`:                "something stands behind a quote",
		`category in a"b`:                  "a quote stands inside a value",
		"max 0 per brand":                  "max 0: from 1",
		"max 3 brand":                      "not a rule",
		"max 3 per":                        "not a rule",
		"max 3 per a b":                    "not a rule",
		`max 3 per "a`:                     "a quote is not closed",
		"max 99999999999 per a":            "from 1 to",
		"max 9999999999999999999999 per a": "from 1 to",
	} {
		r, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v, want %q", text, r, err, want)
		}
	}
}

func TestPasses(t *testing.T) {
	for _, c := range []struct {
		rule, value string
		want        bool
	}{
		{"p <= 20", "20", true},
		{"p <= 20", "20.5", false},
		{"p <= 20", "-1e9", true},
		{"p < 20", "20", false},
		{"p > 20", "20", false},
		{"p > 20", "21", true},
		{"p >= 20", "20.0", true},
		{"p >= 20", "", false},
		{"p <= 20", "", false},
		{"p = 20", "20", true},
		{"p = 20", "20.0", true},
		{"p = 20", "2e1", true},
		{"p = 20", "twenty", false},
		{"p = 20", "", false},
		{"p != 20", "20.0", false},
		{"p != 20", "21", true},
		{"p != 20", "twenty", true},
		{"p != 20", "", false},
		{"p in a, b", "b", true},
		{"p in a, b", "B", false},
		{"p in a, b", "c", false},
		{"p in a, b", "", false},
		{"p in 1, 2", "2.0", true},
		{"p not in a, b", "b", false},
		{"p not in a, b", "c", true},
		{"p not in a, b", "", false},
		{"p = 9007199254740993", "9007199254740992", false},
		{"p = 007", "7", true},
		{"p = 007", "007", true},
		{"p = NaN", "NaN", true},
		{"max 1 per p", "", true},
		{"max 1 per p", "x", true},
	} {
		r, err := Parse(c.rule)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.Passes(Of(c.value)); got != c.want || err != nil {
			t.Errorf("%s of %q: %v, %v", c.rule, c.value, got, err)
		}
	}
	r, err := Parse("price < 3")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Passes(Of("cheap")); !errors.Is(err, ErrNumber) || !strings.Contains(err.Error(), `price "cheap"`) {
		t.Errorf("a text below 3: %v", err)
	}
}

// TestOpposites: of an item with a value exactly one of two opposite rules lets it pass, and of one without none.
func TestOpposites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SampledFrom([]string{"", "1", "1.0", "2", "a", "b", "-3", "1e0"})
		v, w := Of(values.Draw(t, "value")), values.Filter(func(s string) bool { return s != "" }).Draw(t, "compared")
		for _, pair := range [][2]Op{{Less, GreaterEqual}, {LessEqual, Greater}, {Equal, NotEqual}, {In, NotIn}} {
			if pair[0].ordered() && (!Of(w).isNumber() || !v.isNumber() && !v.Missing()) {
				continue
			}
			a, b := passes(t, pair[0], w, v), passes(t, pair[1], w, v)
			if a == b != v.Missing() || v.Missing() && a {
				t.Fatalf("%v %v %s: %v and %v", v, pair, w, a, b)
			}
		}
	})
}

func passes(t *rapid.T, op Op, w string, v Value) bool {
	r, err := Parse("c " + string(op) + " " + w)
	if err != nil {
		t.Fatal(err)
	}
	ok, err := r.Passes(v)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

// FuzzParse: no text is too bad, and what is read is written so that it is read again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"price <= 20", "a not in b, \"c,d\"", "max 3 per brand", `"a b" != "x""y"`, "max in in"} {
		f.Add(s, "20")
	}
	f.Fuzz(func(t *testing.T, s, value string) {
		r, err := Parse(s)
		if err != nil {
			if r.Column != "" || r.Op != "" {
				t.Fatalf("%q: a rule %v with an error", s, r)
			}
			return
		}
		again, err := Parse(r.String())
		if err != nil || again.String() != r.String() || again.Op != r.Op || again.Column != r.Column || len(again.values) != len(r.values) {
			t.Fatalf("%q is %q, and that is %q, %v", s, r, again, err)
		}
		a, errA := r.Passes(Of(value))
		b, errB := again.Passes(Of(value))
		if a != b || (errA == nil) != (errB == nil) {
			t.Fatalf("%q and %q differ on %q", s, r, value)
		}
	})
}
