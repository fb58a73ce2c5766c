package rank_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/rank"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// ratings makes a CSV of user, item, score and note. User 1 has a fifth of the rows, scores tie often.
func ratings(rows int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(r, 1.2, 10, uint64(max(rows/20, 10)))
	var b bytes.Buffer
	b.WriteString("user,item,score,note\n")
	for i := range rows {
		user := 2 + zipf.Uint64()
		if r.IntN(5) == 0 {
			user = 1
		}
		fmt.Fprintf(&b, "%d,%d,%.2f,row %d\n", user, r.IntN(10000), float64(r.IntN(500))/100, i)
	}
	return b.Bytes()
}

type rating struct {
	user  int64
	score float64
	item  string
}

// readRatings parses what ratings made.
func readRatings(t testing.TB, csv []byte) (all []rating) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(string(csv)), "\n")[1:] {
		f := strings.Split(line, ",")
		user, err := strconv.ParseInt(f[0], 10, 64)
		score, err2 := strconv.ParseFloat(f[2], 64)
		if err = errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		all = append(all, rating{user, score, f[1]})
	}
	return all
}

// checkTop compares a ranking of users by score, with the column item, with the ratings.
func checkTop(t testing.TB, dir string, all []rating, top int) {
	t.Helper()
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b rating) int { return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(b.score, a.score)) })
	type line struct {
		rating
		rank int
	}
	var want []line
	n := 0
	for i, r := range all {
		if i == 0 || all[i-1].user != r.user {
			n = 0
		}
		if n++; n <= top {
			want = append(want, line{r, n})
		}
	}
	var got []line
	for _, part := range read(t, dir, "out/ranked", [2]string{"int", "user"}, [2]string{"int", "rank"}, [2]string{"float", "score"}, [2]string{"null", "item"}) {
		for _, r := range part {
			user, err := strconv.ParseInt(r["user"].text, 10, 64)
			score, err2 := strconv.ParseFloat(r["score"].text, 64)
			n, err3 := strconv.Atoi(r["rank"].text)
			if err = errors.Join(err, err2, err3); err != nil {
				t.Fatal(err)
			}
			got = append(got, line{rating{user, score, r["item"].text}, n})
		}
	}
	slices.SortStableFunc(got, func(a, b line) int { return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.rank, b.rank)) })
	if len(got) != len(want) {
		t.Fatalf("%d rows, expected %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("row %d is %v, expected %v", i, got[i], want[i])
		}
	}
}

func topOfUsers(top int64) rank.Params {
	p := byColumn("user", "score", top)
	p.KeyType = "int"
	return p
}

// The number of workers shows nowhere, that of partitions only in how rows lie in parts.
func TestSameBytes(t *testing.T) {
	in := t.TempDir()
	data := ratings(20000)
	half := bytes.LastIndexByte(data[:len(data)/2], '\n') + 1
	a := write(t, filepath.Join(in, "a.csv"), data[:half])
	b := write(t, filepath.Join(in, "b.csv.gz"), append([]byte("user,item,score,note\n"), data[half:]...))
	all := readRatings(t, data)
	for _, agg := range [][]string{nil, {"count", "sum:score", "mean:score"}} {
		p := topOfUsers(10)
		if agg != nil {
			p.By, p.Top, p.Agg = "", 0, agg
		}
		p.ShardRows = 3000
		first := ""
		for _, workers := range []int{1, 2, 4} {
			cfg := config(t, filepath.Join(t.TempDir(), "job"), p, a, b)
			cfg.InProcess, cfg.Workers, cfg.Partitions = false, workers, 7
			run(t, cfg, 0)
			if first == "" {
				first = cfg.Dir
				continue
			}
			mrtest.SameResults(t, first, cfg.Dir)
		}
		if agg == nil {
			checkTop(t, first, all, 10)
		}
	}
	for _, partitions := range []int{1, 3, 50} {
		cfg := config(t, filepath.Join(t.TempDir(), "job"), topOfUsers(10), a, b)
		cfg.Partitions = partitions
		run(t, cfg, 0)
		checkTop(t, cfg.Dir, all, 10)
	}
}

// Sums of floats depend on the order in which they are added, which partitions must not change.
func TestSumsOfAnyPartitions(t *testing.T) {
	in := write(t, filepath.Join(t.TempDir(), "a.csv"), ratings(20000))
	var want []outRow
	for _, partitions := range []int{1, 2, 9} {
		p := rank.Defaults()
		p.Key, p.Agg, p.ShardRows = "user", []string{"sum:score"}, 3000
		cfg := config(t, filepath.Join(t.TempDir(), "job"), p, in)
		cfg.Partitions = partitions
		run(t, cfg, 0)
		got := slices.Concat(read(t, cfg.Dir, "out/groups", [2]string{"string", "user"}, [2]string{"float", "sum_score"})...)
		slices.SortFunc(got, func(a, b outRow) int { return strings.Compare(a["user"].text, b["user"].text) })
		if want == nil {
			want = got
		}
		if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(value{})); diff != "" || len(got) < 100 {
			t.Fatalf("%d partitions (-want +got):\n%s", partitions, diff)
		}
	}
}

// A million rows in workers that may hold little: partitions are sorted on disk.
func TestLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("a million rows")
	}
	if raceDetector {
		t.Skip("the race detector needs several times the memory that the test allows")
	}
	const memory = 96 << 20
	data := ratings(1.4e6)
	in := write(t, filepath.Join(t.TempDir(), "a.csv"), data)
	cfg := config(t, filepath.Join(t.TempDir(), "job"), topOfUsers(100), in)
	cfg.InProcess, cfg.Workers, cfg.WorkerMemory, cfg.Partitions = false, 2, memory, 1
	run(t, cfg, 0)
	checkTop(t, cfg.Dir, readRatings(t, data), 100)
	const sortMemory = memory / 3 // what the engine gives to sorting
	if n := emitted(t, cfg.Dir); n*32 < sortMemory {
		t.Errorf("%d records fit in memory: nothing was proven", n)
	}
}

// A hot key is small before it is shuffled, even if each row is better than all before it.
func TestHotKey(t *testing.T) {
	const rows, batches, top = 12000, 3, 10
	var b strings.Builder
	b.WriteString("user,score\n")
	for i := range rows {
		fmt.Fprintf(&b, "1,%d\n", i)
	}
	in := write(t, filepath.Join(t.TempDir(), "a.csv"), []byte(b.String()))
	cfg := config(t, filepath.Join(t.TempDir(), "job"), topOfUsers(top), in)
	run(t, cfg, 0)
	if n := emitted(t, cfg.Dir); n < top || n > batches*(2*top-1) {
		t.Errorf("%d of %d rows are shuffled", n, rows)
	}
	got := slices.Concat(read(t, cfg.Dir, "out/ranked", [2]string{"float", "score"})...)
	if len(got) != top || got[0]["score"].text != strconv.Itoa(rows-1) {
		t.Errorf("ranked %v", got)
	}
}

// All columns are carried, by the names that they have in any file; where a file has none, there is a null.
func TestCarriedColumns(t *testing.T) {
	in := t.TempDir()
	write(t, filepath.Join(in, "a.csv"), []byte("user,score,rank,a\nu,1,first,\n"))
	write(t, filepath.Join(in, "b.tsv"), []byte("b\tscore\tuser\nB\t2\tu\n"))
	write(t, filepath.Join(in, "c.txt"), []byte("passed over"))
	cfg := config(t, filepath.Join(t.TempDir(), "job"), byColumn("user", "score", 5), in)
	run(t, cfg, 0)
	got := read(t, cfg.Dir, "out/ranked", [2]string{"string", "user"}, [2]string{"int", "rank"}, [2]string{"float", "score"},
		[2]string{"null", "in_rank"}, [2]string{"null", "a"}, [2]string{"null", "b"})
	want := []outRow{
		{"user": {"u", true}, "rank": {"1", true}, "score": {"2", true}, "in_rank": {}, "a": {}, "b": {"B", true}},
		{"user": {"u", true}, "rank": {"2", true}, "score": {"1", true}, "in_rank": {"first", true}, "a": {"", true}, "b": {}},
	}
	if diff := gocmp.Diff([][]outRow{want}, got, gocmp.AllowUnexported(value{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNoCarriedColumns(t *testing.T) {
	in := write(t, filepath.Join(t.TempDir(), "a.csv"), []byte("user,score,x\nu,1,x\n"))
	p := byColumn("user", "score", 5)
	p.Columns = []string{}
	cfg := config(t, filepath.Join(t.TempDir(), "job"), p, in)
	run(t, cfg, 0)
	cols := columnsOf(t, filepath.Join(cfg.Dir, "out", "ranked", "part-000000.parquet"))
	if want := []string{"user", "rank", "score"}; !slices.Equal(cols, want) {
		t.Errorf("columns %q, expected %q", cols, want)
	}
}

func TestRejects(t *testing.T) {
	in := t.TempDir()
	a := write(t, filepath.Join(in, "a.csv"), []byte("user,score,x\n1,0.5,\n01,1,\n2,NaN,\n\"3\n\",1,\n3\n4,,\n5,7,ok\n"))
	b := write(t, filepath.Join(in, "b.jsonl"), []byte(`{"user":1,"score":2,"x":null}`+"\n"+`{"user":1}`+"\n[]\n"+`{"user":null,"score":1}`+"\n"))
	p := topOfUsers(2)
	p.Columns = []string{"x"}
	cfg := config(t, filepath.Join(t.TempDir(), "job"), p, a, b)
	s := run(t, cfg, 3)
	want := []reject{
		{a, "3", `column "user": "01" is not an int64 in plain decimals`},
		{a, "4", `column "score": "NaN" is not a number that has an order`},
		{a, "5", `column "user": "3\n" is not an int64 in plain decimals`},
		{a, "7", "wrong number of fields: 1, not 3"},
		{a, "8", `column "score": "" is not a number`},
		{b, "2", `column "score": no value`},
		{b, "3", "not a JSON object"},
		{b, "4", `column "user": no value`},
	}
	if diff := gocmp.Diff(want, rejects(t, cfg.Dir), gocmp.AllowUnexported(reject{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s.Rows.Rejected != int64(len(want)) {
		t.Errorf("the summary counts %d rejects", s.Rows.Rejected)
	}
	if n := len(slices.Concat(read(t, cfg.Dir, "out/ranked", [2]string{"int", "user"})...)); n != 3 {
		t.Errorf("%d rows are ranked, expected 3", n)
	}
}

// The first rows of the input are taken, and no others.
func TestLimit(t *testing.T) {
	data := ratings(500)
	in := write(t, filepath.Join(t.TempDir(), "a.csv"), data)
	cfg := config(t, filepath.Join(t.TempDir(), "job"), topOfUsers(3), in)
	cfg.Limit = 100
	run(t, cfg, 0)
	checkTop(t, cfg.Dir, readRatings(t, data)[:100], 3)
}

// A group whose sum is no int64 is a reject; the others stand.
func TestOverflow(t *testing.T) {
	in := write(t, filepath.Join(t.TempDir(), "a.csv"), []byte(
		"k,n\nbig,9223372036854775807\nback,9223372036854775807\nback,1\nbig,1\nback,-9223372036854775808\n"))
	p := rank.Defaults()
	p.Key, p.ByType, p.Agg = "k", "int", []string{"sum:n", "mean:n"}
	cfg := config(t, filepath.Join(t.TempDir(), "job"), p, in)
	cfg.Partitions = 1
	run(t, cfg, 3)
	want := [][]outRow{{{"k": {"back", true}, "sum_n": {"0", true}, "mean_n": {"0", true}}}}
	got := read(t, cfg.Dir, "out/groups", [2]string{"string", "k"}, [2]string{"int", "sum_n"}, [2]string{"float", "mean_n"})
	if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(value{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r := rejects(t, cfg.Dir)
	if len(r) != 1 || !strings.Contains(r[0].reason, "sum_n: the sum 9223372036854775808 is no int64") {
		t.Errorf("rejects %v", r)
	}
}

// Inputs that no run can use end the job before it does any work, with a sentence.
func TestBadInputs(t *testing.T) {
	in := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(in, name)
		mrtest.Write(t, path, []byte(content))
		return path
	}
	chosen := byColumn("user", "score", 1)
	chosen.Columns = []string{"x"}
	cases := []struct {
		p    rank.Params
		path string
		want string
	}{
		{byColumn("user", "score", 1), file("missing.csv", "user,x\n"), `no column "score" among ["user" "x"]`},
		{chosen, file("chosen.csv", "user,score\n"), `no column "x"`},
		{byColumn("user", "score", 1), file("twice.csv", "user,score,user\n"), `two columns are called "user"`},
		{byColumn("user", "score", 1), file("noname.csv", "user,score,\n"), "column 3 has no name"},
		{byColumn("user", "score", 1), file("empty.csv", ""), "no header"},
		{byColumn("user", "score", 1), file("bare.csv", "us\"er,score\n"), "bare"},
		{byColumn("user", "score", 1), file("wide.csv", "\xff\xfeu\x00"), "UTF-16"},
		{byColumn("user", "score", 1), file("a.xls", "user,score\n"), "its name ends in none of .csv"},
		{byColumn("user", "score", 1), file("all.jsonl", "{}\n"), "give --columns"},
		{byColumn("user", "score", 1), file("not.csv.gz", "user,score\n"), "gzip"},
		{byColumn("user", "score", 1), file("not.csv.zst", "user,score\n"), "magic"},
		{byColumn("user", "score", 1), filepath.Join(in, "nothing.csv"), "no such file"},
	}
	for _, c := range cases {
		cfg := config(t, filepath.Join(t.TempDir(), "job"), c.p, c.path)
		_, err := mapreduce.Run(t.Context(), jobs.Standard(), rank.Job(), cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) || mapreduce.ClassOf(err) != mapreduce.Input {
			t.Errorf("%s: %v, expected %q", filepath.Base(c.path), err, c.want)
		}
	}
}

// Compressed data that ends too early is an input that cannot be used, not a shorter one.
func TestCutShort(t *testing.T) {
	for _, name := range []string{"a.csv.gz", "a.csv.zst"} {
		path := write(t, filepath.Join(t.TempDir(), name), ratings(20000))
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		mrtest.Write(t, path, b[:len(b)-10])
		cfg := config(t, filepath.Join(t.TempDir(), "job"), topOfUsers(1), path)
		run(t, cfg, mapreduce.ExitInput)
	}
}
