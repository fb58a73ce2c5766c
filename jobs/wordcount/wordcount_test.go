package wordcount_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/wordcount"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// smallParts are so small, in bytes, that most lines are cut.
const smallParts = 2 << 10

// modes are where lines rest between the input and the mappers.
var modes = []string{"disk", "in-place"}

// config is a run in this process.
func config(t testing.TB, dir, mode string, inputs ...string) mapreduce.Config {
	t.Helper()
	params, err := json.Marshal(wordcount.Params{Shards: mode})
	if err != nil {
		t.Fatal(err)
	}
	return mapreduce.Config{
		Dir: dir, Params: params, Inputs: inputs, Workers: 1, InProcess: true,
		MaxRejects: mapreduce.MaxRejects{Rows: math.MaxInt64, Set: true},
	}
}

// place is where a bad line stands.
type place struct {
	Input string
	Line  int64
}

// countByHand counts the words of a text, and lists the lines that are no text.
func countByHand(input string, text []byte, counts map[string]int64) (rows int64, bad []place) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	lines := bytes.Split(text, []byte("\n"))
	if last := len(lines) - 1; len(lines[last]) == 0 {
		lines = lines[:last]
	}
	for i, l := range lines {
		if !utf8.Valid(l) || bytes.IndexByte(l, 0) >= 0 {
			bad = append(bad, place{input, int64(i) + 1})
			continue
		}
		for _, w := range strings.Fields(string(l)) {
			counts[w]++
		}
	}
	return int64(len(lines)), bad
}

// compress compresses a text as a name asks for, though only its bytes tell.
func compress(t testing.TB, name string, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch filepath.Ext(name) {
	case ".gz":
		w = gzip.NewWriter(&b)
	case ".zst":
		w, err = zstd.NewWriter(&b)
	default:
		return text
	}
	if err == nil {
		_, err = w.Write(text)
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// readCounts reads the results, of which each part must be sorted.
func readCounts(t testing.TB, dir string) map[string]int64 {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "out", "counts", "*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int64{}
	for _, p := range paths {
		part := readAll(t, p, table.Columns[wordcount.Count]{
			table.String("word", nil, func(c *wordcount.Count, v string) { c.Word = strings.Clone(v) }),
			table.Int64("count", nil, func(c *wordcount.Count, v int64) { c.Count = v }),
		})
		for i, c := range part {
			if _, twice := counts[c.Word]; twice || i > 0 && part[i-1].Word >= c.Word {
				t.Fatalf("%s: %q stands twice, or not in order", p, c.Word)
			}
			counts[c.Word] = c.Count
		}
	}
	return counts
}

func readAll[R any](t testing.TB, path string, cols table.Columns[R]) (rows []R) {
	t.Helper()
	r, err := parquetfile.Open(path, cols)
	for err == nil {
		var row R
		if err = r.Read(&row); err == nil {
			rows = append(rows, row)
		}
	}
	if !errors.Is(err, io.EOF) || r.Close() != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return rows
}

func readRejects(t testing.TB, dir string) (bad []place) {
	t.Helper()
	for _, r := range mrtest.Rejects(t, jobs.Standard(), dir) {
		bad = append(bad, place{r.Input, r.Line})
	}
	return bad
}

// drawText draws a text of which the lines end, or are cut, in all ways.
func drawText(t *rapid.T) []byte {
	piece := rapid.SampledFrom([]string{
		"a", "b", "word", "é", "日本", " ", " ", "  ", "\t", "\n", "\n", "\n\n", "\r\n", "\r\n", "\r", "\xff", "\u00a0", "\u2028", "\x00", "-", "\v",
		strings.Repeat("long", 50),
	})
	text := strings.Join(rapid.SliceOfN(piece, 0, 60).Draw(t, "pieces"), "")
	if rapid.IntRange(0, 5).Draw(t, "mark") == 0 {
		text = "\xef\xbb\xbf" + text
	}
	return []byte(text)
}

// The job counts what splitting all lines counts, in either mode, with the same bytes.
func TestOracle(t *testing.T) {
	left, failed := 20, false
	if testing.Short() {
		left = 5
	}
	rapid.Check(t, func(rt *rapid.T) {
		if left--; left < 0 && !failed { // each is two jobs; a failure is shrunk
			return
		}
		defer func() { failed = failed || rt.Failed() }()
		dir := t.TempDir()
		want, rows := map[string]int64{}, int64(0)
		var bad []place
		var paths []string
		for n := range rapid.IntRange(1, 3).Draw(rt, "files") {
			path := filepath.Join(dir, fmt.Sprintf("%d%s", n, rapid.SampledFrom([]string{".txt", ".txt", ".gz", ".zst"}).Draw(rt, "ext")))
			text := drawText(rt)
			more, places := countByHand(path, text, want)
			rows, bad, paths = rows+more, append(bad, places...), append(paths, path)
			mrtest.Write(t, path, compress(t, path, text))
		}
		code := mapreduce.ExitComplete
		if len(bad) > 0 {
			code = mapreduce.ExitRejects
		}
		job := wordcount.JobOfParts(rapid.SampledFrom([]int64{7, 30, 200, 1000}).Draw(rt, "bytes of a part"))
		partitions := rapid.SampledFrom([]int{1, 2, 7}).Draw(rt, "partitions")
		for _, mode := range modes {
			cfg := config(t, filepath.Join(dir, mode), mode, paths...)
			cfg.Partitions = partitions
			s, err := mapreduce.Run(t.Context(), jobs.Standard(), job, cfg)
			if got := mapreduce.ExitCode(s, err); got != code || s.Rows.Read != rows {
				rt.Fatalf("%s: exit code %d, expected %d; %d rows, expected %d: %v", mode, got, code, s.Rows.Read, rows, err)
			}
			if diff := gocmp.Diff(want, readCounts(t, cfg.Dir)); diff != "" {
				rt.Fatalf("%s (-want +got):\n%s", mode, diff)
			}
			if got := readRejects(t, cfg.Dir); !slices.Equal(got, bad) {
				rt.Fatalf("%s: rejects %v, expected %v", mode, got, bad)
			}
		}
		sameCounts(rt, t, filepath.Join(dir, modes[0]), filepath.Join(dir, modes[1]))
	})
}

// sameCounts fails unless two job directories, of jobs with other parameters, have the same files of counts.
func sameCounts(rt rapid.TB, t *testing.T, one, other string) {
	a, b := mrtest.Tree(t, one, "out/counts"), mrtest.Tree(t, other, "out/counts")
	if len(a) == 0 || !maps.EqualFunc(a, b, bytes.Equal) {
		rt.Fatalf("the counts differ: %q, %q", slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b)))
	}
}

// The number of workers shows nowhere, nor do shards.
func TestSameBytes(t *testing.T) {
	var b bytes.Buffer
	for i := range 3000 {
		fmt.Fprintf(&b, "w%d w%d the word %d\r\n", i%97, i%1009, i)
	}
	b.WriteString("no text \xff\nno line end")
	path := filepath.Join(t.TempDir(), "a.txt")
	mrtest.Write(t, path, b.Bytes())
	want := map[string]int64{}
	_, bad := countByHand(path, b.Bytes(), want)
	var dirs []string
	for _, mode := range modes {
		for _, workers := range []int{1, 2, 4} {
			cfg := config(t, filepath.Join(t.TempDir(), "job"), mode, path)
			cfg.InProcess, cfg.Workers, cfg.Partitions = false, workers, 3
			mrtest.Run(t, jobs.Standard(), wordcount.JobOfParts(smallParts), cfg, mapreduce.ExitRejects)
			if dirs = append(dirs, cfg.Dir); workers > 1 {
				mrtest.SameResults(t, dirs[len(dirs)-2], cfg.Dir)
			}
		}
	}
	sameCounts(t, t, dirs[0], dirs[len(dirs)-1])
	if diff := gocmp.Diff(want, readCounts(t, dirs[0])); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, dir := range dirs {
		if got := readRejects(t, dir); !slices.Equal(got, bad) {
			t.Errorf("rejects %v, expected %v", got, bad)
		}
	}
}

func TestBadParams(t *testing.T) {
	cfg := config(t, filepath.Join(t.TempDir(), "job"), "memory", "a.txt")
	_, err := mapreduce.Run(t.Context(), jobs.Standard(), wordcount.Job(), cfg)
	var usage *mapreduce.UsageError
	if !errors.As(err, &usage) || !strings.Contains(err.Error(), `--shards "memory": disk or in-place`) {
		t.Errorf("got %v", err)
	}
}
