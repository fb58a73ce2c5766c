package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

func file(name string, bytes int64) Range { return Range{Name: name, Path: "/" + name, Bytes: bytes} }

func entries(lo, hi int64) Range { return Range{Lo: lo, Hi: hi} }

func TestGroup(t *testing.T) {
	for _, c := range []struct {
		name   string
		ranges []Range
		limit  int64
		want   string // sizes of the groups
	}{
		{"none", nil, 0, "[]"},
		{"none, limited", nil, 5, "[0]"},
		{"small files share a task", []Range{file("a", 30), file("b", 30), file("c", 30)}, 0, "[3]"},
		{"up to the target", []Range{file("a", 50), file("b", 50), file("c", 1)}, 0, "[2 1]"},
		{"large files are alone", []Range{file("a", 500), file("b", 500)}, 0, "[1 1]"},
		{"a small one does not join a large one", []Range{file("a", 99), file("b", 2), file("c", 99)}, 0, "[1 1 1]"},
		{"empty files count as a byte", []Range{file("a", 0), file("b", 99), file("c", 0)}, 0, "[2 1]"},
		{"runs of entries are alone", []Range{entries(0, 9), entries(9, 12), file("a", 1), file("b", 1), entries(12, 13)}, 0, "[1 1 2 1]"},
		{"a limit makes one task", []Range{file("a", 500), entries(0, 9), file("b", 500)}, 7, "[3]"},
	} {
		var sizes []int
		for _, s := range Group(c.ranges, 100, c.limit) {
			sizes = append(sizes, len(s.Ranges))
		}
		if got := fmt.Sprint(sizes); got != c.want {
			t.Errorf("%s: %s, expected %s", c.name, got, c.want)
		}
	}
}

// Grouping keeps the order and every range, and no task of several ranges is above the target.
func TestGroupProperties(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		target := rapid.Int64Range(1, 100).Draw(r, "target")
		limit := rapid.Int64Range(0, 1).Draw(r, "limit")
		ranges := rapid.SliceOf(rapid.Custom(func(r *rapid.T) Range {
			if rapid.Bool().Draw(r, "listed") {
				return entries(0, rapid.Int64Range(1, 9).Draw(r, "entries"))
			}
			return file("f", rapid.Int64Range(0, 150).Draw(r, "bytes"))
		})).Draw(r, "ranges")
		var got []Range
		for _, s := range Group(ranges, target, limit) {
			got = append(got, s.Ranges...)
			if len(s.Ranges) < 2 || limit > 0 {
				continue
			}
			var sum int64
			for _, rg := range s.Ranges {
				sum += rg.Bytes
				if rg.Path == "" {
					r.Errorf("a run of entries shares a task: %v", s)
				}
			}
			if sum > target {
				r.Errorf("%d bytes in a task, target %d", sum, target)
			}
		}
		if !slices.Equal(got, ranges) {
			r.Errorf("got %v, expected %v", got, ranges)
		}
	})
}

func TestPartitions(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		rows, bytes int64
		asked, want int
	}{
		{0, 64, 0, 1},
		{0, 64, 7, 7},
		{1, 1, 0, 1},
		{mib, 128, 0, 1},
		{mib + 1, 128, 0, 2},
		{10 * mib, 128, 0, 10},
		{10 * mib, 128, 3, 3},
		{60_000_000, 64, 0, 29},
	} {
		if got := Partitions(c.rows, c.bytes, c.asked); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

func TestReduceNumbers(t *testing.T) {
	s := &Stage{Stage: "01-x", Streams: []Stream{{"a", 3}, {"b", 2}}}
	var got []string
	for n := range s.Reduces() {
		stream, partition, err := s.Reduce(n)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(stream, partition))
	}
	if want := []string{"0 0", "0 1", "0 2", "1 0", "1 1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, expected %q", got, want)
	}
	if _, _, err := s.Reduce(5); err == nil {
		t.Error("there is a sixth reduce task")
	}
}

func TestFirstAndRows(t *testing.T) {
	split := &Stage{Splits: Group([]Range{file("a", 1), entries(0, 3)}, 1, 0)}
	if kind, n := split.First(); kind != task.Split || n != 2 {
		t.Errorf("%s, %d", kind, n)
	}
	maps := &Stage{Maps: []Map{{Rows: 3}, {Rows: 4}}}
	if kind, n := maps.First(); kind != task.Map || n != 2 || maps.Rows() != 7 {
		t.Errorf("%s, %d, %d rows", kind, n, maps.Rows())
	}
}

// What is written is what is read, and small plans stay small.
func TestJSON(t *testing.T) {
	id := task.ID{Stage: "00-split", Kind: task.Split, Index: 4}
	want := Stage{
		Version: Version, Stage: "01-x", Limit: 7, Listing: &Listing{Entries: 3, Passed: 2, SHA256: "ab"},
		Splits:  []Split{{Ranges: []Range{file("a", 1), {Lo: 2, Hi: 3, Offset: 80}}}},
		Maps:    []Map{{Stage: "00-split", Task: id, Dataset: "shards", Seq: 1, Rows: 2, Bytes: 3, CRC32C: 4}},
		Streams: []Stream{{"s", 2}}, Meta: json.RawMessage(`{"a":1}`),
	}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Stage
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	const empty = `{"version":1,"stage":"00-split"}`
	if b, err := json.Marshal(Stage{Version: 1, Stage: "00-split"}); err != nil || string(b) != empty {
		t.Errorf("%s, %v", b, err)
	}
}
