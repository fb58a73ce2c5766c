package mapreduce

import (
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// summaryVersion is the version of summary.json.
const summaryVersion = 1

// States of a job, as summary.json has them.
const (
	StateRunning     = "running"
	StateComplete    = "complete"
	StateFailed      = "failed"
	StateHeld        = "held"    // a gate was not passed at the end: see held/
	StateStopped     = "stopped" // too many rejects while it ran
	StateInterrupted = "interrupted"
)

// Summary is what summary.json holds: what a scheduler or dashboard reads.
type Summary struct {
	Version    int              `json:"version"`
	Job        string           `json:"job"`
	JobVersion int              `json:"job_version"`
	State      string           `json:"state"`
	ExitCode   int              `json:"exit_code"`
	Error      string           `json:"error,omitempty"`
	Started    time.Time        `json:"started"`
	Ended      *time.Time       `json:"ended,omitempty"`
	Tool       string           `json:"tool,omitempty"`
	Workers    int              `json:"workers"`
	Rows       RowSummary       `json:"rows"`
	Stages     []StageSummary   `json:"stages"`
	Datasets   []DatasetSummary `json:"datasets,omitempty"`
	Failed     []FailedTask     `json:"failed,omitempty"`
	Notes      []string         `json:"notes,omitempty"`
	Usage      UsageSummary     `json:"usage"`
}

// RowSummary accounts for the input rows of a job.
type RowSummary struct {
	Read     int64            `json:"read"`              // input rows
	Mapped   int64            `json:"mapped"`            // by the stage that reads the shards, or the input in place
	Dropped  map[string]int64 `json:"dropped,omitempty"` // by rule, by the split and that stage: later ones have other rows
	Rejected int64            `json:"rejected"`          // by all stages, key groups counted by their records
}

// StageSummary says how far a stage is.
type StageSummary struct {
	Name      string `json:"name"`
	Tasks     int    `json:"tasks"`
	Committed int    `json:"committed"`
	Reused    int    `json:"reused"` // committed by an earlier run
	Attempts  int    `json:"attempts"`
	// Measures is what the job measured by Out.Measure, by name.
	Measures map[string]float64 `json:"measures,omitempty"`
}

// DatasetSummary describes a final dataset.
type DatasetSummary struct {
	Name  string `json:"name"`
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
	Files int    `json:"files"`
}

// UsageSummary is what this run cost, of all processes that it started.
type UsageSummary struct {
	WallSeconds   float64 `json:"wall_seconds"`
	CPUSeconds    float64 `json:"cpu_seconds"`           // of the workers
	DriverCPU     float64 `json:"driver_cpu_seconds"`    // of the driver
	WorkerPeakRSS int64   `json:"worker_peak_rss_bytes"` // the largest of all workers
}

// Event is something that happened in a run. Events are shown to people and appended to
// events.jsonl; nothing is ever decided by reading them.
type Event struct {
	Time    time.Time `json:"time"`
	Kind    string    `json:"kind"` // see the constants
	Stage   string    `json:"stage,omitempty"`
	Task    string    `json:"task,omitempty"`
	Attempt int       `json:"attempt,omitempty"`
	Text    string    `json:"text,omitempty"`
	// Progress of the stage, with EventProgress and EventStage.
	Done  int   `json:"done,omitempty"`
	Tasks int   `json:"tasks,omitempty"`
	Rows  int64 `json:"rows,omitempty"`
	Total int64 `json:"total,omitempty"` // rows of the stage, 0 while not known
	// Rejected counts those among Rows that were rejected.
	Rejected int64 `json:"rejected,omitempty"`
}

// Kinds of events.
const (
	EventJob      = "job"      // the job starts, resumes or ends
	EventStage    = "stage"    // a stage starts
	EventReuse    = "reuse"    // tasks committed by an earlier run are kept
	EventRedo     = "redo"     // a committed task must run again, and why
	EventStart    = "start"    // an attempt starts
	EventProgress = "progress" // an attempt was committed
	EventRetry    = "retry"    // an attempt failed and the task will be tried again
	EventFail     = "fail"     // a task failed for good
	EventNote     = "note"     // anything else that a person should know
)

// rowStages are the stage that first reads the rows of the input, and the one that first maps them.
func rowStages(stages []Stage) (first, mapped int) {
	if stages[0].kind == task.Scan {
		first = 1
	}
	if mapped = first; stages[first].kind == task.Split {
		mapped++
	}
	return first, mapped
}

// sumRows fills in the rows of a job from the counts of its stages.
func sumRows(stages []Stage, counts []task.Counts) RowSummary {
	var r RowSummary
	first, mapped := rowStages(stages)
	for i, c := range counts {
		r.Rejected += c.Rejected + c.RejectedRecords
		if i == first {
			r.Read = c.Rows()
		}
		if i == mapped {
			r.Mapped = c.Mapped
		}
		if i <= mapped {
			r.drop(c.Dropped)
		}
	}
	return r
}

// drop adds dropped rows.
func (r *RowSummary) drop(dropped map[string]int64) {
	for rule, n := range dropped {
		if r.Dropped == nil {
			r.Dropped = map[string]int64{}
		}
		r.Dropped[rule] += n
	}
}
