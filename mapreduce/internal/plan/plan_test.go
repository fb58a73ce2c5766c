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

// However small files are, a task has no more than it can keep in mind.
func TestGroupOfManyFiles(t *testing.T) {
	ranges := make([]Range, 100_000)
	for i := range ranges {
		ranges[i] = file("f", int64(i%3000))
	}
	if got := shape(Group(ranges, 64<<20, 0)[23:]); got != "[4096:0 1696:0]" {
		t.Errorf("the last of 25 tasks are %s", got)
	}
	for i := range ranges {
		ranges[i].Bytes = 32 << 10
	}
	if got := len(Group(ranges, 64<<20, 0)); got != 49 {
		t.Errorf("files of 32 KiB are in %d tasks, and not in 49", got)
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
	if kind, n := maps.First(); kind != task.Map || n != 2 {
		t.Errorf("%s, %d", kind, n)
	}
	scan := &Stage{Scans: []Split{{}, {}, {}}}
	if kind, n := scan.First(); kind != task.Scan || n != 3 {
		t.Errorf("%s, %d", kind, n)
	}
	parts := &Stage{Parts: []Split{{Ranges: []Range{counted("a", 1, 5)}}, {Ranges: []Range{counted("a", 1, 4), counted("a", 1, 0)}, Limit: 3}}}
	if kind, n := parts.First(); kind != task.Map || n != 2 {
		t.Errorf("%s, %d", kind, n)
	}
	unknown := &Stage{Splits: []Split{{Ranges: []Range{counted("a", 1, 5), counted("b", 1, -1)}}}}
	for _, c := range []struct {
		of    *Stage
		rows  int64
		known bool
	}{{split, 0, false}, {maps, 7, true}, {scan, 0, false}, {parts, 8, true}, {unknown, 0, false}, {&Stage{Parts: []Split{}}, 0, true}} {
		if rows, known := c.of.Rows(); rows != c.rows || known != c.known {
			t.Errorf("%+v: %d rows, known %v", c.of, rows, known)
		}
	}
	if rows, known := maps.TaskRows(1); rows != 4 || !known {
		t.Errorf("%d rows, known %v", rows, known)
	}
	if _, known := maps.TaskRows(2); known {
		t.Error("there is a third task")
	}
}

// counted is a range of a file whose rows have been counted.
func counted(name string, bytes, rows int64) Range {
	return Range{Name: name, Path: "/" + name, Bytes: bytes, Rows: rows, Sum: "s"}
}

func TestSameInputs(t *testing.T) {
	of := func(change func(*Stage)) *Stage {
		s := &Stage{
			Splits: []Split{{Ranges: []Range{counted("a", 1, 2)}}}, Parts: []Split{{Ranges: []Range{counted("b", 1, 2)}}},
			Maps: []Map{{Rows: 3}}, Reads: []Read{{"dictionary", 1}},
		}
		change(s)
		return s
	}
	same := of(func(*Stage) {})
	for name, change := range map[string]func(*Stage){
		"sum of a split": func(s *Stage) { s.Splits[0].Ranges[0].Sum = "t" },
		"sum of a part":  func(s *Stage) { s.Parts[0].Ranges[0].Sum = "t" },
		"limit":          func(s *Stage) { s.Parts[0].Limit = 1 },
		"another part":   func(s *Stage) { s.Parts = append(s.Parts, Split{}) },
		"shard":          func(s *Stage) { s.Maps[0].CRC32C = 1 },
		"side input":     func(s *Stage) { s.Reads[0].CRC32C = 2 },
	} {
		if same.SameInputs(of(change)) {
			t.Errorf("%s: the same", name)
		}
	}
	if !same.SameInputs(of(func(s *Stage) { s.Stage = "x" })) {
		t.Error("another stage's inputs are others")
	}
	if !same.SameInputs(of(func(s *Stage) { s.Reads = nil })) {
		t.Error("the inputs of an earlier build, which noted no side inputs, are others")
	}
}

// A limit takes the first rows, wherever it falls; what comes before it keeps its tasks.
func TestGroupScanned(t *testing.T) {
	ranges := []Range{counted("a", 90, 4), counted("b", 60, 0), counted("b", 30, 3), counted("c", 90, 5), counted("c", 1, 2)}
	for limit, want := range map[int64]string{
		0: "[1:0 2:0 2:0]", 1: "[1:1]", 3: "[1:3]", 4: "[1:0]", 5: "[1:0 2:1]", 7: "[1:0 2:0]", 8: "[1:0 2:0 1:1]",
		12: "[1:0 2:0 1:0]", 13: "[1:0 2:0 2:6]", 14: "[1:0 2:0 2:0]", 99: "[1:0 2:0 2:0]",
	} {
		if got := shape(GroupScanned(ranges, 100, limit)); got != want {
			t.Errorf("limit %d: %s, expected %s", limit, got, want)
		}
	}
	ranges[2].Rows = -1
	for limit, want := range map[int64]string{0: "[1:0 2:0 2:0]", 4: "[1:0]", 5: "[1:0 1:0 3:1]", 99: "[1:0 1:0 3:95]"} {
		if got := shape(GroupScanned(ranges, 100, limit)); got != want {
			t.Errorf("not counted, limit %d: %s, expected %s", limit, got, want)
		}
	}
	if got := shape(GroupScanned(nil, 100, 7)); got != "[]" {
		t.Errorf("nothing to read: %s", got)
	}
}

// shape shows how many ranges each task has, and its limit.
func shape(splits []Split) string {
	var s []string
	for _, p := range splits {
		s = append(s, fmt.Sprintf("%d:%d", len(p.Ranges), p.Limit))
	}
	return fmt.Sprint(s)
}

// Whatever is known of the rows, the tasks take exactly the first limit rows, in order.
func TestGroupScannedProperties(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		limit := rapid.Int64Range(0, 30).Draw(r, "limit")
		var all int64
		have := map[string]int64{} // rows that are really there
		var ranges []Range
		for i := range rapid.IntRange(0, 12).Draw(r, "ranges") {
			rg := counted(fmt.Sprint("f", i), rapid.Int64Range(0, 50).Draw(r, "bytes"), rapid.Int64Range(0, 6).Draw(r, "rows"))
			have[rg.Name] = rg.Rows
			all += rg.Rows
			if rapid.Float64().Draw(r, "unknown") < .1 {
				rg.Rows = -1
			}
			ranges = append(ranges, rg)
		}
		var got int64
		at := 0
		for _, s := range GroupScanned(ranges, 60, limit) {
			left := s.Limit
			if left == 0 {
				left = all
			}
			var task int64
			for _, rg := range s.Ranges {
				if rg != ranges[at] {
					r.Fatalf("range %d is %v", at, rg)
				}
				at++
				task += min(have[rg.Name], left-task)
			}
			if rows, known := s.Rows(); known && rows != task {
				r.Errorf("a task says it has %d rows, and has %d", rows, task)
			}
			got += task
		}
		if want := min(all, max(limit, 0)); limit > 0 && got != want || limit == 0 && got != all {
			r.Errorf("%d rows of %d, limit %d", got, all, limit)
		}
	})
}

// The ranges of a file follow one another from its first byte to its last, and none is larger than the target.
func TestCut(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		size := rapid.Int64Range(0, 1000).Draw(r, "size")
		target := rapid.Int64Range(1, 300).Draw(r, "target")
		var at, least, most int64 = 0, size, 0
		ranges := Cut(Range{Name: "a", Path: "/a"}, size, target)
		for _, rg := range ranges {
			if rg.Name != "a" || rg.Path != "/a" || rg.Size != size || rg.Lo != at || rg.Bytes != rg.Hi-rg.Lo {
				r.Fatalf("range %+v at %d", rg, at)
			}
			at, least, most = rg.Hi, min(least, rg.Bytes), max(most, rg.Bytes)
		}
		if at != size || most > target || most-least > 1 || int64(len(ranges)) != max(1, (size+target-1)/target) {
			r.Errorf("%d bytes, target %d: %+v", size, target, ranges)
		}
	})
	if got := Cut(Range{}, 1<<60, 1<<56); len(got) != 16 || got[15].Hi != 1<<60 {
		t.Errorf("a huge file: %+v", got)
	}
}

// What is written is what is read, and small plans stay small.
func TestJSON(t *testing.T) {
	id := task.ID{Stage: "00-split", Kind: task.Split, Index: 4}
	want := Stage{
		Version: Version, Stage: "01-x", Limit: 7, Listing: &Listing{Entries: 3, Passed: 2, SHA256: "ab"},
		Scans:  []Split{{Ranges: []Range{{Name: "a", Path: "/a", Bytes: 4, Lo: 0, Hi: 4, Size: 9}}}},
		Splits: []Split{{Ranges: []Range{file("a", 1), {Lo: 2, Hi: 3, Offset: 80}}}},
		Parts: []Split{{Limit: 2, Ranges: []Range{
			{Name: "a", Path: "/a", Bytes: 4, Lo: 4, Hi: 8, Offset: 5, Line: 2, Row: 2, Rows: -1, Sum: "xxh3:0", Size: 9},
			{Name: "p", Path: "/p", Lo: 1, Hi: 2, Whole: "xxh3:1", ModTime: 1 << 60},
		}}},
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
	for want, s := range map[string]Stage{
		`{"version":1,"stage":"01-x"}`:                 {Version: 1, Stage: "01-x"},
		`{"version":1,"stage":"00-split","splits":[]}`: {Version: 1, Stage: "00-split", Splits: []Split{}},
		`{"version":1,"stage":"00-split","splits":[{"ranges":[{"name":"a","path":"/a","bytes":1}]}],"limit":7}`: {
			Version: 1, Stage: "00-split", Limit: 7, Splits: []Split{{Ranges: []Range{file("a", 1)}}},
		},
	} {
		if b, err := json.Marshal(s); err != nil || string(b) != want {
			t.Errorf("%s, %v, expected %s", b, err, want)
		}
	}
}
