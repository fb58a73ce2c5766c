package mapreduce

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/plan"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// Results of a job, as Status has them: the folder in the job directory that they lie in.
const (
	ResultsOut  = "out"
	ResultsHeld = "held" // a gate was not passed
)

// Status is what a job directory itself says: it comes from plans, records and folders, never from
// summary.json or events.jsonl.
type Status struct {
	Job        string        `json:"job"`
	JobVersion int           `json:"job_version"`
	Tool       string        `json:"tool,omitempty"`    // build that made the directory
	Driver     string        `json:"driver,omitempty"`  // "pid 12 on host", while one is seen at work
	Results    string        `json:"results,omitempty"` // ResultsOut, ResultsHeld, or "" while there are none
	Rows       RowSummary    `json:"rows"`              // of committed tasks
	Stages     []StageStatus `json:"stages"`            // those that have begun, in order
	Problems   []string      `json:"problems,omitempty"`
}

// StageStatus says how far a stage is.
type StageStatus struct {
	Name        string           `json:"name"` // "01-classify"
	Planned     bool             `json:"planned"`
	Done        bool             `json:"done"`                   // DONE.json is there
	Tasks       []TaskStatus     `json:"tasks,omitempty"`        // by kind
	Rows        int64            `json:"rows"`                   // input rows of committed tasks
	Total       int64            `json:"total,omitempty"`        // input rows of the stage, 0 where not known
	Dropped     map[string]int64 `json:"dropped,omitempty"`      // rows by rule
	Rejected    int64            `json:"rejected"`               // rows, key groups counted by their records
	WithRejects int              `json:"with_rejects,omitempty"` // tasks
	RunBytes    int64            `json:"run_bytes"`              // of run files that are there
	Data        []DataStatus     `json:"data,omitempty"`
	Partitions  map[string]int   `json:"partitions,omitempty"` // of each stream
	// Measures is what committed tasks measured by Out.Measure, by name.
	Measures map[string]float64 `json:"measures,omitempty"`
	counts   task.Counts
	first    task.Kind // of its first tasks, "" where not known
}

// TaskStatus counts the tasks of one kind.
type TaskStatus struct {
	Kind      string `json:"kind"` // "scan", "split", "map" or "reduce"
	Committed int    `json:"committed"`
	Total     int    `json:"total"`
}

// DataStatus describes what a stage wrote to one dataset.
type DataStatus struct {
	Name  string `json:"name"`
	Rows  int64  `json:"rows"`           // of committed tasks
	Bytes int64  `json:"bytes"`          // of files that are there
	Side  bool   `json:"side,omitempty"` // it is no result: later stages read it
}

// Complete tells whether the results stand and nothing that is planned is missing.
func (s Status) Complete() bool {
	open := slices.ContainsFunc(s.Stages, func(st StageStatus) bool { return !st.Done })
	return s.Results == ResultsOut && !open && len(s.Stages) > 0
}

// WorkSpace is the size of what is kept for later tasks and reruns, in bytes.
type WorkSpace struct {
	Shards int64
	Sides  int64 // other datasets that are no results
	Runs   int64 // run files
}

// WorkSpace adds up the work space of all stages.
func (s Status) WorkSpace() (w WorkSpace) {
	for _, st := range s.Stages {
		w.Runs += st.RunBytes
		for _, d := range st.Data {
			switch {
			case d.Name == shardsName:
				w.Shards += d.Bytes
			case d.Side:
				w.Sides += d.Bytes
			}
		}
	}
	return w
}

// ReadStatus reads the state of a job directory without locking it: a driver may be at work meanwhile, or
// have died at any moment. For its errors, see ExitCode.
func ReadStatus(dir string) (Status, error) {
	d, err := jobdir.Open(fsx.OS{}, dir)
	if err != nil {
		return Status{}, err
	}
	j := d.Job()
	s := Status{
		Job: j.Job, JobVersion: j.JobVersion, Tool: j.Tool,
		Driver: lockHolder(d.Path("LOCK"), "/proc/locks"), Results: results(d),
	}
	names, err := d.Stages()
	if err != nil {
		return s, fmt.Errorf("stages of %s: %w", dir, err)
	}
	for _, name := range names {
		if err := s.addStage(d, name); err != nil {
			return s, err
		}
	}
	s.sumRows()
	return s, nil
}

// results finds the folder with the results. Both never stand side by side.
func results(d *jobdir.Dir) string {
	if _, err := os.Stat(d.Path(ResultsOut, "_SUCCESS")); err == nil {
		return ResultsOut
	}
	if _, err := os.Stat(d.Path(ResultsHeld)); err == nil {
		return ResultsHeld
	}
	return ""
}

// addStage reads one stage. What is damaged becomes a problem, and the rest is read all the same.
func (s *Status) addStage(d *jobdir.Dir, name string) error {
	st := StageStatus{Name: name}
	var p plan.Stage
	var err error
	if st.Planned, err = d.ReadPlan(name, plan.Version, &p); err != nil {
		s.problem(err)
	}
	if _, st.Done, err = d.ReadDone(name); err != nil {
		s.problem(err)
	}
	committed := map[task.Kind]int{}
	for rec, err := range d.Records(name) {
		switch {
		case err != nil && rec.Task.Stage == "":
			return err
		case err != nil:
			s.problem(err)
		default:
			committed[rec.Task.Kind]++
			st.add(rec)
		}
	}
	st.addTasks(p, committed)
	if err := st.measure(d, p.Sides); err != nil {
		return err
	}
	s.Stages = append(s.Stages, st)
	return nil
}

func (s *Status) problem(err error) { s.Problems = append(s.Problems, err.Error()) }

// add counts a committed task.
func (st *StageStatus) add(rec task.Record) {
	st.counts.Add(rec.Counts)
	st.Rejected += rec.Counts.Rejected + rec.Counts.RejectedRecords
	if rec.Counts.Rejected+rec.Counts.RejectedGroups > 0 {
		st.WithRejects++
	}
	if rec.Task.Kind != task.Reduce {
		st.Rows += rec.Counts.Read
		st.first = rec.Task.Kind
	}
}

// addTasks sets what is committed against what the plan asks for.
func (st *StageStatus) addTasks(p plan.Stage, committed map[task.Kind]int) {
	st.Dropped, st.Measures = st.counts.Dropped, st.counts.Measured()
	if !st.Planned {
		return
	}
	st.Total, _ = p.Rows()
	for _, stream := range p.Streams {
		if st.Partitions == nil {
			st.Partitions = map[string]int{}
		}
		st.Partitions[stream.Name] = stream.Partitions
	}
	first, n := p.First()
	st.first = first
	st.Tasks = append(st.Tasks, TaskStatus{string(first), committed[first], n})
	if r := p.Reduces(); r > 0 {
		st.Tasks = append(st.Tasks, TaskStatus{string(task.Reduce), committed[task.Reduce], r})
	}
}

// measure sizes the folders of a stage as they are on disk.
func (st *StageStatus) measure(d *jobdir.Dir, sides []string) (err error) {
	if st.RunBytes, err = d.Size(st.Name, "runs"); err != nil {
		return err
	}
	entries, err := os.ReadDir(d.Path("stages", st.Name, "data"))
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	for _, e := range entries {
		n, err := d.Size(st.Name, "data", e.Name())
		if err != nil {
			return err
		}
		st.Data = append(st.Data, DataStatus{
			Name: e.Name(), Rows: st.counts.Datasets[e.Name()].Rows, Bytes: n, Side: slices.Contains(sides, e.Name()),
		})
	}
	return nil
}

// sumRows adds up the rows of the job: those of the stage that reads them first, after the scan if there is one, and those of
// the stage that maps them.
func (s *Status) sumRows() {
	first, mapped := s.rowStages()
	for i, st := range s.Stages {
		s.Rows.Rejected += st.Rejected
		if i == first {
			s.Rows.Read = st.Rows
		}
		if i == mapped {
			s.Rows.Mapped = st.counts.Mapped
		}
		if i <= mapped {
			s.Rows.drop(st.Dropped)
		}
	}
}

func (s *Status) rowStages() (first, mapped int) {
	is := func(i int, kind task.Kind) bool { return i < len(s.Stages) && s.Stages[i].first == kind }
	if is(0, task.Scan) {
		first = 1
	}
	if mapped = first; is(first, task.Split) {
		mapped++
	}
	return first, mapped
}

// lockHolder tells who holds the lock file, or "" where that cannot be seen. It looks into the kernel's list
// of locks, since trying to lock would, for a moment, refuse a driver that starts just then.
func lockHolder(lock, locks string) string {
	b, err := os.ReadFile(filepath.Clean(lock))
	if err != nil {
		return ""
	}
	info, err := os.Stat(lock)
	if err != nil {
		return ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	list, err := os.ReadFile(filepath.Clean(locks))
	if !ok || err != nil {
		return ""
	}
	holder := strings.TrimSpace(string(b))
	var pid int
	if _, err := fmt.Sscanf(holder, "pid %d on ", &pid); err != nil {
		return ""
	}
	// "1: FLOCK  ADVISORY  WRITE 4242 fd:01:123456 0 EOF": process, then device and inode.
	for line := range strings.Lines(string(list)) {
		f := strings.Fields(line)
		if len(f) > 5 && f[1] == "FLOCK" && f[4] == strconv.Itoa(pid) && strings.HasSuffix(f[5], ":"+strconv.FormatUint(stat.Ino, 10)) {
			return holder
		}
	}
	return ""
}
