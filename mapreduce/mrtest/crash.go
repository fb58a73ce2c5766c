package mrtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
)

// driverEnv makes a test binary a driver: it holds the wire as JSON.
const driverEnv = "SHARDMILL_TEST_DRIVER"

// tokenEnv marks the processes that belong to one driver.
const tokenEnv = "SHARDMILL_TEST_TOKEN"

// wire is what a driver process is told. Functions do not cross: the two fields hide those of Config.
type wire struct {
	mapreduce.Config
	Observe int    `json:",omitempty"`
	Hook    int    `json:",omitempty"`
	Job     string // by name
	Point   string // of Config.Hook at which it kills itself; none: it runs to its end
}

// driverMain is a driver process.
func driverMain(opts mapreduce.Options, jobs []mapreduce.Job) int {
	var w wire
	if err := json.Unmarshal([]byte(os.Getenv(driverEnv)), &w); err != nil {
		return fail(err)
	}
	cfg := w.Config
	cfg.Hook = func(point string) {
		if point == w.Point {
			die()
		}
	}
	for _, j := range jobs {
		if j.Name() == w.Job {
			return mapreduce.Interruptible(os.Stderr, func(ctx context.Context) int {
				s, err := mapreduce.Run(ctx, opts, j, cfg)
				if err != nil {
					_ = fail(err)
				}
				return mapreduce.ExitCode(s, err)
			})
		}
	}
	return fail(fmt.Errorf("no job %q", w.Job))
}

func fail(err error) int {
	_, _ = fmt.Fprintln(os.Stderr, err)
	return mapreduce.ExitFailed
}

// die ends this process like a power cut does, as far as processes are concerned.
func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// Driver is a job to be run by a driver process of its own.
type Driver struct {
	Job    string           // name of one of Main's jobs
	Config mapreduce.Config // Observe and Hook are not used
	Code   int              // exit code of a run that is left alone
}

// Start starts the driver in a job directory, without waiting. A point, if it is not empty, is where it kills itself.
// The token stands in the environment of it and of its workers, see NoProcesses.
func (d Driver) Start(t testing.TB, dir, point string) (cmd *exec.Cmd, token string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := wire{Config: d.Config, Job: d.Job, Point: point}
	w.Dir, w.Config.Observe, w.Config.Hook = dir, nil, nil
	b, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	token = tokenEnv + "=" + newToken()
	cmd = exec.Command(self)
	cmd.Env = append(os.Environ(), driverEnv+"="+string(b), token)
	cmd.Stderr = &bytes.Buffer{}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, token
}

var tokens atomic.Int64

// newToken is unique among the processes of this machine.
func newToken() string {
	return strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(tokens.Add(1), 10) + "." // none begins another
}

// Wait waits for a driver and for its workers. It returns the exit code, or -1 if it was killed.
func Wait(t testing.TB, cmd *exec.Cmd, token string) int {
	t.Helper()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	NoProcesses(t, token)
	return cmd.ProcessState.ExitCode()
}

// Finish runs the driver in a job directory to its end.
func (d Driver) Finish(t testing.TB, dir string) {
	t.Helper()
	cmd, token := d.Start(t, dir, "")
	if code := Wait(t, cmd, token); code != d.Code {
		t.Fatalf("exit code %d, expected %d: %s", code, d.Code, cmd.Stderr)
	}
}

// Points runs the job in this process into a job directory and returns the points that its driver passed, each once.
func Points(t testing.TB, opts mapreduce.Options, job mapreduce.Job, cfg mapreduce.Config, code int) []string {
	t.Helper()
	var points []string
	cfg.Hook = func(p string) {
		if !slices.Contains(points, p) {
			points = append(points, p)
		}
	}
	Run(t, opts, job, cfg, code)
	return points
}

// Walk kills a driver at each of points, every time in a new job directory, and lets another finish the job. The
// results must be those of the job directory clean, what was committed must not run again, and
// neither a process nor a file in flight may be left.
func (d Driver) Walk(t *testing.T, clean string, points []string) {
	t.Helper()
	for _, point := range points {
		t.Run(point, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "job")
			cmd, token := d.Start(t, dir, point)
			if code := Wait(t, cmd, token); code != -1 {
				t.Fatalf("the driver was not killed: exit code %d: %s", code, cmd.Stderr)
			}
			before, committed := Started(Events(t, dir)), Committed(t, dir)
			d.Finish(t, dir)
			after := Started(Events(t, dir))
			for _, task := range committed {
				if after[task] != before[task] {
					t.Errorf("%s was committed and ran again", task)
				}
			}
			SameResults(t, clean, dir)
			NothingLeft(t, dir)
		})
	}
}
