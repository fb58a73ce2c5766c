package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/mapreduce"
)

// Job is a run of a job in a driver process with Cores workers.
type Job struct {
	Params map[string]any // by their JSON names, those that are not the default
	Input  string
	Dir    string // job directory, which is left behind
	Memory int64  // of a worker, bytes; 0 is the default
	Keep   bool   // side datasets and run files
}

// Run is what a run of a job did.
type Run struct {
	Refused   string // why the job does not take the parameters: nothing was run
	Read      int64  // rows
	Results   int64  // rows of all datasets
	Stages    []string
	DriverRSS int64 // peaks of resident memory, in bytes
	WorkerRSS int64 // of the largest worker
}

// Run runs a job in this process as its driver. A job that rejects rows is an error, as is one that fails.
func (j Job) Run(job mapreduce.Job) (Run, error) {
	params, err := json.Marshal(j.Params)
	if err != nil {
		return Run{}, err
	}
	cfg := mapreduce.Config{Dir: j.Dir, Params: params, Inputs: []string{j.Input}, Workers: Cores, WorkerMemory: j.Memory, KeepIntermediate: j.Keep}
	s, err := mapreduce.Run(context.Background(), jobs.Standard(), job, cfg)
	var usage *mapreduce.UsageError
	if errors.As(err, &usage) {
		return Run{Refused: err.Error()}, nil
	}
	if code := mapreduce.ExitCode(s, err); code != mapreduce.ExitComplete {
		return Run{}, fmt.Errorf("%s: exit code %d: %w", job.Name(), code, err)
	}
	r := Run{Read: s.Rows.Read, DriverRSS: peak(), WorkerRSS: s.Usage.WorkerPeakRSS}
	for _, st := range s.Stages {
		r.Stages = append(r.Stages, st.Name)
	}
	for _, d := range s.Datasets {
		r.Results += d.Rows
	}
	return r, nil
}

// peak is the largest resident size of this process so far, in bytes, or 0 where the system has no /proc. What rusage
// tells begins with the size of the process that started this one.
func peak() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	line, _, _ := bytes.Cut(rest, []byte("kB"))
	kib, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}
