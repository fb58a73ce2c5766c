package recommend_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/shardmill/shardmill/jobs/internal/als"
	"github.com/shardmill/shardmill/jobs/internal/bench"
	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/recommend"
)

// alsIterations are those of a job that is measured: the second and the third are like most. The first one has no vectors of users to start
// from, and the last one writes the vectors as results, too.
const alsIterations = 4

// alsTask asks for iterations without a job.
type alsTask struct {
	Dir     string // of a job, with its matrices
	Factors int
}

// alsAnswer is the seconds of each iteration.
type alsAnswer struct{ CPU, Wall []float64 }

// run does in this process, in one goroutine a core, what the half-steps of a job do between reading and writing.
func (task alsTask) run() (a alsAnswer, err error) {
	users, items, err := matrices(task.Dir)
	if err != nil {
		return a, err
	}
	o := als.Defaults()
	o.Factors, o.Regularization, o.Alpha = task.Factors, 50, 10
	x, y := factors.New(users.Rows(), o.Factors), factors.New(items.Rows(), o.Factors)
	for _, m := range []*factors.Matrix{x, y} {
		for i := range m.Rows() {
			als.Initial(uint64(m.Rows()), i, o.Factors, m.Row(i))
		}
	}
	for range alsIterations {
		cpu, start := bench.CPU(), time.Now()
		if err := halfStep(o, users, x, y); err != nil {
			return a, err
		}
		if err := halfStep(o, items, y, x); err != nil {
			return a, err
		}
		a.CPU, a.Wall = append(a.CPU, bench.CPU()-cpu), append(a.Wall, time.Since(start).Seconds())
	}
	return a, nil
}

// halfStep makes the vectors x of the rows of m from those of its columns.
func halfStep(o als.Options, m *matrix.Matrix, x, y *factors.Matrix) error {
	sums, err := gram(y)
	if err != nil {
		return err
	}
	return inRanges(m.Rows(), func() (func(lo, hi int) error, error) {
		s, err := als.NewSolver(o, sums, y)
		return func(lo, hi int) error {
			for i := lo; i < hi; i++ {
				columns, values := m.Row(i)
				if err := s.Row(columns, values, x.Row(i), x.Row(i)); err != nil {
					return err
				}
			}
			return nil
		}, err
	})
}

// gram is the sums of the products of all rows.
func gram(y *factors.Matrix) ([]float64, error) {
	parts := make([][]float64, y.Rows()/benchRange+1)
	err := inRanges(y.Rows(), func() (func(lo, hi int) error, error) {
		return func(lo, hi int) error {
			g := als.NewGram(y.K())
			for i := lo; i < hi; i++ {
				g.Add(y.Row(i))
			}
			parts[lo/benchRange] = g.Sums()
			return nil
		}, nil
	})
	sums := make([]float64, als.PackedLen(y.K()))
	for _, p := range parts {
		for i, v := range p {
			sums[i] += v
		}
	}
	return sums, err
}

const benchRange = 256 // rows

// inRanges does something for all ranges of rows, in one goroutine a core.
func inRanges(rows int, worker func() (func(lo, hi int) error, error)) error {
	var next atomic.Int64
	var work errgroup.Group
	for range bench.Cores {
		work.Go(func() error {
			do, err := worker()
			for err == nil {
				lo := int(next.Add(benchRange)) - benchRange
				if lo >= rows {
					break
				}
				err = do(lo, min(lo+benchRange, rows))
			}
			return err
		})
	}
	return work.Wait()
}

// alsFigures is what was measured of vectors of some length.
type alsFigures struct {
	figures
	factors          int
	alone, aloneWall bench.Series // seconds of an iteration
}

// BenchmarkALSOverKernel compares the half-steps of als, of all workers, with their arithmetic alone.
func BenchmarkALSOverKernel(b *testing.B) {
	c := crowd{bench.Setting(b, "BENCH_USERS", 53_424), 10_000, 118}
	rounds := bench.Setting(b, "BENCH_ROUNDS", 3)
	all := []*alsFigures{{factors: 64}, {factors: 128}}
	for b.Loop() {
		for _, f := range all {
			*f = alsFigures{factors: f.factors, figures: figures{crowd: c, jobs: map[string]*jobFigures{}}}
		}
		for range rounds {
			for _, f := range all {
				f.round(b)
			}
		}
	}
	reportALS(b, all, rounds)
}

func (f *alsFigures) round(b *testing.B) {
	b.Helper()
	path, size := f.crowd.file(b)
	f.bytes = size
	dir := filepath.Join(b.TempDir(), "job")
	params := map[string]any{"algorithm": recommend.ALS, "factors": f.factors, "iterations": alsIterations}
	task := benchTask{Name: "recommend", Job: &bench.Job{Params: params, Input: path, Dir: dir, Keep: true}}
	a, c := bench.Call[benchTask, benchAnswer](b, "TestBenchChild", task)
	if a.Run.Refused != "" {
		b.Fatal(a.Run.Refused)
	}
	f.add(b, recommend.ALS, dir, a.Run, c)
	a, _ = bench.Call[benchTask, benchAnswer](b, "TestBenchChild", benchTask{ALS: &alsTask{dir, f.factors}})
	f.alone, f.aloneWall = append(f.alone, a.ALS.CPU[1:]...), append(f.aloneWall, a.ALS.Wall[1:]...)
	if err := os.RemoveAll(dir); err != nil {
		b.Fatal(err)
	}
}

// iteration is the CPU seconds of some iterations in the job.
func (f *alsFigures) iteration(numbers ...int) (all bench.Series) {
	for _, t := range numbers {
		users, items := f.stage(recommend.ALS, fmt.Sprintf("users-%02d", t)), f.stage(recommend.ALS, fmt.Sprintf("items-%02d", t))
		for i := range users {
			all = append(all, users[i]+items[i])
		}
	}
	return all
}

func reportALS(b *testing.B, all []*alsFigures, rounds int) {
	b.Helper()
	_, _ = fmt.Printf("\nals: %d cores, %d rounds: CPU s, medians (least to greatest)\n", bench.Cores, rounds)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, f := range all {
		j := f.jobs[recommend.ALS]
		_, _ = fmt.Fprintf(w, "%d factors\t%s\twall %.2f s\tdriver %.0f MiB\tlargest worker %.0f MiB\n", f.factors, j.cpu, j.wall.Median(), j.driverRSS.Median(), j.workerRSS.Median())
		for _, stage := range slices.Sorted(maps.Keys(j.stages)) {
			_, _ = fmt.Fprintf(w, "  %s\t%s\n", stage, *j.stages[stage])
		}
		_, _ = fmt.Fprintf(w, "an iteration\t%s\n(its arithmetic alone)\t%s\twall %s\n", f.iteration(2, 3), f.alone, f.aloneWall)
	}
	_ = w.Flush()
	_, _ = fmt.Printf("\n%-36s medians  leasts  limit\n", "ratios of")
	for _, f := range all {
		ratio(b, fmt.Sprintf("iteration/arithmetic:%d", f.factors), "at most 1.3", f.iteration(2, 3), f.alone)
		ratio(b, fmt.Sprintf("last iteration/arithmetic:%d", f.factors), "(writes results)", f.iteration(alsIterations), f.alone)
	}
	wall, cpu := all[0].aloneWall, all[0].alone
	_, _ = fmt.Printf("%-36s %7.2f %7.2f  at most .40\n", "arithmetic:64, wall s", wall.Median(), wall.Least())
	_, _ = fmt.Printf("%-36s %7.2f %7.2f  (the wall of a quiet machine)\n", "arithmetic:64, CPU s a core", cpu.Median()/bench.Cores, cpu.Least()/bench.Cores)
	b.ReportMetric(wall.Least(), "wall-s-arithmetic:64")
}
