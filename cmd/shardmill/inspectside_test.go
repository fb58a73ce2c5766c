package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/shardmill/shardmill/jobs"
)

// TestInspectDamagedSideFiles changes bytes of dictionaries and matrices: each part of a file has its error and exit code.
func TestInspectDamagedSideFiles(t *testing.T) {
	internal := filepath.Join("..", "..", "jobs", "internal")
	for _, file := range []struct {
		path, format string
		section      string // that begins behind the header
	}{
		{filepath.Join(internal, "ids", "testdata", "v1-int64.ids"), "ids", "1"}, // section 0 is empty
		{filepath.Join(internal, "ids", "testdata", "v1-text.ids"), "ids", "0"},
		{filepath.Join(internal, "matrix", "testdata", "v1.matrix"), "matrix", "0"},
		{filepath.Join(internal, "factors", "testdata", "v1.factors"), "factors", "0"},
		{filepath.Join(internal, "ease", "testdata", "v1-users.ease"), "EASE model", "0"},
	} {
		data, err := os.ReadFile(file.path)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "changed")
		for _, c := range []struct {
			name string
			at   int
			code int
			want string
		}{
			{"magic", 3, 4, "not a Parquet file, nor a shard, run file, dictionary, matrix, model or JSON file of shardmill"},
			{"version", 16, 12, file.format + " format version 0, this program reads version 1"},
			{"header", 40, 1, "file is damaged: checksum of header and trailer is wrong (cut short?)"},
			{"first section", 64, 1, "file is damaged: checksum of section " + file.section + " is wrong"},
			{"end", len(data) - 1, 1, "file is damaged: checksum of header and trailer is wrong (cut short?)"},
		} {
			changed := bytes.Clone(data)
			changed[c.at] ^= 1
			if err := os.WriteFile(path, changed, 0o644); err != nil {
				t.Fatal(err)
			}
			code, stdout, stderr := call(t, "inspect", path)
			if want := "shardmill: " + path + ": " + c.want + "\n"; code != c.code || stdout != "" || stderr != want {
				t.Errorf("%s, %s: exit code %d, %q, %q", file.path, c.name, code, stdout, stderr)
			}
		}
	}
}

func TestInspectSideLines(t *testing.T) {
	first, last, column, newest := int64(0), int64(0), int64(6), int64(86_399)
	for _, c := range []struct {
		name string
		i    jobs.Inspection
		want string
	}{
		{"another file", jobs.Inspection{}, ""},
		{
			"ids",
			jobs.Inspection{IDs: &jobs.InspectedIDs{Type: "string", IDs: 3, Table: "hashed", Newest: &newest}},
			"ids           3, string\ntable         hashed\nnewest        86399, 1970-01-01 23:59:59 UTC\n",
		},
		{
			"no rows",
			jobs.Inspection{Matrix: &jobs.InspectedMatrix{}},
			"rows          none\nentries       0\nlongest row   0\nlast column   none\n",
		},
		{
			"a row",
			jobs.Inspection{Matrix: &jobs.InspectedMatrix{First: &first, Last: &last, Written: 1, Entries: 2, Valued: 1, Column: &column, Longest: 2}},
			"rows          0 to 0, 1 written, 1 with values\nentries       2\nlongest row   2\nlast column   6\n",
		},
		{
			"factors",
			jobs.Inspection{Factors: &jobs.InspectedFactors{First: &first, Last: &last, Factors: 8}},
			"rows          0 to 0\nfactors       8\n",
		},
		{"no factors", jobs.Inspection{Factors: &jobs.InspectedFactors{}}, "rows          none\nfactors       0\n"},
		{
			"inverse",
			jobs.Inspection{Inverse: &jobs.InspectedInverse{Users: 4, Items: 9, Of: "users", Inverted: 3, Lambda: .5, Residual: 1.25e-7}},
			"users         4\nitems         9\ninverse       of 3 users\nlambda        0.5\nresidual      1.25e-07\n",
		},
	} {
		if got := linesText(t, sideLines(c.i)); got != c.want {
			t.Errorf("%s: got\n%swant\n%s", c.name, got, c.want)
		}
	}
}

func TestInspectTimeText(t *testing.T) {
	for v, want := range map[int64]string{
		0:                   "0, 1970-01-01 00:00:00 UTC",
		-1:                  "-1",
		253402300799:        "253402300799, 9999-12-31 23:59:59 UTC",
		253402300800:        "253402300800",
		math.MaxInt64:       "9223372036854775807",
		math.MinInt64 + 100: "-9223372036854775708",
	} {
		if got := timeText(&v); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := timeText(nil); got != "no times" {
		t.Error(got)
	}
}
