package mapreduce

import (
	"fmt"
	"iter"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
)

// TaskUsage is what the attempt of a task that was committed cost.
type TaskUsage struct {
	Stage       string  // "05-trials"
	Kind        string  // "scan", "split", "map" or "reduce"
	Index       int     // of the task among those of its kind
	CPUSeconds  float64 // of its process, while it ran
	WallSeconds float64
	// PeakRSS is the most resident memory of its process, in bytes: during the attempt for a reduce on Linux, else so far.
	PeakRSS int64
}

// Usages reads what the committed tasks of a stage cost, from their records. An error ends the sequence.
func Usages(dir, stage string) iter.Seq2[TaskUsage, error] {
	return func(yield func(TaskUsage, error) bool) {
		d, err := jobdir.Open(fsx.OS{}, dir)
		if err != nil {
			yield(TaskUsage{}, err)
			return
		}
		for rec, err := range d.Records(stage) {
			if err != nil {
				yield(TaskUsage{}, fmt.Errorf("usage of the tasks of %s: %w", stage, err))
				return
			}
			u := rec.Usage
			if !yield(TaskUsage{rec.Task.Stage, string(rec.Task.Kind), rec.Task.Index, u.CPUSeconds, u.WallSeconds, u.PeakRSS}, nil) {
				return
			}
		}
	}
}

// cpuSeconds is the CPU time of this process so far, user and system.
func cpuSeconds() float64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return (time.Duration(u.Utime.Nano()) + time.Duration(u.Stime.Nano())).Seconds()
}
