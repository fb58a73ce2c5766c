package interactions_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/internal/interactions"
	"github.com/shardmill/shardmill/mapreduce"
)

// asked asks for all columns by name.
func asked(o *interactions.Options) { o.ValueCol, o.TimeCol = "stars", "at" }

// numbered asks for all columns by number.
func numbered(o *interactions.Options) {
	o.UserCol, o.ItemCol, o.ValueCol, o.TimeCol = "2", "3", "4", "5"
}

// Every format gives the same rows, in the same order, whole and in parts.
func TestFormats(t *testing.T) {
	rows := someRows(60)
	cases := []struct {
		name, text string
		changes    []func(o *interactions.Options)
	}{
		{"a.csv", separated(t, rows, ",", true), nil},
		{"a.csv.gz", separated(t, rows, ",", true), nil},
		{"a.tsv", separated(t, rows, "\t", true), nil},
		{"a.tsv.zst", separated(t, rows, "\t", true), nil},
		{"a.csv", "\ufeff" + strings.ReplaceAll(separated(t, rows, ";", true), "\n", "\r\n"), []func(o *interactions.Options){func(o *interactions.Options) { o.Separator = ";" }}},
		{"a.dat", separated(t, rows, "\t", true), []func(o *interactions.Options){func(o *interactions.Options) { o.Format = "tsv" }}},
		{"a.dat", separated(t, rows, "\t", true), []func(o *interactions.Options){func(o *interactions.Options) { o.Separator = `\t` }}},
		{"a.txt", separated(t, rows, "|", true), []func(o *interactions.Options){func(o *interactions.Options) { o.Separator = "|" }}},
		{"a", separated(t, rows, " ", true), []func(o *interactions.Options){func(o *interactions.Options) { o.Separator = " " }}},
		{"a.dat", separated(t, rows, "::", true), []func(o *interactions.Options){func(o *interactions.Options) { o.Separator = "::" }}},
		{"a.dat.gz", separated(t, rows, "::", true), []func(o *interactions.Options){func(o *interactions.Options) { o.Separator = "::" }}},
		{"a.dat", "\ufeff\n\n" + separated(t, rows, "::", true), []func(o *interactions.Options){func(o *interactions.Options) { o.Separator = "::" }}},
		{"a.dat", separated(t, rows, "§", true), []func(o *interactions.Options){func(o *interactions.Options) { o.Separator = "§" }}},
		{"a.csv", separated(t, rows, ",", true), []func(o *interactions.Options){numbered}},
		{"a.dat", separated(t, rows, "::", true), []func(o *interactions.Options){numbered, func(o *interactions.Options) { o.Separator = "::" }}},
		{"a.csv", separated(t, rows, ",", false), []func(o *interactions.Options){numbered, func(o *interactions.Options) { o.NoHeader = true }}},
		{"a.csv.zst", separated(t, rows, ",", false), []func(o *interactions.Options){numbered, func(o *interactions.Options) { o.NoHeader = true }}},
		{"a.dat", separated(t, rows, "::", false), []func(o *interactions.Options){numbered, func(o *interactions.Options) { o.NoHeader, o.Separator = true, "::" }}},
		{"a.dat.gz", separated(t, rows, "::", false), []func(o *interactions.Options){numbered, func(o *interactions.Options) { o.NoHeader, o.Separator = true, "::" }}},
		{"a.jsonl", jsonLines(t, rows), nil},
		{"a.ndjson.gz", jsonLines(t, rows), nil},
		{"a.dat", jsonLines(t, rows), []func(o *interactions.Options){func(o *interactions.Options) { o.Format = "jsonl" }}},
		{"a.parquet", "", nil},
		{"a.dat", "", []func(o *interactions.Options){func(o *interactions.Options) { o.Format = "parquet" }}},
		{"a.parquet", "", []func(o *interactions.Options){func(o *interactions.Options) { o.UserCol, o.ItemCol, o.ValueCol, o.TimeCol = "2", "1", "3", "4" }}},
	}
	for i, c := range cases {
		o := options(asked)
		for _, change := range c.changes {
			change(&o)
		}
		t.Run(fmt.Sprintf("%d-%s", i, c.name), func(t *testing.T) {
			path := put(t, c.name, c.text)
			if c.text == "" {
				columnarRows(t, path, rows)
			}
			for _, partBytes := range []int64{largeParts, smallParts} {
				got := read(t, partBytes, o, path)
				if diff := gocmp.Diff(rows, got.rows, cmpopts.IgnoreFields(row{}, "Input", "Line")); diff != "" || len(got.rejects) > 0 {
					t.Errorf("parts of %d bytes: %d rejects (-want +got):\n%s", partBytes, len(got.rejects), diff)
				}
				for j, r := range got.rows {
					if r.Input != path || r.Line < 1 || j > 0 && r.Line <= got.rows[j-1].Line {
						t.Fatalf("row %d: %+v", j, r)
					}
				}
			}
		})
	}
}

// inputFolder makes a folder "in", alone in another.
func inputFolder(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "in")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Workers in processes of their own give the same rows, of all files of a folder, in the order of their names.
func TestFolder(t *testing.T) {
	dir := inputFolder(t)
	rows := someRows(40)
	putAt(t, filepath.Join(dir, "a.csv"), separated(t, rows[:10], ",", true))
	putAt(t, filepath.Join(dir, "b.jsonl.gz"), jsonLines(t, rows[10:20]))
	columnarRows(t, filepath.Join(dir, "c.parquet"), rows[20:30])
	putAt(t, filepath.Join(dir, "d.tsv"), separated(t, rows[30:], "\t", true))
	putAt(t, filepath.Join(dir, "README.md"), "# Interactions\n")
	putAt(t, filepath.Join(dir, "e.csv"), "") // an empty part of some other program's output
	putAt(t, filepath.Join(dir, "f.csv"), "user,item,stars,at\n")
	for _, inputs := range [][]string{{dir}, {filepath.Join(filepath.Dir(dir), "i*")}, {filepath.Join(dir, "*.csv"), filepath.Join(dir, "[b-d].*")}} {
		cfg := configOf(t, options(asked), inputs...)
		cfg.Workers, cfg.InProcess = 2, false
		got := readConfig(t, smallParts, cfg)
		if diff := gocmp.Diff(rows, got.rows, cmpopts.IgnoreFields(row{}, "Input", "Line")); diff != "" || len(got.rejects) > 0 {
			t.Errorf("%v: %d rejects (-want +got):\n%s", inputs, len(got.rejects), diff)
		}
	}
}

// Where the format is told, all files of a folder are read but hidden ones.
func TestFolderOfAnyNames(t *testing.T) {
	dir := inputFolder(t)
	for name, text := range map[string]string{"part-0": "user\titem\n1\t2\n", "part-1": "", "_SUCCESS": "x", ".part-0.crc": "\x00", "part-2.gz": "item\tuser\n4\t3\n"} {
		putAt(t, filepath.Join(dir, name), text)
	}
	want := []row{{User: "1", Item: "2", Value: 1}, {User: "3", Item: "4", Value: 1}}
	for _, input := range []string{dir, filepath.Join(filepath.Dir(dir), "i*")} {
		got := read(t, largeParts, options(func(o *interactions.Options) { o.Format = "tsv" }), input)
		if diff := gocmp.Diff(want, got.rows, cmpopts.IgnoreFields(row{}, "Input", "Line")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", input, diff)
		}
	}
}

// Ids of Parquet are those that other programs write into CSV.
func TestColumnarIDs(t *testing.T) {
	nulls := array.NewFloat64Builder(memory.DefaultAllocator)
	nulls.AppendValues([]float64{17850, 0.5, 1e300, 0, 1}, []bool{true, true, true, false, true})
	path := columnar(t, filepath.Join(t.TempDir(), "a.parquet"), []string{"user", "item", "at"},
		nulls.NewArray(), []int64{7, -1, 1 << 60, 3, 4}, []int64{1_500_000_000_000, -1_500_000_000_001, 0, 5, 1_500_000_000_123_456_789})
	got := read(t, largeParts, options(func(o *interactions.Options) { o.TimeCol = "at" }), path)
	want := []row{
		{path, 1, "17850.0", "7", 1, 1_500_000_000},
		{path, 2, "0.5", "-1", 1, -1_500_000_001},
		{path, 3, "1e+300", "1152921504606846976", 1, 0},
		{path, 5, "1.0", "4", 1, 1_500_000_000},
	}
	if diff := gocmp.Diff(want, got.rows); diff != "" || len(got.rejects) != 1 || got.rejects[0].Line != 4 {
		t.Errorf("%+v (-want +got):\n%s", got.rejects, diff)
	}
}

// Rows that cannot be used are rejects that say where they stand and why. What is missing comes first.
func TestRejects(t *testing.T) {
	text := strings.Join([]string{
		"user,item,stars,at", "1,2,3,2020-01-02", ",2,x,y", "1,,3,4", "1,2,,4", "1,2,NaN,4", "1,2,-Inf,4", "1,2,1e999,4",
		"1,2,three,4", "1,2,3,", "1,2,3,soon", "1,2,3,2020-02-30", "1,2", "1,\"2\"x,3,4", "1,\xff,3,4", " , ,3,4",
	}, "\n")
	path := put(t, "a.csv", text)
	for _, partBytes := range []int64{largeParts, smallParts} {
		got := read(t, partBytes, options(asked), path)
		if diff := gocmp.Diff([]row{{path, 2, "1", "2", 3, 1_577_923_200}, {path, 16, " ", " ", 3, 4}}, got.rows); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		notTime := "not a time in seconds or milliseconds of Unix time, 2006-01-02, 2006-01-02 15:04:05 or RFC 3339"
		want := []string{
			`3 no user: column "user" has no value`, `4 no item: column "item" has no value`,
			`5 column "stars": "" is not a number`, `6 column "stars": "NaN" is not a number that has an order`,
			`7 column "stars": not a finite number`, `8 column "stars": "1e999" is not a number`, `9 column "stars": "three" is not a number`,
			`10 column "at": no value`, `11 column "at": "soon" is ` + notTime, `12 column "at": "2020-02-30" is ` + notTime,
			`13 wrong number of fields: 2, not 4`, `14 extraneous or missing " in quoted-field`, `15 column "item": not valid UTF-8`,
		}
		var found []string
		for _, r := range got.rejects {
			if r.Input != path {
				t.Errorf("%+v", r)
			}
			found = append(found, fmt.Sprintf("%d %s", r.Line, r.Reason))
		}
		if diff := gocmp.Diff(want, found); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// Inputs and options that cannot be meant are found before a job directory is made.
func TestErrors(t *testing.T) {
	cases := []struct {
		name, text, want string
		change           func(o *interactions.Options)
	}{
		{"a.csv", "userId,movieId\n1,2\n", `a.csv: no column "user"; the columns are ["userId" "movieId"]`, nil},
		{"a.csv", "user,movieId\n1,2\n", `no column "item"`, nil},
		{"a.csv", "user,item\n1,2\n", `no column "stars"`, asked},
		{"a.csv", "user,item\n1,2\n", `no column "3"`, numbered},
		{"a.jsonl", `{"user":1,"movie":2}`, `no column "item"; the columns are ["user" "movie"]`, nil},
		{"a.jsonl", `{"user":1,"movie":2}`, `no column "1"`, func(o *interactions.Options) { o.UserCol = "1" }},
		{"a.parquet", "", `no column "score"; the columns are ["item" "user" "stars" "at"]`, func(o *interactions.Options) { o.ValueCol = "score" }},
		{"a.csv", "1,31,2.5\n1,32,4\n", `if the first line is a row, give --no-header`, nil},
		{"a.csv", "5,31,2.5\n1,32,4\n", `column 1 is called "5": if the first line is a row, give --no-header`, func(o *interactions.Options) { o.UserCol, o.ItemCol = "1", "2" }},
		{"a.csv", "user,item,user\n1,2,3\n", `two columns are called "user"`, nil},
		{"a.csv", "user,item\n1,2\n", `one column is asked for twice, as "user" and "1"`, func(o *interactions.Options) { o.ItemCol = "1" }},
		{"a.csv", "user::item::rating\n1::2::3\n", `a.csv: header: found one column "user::item::rating": give --separator ::`, nil},
		{"a.csv", "1;2;3\n", `give --separator ';'`, func(o *interactions.Options) { o.NoHeader = true }},
		{"a.csv", "user\titem\n1\t2\n", `give --separator '\t'`, nil},
		{"a.dat", "user|item\n1|2\n", `give --separator '|'`, func(o *interactions.Options) { o.Separator = "::" }},
		{"a.tsv", "user,item\n1,2\n", "give --separator ,", nil},
		{"a.dat", "user,item\n1,2\n", "give --input-format", nil},
		{"a.csv", "", "the input has no rows", nil},
		{"a.csv", "\n\n\r\n", "the input has no rows", nil},
		{"a.csv", "user,item\n\n", "the input has no rows", nil},
		{"a.csv.gz", "user,item\n", "the input has no rows", nil},
		{"a.jsonl", "\n", "the input has no rows", nil},
		{"a.dat", "user::item\n\n", "the input has no rows", func(o *interactions.Options) { o.Separator = "::" }},
		{"a.dat", "\n", "the input has no rows", func(o *interactions.Options) { o.Format = "lines" }},
		{"a.csv", "us\"er,item\n1,2\n", "bare", nil},
		{"a.csv", "\xff\xfeu\x00", "UTF-16", nil},
		{"a.dat", "\xff\xfeu\x00", "UTF-16", func(o *interactions.Options) { o.Format = "baskets" }},
		{"a.csv", "user,item\n1,2\n", `--user-col and --item-col are both "id"`, func(o *interactions.Options) { o.UserCol, o.ItemCol = "id", "id" }},
		{"a.csv", "user,item\n1,2\n", `--item-col and --value-col are both "item"`, func(o *interactions.Options) { o.ValueCol = "item" }},
	}
	for i, c := range cases {
		o := options(func(*interactions.Options) {})
		if c.change != nil {
			c.change(&o)
		}
		path := put(t, c.name, c.text)
		if strings.HasSuffix(c.name, ".parquet") {
			columnarRows(t, path, someRows(3))
		}
		cfg := configOf(t, o, path)
		_, err := mapreduce.Run(t.Context(), jobs.Standard(), echo(smallParts), cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) || mapreduce.ExitCode(mapreduce.Summary{}, err) != mapreduce.ExitInput {
			t.Errorf("case %d: %v, expected %q", i, err, c.want)
			continue
		}
		if n := strings.Count(err.Error(), path); n > 1 {
			t.Errorf("%v: the file is named %d times", err, n)
		}
		if left, _ := filepath.Glob(filepath.Join(cfg.Dir, "*")); len(left) > 0 {
			t.Errorf("case %d: %v is left", i, left)
		}
	}
}
