package interactions_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/jobs/internal/interactions"
)

// pairs lists rows as "LINE USER ITEM".
func pairs(rows []row) (all []string) {
	for _, r := range rows {
		all = append(all, fmt.Sprintf("%d %s %s", r.Line, r.User, r.Item))
	}
	return all
}

// Lines give a row for each item, with any separator, whole and in parts.
func TestLines(t *testing.T) {
	want := []string{"1 ann 1", "1 ann 2", "4 bob 3", "5 cyd 1", "5 cyd 1"}
	for i, c := range []struct{ name, text, separator string }{
		{"a.txt", "ann 1 2\n\n \nbob 3 \ncyd\t1  1", ""},
		{"a.txt", "ann 1 2\r\n\r\n \r\n\tbob 3\r\ncyd 1 1\r\n", " "},
		{"a.txt.gz", "ann 1 2\n\n\t\nbob 3 \ncyd 1  1\n", ""},
		{"a.csv", "ann,1,2\n\n\nbob,3,\ncyd,1,1\n", ","},
		{"a.txt.zst", "ann::1::2\n\n\nbob::3::\ncyd::1::1\n", "::"},
		{"a.tsv", "\ufeffann\t1\t2\n\n\nbob\t3\ncyd\t1\t1\n", `\t`},
	} {
		o := options(func(o *interactions.Options) { o.Format, o.Separator = interactions.Lines, c.separator })
		path := put(t, c.name, c.text)
		for _, partBytes := range []int64{largeParts, tinyParts} {
			got := read(t, partBytes, o, path)
			if diff := gocmp.Diff(want, pairs(got.rows)); diff != "" || len(got.rejects) > 0 {
				t.Errorf("case %d: %+v (-want +got):\n%s", i, got.rejects, diff)
			}
			for _, r := range got.rows {
				if r.Input != path || r.Value != 1 || r.Time != 0 {
					t.Errorf("case %d: %+v", i, r)
				}
			}
		}
	}
}

// What a line lacks is said of its place, and the rest of it is read.
func TestBadLines(t *testing.T) {
	o := options(func(o *interactions.Options) { o.Format, o.Separator = interactions.Lines, "," })
	got := read(t, largeParts, o, put(t, "a.txt", "ann,1\n,2\nbob\nbob,\ncyd,,4\nd\xffn,1\n"))
	if diff := gocmp.Diff([]string{"1 ann 1", "5 cyd 4"}, pairs(got.rows)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var found []string
	for _, r := range got.rejects {
		found = append(found, fmt.Sprintf("%d %q %s", r.Line, r.Record, r.Reason))
	}
	want := []string{`2 ",2" no user`, `3 "bob" no item`, `4 "bob," no item`, `5 "cyd,,4" no item`, `6 "d�n,1" not valid UTF-8`}
	if diff := gocmp.Diff(want, found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Baskets are called by their lines, and by their files where there are several.
func TestBaskets(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.dat"), filepath.Join(dir, "b.dat.gz")
	putAt(t, a, "1 2 \n\n3\n")
	putAt(t, b, "1\n")
	o := options(func(o *interactions.Options) { o.Format = interactions.Baskets })
	if diff := gocmp.Diff([]string{"1 1 1", "1 1 2", "3 3 3"}, pairs(read(t, tinyParts, o, a).rows)); diff != "" {
		t.Errorf("one file (-want +got):\n%s", diff)
	}
	want := []string{"1 " + a + ":1 1", "1 " + a + ":1 2", "3 " + a + ":3 3", "1 " + b + ":1 1"}
	for _, inputs := range [][]string{{dir}, {a, b}} {
		if diff := gocmp.Diff(want, pairs(read(t, tinyParts, o, inputs...).rows)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", inputs, diff)
		}
	}
}

// The lines of a large file are the same in parts of any size.
func TestLinesInParts(t *testing.T) {
	var b strings.Builder
	var want []string
	for i := range 300 {
		fmt.Fprintf(&b, "user%d", i)
		for j := range i % 7 {
			fmt.Fprintf(&b, " %d", i*j)
			want = append(want, fmt.Sprintf("%d user%d %d", i+1, i, i*j))
		}
		b.WriteByte('\n')
	}
	o := options(func(o *interactions.Options) { o.Format = interactions.Lines })
	got := read(t, smallParts, o, put(t, "a.txt", b.String()))
	if diff := gocmp.Diff(want, pairs(got.rows)); diff != "" || len(got.rejects) != 43 {
		t.Errorf("%d rejects (-want +got):\n%s", len(got.rejects), diff)
	}
}
