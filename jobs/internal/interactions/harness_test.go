package interactions_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/internal/interactions"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// TestMain makes the test binary its own worker program.
func TestMain(m *testing.M) {
	os.Exit(mrtest.Main(m, jobs.Standard(), echo(largeParts), echo(smallParts), echo(tinyParts)))
}

// Parts of files, in bytes: of many files at once, of a file of a few rows, and of a line.
const (
	largeParts = 1 << 20
	smallParts = 512
	tinyParts  = 5
)

// echo writes interactions as they come.
func echo(partBytes int64) mapreduce.Job {
	return mapreduce.New(fmt.Sprintf("echo-%d", partBytes), 1, interactions.Defaults(), func(o interactions.Options) ([]mapreduce.Stage, error) {
		if err := o.Check(); err != nil {
			return nil, err
		}
		out := &mapreduce.Dataset[row]{Name: "rows", Ext: "parquet", Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[row], error) {
			return parquetfile.Create(w, columns())
		}}
		write := mapreduce.MapFunc[interactions.Row](func(_ context.Context, i int, r *interactions.Row, o *mapreduce.Out) error {
			out.Write(o, i, row{r.Input, r.Line, string(r.User), string(r.Item), r.Value, r.Time})
			return nil
		})
		src := interactions.NewSource(o, mapreduce.Target{Rows: 100_000, Bytes: partBytes})
		return []mapreduce.Stage{mapreduce.NewStage("echo", src, 512, write.Mapper, out)}, nil
	})
}

// row is an interactions.Row as it came out of a job.
type row struct {
	Input      string
	Line       int64
	User, Item string
	Value      float64
	Time       int64
}

func columns() table.Columns[row] {
	return table.Columns[row]{
		table.String("input", func(r *row) string { return r.Input }, func(r *row, v string) { r.Input = v }),
		table.Int64("line", func(r *row) int64 { return r.Line }, func(r *row, v int64) { r.Line = v }),
		table.String("user", func(r *row) string { return r.User }, func(r *row, v string) { r.User = v }),
		table.String("item", func(r *row) string { return r.Item }, func(r *row, v string) { r.Item = v }),
		table.Float64("value", func(r *row) float64 { return r.Value }, func(r *row, v float64) { r.Value = v }),
		table.Int64("time", func(r *row) int64 { return r.Time }, func(r *row, v int64) { r.Time = v }),
	}
}

// result is what a job made of its inputs.
type result struct {
	dir     string
	summary mapreduce.Summary
	rows    []row
	rejects []mapreduce.Reject
}

// configOf is a run in this process.
func configOf(t testing.TB, o interactions.Options, inputs ...string) mapreduce.Config {
	t.Helper()
	params, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return mapreduce.Config{
		Dir: filepath.Join(t.TempDir(), "job"), Params: params, Inputs: inputs, Workers: 1, InProcess: true,
		MaxRejects: mapreduce.MaxRejects{Rows: math.MaxInt64, Set: true},
	}
}

// read runs a job and reads its rows.
func read(t testing.TB, partBytes int64, o interactions.Options, inputs ...string) result {
	t.Helper()
	return readConfig(t, partBytes, configOf(t, o, inputs...))
}

func readConfig(t testing.TB, partBytes int64, cfg mapreduce.Config) result {
	t.Helper()
	r := result{dir: cfg.Dir}
	var err error
	if r.summary, err = mapreduce.Run(context.Background(), jobs.Standard(), echo(partBytes), cfg); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(cfg.Dir, "out", "rows", "*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		r.rows = append(r.rows, readPart(t, p)...)
	}
	r.rejects = mrtest.Rejects(t, jobs.Standard(), cfg.Dir)
	return r
}

func readPart(t testing.TB, path string) (rows []row) {
	t.Helper()
	in, err := parquetfile.Open(path, columns())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }() // only read
	for {
		var r row
		if err := in.Read(&r); errors.Is(err, io.EOF) {
			return rows
		} else if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
}

// options are the defaults with changes.
func options(change func(o *interactions.Options)) interactions.Options {
	o := interactions.Defaults()
	change(&o)
	return o
}
