package recommend

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/tabular"
	"github.com/shardmill/shardmill/mapreduce"
)

// readAll reads a file of a flag: the ids and attributes of each row, with spaces between them.
func readAll(t *testing.T, flag, name, text string, change func(p *Params)) (rows []string, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := Defaults()
	p.Allow, p.Block, p.BlockPairs, p.Users, p.Items = path, path, path, path, path
	p.Rules = []string{"price < 3", "max 1 per the", "the = 2"}
	if change != nil {
		change(&p)
	}
	f, ok := p.listFile(flag)
	if !ok {
		t.Fatalf("no file of --%s", flag)
	}
	err = f.each(func(ids [][]byte, cells []tabular.Cell) error {
		row := string(bytes.Join(ids, []byte(" ")))
		for _, c := range cells {
			row += " " + string(c.AppendText(nil))
		}
		rows = append(rows, row)
		return nil
	})
	return rows, err
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// parquet is a file of items with prices, some of which are null, and of "the".
func parquet(t *testing.T) string {
	t.Helper()
	type row struct {
		item  int64
		price string
	}
	var b bytes.Buffer
	w, err := parquetfile.NewFiles(func() table.Columns[row] {
		return table.Columns[row]{
			table.Int64("item", func(r *row) int64 { return r.item }, nil),
			table.NullString("price", func(r *row) (string, bool) { return r.price, r.price != "" }, nil),
			table.Float64("the", func(r *row) float64 { return float64(r.item) / 2 }, nil),
		}
	}).Create(&b)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []row{{7, "2"}, {8, ""}} {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestListFiles(t *testing.T) {
	named := func(p *Params) { p.UserCol, p.ItemCol = "who", "what" }
	for _, c := range []struct {
		flag, name, text string
		change           func(p *Params)
		want             []string
	}{
		{"allow", "a.txt", "x\n\ny z\r\n", nil, []string{"x", "y z"}},
		{"allow", "a", "", nil, nil},
		{"allow", "a.list.gz", zipped(t, "x\ny\n"), nil, []string{"x", "y"}},
		{"block", "a.csv", "item\nx\n\"y,z\"\n", nil, []string{"x", "y,z"}},
		{"block", "a.csv", "n,what\n1,x\n", named, []string{"x"}},
		{"block", "a.csv", "n,item\n1,x\n", named, []string{"x"}},
		{"block", "a.jsonl", "{\"item\": 5, \"n\": [1]}\n", nil, []string{"5"}},
		{"block", "a.jsonl", "", nil, nil},
		{"users", "a.tsv.gz", zipped(t, "item\tuser\nx\tann\n"), nil, []string{"ann"}},
		{"users", "users", "ann\nbob", nil, []string{"ann", "bob"}},
		{"block-pairs", "a.csv", "item,user\nx,ann\n", nil, []string{"ann x"}},
		{"block-pairs", "a.csv", "what,who,item\nx,ann,no\n", named, []string{"ann x"}},
		{"block-pairs", "a.txt", "ann\tx\nbob\ty z\n", nil, []string{"ann x", "bob y z"}},
		{"items", "a.csv", "the,price,item\n1,,x\n,2,y\n", nil, []string{"x  1", "y 2 "}},
		{"items", "a.jsonl", "{\"item\": \"x\", \"price\": 1.50, \"the\": true}\n{\"item\": \"y\", \"price\": null}\n", nil, []string{"x 1.50 true", "y  "}},
		{"items", "a.parquet", parquet(t), nil, []string{"7 2 3.5", "8  4"}},
		{"allow", "a.parquet", parquet(t), nil, []string{"7", "8"}},
	} {
		got, err := readAll(t, c.flag, c.name, c.text, c.change)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("--%s %s: %q, %v, want %q", c.flag, c.name, got, err, c.want)
		}
	}
}

// TestListFilesRefuse: errors name the flag, the file and, where it is known, the row.
func TestListFilesRefuse(t *testing.T) {
	for _, c := range []struct{ flag, name, text, want string }{
		{"allow", "a.csv", "x\ny\n", `a.csv: `},
		{"allow", "a.csv", "x\ny\n", `"item"`},
		{"allow", "a.txt", "x\nann\tx\n", "a.txt, line 2: a tab"},
		{"allow", "a.txt", "x\n\xff\n", "a.txt, line 2: "},
		{"allow", "a.csv", "item,n\nx,1\n,2\n", `a.csv, line 3: no id in column "item"`},
		{"allow", "a.csv", "item,n\nx,1,2\n", `a.csv, line 2: `},
		{"allow", "a.jsonl", "{\"item\": [1]}\n", `a.jsonl, line 1: `},
		{"allow", "a.csv.gz", "item\nx\n"[:3], `a.csv.gz: `},
		{"allow", "a.parquet", "no parquet", `a.parquet: `},
		{"block", "a.csv", "user,item\nann,x\n", `it has a column "user" too: items that are blocked for single users are given by --block-pairs`},
		{"users", "a.csv", "item\nx\n", `"user"`},
		{"block-pairs", "a.csv", "item\nx\n", `"user"`},
		{"block-pairs", "a.txt", "ann\tx\nann,y\n", "a.txt, line 2: not a user, a tab and an item"},
		{"block-pairs", "a.txt", "ann\t\n", "a.txt, line 1: not a user, a tab and an item"},
		{"items", "a.csv", "item,price\nx,1\n", `"the"`},
		{"items", "a.txt", "x\n", "columns of CSV, TSV, JSON lines or Parquet"},
	} {
		_, err := readAll(t, c.flag, c.name, c.text, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "--"+c.flag+" ") || mapreduce.ClassOf(err) != mapreduce.Input {
			t.Errorf("--%s %q: %v, want %q", c.flag, c.text, err, c.want)
		}
	}
}

// TestListFileOfPipe: what may be empty when it is read again is refused, and a pipe without a writer is not waited for.
func TestListFileOfPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe.csv")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skipf("no pipe: %v", err)
	}
	for _, path := range []string{pipe, t.TempDir(), os.DevNull} {
		p := Defaults()
		p.Block = path
		_, err := newRecommendation(p).ruleFiles()
		if !errors.Is(err, errNotFile) || mapreduce.ClassOf(err) != mapreduce.Input || !strings.HasPrefix(err.Error(), "--block "+path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestBlockOfPairs: a table of users and items blocks nothing for all, whatever the columns of the inputs are called.
func TestBlockOfPairs(t *testing.T) {
	for text, users := range map[string]string{
		"user,item\nann,x\n": "user", "user,what\nann,x\n": "user", "who,item\nann,x\n": "who",
	} {
		_, err := readAll(t, "block", "a.csv", text, func(p *Params) { p.UserCol, p.ItemCol = "who", "what" })
		if err == nil || !strings.Contains(err.Error(), "it has a column "+strconv.Quote(users)+" too") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestReasons: the rule that took most is named, of equal ones the last.
func TestReasons(t *testing.T) {
	one := &ruling{worst: "--rule price < 3", took: 4, limited: []string{"--rule max 1 per a", "--rule max 2 per b"}}
	for _, c := range []struct {
		rules *ruling
		last  took
		has   int
		n     int
		want  string
	}{
		{one, took{}, 3, 1, "too few candidates after --rule price < 3"},
		{one, took{1, 3}, 3, 1, "too few candidates after --rule price < 3"},
		{one, took{1, 4}, 3, 1, "too few candidates after --rule max 2 per b"},
		{one, took{0, 9}, 3, 1, "too few candidates after --rule max 1 per a"},
		{one, took{}, 0, 0, reasonNoneKnown},
		{one, took{}, 9, 1, reasonHasAll},
		{&ruling{}, took{}, 3, 1, reasonNoCandidates},
		{&ruling{limited: one.limited}, took{1, 1}, 3, 1, "too few candidates after --rule max 2 per b"},
	} {
		s := &serving{rules: c.rules, main: &limited{last: c.last}}
		if got := s.reason(rowOf(c.has), c.n, 10); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
	popular := &serving{least: 5, main: &limited{}, popular: &limited{}}
	if got := popular.reason(rowOf(3), 1, 10); got != reasonNoMore {
		t.Errorf("a fallback: %q", got)
	}
}

func rowOf(n int) *matrix.Row {
	r := &matrix.Row{}
	for i := range n {
		r.Columns = append(r.Columns, uint32(i))
	}
	return r
}
