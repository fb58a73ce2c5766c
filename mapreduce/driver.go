package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/executor"
	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/plan"
	"github.com/shardmill/shardmill/mapreduce/internal/profile"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
	"github.com/shardmill/shardmill/mapreduce/internal/worker"
)

// driver runs one job in one job directory. One goroutine owns it.
type driver struct {
	cfg     Config
	opts    Options
	job     Job
	stages  []Stage
	inputs  []InputFile
	started time.Time

	profile  profile.Profile
	profiles string // folder for the profiles, absolute, or ""

	dir     *jobdir.Dir
	created bool // by this run
	plans   []*plan.Stage
	slots   []*slot
	counts  []task.Counts   // of each stage, committed tasks only
	lost    map[task.ID]int // how often files of a task got lost
	summary Summary
}

// open takes the job directory, runs the job and leaves the summary.
func (d *driver) open(ctx context.Context) (s Summary, err error) {
	if d.inputs == nil {
		if d.inputs, err = absolute(d.cfg.Inputs, d.cfg.Stdin != nil); err != nil {
			return Summary{}, err
		}
	}
	if err := d.startProfile(); err != nil {
		return Summary{}, err
	}
	defer func() { err = errors.Join(err, d.profile.Stop()) }() // where it ends early
	if err := d.enter(ctx); err != nil {
		return Summary{}, err
	}
	defer func() { err = errors.Join(err, d.dir.Unlock()) }()
	d.summary = Summary{
		Version: summaryVersion, Job: d.job.name, JobVersion: d.job.version, State: StateRunning,
		Started: d.started, Tool: d.cfg.Tool, Workers: d.cfg.Workers,
	}
	d.counts = make([]task.Counts, len(d.stages))
	d.plans = make([]*plan.Stage, len(d.stages))
	d.lost = map[task.ID]int{}
	err = d.run(ctx)
	d.closeSlots()
	if err := d.profile.Stop(); err != nil { // the job is as good without it
		d.note("%v", err)
	}
	if failed := (*FailedError)(nil); errors.As(err, &failed) {
		failed.Barren = barren(d.dir)
	}
	var usage *UsageError
	if errors.As(err, &usage) { // a task to rerun that does not exist: the job stays as it was
		return d.summary, err
	}
	vain := d.inVain(err)
	if vain {
		err = whileScanned(err)
	}
	d.settle(err)
	if vain { // leave no folder behind that would refuse the corrected command
		return d.summary, errors.Join(err, d.dir.Remove())
	}
	d.event(Event{Kind: EventJob, Text: fmt.Sprintf("job %s: %s, exit code %d", d.job.name, d.summary.State, d.summary.ExitCode)})
	return d.summary, errors.Join(err, d.dir.WriteSummary(d.summary))
}

// inVain tells whether a run failed before it had anything worth keeping: a plan or, where it is the input that is
// wrong, a stage behind the scan. What has been scanned is of no use then: the corrected input is another.
func (d *driver) inVain(err error) bool {
	if err == nil || d.created && d.plans[0] == nil {
		return err != nil
	}
	if d.stages[0].kind != task.Scan || ClassOf(err) != Input || results(d.dir) != "" {
		return false
	}
	begun, failed := d.dir.Stages()
	return failed == nil && !slices.ContainsFunc(begun, func(name string) bool { return name != d.stages[0].folder })
}

// startProfile begins to profile the driver.
func (d *driver) startProfile() (err error) {
	if d.cfg.Profile == "" {
		return nil
	}
	if d.profiles, err = filepath.Abs(d.cfg.Profile); err == nil {
		err = d.profile.Start(filepath.Join(d.profiles, "driver"))
	}
	if err != nil {
		return &UsageError{Err: err}
	}
	return nil
}

// enter opens or creates the job directory and checks that it holds this very job.
func (d *driver) enter(ctx context.Context) error {
	want, err := d.describe(ctx)
	if err != nil {
		return err
	}
	d.dir, err = jobdir.Open(fsx.OS{}, d.cfg.Dir)
	if errors.Is(err, jobdir.ErrNoJob) {
		err = d.create(want)
	}
	if errors.Is(err, syscall.ENOTDIR) {
		return &UsageError{Err: fmt.Errorf("%s is a file, or below one: give another --out", d.cfg.Dir)}
	}
	if err != nil {
		return err
	}
	if err := d.dir.Lock(); err != nil {
		return err
	}
	if d.created {
		return nil
	}
	err = d.compare(want)
	if other := (*IdentityError)(nil); errors.As(err, &other) {
		other.Barren = barren(d.dir)
	}
	if err == nil {
		err = d.compareStdin(ctx)
	}
	if err != nil {
		return errors.Join(err, d.dir.Unlock())
	}
	return nil
}

// create makes the job directory, unless another driver was faster.
func (d *driver) create(want jobdir.Job) (err error) {
	if err := checkInputs(d.inputs); err != nil {
		return err
	}
	d.dir, err = jobdir.Create(fsx.OS{}, d.cfg.Dir, want)
	if errors.Is(err, fs.ErrExist) {
		d.dir, err = jobdir.Open(fsx.OS{}, d.cfg.Dir)
		return err
	}
	d.created = err == nil
	return err
}

// maxRounds bounds how often a job goes back because a committed file turned out lost. Tasks have
// a bound of their own (maxLost), below which a round may find the files of any number of them.
const maxRounds = 1000

// run does what is missing until the results are laid out.
func (d *driver) run(ctx context.Context) error {
	if err := d.prepare(ctx); err != nil {
		return err
	}
	for range maxRounds {
		if err := d.assess(); err != nil {
			return err
		}
		if again, err := d.pass(ctx); err != nil || !again {
			return err
		}
	}
	return fmt.Errorf("%s: committed files keep getting lost or damaged; check the disk", d.cfg.Dir)
}

// prepare readies a job directory before any task runs.
func (d *driver) prepare(ctx context.Context) error {
	if err := d.dir.Recover(); err != nil {
		return err
	}
	workers := fmt.Sprintf("%d workers", d.cfg.Workers)
	if d.cfg.Workers == 1 {
		workers = "1 worker"
	}
	verb := "continues"
	if d.created {
		verb = "starts"
	}
	d.event(Event{Kind: EventJob, Text: fmt.Sprintf("job %s %s in %s with %s", d.job.name, verb, d.cfg.Dir, workers)})
	if err := d.rerun(); err != nil {
		return err
	}
	if err := d.dir.WriteSummary(d.summary); err != nil {
		return err
	}
	if err := d.openSlots(ctx); err != nil {
		return err
	}
	d.cfg.Hook("open")
	if err := d.checkChanged(ctx); err != nil {
		return err
	}
	return d.probe(ctx)
}

// pass runs the stages that are not done, then finish. again is true when a committed file turned out
// lost: its record is gone and another pass makes it anew.
func (d *driver) pass(ctx context.Context) (again bool, err error) {
	for i := range d.stages {
		again, err := d.stage(ctx, i)
		if err != nil || again {
			return again, err
		}
	}
	return d.finish(ctx)
}

// probe makes the mappers that ask for it in a worker, before any work is done with them.
func (d *driver) probe(ctx context.Context) error {
	for i := range d.stages {
		s := &d.stages[i]
		if _, done, err := d.dir.ReadDone(s.folder); !s.Probe || err == nil && done {
			continue
		}
		err := d.slots[0].probe(ctx, s)
		for try := 1; try < d.cfg.Tries && ClassOf(err) == Retryable; try++ {
			d.note("loading for %s: %v: once more", s.folder, err)
			err = d.slots[0].probe(ctx, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// settle completes the summary. The error of the run decides its state.
func (d *driver) settle(err error) {
	now := time.Now()
	s := &d.summary
	s.Ended = &now
	s.Rows = sumRows(d.stages, d.counts)
	s.Usage.WallSeconds = now.Sub(d.started).Seconds()
	s.Usage.DriverCPU = cpuSeconds()
	s.ExitCode = ExitCode(*s, err)
	s.State = stateOf(s.ExitCode, err)
	if err != nil {
		s.Error = err.Error()
	}
	var failed *FailedError
	if errors.As(err, &failed) {
		s.Failed = failed.Tasks
	}
}

func stateOf(code int, err error) string {
	var gate *GateError
	switch {
	case code == ExitComplete || code == ExitRejects:
		return StateComplete
	case code == ExitInterrupted:
		return StateInterrupted
	case errors.As(err, &gate) && gate.Held:
		return StateHeld
	case errors.As(err, &gate):
		return StateStopped
	}
	return StateFailed
}

// event tells the observer and the history of something that happened.
func (d *driver) event(e Event) {
	e.Time = time.Now()
	d.cfg.Observe(e)
	if err := d.dir.AppendEvent(e); err != nil {
		d.cfg.Observe(Event{Time: e.Time, Kind: EventNote, Text: fmt.Sprintf("events.jsonl: %v", err)})
	}
}

func (d *driver) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	d.summary.Notes = append(d.summary.Notes, text)
	d.event(Event{Kind: EventNote, Text: text})
}

// openSlots makes the places where attempts run. Processes start when there is work for them.
func (d *driver) openSlots(ctx context.Context) error {
	ex, err := d.executor()
	if err != nil {
		return err
	}
	for n := range d.cfg.Workers {
		d.slots = append(d.slots, newSlot(ctx, n, ex.Slot(n), d.dir))
	}
	return nil
}

// executor is where attempts run: in child processes, which are this program started again.
func (d *driver) executor() (executor.Executor, error) {
	hello := worker.Hello{Job: d.dir.Path()}
	if d.cfg.InProcess {
		return &executor.InProcess{
			New:   func() worker.Handler { return &child{opts: d.opts, jobs: []Job{d.job}} },
			Hello: hello,
		}, nil
	}
	path, err := executable()
	if err != nil {
		return nil, err
	}
	return &executor.Local{Profiles: d.profiles, Worker: worker.Config{
		Path: path, Hello: hello, MemoryCap: d.cfg.WorkerMemory,
		Want: worker.Ready{Job: d.job.name, Version: d.job.version, Params: paramsDigest(d.dir.Job().Params)},
	}}, nil
}

func (d *driver) closeSlots() {
	for _, s := range d.slots {
		u := s.close()
		d.summary.Usage.CPUSeconds += u.CPUSeconds
		d.summary.Usage.WorkerPeakRSS = max(d.summary.Usage.WorkerPeakRSS, u.PeakRSS)
	}
	d.slots = nil
}

// checkInputs finds inputs that do not exist before a job directory is made for them.
func checkInputs(inputs []InputFile) error {
	if len(inputs) == 0 {
		return &UsageError{Err: errors.New("no input: name at least one file or folder after the flags")}
	}
	for _, in := range inputs {
		if _, err := os.Stat(in.Path); err != nil && !isGlob(in) && !in.IsStdin() {
			return BadInput(err)
		}
	}
	return nil
}
