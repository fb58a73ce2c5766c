package recommend_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"

	"golang.org/x/sync/errgroup"

	"github.com/shardmill/shardmill/jobs/internal/bench"
	"github.com/shardmill/shardmill/jobs/internal/dense"
	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
)

// crowd is a made-up dataset of who had what: each user draws from a few of the genres that the items are of, popular items
// more often (Zipf).
type crowd struct {
	users, items int
	mean         float64 // items of a user
}

const (
	crowdGenres = 20
	genresOf    = 3   // of a user
	inGenre     = .75 // of what a user has
)

// write writes "user,item", users in a random order.
func (c crowd) write(w *bufio.Writer) error {
	r := rand.New(rand.NewPCG(1, uint64(c.users)))
	all, genre := newZipf(c.items), newZipf((c.items+crowdGenres-1)/crowdGenres)
	if _, err := w.WriteString("user,item\n"); err != nil {
		return err
	}
	has := make([]bool, c.items)
	var list []int
	var line []byte
	for _, user := range r.Perm(c.users) {
		var likes [genresOf]int
		for i := range likes {
			likes[i] = r.IntN(crowdGenres)
		}
		list = list[:0]
		n := min(5+int(r.ExpFloat64()*(c.mean-5)), c.items/8)
		for tries := 0; len(list) < n && tries < 20*n; tries++ {
			item := all.draw(r)
			if r.Float64() < inGenre {
				item = genre.draw(r)*crowdGenres + likes[r.IntN(genresOf)]
			}
			if item < c.items && !has[item] {
				has[item] = true
				list = append(list, item)
			}
		}
		for _, item := range list {
			has[item] = false
			line = strconv.AppendInt(line[:0], int64(user), 10)
			line = strconv.AppendInt(append(line, ','), int64(item), 10)
			if _, err := w.Write(append(line, '\n')); err != nil {
				return err
			}
		}
	}
	return nil
}

// zipf draws numbers from 0 on, n with a probability that goes down with 1/(n+1)^.8.
type zipf struct{ sums []float64 }

func newZipf(n int) zipf {
	z := zipf{make([]float64, n)}
	sum := 0.
	for i := range z.sums {
		sum += math.Pow(float64(i+1), -.8)
		z.sums[i] = sum
	}
	return z
}

func (z zipf) draw(r *rand.Rand) int {
	at, _ := slices.BinarySearch(z.sums, r.Float64()*z.sums[len(z.sums)-1])
	return min(at, len(z.sums)-1)
}

// file is where the dataset is, made where it is missing.
func (c crowd) file(b *testing.B) (path string, size int64) {
	b.Helper()
	return bench.File(b, fmt.Sprintf("crowd-1-%d-%d-%.0f.csv", c.users, c.items, c.mean), c.write)
}

// benchTask is what a child does: one of these.
type benchTask struct {
	Job    *bench.Job
	Name   string // of the job
	Kernel string // job directory with matrices, of which the similarities are computed
	Peak   int    // factors, of which the dense kernel's peak is measured
	ALS    *alsTask
	Trials *trialsTask
}

type benchAnswer struct {
	Run     bench.Run
	CPU     float64 // seconds, of what was measured in the child
	PerCPUs float64 // operations in a CPU second
	Pairs   int64
	ALS     alsAnswer
}

const benchFactors = 64

func benchJobs() []mapreduce.Job {
	return []mapreduce.Job{recommend.Job(), recommend.FactorsJob(benchFactors), recommend.EvaluationJob()}
}

func TestBenchChild(t *testing.T) {
	bench.Serve(t, func(task benchTask) (a benchAnswer, err error) {
		switch {
		case task.Job != nil:
			for _, j := range benchJobs() {
				if j.Name() == task.Name {
					a.Run, err = task.Job.Run(j)
				}
			}
		case task.ALS != nil:
			a.ALS, err = task.ALS.run()
		case task.Trials != nil:
			a.CPU, err = task.Trials.run()
		case task.Kernel != "":
			a.CPU, a.Pairs, err = similarities(task.Kernel)
		default:
			a.PerCPUs = peak(task.Peak)
		}
		return a, err
	})
}

// similarities computes the cosines of all items, K = 20, by one kernel a core, and returns the CPU seconds of that.
func similarities(dir string) (cpu float64, pairs int64, err error) {
	users, items, err := matrices(dir)
	if err != nil {
		return 0, 0, err
	}
	m := neighbours.Defaults(neighbours.Cosine)
	m.K = 20
	start := bench.CPU()
	var next atomic.Int64
	var work errgroup.Group
	for range bench.Cores {
		work.Go(func() error {
			k, err := neighbours.NewKernel(m, users, items)
			if err != nil {
				return err
			}
			var list []neighbours.Neighbour
			for i := next.Add(1) - 1; i < int64(items.Rows()); i = next.Add(1) - 1 {
				list = k.Row(int(i), list[:0])
			}
			return nil
		})
	}
	err = work.Wait()
	return bench.CPU() - start, users.Entries(), err
}

// matrices opens what a job left: its users by items, and its items by users.
func matrices(dir string) (users, items *matrix.Matrix, err error) {
	rows := map[string]int{}
	for _, name := range []string{"user_ids", "item_ids"} {
		files, err := filepath.Glob(filepath.Join(dir, "stages", "*", "data", name, "*.ids"))
		if err != nil || len(files) != 1 {
			return nil, nil, fmt.Errorf("%s: %d files, %w", name, len(files), err)
		}
		d, err := ids.Open(files[0])
		if err != nil {
			return nil, nil, err
		}
		rows[name] = d.Len()
	}
	open := func(name, of, by string) (*matrix.Matrix, error) {
		files, err := filepath.Glob(filepath.Join(dir, "stages", "*", "data", name, "*.matrix"))
		if err != nil {
			return nil, err
		}
		return matrix.Open(files, rows[of], rows[by])
	}
	if users, err = open("user_items", "user_ids", "item_ids"); err != nil {
		return nil, nil, err
	}
	items, err = open("item_users", "item_ids", "user_ids")
	return users, items, err
}

// peak is what the dense kernel reaches on all cores at once, in operations a CPU second.
func peak(factors int) float64 {
	const tiles = 2_000_000
	done := make([]float64, bench.Cores)
	start := bench.CPU()
	var work sync.WaitGroup
	for i := range done {
		work.Go(func() { done[i] = dense.Kernels()[0].Peak(factors, tiles) })
	}
	work.Wait()
	sum := 0.
	for _, n := range done {
		sum += n
	}
	return sum / (bench.CPU() - start)
}

// variant is a job that is measured.
type variant struct {
	name   string
	job    string
	params map[string]any
}

func variants() []variant {
	return []variant{
		{"cosine", "recommend", map[string]any{"algorithm": "cosine", "k": 20}},
		{"rp3beta", "recommend", map[string]any{"algorithm": "rp3beta"}},
		{"factors", "factors", nil},
	}
}

// figures is what was measured on one dataset.
type figures struct {
	crowd  crowd
	bytes  int64
	pairs  int64
	kernel bench.Series // CPU seconds
	peak   bench.Series // GFLOP a CPU second
	jobs   map[string]*jobFigures
}

type jobFigures struct {
	cpu, wall, driverRSS, workerRSS bench.Series
	stages                          map[string]*bench.Series // CPU seconds of the tasks of a stage
}

// BenchmarkOverKernel compares whole jobs, from CSV to Parquet in child processes, with their kernels alone. BENCH_BIG=1
// adds a dataset with ten times the users.
func BenchmarkOverKernel(b *testing.B) {
	users := bench.Setting(b, "BENCH_USERS", 53_424)
	rounds := bench.Setting(b, "BENCH_ROUNDS", 3)
	all := []*figures{{crowd: crowd{users, 10_000, 118}}}
	if os.Getenv("BENCH_BIG") == "1" {
		all = append(all, &figures{crowd: crowd{10 * users, 10_000, 118}})
	}
	for b.Loop() {
		for _, f := range all {
			*f = figures{crowd: f.crowd, jobs: map[string]*jobFigures{}}
		}
		for range rounds {
			for _, f := range all {
				f.round(b)
			}
		}
	}
	report(b, all, rounds)
}

// round measures everything once.
func (f *figures) round(b *testing.B) {
	b.Helper()
	path, size := f.crowd.file(b)
	f.bytes = size
	for _, v := range variants() {
		dir := filepath.Join(b.TempDir(), "job")
		task := benchTask{Name: v.job, Job: &bench.Job{Params: v.params, Input: path, Dir: dir, Keep: v.name == "cosine"}}
		a, c := bench.Call[benchTask, benchAnswer](b, "TestBenchChild", task)
		if a.Run.Refused != "" {
			b.Fatal(a.Run.Refused)
		}
		f.add(b, v.name, dir, a.Run, c)
		if v.name == "cosine" {
			a, _ := bench.Call[benchTask, benchAnswer](b, "TestBenchChild", benchTask{Kernel: dir})
			f.kernel, f.pairs = append(f.kernel, a.CPU), a.Pairs
		}
		if err := os.RemoveAll(dir); err != nil {
			b.Fatal(err)
		}
	}
	a, _ := bench.Call[benchTask, benchAnswer](b, "TestBenchChild", benchTask{Peak: benchFactors})
	f.peak = append(f.peak, a.PerCPUs/1e9)
}

// add notes what a job took.
func (f *figures) add(b *testing.B, name, dir string, r bench.Run, c bench.Cost) {
	b.Helper()
	j := f.jobs[name]
	if j == nil {
		j = &jobFigures{stages: map[string]*bench.Series{}}
		f.jobs[name] = j
	}
	const mib = 1 << 20
	j.cpu, j.wall = append(j.cpu, c.CPU), append(j.wall, c.Wall)
	j.driverRSS, j.workerRSS = append(j.driverRSS, float64(r.DriverRSS)/mib), append(j.workerRSS, float64(r.WorkerRSS)/mib)
	for _, stage := range r.Stages {
		cpu, err := stageCPU(filepath.Join(dir, "stages", stage, "tasks"))
		if err != nil {
			b.Fatal(err)
		}
		if j.stages[stage] == nil {
			j.stages[stage] = &bench.Series{}
		}
		*j.stages[stage] = append(*j.stages[stage], cpu)
	}
}

// stageCPU adds up what the committed tasks of a stage took.
func stageCPU(tasks string) (cpu float64, err error) {
	files, err := filepath.Glob(filepath.Join(tasks, "*.json"))
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		var record struct {
			Usage struct {
				CPU float64 `json:"cpu_seconds"`
			} `json:"usage"`
		}
		if err := json.Unmarshal(text, &record); err != nil {
			return 0, err
		}
		cpu += record.Usage.CPU
	}
	return cpu, err
}

// report prints what was measured, and the ratios that have limits.
func report(b *testing.B, all []*figures, rounds int) {
	b.Helper()
	_, _ = fmt.Printf("\n%d cores, %d rounds: CPU s, medians (least to greatest)\n", bench.Cores, rounds)
	for _, f := range all {
		f.print(os.Stdout)
	}
	_, _ = fmt.Printf("\n%-36s medians  leasts  limit\n", "ratios of")
	for _, f := range all {
		of := fmt.Sprintf(":%d users", f.crowd.users)
		ratio(b, "similarity/kernel"+of, "at most 1.25", f.stage("cosine", "similarity"), f.kernel)
		flop := 2 * float64(f.crowd.users) * float64(f.crowd.items) * benchFactors / 1e9
		var atPeak bench.Series // CPU seconds, as only for these the least is of an undisturbed machine
		for _, rate := range f.peak {
			atPeak = append(atPeak, flop/rate)
		}
		ratio(b, "scoring/peak"+of, "at least .60", atPeak, f.stage("factors", "score"))
	}
	if len(all) == 2 {
		for _, v := range variants() {
			ratio(b, "x10:"+v.name, "at most 11", all[1].jobs[v.name].cpu, all[0].jobs[v.name].cpu)
		}
	}
}

// ratio prints a ratio, of medians and of the least figures: what else runs on the machine can only add to a time.
func ratio(b *testing.B, name, limit string, of, over bench.Series) {
	b.Helper()
	_, _ = fmt.Printf("%-36s %7.2f %7.2f  %s\n", name, of.Median()/over.Median(), of.Least()/over.Least(), limit)
	b.ReportMetric(of.Median()/over.Median(), strings.ReplaceAll(name, " ", "-"))
}

// stage is what the stage of that name took, whatever its number is.
func (f *figures) stage(job, name string) bench.Series {
	for folder, s := range f.jobs[job].stages {
		if strings.HasSuffix(folder, "-"+name) {
			return *s
		}
	}
	return nil
}

func (f *figures) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "\n%d users, %d items, %d pairs, %.1f MB of CSV\n", f.crowd.users, f.crowd.items, f.pairs, float64(f.bytes)/1e6)
	for _, v := range variants() {
		j := f.jobs[v.name]
		_, _ = fmt.Fprintf(w, "%s\t%s\twall %.2f s\tdriver %.0f MiB\tlargest worker %.0f MiB\n", v.name, j.cpu, j.wall.Median(), j.driverRSS.Median(), j.workerRSS.Median())
		for _, stage := range slices.Sorted(maps.Keys(j.stages)) {
			_, _ = fmt.Fprintf(w, "  %s\t%s\n", stage, *j.stages[stage])
		}
	}
	_, _ = fmt.Fprintf(w, "(cosine kernel alone)\t%s\n(dense kernel's peak, GFLOP a CPU s)\t%s\n", f.kernel, f.peak)
	_ = w.Flush()
}
