package recommend_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

func TestMain(m *testing.M) {
	all := append(benchJobs(), smallJob(), smallParts(), smallEvaluation(), mortalEvaluation())
	for _, place := range append(recommend.Places(), recommend.RulePlaces()[:1]...) {
		all = append(all, recommend.MortalJob(place, smallBytes))
	}
	for _, places := range recommend.ModelPlaces() {
		for _, place := range places {
			all = append(all, recommend.MortalJob(place, smallBytes))
		}
	}
	os.Exit(mrtest.Main(m, jobs.Standard(), all...))
}

// smallBytes makes several shards of a small dataset.
const smallBytes = 8 << 10

func smallJob() mapreduce.Job { return recommend.SmallJob("small", smallBytes) }

func smallParts() mapreduce.Job { return recommend.PartsJob("small-parts", smallBytes) }

func smallEvaluation() mapreduce.Job {
	return recommend.SmallEvaluationJob("small-evaluation", smallBytes)
}

func mortalEvaluation() mapreduce.Job {
	return recommend.MortalEvaluation("mortal-evaluation", smallBytes)
}

// config is a run in this process, of the defaults but for what change does.
func config(t testing.TB, change func(p *recommend.Params), inputs ...string) mapreduce.Config {
	t.Helper()
	p := recommend.Defaults()
	if change != nil {
		change(&p)
	}
	params, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return mapreduce.Config{
		Dir: filepath.Join(t.TempDir(), "job"), Params: params, Inputs: inputs, InProcess: true, Workers: 1, MaxRejects: mapreduce.MaxRejects{Share: .5},
	}
}

// smallCrowd writes a dataset of some thousand rows.
func smallCrowd(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	if err := (crowd{300, 120, 12}).write(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return input(t, b.String())
}

// input writes a CSV file.
func input(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in.csv")
	mrtest.Write(t, path, []byte(text))
	return path
}

// listed is a row of recommendations or of similar_items, with ids that are numbers.
type listed struct {
	of, rank, item int64
	score          float64
}

func listColumns(of, item, score string) table.Columns[listed] {
	return table.Columns[listed]{
		table.Int64(of, nil, func(r *listed, v int64) { r.of = v }),
		table.Int32("rank", nil, func(r *listed, v int32) { r.rank = int64(v) }),
		table.Int64(item, nil, func(r *listed, v int64) { r.item = v }),
		table.Float64(score, nil, func(r *listed, v float64) { r.score = v }),
	}
}

// lists reads recommendations.
func lists(t testing.TB, dir string) map[int64][]listed {
	t.Helper()
	return byOwner(t, dir, "recommendations", listColumns("user", "item", "score"))
}

// similar reads similar_items.
func similar(t testing.TB, dir string) map[int64][]listed {
	t.Helper()
	return byOwner(t, dir, "similar_items", listColumns("item", "neighbour", "similarity"))
}

func byOwner(t testing.TB, dir, dataset string, cols table.Columns[listed]) map[int64][]listed {
	t.Helper()
	m := map[int64][]listed{}
	for _, r := range rows(t, dir, dataset, cols) {
		m[r.of] = append(m[r.of], r)
		if r.rank != int64(len(m[r.of])) {
			t.Fatalf("%s of %d: rank %d is the row number %d", dataset, r.of, r.rank, len(m[r.of]))
		}
	}
	return m
}

// rows reads a dataset of the results.
func rows[R any](t testing.TB, dir, dataset string, cols table.Columns[R]) (all []R) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "out", dataset, "*.parquet"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files, %v", dataset, err)
	}
	for _, f := range files {
		r, err := parquetfile.Open(f, cols)
		if err != nil {
			t.Fatal(err)
		}
		for {
			var row R
			if err := r.Read(&row); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			all = append(all, row)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// idList lists the ids of a dictionary that a job left, which are numbers.
func idList(t testing.TB, dir, name string) (list []int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "stages", "*", "data", name, "*.ids"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%s: %d files, %v", name, len(files), err)
	}
	d, err := ids.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range d.Len() {
		list = append(list, d.Int(i))
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return list
}
