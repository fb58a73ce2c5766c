package ids

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce"
)

var _ mapreduce.Sink[Entry] = (*Writer)(nil)

// entries draws entries in the order in which a Writer wants them.
func entries(t *rapid.T) []Entry {
	number := rapid.Map(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-20, 200)), func(v int64) string { return strconv.FormatInt(v, 10) })
	id := []*rapid.Generator[string]{
		number,
		rapid.OneOf(number, rapid.StringN(0, 4, -1)),
		rapid.SampledFrom([]string{"", "0", "-0", "+1", "01", "1.0", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "a", "\x00", "\xff"}),
		rapid.String(),
	}[rapid.IntRange(0, 3).Draw(t, "kind")]
	ids := rapid.SliceOfNDistinct(id, 0, 300, rapid.ID).Draw(t, "ids")
	slices.Sort(ids)
	all := make([]Entry, len(ids))
	for i, id := range ids {
		all[i] = Entry{[]byte(id), rapid.Int64().Draw(t, "rows"), rapid.Int64().Draw(t, "newest")}
	}
	return all
}

// canonical says what a number is, in other words than the Writer.
func canonical(id []byte) bool {
	v, err := strconv.ParseInt(string(id), 10, 64)
	return err == nil && strconv.FormatInt(v, 10) == string(id)
}

// inOrder sorts entries as the indexes should be.
func inOrder(all []Entry, typ Type) (sorted []Entry, numeric bool) {
	numeric = typ != String && !slices.ContainsFunc(all, func(e Entry) bool { return !canonical(e.ID) })
	sorted = slices.Clone(all)
	slices.SortFunc(sorted, func(a, b Entry) int {
		if !numeric {
			return bytes.Compare(a.ID, b.ID)
		}
		x, _ := strconv.ParseInt(string(a.ID), 10, 64)
		y, _ := strconv.ParseInt(string(b.ID), 10, 64)
		return cmp.Compare(x, y)
	})
	return sorted, numeric
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		all := entries(rt)
		typ := rapid.SampledFrom([]Type{"", Auto, String}).Draw(rt, "type")
		var file bytes.Buffer
		if err := write(&file, Options{typ}, all); err != nil {
			rt.Fatal(err)
		}
		d, err := Open(writeFile(t, file.Bytes()))
		if err != nil {
			rt.Fatal(err)
		}
		sorted, numeric := inOrder(all, typ)
		checkIDs(rt, d, sorted, numeric)
		if err := d.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

// checkIDs asks a dictionary for all that it should hold.
func checkIDs(t rapid.TB, d *IDs, want []Entry, numeric bool) {
	newest := int64(math.MinInt64)
	for i, e := range want {
		newest = max(newest, e.Newest)
		if got, ok := d.Find(e.ID); !ok || got != uint32(i) {
			t.Fatalf("%q has index %d, %v, want %d", e.ID, got, ok, i)
		}
		if got := d.Text(i); !bytes.Equal(got, e.ID) {
			t.Fatalf("index %d is %q, want %q", i, got, e.ID)
		}
		if got := d.AppendText([]byte("id "), i); string(got) != "id "+string(e.ID) {
			t.Fatalf("index %d appends to %q, want %q", i, got, e.ID)
		}
		if got := d.Rows(i); got != e.Rows {
			t.Fatalf("%q has %d rows, want %d", e.ID, got, e.Rows)
		}
		number, _ := strconv.ParseInt(string(e.ID), 10, 64)
		if got := d.Int(i); numeric && got != number || !numeric && got != 0 {
			t.Fatalf("index %d is number %d of %q", i, got, e.ID)
		}
		absent(t, d, want, append(slices.Clone(e.ID), '0'))
		absent(t, d, want, append([]byte("0"), e.ID...))
		absent(t, d, want, strconv.AppendInt(nil, number+1, 10))
	}
	absent(t, d, want, nil)
	if d.Len() != len(want) || d.Numeric() != numeric || d.Newest() != newest {
		t.Fatalf("%d ids, numeric %v, newest %d; want %d, %v, %d", d.Len(), d.Numeric(), d.Newest(), len(want), numeric, newest)
	}
}

// absent looks an id up that is not there, unless it is.
func absent(t rapid.TB, d *IDs, all []Entry, id []byte) {
	if slices.ContainsFunc(all, func(e Entry) bool { return bytes.Equal(e.ID, id) }) {
		return
	}
	if i, ok := d.Find(id); ok {
		t.Fatalf("%q is found at %d, and is not there", id, i)
	}
}

func TestIs(t *testing.T) {
	var file bytes.Buffer
	if err := write(&file, Options{}, nil); err != nil {
		t.Fatal(err)
	}
	data := file.Bytes()
	if !Is(data) || !Is(data[:16]) || Is(data[:15]) || Is(nil) {
		t.Error("a dictionary is told by its first 16 bytes")
	}
}

func TestWhatADictionaryIs(t *testing.T) {
	for _, c := range []struct {
		ids    []string
		o      Options
		want   Type
		direct bool
	}{
		{[]string{"1", "2"}, Options{}, Int64, true},
		{[]string{"1", "2"}, Options{Type: String}, String, false},
		{[]string{"1", "9000"}, Options{}, Int64, false},
		{[]string{"1", "a"}, Options{}, String, false},
		{nil, Options{}, Int64, false},
	} {
		var all []Entry
		for _, id := range c.ids {
			all = append(all, Entry{ID: []byte(id)})
		}
		d := dictionary(t, c.o, all...)
		if d.Type() != c.want || d.Direct() != c.direct || d.Version() != 1 {
			t.Errorf("%q: %s, direct %v, version %d", c.ids, d.Type(), d.Direct(), d.Version())
		}
	}
}
