package rank_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/rank"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// inputRow is a row of some file: key, by and two more columns.
type inputRow struct {
	input   string
	line    int64
	bad     bool
	key, by string // as shown
	x, y    value
}

var odd = []string{"", "a", "A", "a,b", "a\tb", `"q"`, "x\ny", "é", "日本", "-", "3:x", "a ", " a", "\n\n"}

func keysOf(kind string) []string {
	return map[string][]string{
		"string": odd, "int": {"0", "1", "-1", "7", "9223372036854775807", "-9223372036854775808", "07", ""},
		"float": {"0", "-0", "1.5", "1.50", "-2e3", "inf", "-inf", "NaN", "x"},
	}[kind]
}

func valuesOf(kind string) []string {
	return map[string][]string{
		"string": append(odd, "aaaaaaaaa", "aaaaaaaab"), "int": {"0", "1", "2", "3", "-3", "1000000000000", "+1"},
		"float": {"0", "-0", "0.5", "0.25", "1", "1.0", "1e0", "-inf", "inf", "nan", "", "-7"},
	}[kind]
}

// drawnJob is a job with its inputs.
type drawnJob struct {
	params rank.Params
	job    mapreduce.Job
	config mapreduce.Config
	rows   []inputRow // that it takes, in order
}

// drawJob draws files, writes them into a folder, and draws how they are to be read.
func drawJob(rt *rapid.T, t *testing.T, dir string, p rank.Params) drawnJob {
	t.Helper()
	p.ShardRows = rapid.Int64Range(1, 50).Draw(rt, "shard rows")
	d := drawnJob{params: p, job: rank.Job(), config: mapreduce.Config{
		Partitions: rapid.SampledFrom([]int{1, 1, 2, 2, 3, 3, 7, 50}).Draw(rt, "partitions"),
		MaxRejects: mapreduce.MaxRejects{Rows: math.MaxInt64, Set: true}, Workers: 1, InProcess: true,
	}}
	if bytes := rapid.SampledFrom([]int64{0, 150, 400, 2000}).Draw(rt, "bytes of a part"); bytes > 0 {
		d.job = rank.JobOfParts(bytes)
	}
	for n := range rapid.IntRange(1, 4).Draw(rt, "files") {
		ext := rapid.SampledFrom([]string{".csv", ".csv", ".tsv", ".jsonl", ".csv.gz", ".tsv.zst", ".jsonl.gz", ".jsonl.zst", ".parquet"}).Draw(rt, "ext")
		path := filepath.Join(dir, fmt.Sprintf("f%d%s", n, ext))
		d.config.Inputs = append(d.config.Inputs, path)
		d.rows = append(d.rows, drawFile(rt, t, path, p, len(d.rows))...)
	}
	if limit := rapid.IntRange(-40, 40).Draw(rt, "limit"); limit > 0 {
		d.config.Limit, d.rows = int64(limit), d.rows[:min(limit, len(d.rows))]
	}
	return d
}

// drawFile draws rows, writes them into a file and returns them. The column y is the number of the row in the input, of
// which before come earlier.
func drawFile(rt *rapid.T, t *testing.T, path string, p rank.Params, before int) (all []inputRow) {
	t.Helper()
	order := rapid.Permutation([]string{"key", "by", "x", "y"}).Draw(rt, "columns")
	typed := strings.Contains(path, ".jsonl") || strings.HasSuffix(path, ".parquet") // so that there are nulls
	cells := [][]string{order}
	for range rapid.IntRange(0, 40).Draw(rt, "rows") {
		if !strings.HasSuffix(path, ".parquet") && rapid.IntRange(0, 14).Draw(rt, "raw") == 0 {
			line := rapid.SampledFrom([]string{"", "{", "\"a\"b", "[7]", "\xff"}).Draw(rt, "line")
			cells = append(cells, []string{line})
			all = append(all, inputRow{input: path, bad: true})
			continue
		}
		r := drawCells(rt, p, typed)
		r["y"] = strconv.Itoa(before + len(all))
		row := make([]string, len(order))
		for i, c := range order {
			row[i] = r[c]
		}
		key, ok := shown(p.KeyType, r["key"])
		by, ok2 := shown(p.ByType, r["by"])
		cells = append(cells, row)
		all = append(all, inputRow{input: path, bad: !ok || !ok2, key: key, by: by, x: cellValue(r["x"]), y: cellValue(r["y"])})
	}
	text, lines := encode(t, path, cells)
	for i := range all {
		all[i].line = lines[i]
	}
	write(t, path, drawLooks(rt, path, text))
	return slices.DeleteFunc(all, func(r inputRow) bool { // blank lines are no rows
		i := slices.Index(lines, r.line)
		return len(cells[i+1]) == 1 && cells[i+1][0] == ""
	})
}

func drawCells(rt *rapid.T, p rank.Params, typed bool) map[string]string {
	texts := odd
	if typed {
		texts = append(texts, "a\x00", "\x00", "a\x00\x01b") // which CSV cannot have
	}
	keys, values := keysOf(p.KeyType), valuesOf(p.ByType)
	if p.KeyType == "string" {
		keys = texts
	}
	if p.ByType == "string" {
		values = append(texts, values...)
	}
	r := map[string]string{
		"key": rapid.SampledFrom(keys).Draw(rt, "key"), "by": rapid.SampledFrom(values).Draw(rt, "by"),
		"x": rapid.SampledFrom(texts).Draw(rt, "x"),
	}
	if rapid.IntRange(0, 4).Draw(rt, "skew") == 0 {
		r["key"] = keys[1] // a fifth of all rows
	}
	if typed && rapid.IntRange(0, 9).Draw(rt, "null") == 0 {
		r[rapid.SampledFrom([]string{"key", "by", "x"}).Draw(rt, "column")] = null
	}
	return r
}

// drawLooks changes how a text looks, and not what it says.
func drawLooks(rt *rapid.T, path string, text []byte) []byte {
	if strings.HasSuffix(path, ".parquet") {
		return text
	}
	if rapid.Bool().Draw(rt, "no line end") {
		text = bytes.TrimSuffix(text, []byte("\n"))
	}
	if rapid.Bool().Draw(rt, "CRLF") {
		text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
	}
	if rapid.Bool().Draw(rt, "mark") {
		text = append([]byte("\xef\xbb\xbf"), text...)
	}
	return text
}

// run runs the job in both modes, compares them, and returns the job directory of one.
func (d drawnJob) run(rt *rapid.T, t *testing.T, dir string) string {
	t.Helper()
	code := mapreduce.ExitComplete
	if slices.ContainsFunc(d.rows, func(r inputRow) bool { return r.bad }) {
		code = mapreduce.ExitRejects
	}
	for _, mode := range modes {
		d.params.Shards = mode
		cfg := d.config
		cfg.Dir = filepath.Join(dir, mode)
		params, err := json.Marshal(d.params)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Params = params
		s, err := mapreduce.Run(t.Context(), jobs.Standard(), d.job, cfg)
		if got := mapreduce.ExitCode(s, err); got != code || s.Rows.Read != int64(len(d.rows)) {
			rt.Fatalf("%s: exit code %d, expected %d, %d rows, expected %d: %v", mode, got, code, s.Rows.Read, len(d.rows), err)
		}
		d.checkRejects(rt, t, cfg.Dir)
	}
	one, other := filepath.Join(dir, modes[0]), filepath.Join(dir, modes[1])
	sameBytes(rt, t, one, other)
	if diff := gocmp.Diff(placed(t, one), placed(t, other)); diff != "" {
		rt.Fatalf("rejects (-%s +%s):\n%s", modes[0], modes[1], diff)
	}
	return other
}

// sameBytes fails unless the results of two job directories that have other identities are the same.
func sameBytes(rt rapid.TB, t *testing.T, one, other string) {
	for _, dataset := range []string{"out/ranked", "out/groups"} {
		a, b := mrtest.Tree(t, one, dataset), mrtest.Tree(t, other, dataset)
		if !maps.EqualFunc(a, b, bytes.Equal) {
			rt.Fatalf("%s: %q and %q differ", dataset, slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b)))
		}
	}
}

// placed lists rejects without what tells which task found them.
func placed(t *testing.T, dir string) []mapreduce.Reject {
	t.Helper()
	all := mrtest.Rejects(t, jobs.Standard(), dir)
	for i := range all {
		all[i].Stage, all[i].Task, all[i].Ordinal = "", "", 0
	}
	return all
}

// checkRejects compares rejects with the bad rows: their places, and their numbers among all rows of the input.
func (d drawnJob) checkRejects(rt *rapid.T, t *testing.T, dir string) {
	type place struct {
		input       string
		line, index int64
	}
	var want, got []place
	for i, r := range d.rows {
		if r.bad {
			want = append(want, place{r.input, r.line, int64(i)})
		}
	}
	first := firstRows(t, dir)
	for _, r := range mrtest.Rejects(t, jobs.Standard(), dir) {
		got = append(got, place{r.Input, r.Line, first[r.Stage+"/"+r.Task] + r.Ordinal})
		if r.Class != "bad-record" || r.Reason == "" || r.ID != "" {
			rt.Fatalf("reject %+v", r)
		}
	}
	if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(place{})); diff != "" {
		rt.Fatalf("rejects (-want +got):\n%s", diff)
	}
}

// firstRows gives, of each task that reads the input, the number of its first row.
func firstRows(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	counts := map[string]taskCounts{}
	for _, stage := range []string{"split", "rank", "group"} {
		kind := map[string]string{"split": "split"}[stage]
		found, err := filepath.Glob(filepath.Join(dir, "stages", "*-"+stage))
		if err != nil || len(found) == 0 {
			continue
		}
		counts = tasks(t, dir, stage, cmp.Or(kind, "map"))
		break
	}
	first, n := map[string]int64{}, int64(0)
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		first[name] = n
		n += counts[name].Read
	}
	return first
}

// good lists the rows that are ranked.
func (d drawnJob) good() []inputRow {
	return slices.DeleteFunc(slices.Clone(d.rows), func(r inputRow) bool { return r.bad })
}

func cellValue(s string) value {
	if s == null {
		return value{}
	}
	return value{s, true}
}
