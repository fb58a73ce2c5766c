package mapreduce

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/mapreduce/internal/worker"
)

// Main is the whole of a program with its own jobs:
//
//	func main() { os.Exit(mapreduce.Main(jobs.Standard(), myJobs()...)) }
//
// Its command line is
//
//	PROGRAM JOBNAME --out DIR [--params FILE.json] [--workers N] [--worker-memory B] [--profile DIR] INPUT...
//
// It also serves the worker processes, which are this program started again. It returns the exit code.
func Main(opts Options, jobs ...Job) int {
	if IsWorker() {
		return WorkerMain(opts, jobs...)
	}
	return Interruptible(os.Stderr, func(ctx context.Context) int {
		return mainRun(ctx, opts, jobs, os.Args, os.Stdout, os.Stderr)
	})
}

// IsWorker tells whether this process was started as a worker: it must then call WorkerMain and exit with its result.
func IsWorker() bool { return worker.IsWorker() }

// WorkerMain is the whole life of a worker process. It returns the exit code.
func WorkerMain(opts Options, jobs ...Job) int {
	return worker.Serve(&child{opts: opts, jobs: jobs})
}

func mainRun(ctx context.Context, opts Options, jobs []Job, args []string, stdout, stderr io.Writer) int {
	s, err := mainJob(ctx, opts, jobs, args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return ExitComplete
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", args[0], err)
	}
	for _, d := range s.Datasets {
		_, _ = fmt.Fprintf(stdout, "%s: %s in %s\n", d.Name, numbered(d.Rows, "row"), numbered(int64(d.Files), "file"))
	}
	return ExitCode(s, err)
}

func mainJob(ctx context.Context, opts Options, jobs []Job, args []string, stderr io.Writer) (Summary, error) {
	names := make([]string, len(jobs))
	for i, j := range jobs {
		names[i] = j.name
	}
	usage := fmt.Sprintf("usage: %s JOBNAME --out DIR [--params FILE.json] [--workers N] [--worker-memory B] [--profile DIR] INPUT...\njobs: %s",
		args[0], strings.Join(names, ", "))
	if len(args) < 2 {
		return Summary{}, &UsageError{Err: errors.New(usage)}
	}
	fs := flag.NewFlagSet(args[1], flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		_, _ = fmt.Fprintln(stderr, usage)
		fs.PrintDefaults()
	}
	cfg := Config{Observe: func(e Event) { printEvent(stderr, e) }}
	fs.StringVar(&cfg.Dir, "out", "", "job directory, new or of the same job")
	params := fs.String("params", "", "JSON file with the job's parameters")
	fs.IntVar(&cfg.Workers, "workers", 0, "worker processes (default: one a core)")
	memory := fs.String("worker-memory", "2GiB", "resident memory of a worker")
	fs.StringVar(&cfg.Profile, "profile", "", "folder for CPU and heap profiles of all processes")
	fs.BoolVar(&cfg.InProcess, "in-process", false, "run tasks in this process, for debugging")
	for _, j := range jobs {
		if j.name != args[1] {
			continue
		}
		if err := fs.Parse(args[2:]); err != nil {
			return Summary{}, usageError(err)
		}
		cfg.Inputs = fs.Args()
		if err := finishConfig(&cfg, *params, *memory); err != nil {
			return Summary{}, err
		}
		return Run(ctx, opts, j, cfg)
	}
	if asksForHelp(args[1]) {
		_, _ = fmt.Fprintln(stderr, usage)
		return Summary{}, flag.ErrHelp
	}
	return Summary{}, fmt.Errorf("%q: %w\n%s", args[1], errNoSuchJob, usage)
}

// asksForHelp tells whether the first argument is no name of a job, but what package flag takes for a question.
func asksForHelp(arg string) bool {
	return slices.Contains([]string{"-h", "-help", "--h", "--help", "help"}, arg)
}

func usageError(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	return &UsageError{Err: err}
}

func finishConfig(cfg *Config, params, memory string) (err error) {
	if cfg.Dir == "" {
		return &UsageError{Err: errors.New("--out DIR is needed")}
	}
	for _, a := range cfg.Inputs {
		if strings.HasPrefix(a, "-") {
			return &UsageError{Err: fmt.Errorf("put flags before the inputs: %s", a)}
		}
	}
	if cfg.WorkerMemory, err = ParseBytes(memory); err != nil {
		return &UsageError{Err: fmt.Errorf("--worker-memory: %w", err)}
	}
	if params != "" {
		if cfg.Params, err = os.ReadFile(params); err != nil {
			return &UsageError{Err: err}
		}
	}
	return nil
}

// printEvent writes what a person or a log should see of an event, one line.
func printEvent(w io.Writer, e Event) {
	switch e.Kind {
	case EventStart:
	case EventProgress:
		_, _ = fmt.Fprintf(w, "%s: %d of %s\n", e.Stage, e.Done, numbered(int64(e.Tasks), "task"))
	case EventStage:
		_, _ = fmt.Fprintf(w, "%s: starts, %s\n", e.Stage, numbered(int64(e.Tasks), "task"))
	case EventRedo:
		_, _ = fmt.Fprintf(w, "%s/%s runs again: %s\n", e.Stage, e.Task, e.Text)
	default:
		_, _ = fmt.Fprintln(w, e.Text)
	}
}

// numbered is a number of things: "1 task", "2 tasks".
func numbered(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// ParseBytes reads a number of bytes: "300MiB", "2GiB", "1GB" or plain "1048576".
func ParseBytes(s string) (int64, error) {
	units := []struct {
		suffix string
		factor float64
	}{
		{"KiB", 1 << 10},
		{"MiB", 1 << 20},
		{"GiB", 1 << 30},
		{"TiB", 1 << 40},
		{"kB", 1e3},
		{"KB", 1e3},
		{"MB", 1e6},
		{"GB", 1e9},
		{"TB", 1e12},
		{"K", 1 << 10},
		{"M", 1 << 20},
		{"G", 1 << 30},
		{"B", 1},
		{"", 1},
	}
	for _, u := range units {
		n, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(n), 64)
		if err != nil || !(v > 0 && v*u.factor <= 1<<60) { // a NaN is neither
			break
		}
		return int64(v * u.factor), nil
	}
	return 0, fmt.Errorf("%q is not a number of bytes: write 300MiB or 2GiB", s)
}
