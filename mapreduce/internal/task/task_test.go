package task

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func id(stage string, kind Kind, n int) ID { return ID{Stage: stage, Kind: kind, Index: n} }

func TestNames(t *testing.T) {
	a := Attempt{Task: id("01-classify", Map, 7), Number: 2}
	for got, want := range map[string]string{
		a.Task.Name(): "map-000007", a.Task.String(): "01-classify/map-000007",
		a.Name(): "map-000007.a2", a.String(): "01-classify/map-000007.a2", a.Folder(): "01-classify.map-000007.a2",
		id("s", Reduce, 1234567).Name(): "reduce-1234567",
	} {
		if got != want {
			t.Errorf("got %q, expected %q", got, want)
		}
	}
}

func TestParseID(t *testing.T) {
	for _, s := range []string{"00-scan/scan-000003", "00-split/split-000000", "01-classify/map-000007", "02-x/reduce-123456", "03-y/map-1234567"} {
		got, err := ParseID(s)
		if err != nil || got.String() != s {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{
		"", "map-000007", "01-x/", "01-x/map", "01-x/map-", "01-x/map-7", "01-x/map-0000007", "01-x/map--00007", "01-x/map-+00007",
		"01-x/fold-000007", "/map-000007", "01-x/map-000007.a1", "01-x/map-000007/y", "01-x/map-00000x",
	} {
		if got, err := ParseID(s); err == nil {
			t.Errorf("%q: %v", s, got)
		}
	}
}

// Whatever is accepted as a name is that name.
func FuzzParseID(f *testing.F) {
	f.Add("01-classify/map-000007")
	f.Add("01-x/split-1234567")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseID(s)
		if err == nil && got.String() != s {
			t.Errorf("%q became %q", s, got)
		}
		var text ID
		if err2 := text.UnmarshalText([]byte(s)); (err == nil) != (err2 == nil) || text != got {
			t.Errorf("%q: %v and %v", s, text, got)
		}
	})
}

func TestCompare(t *testing.T) {
	want := []ID{
		id("00-split", Scan, 5), id("00-split", Split, 0), id("00-split", Split, 1), id("01-a", Map, 0), id("01-a", Map, 2), id("01-a", Map, 10),
		id("01-a", Reduce, 0), id("01-a", Reduce, 1), id("02-a", Map, 0), id("02-a", "other", 0),
	}
	got := slices.Clone(want)
	rand.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
	slices.SortFunc(got, ID.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, expected %v", got, want)
	}
}

func TestSpan(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.Int64Range(-5, 12)
		a, b := Span{n.Draw(r, "lo"), n.Draw(r, "hi")}, Span{n.Draw(r, "lo2"), n.Draw(r, "hi2")}
		both := a.Intersect(b)
		var in int64
		for i := int64(-6); i < 14; i++ {
			if a.Contains(i) {
				in++
			}
			if both.Contains(i) != (a.Contains(i) && b.Contains(i)) {
				r.Errorf("%v and %v: %v is wrong at %d", a, b, both, i)
			}
		}
		if a.Len() != in {
			r.Errorf("%v: length %d, expected %d", a, a.Len(), in)
		}
	})
}

func TestOutputPath(t *testing.T) {
	a := Attempt{Task: id("01-x", Map, 7), Number: 2}
	for want, o := range map[string]Output{
		"runs/map-000007.a2.run":               {Kind: RunFile, Ext: "run"},
		"rejects/map-000007.a2.arrow":          {Kind: RejectFile, Ext: "arrow"},
		"data/d/map-000007.a2.parquet":         {Kind: DataFile, Dataset: "d", Ext: "parquet", Seq: 3},
		"data/d/map-000007.a2-0003.parquet":    {Kind: DataFile, Dataset: "d", Ext: "parquet", Seq: 3, Many: true},
		"data/d/label=7/map-000007.a2.parquet": {Kind: DataFile, Dataset: "d", Sub: "label=7", Ext: "parquet"},
		"unknown/map-000007.a2.x":              {Kind: "other", Ext: "x"},
	} {
		if got := o.Path(a); got != want {
			t.Errorf("got %q, expected %q", got, want)
		}
	}
}

func TestClass(t *testing.T) {
	suspicious := []Class{Crash, Timeout, Memory}
	for c := Permanent; c <= Canceled; c++ {
		b, err := c.MarshalText()
		var back Class
		if err != nil || back.UnmarshalText(b) != nil || back != c {
			t.Errorf("%v became %v", c, back)
		}
		if c.Suspicious() != slices.Contains(suspicious, c) {
			t.Errorf("%v: suspicious is %v", c, c.Suspicious())
		}
	}
	late := Crash
	if err := late.UnmarshalText([]byte("of a later version")); err != nil || late != Permanent {
		t.Errorf("%v, %v", late, err)
	}
	if got := Class(99).String(); got != "class-99" {
		t.Error(got)
	}
}

func TestClassOf(t *testing.T) {
	wrapped := fmt.Errorf("more: %w", New(Retryable, io.EOF))
	for _, c := range []struct {
		err  error
		want Class
	}{
		{nil, Permanent},
		{io.EOF, Permanent},
		{wrapped, Retryable},
		{New(Input, wrapped), Input},
		{context.Canceled, Canceled},
		{fmt.Errorf("x: %w", context.Canceled), Canceled},
		{errors.Join(io.EOF, wrapped), Retryable},
		{New(Crash, context.Canceled), Crash},
	} {
		if got := ClassOf(c.err); got != c.want {
			t.Errorf("%v: %v, expected %v", c.err, got, c.want)
		}
	}
	if !errors.Is(wrapped, io.EOF) {
		t.Error("the cause is lost")
	}
}

func TestErrorText(t *testing.T) {
	at := Attempt{Task: id("01-x", Map, 7), Number: 2}
	for want, e := range map[string]*Error{
		"EOF":                                 New(Crash, io.EOF),
		"map: EOF":                            {Op: "map", Record: -1, Err: io.EOF},
		"01-x/map-000007: map: record 3: EOF": {Op: "map", Attempt: at, Record: 3, Class: BadRecord, Err: io.EOF},
		"01-x/map-000007: EOF":                {Attempt: at, Record: 3, Class: Input, Err: io.EOF},
		"7 of 9":                              Errorf(Retryable, "%d of %d", 7, 9),
	} {
		if got := e.Error(); got != want {
			t.Errorf("got %q, expected %q", got, want)
		}
	}
}

func counts(r *rapid.T, name string) Counts {
	n := rapid.Int64Range(0, 99)
	c := Counts{
		Read: n.Draw(r, name), Mapped: n.Draw(r, "mapped"), Rejected: n.Draw(r, "rejected"), Groups: n.Draw(r, "groups"),
		RejectedGroups: n.Draw(r, "bad groups"), RejectedRecords: n.Draw(r, "bad records"),
	}
	for _, k := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.ID[string]).Draw(r, "keys") {
		c.Drop(k, n.Draw(r, "dropped"))
		c.Add(Counts{
			Streams:  map[string]StreamCount{k: {n.Draw(r, "e"), n.Draw(r, "w"), n.Draw(r, "r"), n.Draw(r, "x")}},
			Datasets: map[string]DatasetCount{k: {n.Draw(r, "rows"), n.Draw(r, "standing")}},
		})
	}
	return c
}

// Adding commutes, and Sub takes back what Add did.
func TestCounts(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a, b := counts(r, "a"), counts(r, "b")
		var ab, ba, back Counts
		ab.Add(a)
		ab.Add(b)
		ba.Add(b)
		ba.Add(a)
		if diff := cmp.Diff(ab, ba); diff != "" {
			r.Error(diff)
		}
		if ab.Rows() != a.Rows()+b.Rows() || a.Rows() != a.Mapped+a.DroppedRows()+a.Rejected || ab.Streams["a"].Written != a.Streams["a"].Written+b.Streams["a"].Written {
			r.Errorf("%+v and %+v make %+v", a, b, ab)
		}
		back.Add(ab)
		back.Sub(b)
		for _, k := range []string{"a", "b", "c"} {
			if back.Dropped[k] != a.Dropped[k] || back.Streams[k] != a.Streams[k] || back.Datasets[k] != a.Datasets[k] {
				r.Errorf("%s: %+v, expected %+v", k, back, a)
			}
		}
		if back.Read != a.Read || back.Rows() != a.Rows() || back.Groups != a.Groups ||
			back.RejectedGroups != a.RejectedGroups || back.RejectedRecords != a.RejectedRecords {
			r.Errorf("%+v, expected %+v", back, a)
		}
	})
}

func TestAddLeavesTheOtherAlone(t *testing.T) {
	a := Counts{Streams: map[string]StreamCount{"s": {Written: 1}}, Dropped: map[string]int64{"d": 1}}
	var sum Counts
	sum.Add(a)
	sum.Add(a)
	if a.Streams["s"].Written != 1 || a.Dropped["d"] != 1 || sum.Streams["s"].Written != 2 {
		t.Errorf("%+v, sum %+v", a, sum)
	}
}

// A record says all that the result said.
func TestCommit(t *testing.T) {
	r := Result{
		Attempt: Attempt{Task: id("01-x", Map, 7), Number: 2}, Outputs: []Output{{Kind: RunFile, Ext: "run", Rows: 3}},
		Counts: Counts{Read: 3}, Excluded: []Exclusion{{Ordinal: 1, Class: Crash, Reason: "r"}},
		Digests: map[string]string{"f": "ab"}, Input: 9, Usage: Usage{CPUSeconds: 1},
	}
	want, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	rec := r.Commit()
	if rec.Version != Version {
		t.Errorf("version %d", rec.Version)
	}
	rec.Version = r.Version
	if got, err := json.Marshal(rec); err != nil || string(got) != string(want) {
		t.Errorf("got %s, expected %s (%v)", got, want, err)
	}
}

// The digest tells run files apart, also by their order.
func TestInputs(t *testing.T) {
	seen := map[uint32]string{}
	for _, runs := range [][]uint32{nil, {0}, {0, 0}, {1}, {1, 2}, {2, 1}, {1, 2, 0}} {
		d := Inputs(runs)
		if other, ok := seen[d]; ok {
			t.Errorf("%v has the digest of %s", runs, other)
		}
		seen[d] = fmt.Sprint(runs)
	}
	if got := Inputs([]uint32{1, 0xffffffff}); got != 0x728c7b95 { // it stands in records: it must never change
		t.Errorf("%#x", got)
	}
}

// What a scan found keeps its names in a record, and other records have nothing of it.
func TestScannedJSON(t *testing.T) {
	r := Result{Scanned: []Scanned{{Sum: "xxh3:0a", ModTime: 7, Value: json.RawMessage(`{"ends":3}`)}, {}}}
	b, err := json.Marshal(r.Commit().Scanned)
	if want := `[{"sum":"xxh3:0a","mtime_ns":7,"value":{"ends":3}},{"sum":"","mtime_ns":0}]`; err != nil || string(b) != want {
		t.Errorf("%s, %v, expected %s", b, err, want)
	}
	var back []Scanned
	if err := json.Unmarshal(b, &back); err != nil || cmp.Diff(r.Scanned, back) != "" {
		t.Errorf("%v: %s", err, cmp.Diff(r.Scanned, back))
	}
	b, err = json.Marshal(Record{})
	if err != nil || bytes.Contains(b, []byte("scanned")) {
		t.Errorf("%s, %v", b, err)
	}
}
