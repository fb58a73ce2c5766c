package rank_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/shardmill/shardmill/jobs/internal/bench"
	"github.com/shardmill/shardmill/jobs/rank"
)

// topRows is how many rows of a user are ranked.
const topRows = 10

// ratingsFile is a file of made-up ratings, "user,item,rating,score".
type ratingsFile struct {
	rows, users, items int64
	path               string
	bytes              int64
}

// users and items grow with the rows: the proportions are those of goodbooks-10k for 6 M rows, and ten times
// as many of each for the large file.
func ratingsOf(rows int64) *ratingsFile {
	return &ratingsFile{rows: rows, users: max(1, rows*53_424/6_000_000), items: max(1, rows/600)}
}

func largeRatings(rows int64) *ratingsFile {
	return &ratingsFile{rows: 10 * rows, users: max(1, rows*536_000/6_000_000), items: max(1, rows/60)}
}

// make makes the file, or finds it. Items are Zipf-distributed with s 1.1 and v 4: a few are in every list. Users are so
// with s 1.05 and v a fiftieth of their number, a mild skew: the most active one has some ten times as many rows as the
// mean. Scores have four digits, so that there are ties.
func (f *ratingsFile) make(b *testing.B) {
	b.Helper()
	name := fmt.Sprintf("ratings-1-%d-%d-%d.csv", f.rows, f.users, f.items)
	f.path, f.bytes = bench.File(b, name, f.write)
}

// scramble makes numbers from 0 to n-1 others of them: popular ones are not the small ones. It is a prime.
const scramble = 1_000_003

func (f *ratingsFile) write(w *bufio.Writer) error {
	r := rand.New(rand.NewPCG(2026, 6))
	users := rand.NewZipf(r, 1.05, max(1, float64(f.users)/50), uint64(f.users-1))
	items := rand.NewZipf(r, 1.1, 4, uint64(f.items-1))
	line := []byte("user,item,rating,score\n")
	for range f.rows {
		if _, err := w.Write(line); err != nil {
			return err
		}
		line = strconv.AppendInt(line[:0], int64(users.Uint64())*scramble%f.users, 10)
		line = append(line, ',')
		line = strconv.AppendInt(line, int64(items.Uint64())*scramble%f.items, 10)
		line = append(line, ',', byte('1'+r.IntN(5)), ',')
		line = strconv.AppendFloat(line, r.Float64(), 'f', 4, 64)
		line = append(line, '\n')
	}
	_, err := w.Write(line)
	return err
}

// partitions is how many partitions the job plans for the file, of 128 MiB of what the stream takes for 64 bytes a row.
func (f *ratingsFile) partitions() int { return int((f.rows*64 + 128<<20 - 1) / (128 << 20)) }

func (f *ratingsFile) String() string {
	return fmt.Sprintf("%.4g M rows of %d users and %d items, %.1f MB", float64(f.rows)/1e6, f.users, f.items, float64(f.bytes)/1e6)
}

// variant is a way to run the job.
type variant struct {
	name   string
	params map[string]any
	memory int64 // of a worker
}

const (
	topInPlace, topShards       = "top 10, in place", "top 10, shards"
	groupsInPlace, groupsShards = "count and sum, in place", "count and sum, shards"
)

// variants are what is measured. One whose parameters the job does not take yet is reported as such.
func variants() []variant {
	top := map[string]any{"key": "user", "key-type": "int", "by": "score", "top": topRows, "columns": []string{"item"}}
	groups := map[string]any{"key": "user", "key-type": "int", "agg": []string{"count", "sum:score"}}
	inPlace := func(params map[string]any) map[string]any {
		p := map[string]any{"shards": "in-place"}
		for name, v := range params {
			p[name] = v
		}
		return p
	}
	const little = 300 << 20
	return []variant{
		{topInPlace, inPlace(top), 0},
		{topInPlace + ", 300 MiB", inPlace(top), little},
		{topShards, top, 0},
		{topShards + ", 300 MiB", top, little},
		{groupsInPlace, inPlace(groups), 0},
		{groupsShards, groups, 0},
	}
}

// benchTask is what a child of the benchmark is to do: one of the two.
type benchTask struct {
	Floor *floorTask
	Job   *bench.Job
}

// benchAnswer is its answer.
type benchAnswer struct {
	Floor floorCost
	Run   bench.Run
}

// TestBenchChild is not a test of its own: it is the processes that BenchmarkOverFloor measures.
func TestBenchChild(t *testing.T) {
	bench.Serve(t, func(task benchTask) (a benchAnswer, err error) {
		if task.Floor != nil {
			runtime.GOMAXPROCS(bench.Cores)
			a.Floor, err = task.Floor.measure()
			return a, err
		}
		a.Run, err = task.Job.Run(rank.Job())
		return a, err
	})
}

// figures are what was measured for one file.
type figures struct {
	file                                       *ratingsFile
	floor, parse, partition, sort, write, hand bench.Series // CPU seconds
	jobs                                       map[string]*jobFigures
	results                                    int64 // of the floor
}

// jobFigures are those of a variant.
type jobFigures struct {
	refused, stages    string
	cpu, rows          bench.Series // seconds; rows a second
	driverRSS, workers bench.Series // MiB
}

// BenchmarkOverFloor compares whole jobs, in child processes, with their floor (see floor_test.go), in turns in the
// same run, and a job on ten times as many rows with one on few. BENCH_ROWS is the number of rows (6,000,000),
// BENCH_BIG=1 adds the file with ten times as many, BENCH_ROUNDS is the number of rounds (3). Medians are compared, since machines are noisy.
func BenchmarkOverFloor(b *testing.B) {
	rows := int64(bench.Setting(b, "BENCH_ROWS", 6_000_000))
	rounds := bench.Setting(b, "BENCH_ROUNDS", 3)
	all := []*figures{{file: ratingsOf(rows)}}
	if os.Getenv("BENCH_BIG") == "1" {
		all = append(all, &figures{file: largeRatings(rows)})
	}
	for b.Loop() {
		for _, f := range all {
			*f = figures{file: f.file, jobs: map[string]*jobFigures{}}
			f.file.make(b)
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
	f.measureFloor(b)
	for _, v := range variants() {
		f.measureJob(b, v)
	}
}

// scratch is a new folder that does not outlive what is measured in it.
func scratch(b *testing.B, use func(dir string)) {
	b.Helper()
	dir, err := os.MkdirTemp(b.TempDir(), "")
	if err != nil {
		b.Fatal(err)
	}
	use(dir)
	if err := os.RemoveAll(dir); err != nil {
		b.Fatal(err)
	}
}

func (f *figures) measureFloor(b *testing.B) {
	b.Helper()
	scratch(b, func(dir string) {
		task := benchTask{Floor: &floorTask{Path: f.file.path, Dir: dir, Partitions: f.file.partitions()}}
		a, _ := bench.Call[benchTask, benchAnswer](b, "TestBenchChild", task)
		c := a.Floor
		if c.Read != f.file.rows {
			b.Fatalf("the floor read %d of %d rows", c.Read, f.file.rows)
		}
		f.results = c.Results
		f.parse, f.partition, f.sort = append(f.parse, c.Parse), append(f.partition, c.Partition), append(f.sort, c.Sort)
		f.write, f.hand, f.floor = append(f.write, c.Write), append(f.hand, c.ByHand), append(f.floor, c.sum())
	})
}

func (f *figures) measureJob(b *testing.B, v variant) {
	b.Helper()
	j := f.jobs[v.name]
	if j == nil {
		j = &jobFigures{}
		f.jobs[v.name] = j
	}
	if j.refused != "" {
		return
	}
	scratch(b, func(dir string) {
		task := benchTask{Job: &bench.Job{Params: v.params, Input: f.file.path, Dir: filepath.Join(dir, "job"), Memory: v.memory}}
		a, c := bench.Call[benchTask, benchAnswer](b, "TestBenchChild", task)
		r := a.Run
		if j.refused = r.Refused; r.Refused != "" {
			return
		}
		if top := strings.HasPrefix(v.name, "top"); r.Read != f.file.rows || top && r.Results != f.results {
			b.Fatalf("%s: %d rows read and %d results; the floor has %d and %d", v.name, r.Read, r.Results, f.file.rows, f.results)
		}
		const mib = 1 << 20
		j.stages = strings.Join(r.Stages, ", ")
		j.cpu, j.rows = append(j.cpu, c.CPU), append(j.rows, float64(r.Read)/c.Wall)
		j.driverRSS = append(j.driverRSS, float64(r.DriverRSS)/mib)
		j.workers = append(j.workers, float64(r.WorkerRSS)/mib)
	})
}

// report prints what was measured. A benchmark's own log would be cut after ten lines. Ratios are of the least figures
// too: what else runs on the machine can only add to a figure, and it has doubled some from one second to the next.
func report(b *testing.B, all []*figures, rounds int) {
	b.Helper()
	_, _ = fmt.Printf("\n%d cores, %d rounds: medians (least to greatest)\n", bench.Cores, rounds)
	for _, f := range all {
		f.print(os.Stdout)
	}
	_, _ = fmt.Printf("\n%-28s medians  leasts  limit\n", "ratios of")
	ratio := func(unit string, limit float64, of, over bench.Series) {
		if len(of) == 0 || len(over) == 0 {
			return
		}
		least := of.Least() / over.Least()
		_, _ = fmt.Printf("%-28s %7.2f %7.2f %6.1f\n", unit, of.Median()/over.Median(), least, limit)
		b.ReportMetric(least, unit)
	}
	for _, f := range all {
		size := fmt.Sprintf(":%.3gM", float64(f.file.rows)/1e6)
		ratio("in-place/floor"+size, 1.4, f.cpuOf(topInPlace), f.floor)
		ratio("shards/floor"+size, 1.9, f.cpuOf(topShards), f.floor)
		ratio("groups/top10-in-place"+size, .8, f.cpuOf(groupsInPlace), f.cpuOf(topInPlace))
		ratio("groups/top10-shards"+size, .8, f.cpuOf(groupsShards), f.cpuOf(topShards))
	}
	if len(all) > 1 {
		for _, v := range variants() {
			ratio("x10:"+strings.NewReplacer(", ", "-", " ", "-").Replace(v.name), 11, all[1].cpuOf(v.name), all[0].cpuOf(v.name))
		}
	}
	b.ReportMetric(0, "ns/op")
}

// cpuOf are the figures of a variant, none where it was not measured.
func (f *figures) cpuOf(name string) bench.Series {
	if j := f.jobs[name]; j != nil {
		return j.cpu
	}
	return nil
}

func (f *figures) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(cells ...any) {
		text := make([]string, len(cells))
		for i, c := range cells {
			text[i] = fmt.Sprint(c)
		}
		_, _ = fmt.Fprintln(w, strings.Join(text, "\t"))
	}
	_, _ = fmt.Fprintf(out, "\n%v\n", f.file)
	line("", "CPU s", "CPU ns a row", "rows/s", "driver MiB", "largest worker MiB", "stages")
	for _, s := range []struct {
		name string
		cpu  bench.Series
	}{
		{"parse", f.parse},
		{"partition", f.partition},
		{"sort, best 10", f.sort},
		{"write", f.write},
		{"floor, the sum", f.floor},
		{"(parse by hand)", f.hand},
	} {
		line(s.name, s.cpu, fmt.Sprintf("%.1f", s.cpu.Median()/float64(f.file.rows)*1e9))
	}
	for _, v := range variants() {
		j := f.jobs[v.name]
		if j.refused != "" {
			line(v.name, "not available")
			continue
		}
		line(v.name, j.cpu, fmt.Sprintf("%.1f", j.cpu.Median()/float64(f.file.rows)*1e9), fmt.Sprintf("%.3g M", j.rows.Median()/1e6),
			fmt.Sprintf("%.0f", j.driverRSS.Median()), fmt.Sprintf("%.0f", j.workers.Median()), j.stages)
	}
	_ = w.Flush()
}

// The floor ranks as the job does, and what the benchmark makes up is as it says.
func TestFloor(t *testing.T) {
	f := ratingsOf(20_000)
	f.path = filepath.Join(t.TempDir(), "ratings.csv")
	out, err := os.Create(f.path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(out)
	if err := errors.Join(f.write(w), w.Flush(), out.Close()); err != nil {
		t.Fatal(err)
	}
	const partitions = 3
	dir := t.TempDir()
	c, err := floorTask{Path: f.path, Dir: dir, Partitions: partitions}.measure()
	if err != nil {
		t.Fatal(err)
	}
	p := byColumn("user", "score", topRows)
	p.KeyType, p.Columns = "int", []string{"item"}
	cfg := config(t, filepath.Join(t.TempDir(), "job"), p, f.path)
	s := run(t, cfg, 0)
	if c.Read != f.rows || s.Rows.Read != f.rows || c.Results != s.Datasets[0].Rows || c.sum() <= 0 || c.ByHand <= 0 {
		t.Errorf("floor %+v, job %+v", c, s)
	}
	columns := [][2]string{{"int", "user"}, {"int", "rank"}, {"float", "score"}, {"null", "item"}}
	want, got := lists(read(t, cfg.Dir, "out/ranked", columns...)), lists(read(t, dir, ".", columns...))
	if len(want) < 100 || !slices.Equal(want, got) {
		t.Errorf("the floor has %d rows, the job %d others", len(got), len(want))
	}
}

// lists are rows as text, sorted.
func lists(parts [][]outRow) (rows []string) {
	for _, r := range slices.Concat(parts...) {
		rows = append(rows, r["user"].text+" "+r["rank"].text+" "+r["score"].text+" "+r["item"].text)
	}
	slices.Sort(rows)
	return rows
}
