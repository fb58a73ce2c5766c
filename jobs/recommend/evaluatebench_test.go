package recommend_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/bench"
	"github.com/shardmill/shardmill/jobs/internal/datasets"
	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
)

// trialsTask asks for the configurations of an evaluation one after the other, without a job.
type trialsTask struct {
	Dir    string // of the evaluation, with its matrices
	Params recommend.EvaluationParams
}

// run opens the matrices and trains and measures each configuration in this process; only the latter counts.
func (task trialsTask) run() (cpu float64, err error) {
	rows := map[string]int{}
	for _, name := range []string{"user_ids", "item_ids"} {
		files, err := filepath.Glob(filepath.Join(task.Dir, "stages", "*", "data", name, "*.ids"))
		if err != nil || len(files) != 1 {
			return 0, fmt.Errorf("%s: %d files, %w", name, len(files), err)
		}
		d, err := ids.Open(files[0])
		if err != nil {
			return 0, err
		}
		rows[name] = d.Len()
	}
	open := func(name string, of, by int) *matrix.Matrix {
		files, globErr := filepath.Glob(filepath.Join(task.Dir, "stages", "*", "data", name, "*.matrix"))
		if globErr != nil && err == nil {
			err = globErr
		}
		m, openErr := matrix.Open(files, of, by)
		if openErr != nil && err == nil {
			err = openErr
		}
		return m
	}
	users, items := rows["user_ids"], rows["item_ids"]
	fit, fitItems, valid := open("fit", users, items), open("fit_items", items, users), open("valid", users, items)
	if err != nil {
		return 0, err
	}
	seconds, err := recommend.TrialsAlone(context.Background(), task.Params, fit, fitItems, valid, bench.CPU)
	for _, s := range seconds {
		cpu += s
	}
	return cpu, err
}

// fortyConfigurations are what the benchmark compares.
func fortyConfigurations() recommend.EvaluationParams {
	p := recommend.EvaluationDefaults()
	p.Algorithm = "popularity,cosine,tfidf,bm25,jaccard,llr,rp3beta,als,ease"
	p.Grid = []string{
		"k=20,50,100,200", "rp3beta:k=100,200", "rp3beta:beta=0.1,0.2,0.3,0.4", "als:regularization=1,10,50", "als:alpha=10,40",
		"lambda=50,100,200,400,800",
	}
	return p
}

// BenchmarkTrialsOverAlone compares the tasks that try 40 configurations, in all workers, with what each configuration costs alone, in
// one process that has opened the matrices.
func BenchmarkTrialsOverAlone(b *testing.B) {
	train := datasets.Path(b, "splits", "lastfm-hash80", "train.csv")
	p, rounds := fortyConfigurations(), bench.Setting(b, "BENCH_ROUNDS", 3)
	var tasks, wall, jobs, alone bench.Series
	for b.Loop() {
		tasks, wall, jobs, alone = nil, nil, nil, nil
		for range rounds {
			dir := filepath.Join(b.TempDir(), "job")
			task := benchTask{Name: recommend.EvaluationJob().Name(), Job: &bench.Job{Params: paramsOf(b, p), Input: train, Dir: dir, Keep: true}}
			a, c := bench.Call[benchTask, benchAnswer](b, "TestBenchChild", task)
			if a.Run.Refused != "" {
				b.Fatal(a.Run.Refused)
			}
			n, cpu := 0, 0.
			for u, err := range mapreduce.Usages(dir, "05-trials") {
				if err != nil {
					b.Fatal(err)
				}
				cpu += u.CPUSeconds
				if u.Kind == "reduce" {
					n++
				}
			}
			if n != 40 {
				b.Fatalf("%d configurations", n)
			}
			tasks, wall, jobs = append(tasks, cpu), append(wall, c.Wall), append(jobs, c.CPU)
			a, _ = bench.Call[benchTask, benchAnswer](b, "TestBenchChild", benchTask{Trials: &trialsTask{dir, p}})
			alone = append(alone, a.CPU)
			if err := os.RemoveAll(dir); err != nil {
				b.Fatal(err)
			}
		}
	}
	_, _ = fmt.Printf("\n40 configurations: %d workers, %d rounds: CPU s, medians (least to greatest)\n", bench.Cores, rounds)
	_, _ = fmt.Printf("the whole job       %s, wall %.2f s\nthe trials' tasks   %s\nconfigurations alone %s\n", jobs, wall.Median(), tasks, alone)
	_, _ = fmt.Printf("\n%-36s medians  leasts  limit\n", "ratios of")
	ratio(b, "trials/alone", "at most 1.3", tasks, alone)
}

// paramsOf are parameters by their names.
func paramsOf(b *testing.B, p recommend.EvaluationParams) (m map[string]any) {
	b.Helper()
	text, err := json.Marshal(p)
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		b.Fatal(err)
	}
	return m
}
