package rank_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/formats/table"
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
	var want []rankedLine
	n := int64(0)
	for i, r := range all {
		if i == 0 || all[i-1].user != r.user {
			n = 0
		}
		if n++; n <= int64(top) {
			want = append(want, rankedLine{r, n})
		}
	}
	got := slices.Concat(readRows(t, dir, "out/ranked", table.Columns[rankedLine]{
		table.Int64("user", nil, func(r *rankedLine, v int64) { r.user = v }),
		table.Int64("rank", nil, func(r *rankedLine, v int64) { r.rank = v }),
		table.Float64("score", nil, func(r *rankedLine, v float64) { r.score = v }),
		table.NullString("item", nil, func(r *rankedLine, v string, _ bool) { r.item = v }),
	})...)
	slices.SortStableFunc(got, func(a, b rankedLine) int { return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.rank, b.rank)) })
	if len(got) != len(want) {
		t.Fatalf("%d rows, expected %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("row %d is %v, expected %v", i, got[i], want[i])
		}
	}
}

// rankedLine is a row of a ranking of ratings.
type rankedLine struct {
	rating
	rank int64
}

func topOfUsers(top int64) rank.Params {
	p := byColumn("user", "score", top)
	p.KeyType = "int"
	return p
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

// A hot key is small before it is shuffled, even if each row is better than all before it.
func TestHotKey(t *testing.T) {
	const rows, batches, top = 12000, 24, 10
	var b strings.Builder
	b.WriteString("user,score\n")
	for i := range rows {
		fmt.Fprintf(&b, "1,%d\n", i)
	}
	in := write(t, filepath.Join(t.TempDir(), "a.csv"), []byte(b.String()))
	cfg := config(t, filepath.Join(t.TempDir(), "job"), topOfUsers(top), in)
	run(t, cfg, 0)
	if n := written(t, cfg.Dir); n < top || n > batches*(2*top-1) {
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
	want := []mapreduce.Reject{
		{Input: a, Line: 3, Ordinal: 1, Reason: `column "user": "01" is not an int64 in plain decimals`, Record: "01,1,"},
		{Input: a, Line: 4, Ordinal: 2, Reason: `column "score": "NaN" is not a number that has an order`, Record: "2,NaN,"},
		{Input: a, Line: 5, Ordinal: 3, Reason: `column "user": "3\n" is not an int64 in plain decimals`, Record: "\"3\n\",1,"},
		{Input: a, Line: 7, Ordinal: 4, Reason: "wrong number of fields: 1, not 3", Record: "3"},
		{Input: a, Line: 8, Ordinal: 5, Reason: `column "score": "" is not a number`, Record: "4,,"},
		{Input: b, Line: 2, Ordinal: 8, Reason: `column "score": no value`, Record: "1,,"},
		{Input: b, Line: 3, Ordinal: 9, Reason: "not a JSON object", Record: "[]"},
		{Input: b, Line: 4, Ordinal: 10, Reason: `column "user": no value`, Record: ",1,"},
	}
	for _, mode := range modes {
		p.Shards = mode
		cfg := config(t, filepath.Join(t.TempDir(), "job"), p, a, b)
		s := run(t, cfg, mapreduce.ExitRejects)
		for i := range want { // both files are read by one task
			want[i].Class, want[i].Stage, want[i].Task = "bad-record", "01-split", "split-000000"
			if mode == "in-place" {
				want[i].Stage, want[i].Task = "01-rank", "map-000000"
			}
		}
		if diff := gocmp.Diff(want, mrtest.Rejects(t, jobs.Standard(), cfg.Dir)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", mode, diff)
		}
		if s.Rows.Rejected != int64(len(want)) {
			t.Errorf("the summary counts %d rejects", s.Rows.Rejected)
		}
		if n := len(slices.Concat(read(t, cfg.Dir, "out/ranked", [2]string{"int", "user"})...)); n != 3 {
			t.Errorf("%d rows are ranked, expected 3", n)
		}
	}
}

// Columns of numbers rank as numbers, group as texts of numbers where the key is a string, and are carried as text.
func TestTypedColumns(t *testing.T) {
	type row struct {
		user   int64
		score  float64
		weight float64
		item   int64
	}
	cols := table.Columns[row]{
		table.Float64("weight", func(r *row) float64 { return r.weight }, nil),
		table.Int64("user", func(r *row) int64 { return r.user }, nil),
		table.Int64("item", func(r *row) int64 { return r.item }, nil),
		table.Float64("score", func(r *row) float64 { return r.score }, nil),
	}
	in := t.TempDir()
	b := write(t, filepath.Join(in, "b.parquet"), encodeColumns(t, cols, []row{
		{-7, 0.5, 1e6, 1}, {-7, math.NaN(), 1, 2}, {9, math.Inf(1), 0.25, 3}, {-7, 2, 1e-9, 4},
	}))
	c := write(t, filepath.Join(in, "c.csv"), []byte("user,score,item,weight\n-7,1.50,005,x\n9,1,6,y\n"))
	for _, keyType := range []string{"string", "int", "float"} {
		p := byColumn("user", "score", 3)
		p.KeyType, p.Columns = keyType, []string{"item", "weight"}
		cfg := config(t, filepath.Join(t.TempDir(), "job"), p, b, c)
		cfg.Partitions = 1
		run(t, cfg, 3)
		want := [][]outRow{{
			{"user": {"-7", true}, "score": {"2", true}, "item": {"4", true}, "weight": {"1e-9", true}},
			{"user": {"-7", true}, "score": {"1.5", true}, "item": {"005", true}, "weight": {"x", true}},
			{"user": {"-7", true}, "score": {"0.5", true}, "item": {"1", true}, "weight": {"1000000", true}},
			{"user": {"9", true}, "score": {"+Inf", true}, "item": {"3", true}, "weight": {"0.25", true}},
			{"user": {"9", true}, "score": {"1", true}, "item": {"6", true}, "weight": {"y", true}},
		}}
		got := read(t, cfg.Dir, "out/ranked", [2]string{keyType, "user"}, [2]string{"float", "score"}, [2]string{"null", "item"}, [2]string{"null", "weight"})
		if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(value{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", keyType, diff)
		}
		if diff := gocmp.Diff([]reject{{b, "2", `column "score": "NaN" is not a number that has an order`}}, rejects(t, cfg.Dir), gocmp.AllowUnexported(reject{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", keyType, diff)
		}
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

// A group whose sum is no int64 is a reject that names its key; the others stand.
func TestOverflow(t *testing.T) {
	var in strings.Builder
	in.WriteString("k,n\n")
	for range 3 { // in several maps, so that a group has several states
		in.WriteString("10,9223372036854775807\n9,9223372036854775807\n9,1\n10,1\n9,-9223372036854775808\n11,5\n100,-9223372036854775808\n")
	}
	path := write(t, filepath.Join(t.TempDir(), "a.csv"), []byte(in.String()))
	for keyType, order := range map[string][]string{"string": {"10", "100", "11", "9"}, "int": {"9", "10", "11", "100"}} {
		for _, mode := range modes {
			p := rank.Defaults()
			p.Key, p.KeyType, p.ByType, p.Agg, p.Shards, p.ShardRows = "k", keyType, "int", []string{"sum:n", "mean:n"}, mode, 4
			cfg := config(t, filepath.Join(t.TempDir(), "job"), p, path)
			cfg.Partitions = 1
			mrtest.Run(t, jobs.Standard(), rank.JobOfParts(60), cfg, mapreduce.ExitRejects)
			want := []outRow{
				{"k": {"9", true}, "sum_n": {"0", true}, "mean_n": {"0", true}},
				{"k": {"11", true}, "sum_n": {"15", true}, "mean_n": {"5", true}},
			}
			if order[0] == "10" {
				slices.Reverse(want)
			}
			got := read(t, cfg.Dir, "out/groups", [2]string{keyType, "k"}, [2]string{"int", "sum_n"}, [2]string{"float", "mean_n"})
			if diff := gocmp.Diff([][]outRow{want}, got, gocmp.AllowUnexported(value{})); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", keyType, mode, diff)
			}
			sums := map[string]string{"10": "27670116110564327424", "100": "-27670116110564327424"}
			all := mrtest.Rejects(t, jobs.Standard(), cfg.Dir)
			if len(all) != len(sums) {
				t.Fatalf("%d rejects", len(all))
			}
			for _, r := range all {
				ordinal := int64(slices.Index(order, r.ID))
				if !strings.Contains(r.Reason, "sum_n: the sum "+sums[r.ID]+" is no int64") || r.Ordinal != ordinal || r.Task != "reduce-000000" {
					t.Errorf("%s, %s: %+v", keyType, mode, r)
				}
			}
		}
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
		{byColumn("user", "score", 1), file("missing.csv", "user,x\n"), `no column "score"; the columns are ["user" "x"]`},
		{chosen, file("chosen.csv", "user,score\n"), `no column "x"`},
		{byColumn("user", "score", 1), file("twice.csv", "user,score,user\n"), `two columns are called "user"`},
		{byColumn("user", "score", 1), file("noname.csv", "user,score,\n"), "column 3 has no name"},
		{byColumn("user", "score", 1), file("empty.csv", ""), "no header"},
		{byColumn("user", "score", 1), file("bare.csv", "us\"er,score\n"), "bare"},
		{byColumn("user", "score", 1), file("wide.csv", "\xff\xfeu\x00"), "UTF-16"},
		{byColumn("user", "score", 1), file("a.xls", "user,score\n"), "its name ends in none of .csv"},
		{chosen, file("not.parquet", "user,score\n"), "not.parquet"},
		{byColumn("user", "score", 1), file("all.parquet", ""), "not a Parquet file"},
		{byColumn("user", "score", 1), file("all.jsonl", "{}\n"), "give --columns"},
		{byColumn("user", "score", 1), file("not.csv.gz", "\x1f\x8b\x00"), "gzip"},
		{byColumn("user", "score", 1), file("not.csv.zst", "\x28\xb5"), "zstd"},
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

// Groups are longer, or wider, than what is written at once, some rows being very large.
func TestLongGroups(t *testing.T) {
	const top = 150
	var b, want bytes.Buffer
	b.WriteString("key,by,x\n")
	for _, key := range []string{"long", "short", "wide"} {
		rows := map[string]int{"long": 2 * top, "short": 3, "wide": top}[key]
		for i := range rows {
			x := strings.Repeat("x", i%7)
			if key == "wide" {
				x = strings.Repeat("y", i*i) // up to 22 kB
			}
			_, _ = fmt.Fprintf(&b, "%s,%d,%s\n", key, i, x)
		}
		for n := range min(rows, top) {
			i := rows - 1 - n
			x := i % 7
			if key == "wide" {
				x = i * i
			}
			_, _ = fmt.Fprintln(&want, key, n+1, i, x)
		}
	}
	dir := t.TempDir()
	p := byColumn("key", "by", top)
	p.ByType = "int"
	cfg := config(t, filepath.Join(dir, "job"), p, write(t, filepath.Join(dir, "in.csv"), b.Bytes()))
	cfg.Partitions = 1
	run(t, cfg, 0)
	var got bytes.Buffer
	for _, r := range read(t, cfg.Dir, "out/ranked", [2]string{"string", "key"}, [2]string{"int", "rank"}, [2]string{"int", "by"}, [2]string{"null", "x"})[0] {
		_, _ = fmt.Fprintln(&got, r["key"].text, r["rank"].text, r["by"].text, len(r["x"].text))
	}
	if got.String() != want.String() {
		t.Errorf("got %d bytes of rows, want %d: %.300s", got.Len(), want.Len(), got.String())
	}
}
