package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
)

// Config says where and how a job runs. The zero value of a field is its default.
type Config struct {
	Dir string // job directory
	// Params, Inputs, Partitions and Limit can change output bytes: they are part of the job's identity.
	Params     []byte   // JSON of the job's parameters
	Inputs     []string // files, folders and glob patterns
	Partitions int      // of each stream that does not fix their number; 0 chooses by size
	Limit      int64    // take the first rows only; 0 takes all

	// Stdin, if set, is what the input "-" stands for, see Lister.Stdin. It may be empty when a job is continued; what
	// there is must be what was there before.
	Stdin io.Reader

	// The rest may change from one run of a job directory to the next.
	Workers          int        // child processes; 0 is one a core
	WorkerMemory     int64      // bytes of resident memory of a worker; 0 is 2 GiB
	Tries            int        // of a task; 0 is 3
	MaxRejects       MaxRejects // above it the job stops; the zero value is 50 %
	FailFast         bool       // the first failed task stops the job
	KeepIntermediate bool       // keep run files and side datasets
	CheckContent     bool       // compare what inputs name, such as photos, with what split saw
	InProcess        bool       // run tasks in this process, for debugging; no memory cap
	Profile          string     // folder for pprof profiles of all processes, see the package comment; "" takes none
	Rerun            Rerun
	Tool             string        // version of this program, for job.json
	Observe          func(e Event) // called from one goroutine for all that happens; must not block
	// Hook is called at named points of the driver, for tests that stop there: "open", "planned:STAGE", "start:TASK",
	// "promote:TASK", "committed:TASK", "done:STAGE" before and "clean:STAGE" after its end is committed,
	// "finish", "layout", "finished".
	Hook func(point string)
}

// Rerun asks for work that is already done to be done again.
type Rerun struct {
	Task     string // "01-classify/map-000007"
	From     string // "reduce" or "STAGE/reduce"
	Rejected bool   // tasks that have rejects
}

// MaxRejects is a number of rows, or a share of all rows.
type MaxRejects struct {
	Rows  int64
	Share float64 // of input rows, from 0 to 1; used if Set and Rows is negative
	Set   bool
}

// ParseMaxRejects reads "100" or "5%".
func ParseMaxRejects(s string) (MaxRejects, error) {
	if p, ok := strings.CutSuffix(s, "%"); ok {
		v, err := strconv.ParseFloat(p, 64)
		if err != nil || !(v >= 0 && v <= 100) { // a NaN is neither
			return MaxRejects{}, fmt.Errorf("%q is not a share: write 0%% to 100%%", s)
		}
		return MaxRejects{Rows: -1, Share: v / 100, Set: true}, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return MaxRejects{}, fmt.Errorf("%q is neither a number of rows nor a share: write 100 or 5%%", s)
	}
	return MaxRejects{Rows: n, Set: true}, nil
}

func (m MaxRejects) String() string {
	if !m.Set {
		return "50%"
	}
	if m.Rows >= 0 {
		return strconv.FormatInt(m.Rows, 10)
	}
	return strconv.FormatFloat(m.Share*100, 'g', -1, 64) + "%"
}

// exceeded tells whether rejects of rows are too many.
func (m MaxRejects) exceeded(rejects, rows int64) bool {
	switch {
	case !m.Set:
		return float64(rejects) > .5*float64(rows)
	case m.Rows >= 0:
		return rejects > m.Rows
	}
	return float64(rejects) > m.Share*float64(rows)
}

// maxPartitions bounds what can be asked for: every map task holds a block for each partition of each stream.
const maxPartitions = 10000

// rejectsJudgedFrom is the number of finished rows from which too many rejects stop a running job.
const rejectsJudgedFrom = 1000

func (c Config) withDefaults() Config {
	if c.Workers <= 0 {
		c.Workers = runtime.NumCPU()
	}
	if c.WorkerMemory <= 0 {
		c.WorkerMemory = 2 << 30
	}
	if c.Tries <= 0 {
		c.Tries = 3
	}
	if c.Observe == nil {
		c.Observe = func(Event) {}
	}
	if c.Hook == nil {
		c.Hook = func(string) {}
	}
	return c
}

// Run runs a job to its end, or continues it where an earlier run stopped: which of the two it is
// depends on the job directory alone. The summary is what summary.json holds; ExitCode turns both into an exit code.
func Run(ctx context.Context, opts Options, job Job, cfg Config) (Summary, error) {
	if cfg.Partitions < 0 || cfg.Partitions > maxPartitions {
		return Summary{}, &UsageError{Err: fmt.Errorf("--partitions %d: from 1 to %d, or 0 to choose by size", cfg.Partitions, maxPartitions)}
	}
	cfg = cfg.withDefaults()
	params, err := job.params(cfg.Params)
	if err != nil {
		return Summary{}, &UsageError{Err: err}
	}
	cfg.Params = params
	stages, err := job.build(params)
	if err != nil {
		return Summary{}, &UsageError{Err: err}
	}
	d := &driver{cfg: cfg, opts: opts, job: job, stages: stages, started: time.Now()}
	return d.open(ctx)
}

// Resume continues the job of a job directory with the parameters and inputs that it holds.
func Resume(ctx context.Context, opts Options, jobs []Job, cfg Config) (Summary, error) {
	dir, err := jobdir.Open(fsx.OS{}, cfg.Dir)
	if err != nil {
		return Summary{}, err
	}
	j := dir.Job()
	for _, job := range jobs {
		if job.name == j.Job {
			cfg.Params = j.Params
			cfg.Inputs = inputNames(j.Inputs)
			cfg.inheritIdentity(j.Identity)
			return runFrom(ctx, opts, job, cfg, j)
		}
	}
	return Summary{}, fmt.Errorf("%s is of the job %q: %w", cfg.Dir, j.Job, errNoSuchJob)
}

func runFrom(ctx context.Context, opts Options, job Job, cfg Config, j jobdir.Job) (Summary, error) {
	cfg = cfg.withDefaults()
	stages, err := job.build(j.Params)
	if err != nil {
		return Summary{}, &UsageError{Err: err}
	}
	inputs := make([]InputFile, len(j.Inputs))
	for i, in := range j.Inputs {
		inputs[i] = InputFile{Name: in.Name, Path: in.Path}
	}
	d := &driver{cfg: cfg, opts: opts, job: job, stages: stages, started: time.Now(), inputs: inputs}
	return d.open(ctx)
}

func inputNames(inputs []jobdir.Input) []string {
	names := make([]string, len(inputs))
	for i, in := range inputs {
		names[i] = in.Name
	}
	return names
}

// absolute gives each input its absolute path, but standard input.
func absolute(names []string, stdin bool) ([]InputFile, error) {
	inputs := make([]InputFile, len(names))
	for i, n := range names {
		if stdin && n == StdinName {
			inputs[i] = InputFile{Name: n, Path: n}
			continue
		}
		p, err := filepath.Abs(n)
		if err != nil {
			return nil, &UsageError{Err: err}
		}
		inputs[i] = InputFile{Name: n, Path: p}
	}
	return inputs, nil
}

// executable is the program that worker processes run: this one.
func executable() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", errors.Join(errors.New("finding this program to start workers"), err)
	}
	return path, nil
}
