package jsonl

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/formats"
)

func TestNames(t *testing.T) {
	for _, c := range []struct {
		in   string
		most int
		want []string
		rows int
	}{
		{"", 9, nil, 0},
		{"\n  \n", 9, nil, 0},
		{`{"a":1,"b":[{"x":1}]}` + "\n" + `{"b":2,"c":{"y":[]}}`, 9, []string{"a", "b", "c"}, 2},
		{`{"a":1}` + "\n" + `{"b":1}`, 1, []string{"a"}, 1},
		{`{"\u0061":1, "a":2, "é\n":null}`, 9, []string{"a", "é\n"}, 1},
		{"{}\n{ }", 9, nil, 2},
		{"[1]\n{\"a\":\n\xff\nnull\n{\"z\" : 1 }", 9, []string{"z"}, 1}, // bad lines
	} {
		got, rows, err := Names(iotest.OneByteReader(strings.NewReader(c.in)), "x", c.most)
		if diff := cmp.Diff(c.want, got); err != nil || rows != c.rows || diff != "" {
			t.Errorf("%q: %d rows, %v %s", c.in, rows, err, diff)
		}
	}
}

func TestNamesErrors(t *testing.T) {
	broken := errors.New("broken")
	if _, _, err := Names(iotest.ErrReader(broken), "x", 9); !errors.Is(err, broken) {
		t.Error(err)
	}
	if _, _, err := Names(strings.NewReader("\xff\xfe{\x00"), "x", 9); !errors.Is(err, formats.ErrUTF16) {
		t.Error(err)
	}
	members := func(n int) string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf("%q:0", fmt.Sprint(i))
		}
		return "{" + strings.Join(all, ",") + "}"
	}
	if got, _, err := Names(strings.NewReader(members(maxHeadNames)), "x", 9); err != nil || len(got) != maxHeadNames {
		t.Errorf("%d names: %v", len(got), err)
	}
	if _, _, err := Names(strings.NewReader(members(maxHeadNames+1)), "x", 9); !errors.Is(err, ErrManyNames) {
		t.Error(err)
	}
}

// TestScalars: behind the first columns an object or array is its JSON, as it is written.
func TestScalars(t *testing.T) {
	in := `{"a":1,"b":{"x": [1, 2]},"c":[]}` + "\n" + `{"a":[1],"b":2}` + "\n" + `{"a":"y"}`
	r, err := NewReader(strings.NewReader(in), "x", Options{Columns: []string{"a", "b", "c"}, Scalars: 1})
	if err != nil {
		t.Fatal(err)
	}
	var row Row
	if err := r.Read(&row); err != nil {
		t.Fatal(err)
	}
	want := []Value{{Number, []byte("1")}, {String, []byte(`{"x": [1, 2]}`)}, {String, []byte("[]")}}
	if diff := cmp.Diff(want, slices.Clone(row.Values)); diff != "" {
		t.Error(diff)
	}
	var bad *RowError
	if err := r.Read(&row); !errors.As(err, &bad) || bad.Column != "a" || !errors.Is(err, ErrNested) {
		t.Errorf("the first column: %v", err)
	}
	if err := r.Read(&row); err != nil || row.Values[1].Kind != Absent {
		t.Errorf("%+v, %v", row, err)
	}
}

// FuzzNames: the names of any input are those that a Reader finds values for.
func FuzzNames(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"a":{"b":2}}`, `{"\ud800":1,"a":"\u0000"}`, "{\"a\":1}\n{\"b\":[]}", `{"a":1`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		names, rows, err := Names(strings.NewReader(in), "x", 100)
		if err != nil || len(names) == 0 {
			return
		}
		r, err := NewReader(strings.NewReader(in), "x", Options{Columns: names})
		if err != nil {
			t.Fatal(err)
		}
		found, seen := make([]bool, len(names)), 0
		for row := (Row{}); seen < rows; {
			var bad *RowError
			switch err := r.Read(&row); {
			case errors.As(err, &bad) && errors.Is(err, ErrNested):
				return
			case errors.As(err, &bad):
				continue
			case err != nil:
				t.Fatal(err)
			}
			seen++
			for i, v := range row.Values {
				found[i] = found[i] || v.Kind != Absent
			}
		}
		if i := slices.Index(found, false); i >= 0 {
			t.Fatalf("name %q is in no row of %q", names[i], in)
		}
	})
}
