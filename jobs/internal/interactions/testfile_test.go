package interactions_test

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/internal/interactions"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// told is an interaction, and whether it is of the test file.
type told struct {
	User string
	Test bool
}

func toldColumns() table.Columns[told] {
	return table.Columns[told]{
		table.String("user", func(r *told) string { return r.User }, func(r *told, v string) { r.User = v }),
		table.Bool("test", func(r *told) bool { return r.Test }, func(r *told, v bool) { r.Test = v }),
	}
}

// tell tells which rows are of the test file.
func tell(test string) mapreduce.Job {
	return mapreduce.New("tell", 1, interactions.Defaults(), func(o interactions.Options) ([]mapreduce.Stage, error) {
		if o.Test = test; o.Check() != nil {
			return nil, o.Check()
		}
		out := &mapreduce.Dataset[told]{Name: "told", Ext: "parquet", Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[told], error) {
			return parquetfile.Create(w, toldColumns())
		}}
		write := mapreduce.MapFunc[interactions.Row](func(_ context.Context, i int, r *interactions.Row, o *mapreduce.Out) error {
			out.Write(o, i, told{string(r.User), r.Test})
			return nil
		})
		src := interactions.NewSource(o, mapreduce.Target{Rows: 100_000, Bytes: smallParts})
		return []mapreduce.Stage{mapreduce.NewStage("tell", src, 512, write.Mapper, out)}, nil
	})
}

// readTold reads what the job left.
func readTold(t *testing.T, dir string) (rows []told) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "out", "told", "*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		in, err := parquetfile.Open(p, toldColumns())
		if err != nil {
			t.Fatal(err)
		}
		for {
			var r told
			if err := in.Read(&r); err != nil {
				break
			}
			rows = append(rows, r)
		}
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

// TestTestFile: rows of the last file are marked, in tables and in lines, and what is wrong in it is a reject that names it.
func TestTestFile(t *testing.T) {
	for _, c := range []struct {
		name   string
		format string
		texts  [3]string
		bad    int64 // line of the test file that is a reject
	}{
		{"csv", "auto", [3]string{"user,item\na,1\nb,2\n", "user,item\nc,3\n", "user,item\nd,4\ne,\nf,5\n"}, 3},
		{"txt", "lines", [3]string{"a 1\nb 2\n", "c 3\n", "d 4\ne\nf 5\n"}, 2},
	} {
		dir := t.TempDir()
		var paths []string
		for i, text := range c.texts {
			paths = append(paths, filepath.Join(dir, string(rune('x'+i))+"."+c.name))
			putAt(t, paths[i], text)
		}
		cfg := configOf(t, options(func(o *interactions.Options) { o.Format = c.format }), paths...)
		if _, err := mapreduce.Run(context.Background(), jobs.Standard(), tell(paths[2]), cfg); err != nil {
			t.Fatal(err)
		}
		want := []told{{"a", false}, {"b", false}, {"c", false}, {"d", true}, {"f", true}}
		if diff := gocmp.Diff(want, readTold(t, cfg.Dir)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.format, diff)
		}
		rejects := mrtest.Rejects(t, jobs.Standard(), cfg.Dir)
		if len(rejects) != 1 || rejects[0].Input != paths[2] || rejects[0].Line != c.bad {
			t.Errorf("%s: %+v", c.format, rejects)
		}
	}
}

// TestBadTestFile: errors name the flag and the file.
func TestBadTestFile(t *testing.T) {
	dir := t.TempDir()
	in, test := filepath.Join(dir, "in.csv"), filepath.Join(dir, "test.csv")
	putAt(t, in, "user,item\na,1\n")
	putAt(t, test, "user,item\na,2\n")
	for _, c := range []struct {
		test   string
		inputs []string
		want   string
	}{
		{test, []string{test}, "no other input"},
		{test, []string{test, in}, "not the last input"},
		{test, []string{in}, "not the last input"},
		{test, []string{in, test, test}, "among the other inputs"},
		{test, []string{dir, test}, "among the other inputs"},
		{dir, []string{in, dir}, "one file"},
		{filepath.Join(dir, "t*.csv"), []string{in, filepath.Join(dir, "t*.csv")}, "one file"},
	} {
		_, err := mapreduce.Run(context.Background(), jobs.Standard(), tell(c.test), configOf(t, interactions.Defaults(), c.inputs...))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "--test "+c.test) || mapreduce.ClassOf(err) != mapreduce.Input {
			t.Errorf("--test %s of %q: %v, expected %q", c.test, c.inputs, err, c.want)
		}
	}
}

// TestParseTime: times of flags are those of columns.
func TestParseTime(t *testing.T) {
	for s, want := range map[string]int64{"2020-01-02": 1577923200, "1577923200000": 1577923200, "2020-01-02T01:00:00+01:00": 1577923200} {
		if got, ok := interactions.ParseTime(s); !ok || got != want {
			t.Errorf("%q: %d, %v", s, got, ok)
		}
	}
	if _, ok := interactions.ParseTime("tomorrow"); ok {
		t.Error("tomorrow is a time")
	}
}
