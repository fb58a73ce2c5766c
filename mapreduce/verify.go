package mapreduce

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/plan"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// Finding is what one check of a job directory found.
type Finding struct {
	Check    string   `json:"check"`
	OK       bool     `json:"ok"`
	Looked   string   `json:"looked,omitempty"` // at what: "5 plans"
	Problems []string `json:"problems,omitempty"`
}

// Add notes what is wrong.
func (f *Finding) Add(problems ...string) { f.Problems = append(f.Problems, problems...) }

// Verify checks all of a job directory that can be checked without running anything, and passes what each check found. It goes
// on after what is wrong. Its own error is that it could not look: no job directory, another format, a driver at work, a
// job that is not among jobs, or a context that is done.
func Verify(ctx context.Context, opts Options, jobs []Job, dir string, found func(Finding)) error {
	d, damage := jobdir.Look(fsx.OS{}, dir)
	if d == nil {
		return damage
	}
	if holder := lockHolder(d.Path("LOCK"), "/proc/locks"); holder != "" {
		return &jobdir.LockedError{Path: d.Path(), Holder: holder}
	}
	v := &verifier{driver: driver{dir: d, opts: opts}, found: found}
	if err := v.build(jobs, damage); err != nil {
		return err
	}
	for _, check := range []func(context.Context) error{
		v.checkPlans, v.checkRecords, v.checkComplete, v.checkSums, v.checkOutputs, v.checkResults, v.checkRejects,
	} {
		if err := check(ctx); err != nil {
			return err
		}
		if err := checkCanceled(ctx); err != nil {
			return err
		}
	}
	return nil
}

// verifier checks a job directory. Where its stages cannot be told, because job.json is damaged, it has those that
// lie there.
type verifier struct {
	driver
	found func(Finding)
	known bool                 // the stages are those of the job
	sums  map[string]task.ID   // stages with a damaged record: their sums cannot be right
	runs  map[string][]uint32  // of each stage, by map
	files map[string]resultRef // results that the records name, by their path below out/

	damaged map[string]bool // files of tasks, by path
}

// resultRef is a result and its committed file.
type resultRef struct {
	from string
	out  task.Output
}

func (v *verifier) pass(f Finding) {
	f.OK = len(f.Problems) == 0
	v.found(f)
}

// build makes the stages of the job.
func (v *verifier) build(jobs []Job, damage error) error {
	f := Finding{Check: "job.json", Looked: "version, checksum, parameters"}
	defer func() { v.pass(f) }()
	if damage != nil {
		f.Add(v.text(damage), "without it files and sums of the results cannot be checked")
	} else if err := v.buildStages(jobs, &f); err != nil {
		return err
	}
	if !v.known {
		names, err := v.dir.Stages()
		if err != nil {
			return err
		}
		for _, n := range names {
			v.stages = append(v.stages, Stage{folder: n})
		}
	}
	v.plans = make([]*plan.Stage, len(v.stages))
	v.counts = make([]task.Counts, len(v.stages))
	v.sums, v.runs, v.files = map[string]task.ID{}, map[string][]uint32{}, map[string]resultRef{}
	v.damaged = map[string]bool{}
	return nil
}

func (v *verifier) buildStages(jobs []Job, f *Finding) (err error) {
	j := v.dir.Job()
	for _, job := range jobs {
		if job.name != j.Job {
			continue
		}
		if v.stages, err = job.build(j.Params); err != nil {
			f.Add(fmt.Sprintf("its parameters cannot be used: %v", err))
			return nil
		}
		v.known, v.job = true, job
		return nil
	}
	return fmt.Errorf("%s is of the job %q: %w", v.dir.Path(), j.Job, errNoSuchJob)
}

// text is an error without the path of the job directory.
func (v *verifier) text(err error) string {
	var damaged *jobdir.DamagedError
	if errors.As(err, &damaged) {
		return v.rel(damaged.File) + ": " + damaged.Reason
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return v.rel(path.Path) + ": " + path.Err.Error()
	}
	return err.Error()
}

// rel is a path below the job directory as people see it.
func (v *verifier) rel(path string) string {
	if rel, err := filepath.Rel(v.dir.Path(), path); err == nil {
		return rel
	}
	return path
}

// checkPlans checks what stages were planned to do.
func (v *verifier) checkPlans(context.Context) error {
	f := Finding{Check: "plans"}
	n := 0
	for i := range v.stages {
		p, err := v.readPlan(v.stages[i].folder)
		switch {
		case err != nil:
			f.Add(v.text(err))
		case p != nil:
			n++
			v.plans[i] = p
			v.checkListed(p, &f)
		}
	}
	f.Looked = number(n, "plan")
	v.pass(f)
	return nil
}

func (v *verifier) checkListed(p *plan.Stage, f *Finding) {
	if p.Listing == nil {
		return
	}
	switch same, err := v.sameListing(p); {
	case err != nil:
		f.Add(v.text(err))
	case !same:
		f.Add(fmt.Sprintf("stages/%s/listing: its SHA-256 is not that in plan.json", p.Stage))
	}
}

// records are the records of a stage that can be read.
func (v *verifier) records(i int) iter.Seq[task.Record] {
	return func(yield func(task.Record) bool) {
		for rec, err := range v.dir.Records(v.stages[i].folder) {
			if err == nil && !yield(rec) {
				return
			}
		}
	}
}

// checkRecords checks the records of the tasks, and DONE.json of each stage against their sum.
func (v *verifier) checkRecords(context.Context) error {
	f := Finding{Check: "task records"}
	n := 0
	for i := range v.stages {
		stage, p := v.stages[i].folder, v.plans[i]
		have := map[task.ID]task.Attempt{}
		for rec, err := range v.dir.Records(stage) {
			if err != nil {
				f.Add(v.text(err))
				v.sums[stage] = rec.Task
				continue
			}
			n++
			have[rec.Task] = rec.Attempt
			v.note(i, rec)
		}
		if p != nil {
			for _, id := range planned(stage, p, have) {
				f.Add(fmt.Sprintf("stages/%s/tasks/%s.json: the plan has no such task", stage, id.Name()))
			}
		}
		v.checkDone(i, have, &f)
	}
	f.Looked = number(n, "record")
	v.pass(f)
	return nil
}

// note keeps what later checks need of a record.
func (v *verifier) note(i int, rec task.Record) {
	v.counts[i].Add(rec.Counts)
	for _, o := range rec.Outputs {
		if o.Kind == task.RunFile && v.plans[i] != nil {
			if _, n := v.plans[i].First(); v.runs[rec.Task.Stage] == nil {
				v.runs[rec.Task.Stage] = make([]uint32, n)
			}
			if runs := v.runs[rec.Task.Stage]; rec.Task.Index < len(runs) {
				runs[rec.Task.Index] = o.CRC32C
			}
		}
	}
}

// planned removes the tasks of the plan and returns the others.
func planned(stage string, p *plan.Stage, have map[task.ID]task.Attempt) (others []task.ID) {
	first, n := p.First()
	for id := range have {
		if id.Stage != stage || id.Kind == first && id.Index >= n || id.Kind == task.Reduce && id.Index >= p.Reduces() ||
			id.Kind != first && id.Kind != task.Reduce {
			others = append(others, id)
		}
	}
	return others
}

// checkDone checks DONE.json against the records.
func (v *verifier) checkDone(i int, have map[task.ID]task.Attempt, f *Finding) {
	stage := v.stages[i].folder
	done, is, err := v.dir.ReadDone(stage)
	if err != nil {
		f.Add(v.text(err))
	}
	if !is {
		return
	}
	if p := v.plans[i]; p != nil {
		for _, id := range missingTasks(stage, p, have) {
			if v.sums[stage] != id {
				f.Add(fmt.Sprintf("stages/%s/tasks/%s.json: missing, and DONE.json says that all tasks are done", stage, id.Name()))
				v.sums[stage] = id
			}
		}
	}
	if _, bad := v.sums[stage]; bad {
		return
	}
	sum, err := v.sum(stage)
	sum.Version, sum.Stage = done.Version, done.Stage
	if same, jerr := sameJSON(sum, done); err != nil || jerr != nil || !same {
		f.Add(fmt.Sprintf("stages/%s/DONE.json: it is not the sum of the records", stage))
	}
}

func sameJSON(a, b any) (bool, error) {
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return bytes.Equal(x, y), cmp.Or(err, err2)
}

// checkComplete says of a job that is not finished that it is not.
func (v *verifier) checkComplete(context.Context) error {
	f := Finding{Check: "complete", Looked: "all stages, and the results"}
	switch results(v.dir) {
	case ResultsHeld:
		f.Add("the job is not complete: its results are held back in held/, because too many rows were rejected")
	case "":
		f.Add("the job is not complete: there is no " + ResultsOut + "/_SUCCESS")
	}
	for i := range v.stages {
		if _, done, err := v.dir.ReadDone(v.stages[i].folder); err == nil && !done {
			f.Add(fmt.Sprintf("the job is not complete: stage %s is not done", v.stages[i].folder))
		}
	}
	v.pass(f)
	return nil
}

// checkSums checks the accounting: of each task, of each stage, and from one stage to the next.
func (v *verifier) checkSums(context.Context) error {
	f := Finding{Check: "accounting"}
	n := 0
	for i := range v.stages {
		p := v.plans[i]
		if p == nil {
			continue
		}
		n++
		for rec := range v.records(i) {
			f.Add(v.taskSums(p, rec)...)
		}
		if v.known {
			f.Add(v.stageSums(i)...)
			f.Add(v.readSums(i)...)
		}
		f.Add(v.shardSums(p)...)
	}
	f.Looked = fmt.Sprintf("sums of %s: %s", number(n, "stage"), rowText(sumCounts(v.stages, v.counts)))
	v.pass(f)
	return nil
}

func sumCounts(stages []Stage, counts []task.Counts) RowSummary {
	if len(stages) == 0 || stages[0].kind == "" {
		return RowSummary{}
	}
	return sumRows(stages, counts)
}

func rowText(r RowSummary) string {
	var dropped int64
	for _, n := range r.Dropped {
		dropped += n
	}
	return fmt.Sprintf("%d rows read = %d mapped + %d dropped + %d rejected", r.Read, r.Mapped, dropped, r.Rejected)
}

func (v *verifier) taskSums(p *plan.Stage, rec task.Record) (problems []string) {
	first, n := p.First()
	if rec.Task.Kind == first && rec.Task.Index < n {
		problems = sumTexts(rec.Task.String(), checkTask(p, rec))
	}
	_, bad := v.sums[p.Stage]
	if runs := v.runs[p.Stage]; rec.Task.Kind == task.Reduce && runs != nil && !bad && rec.Input != task.Inputs(runs) {
		problems = append(problems, fmt.Sprintf("%s: it has read other run files than those that the records name", rec.Task))
	}
	return problems
}

// stageSums checks the sums of a stage that is done.
func (v *verifier) stageSums(i int) []string {
	stage := v.stages[i].folder
	_, done, err := v.dir.ReadDone(stage)
	if _, bad := v.sums[stage]; bad || err != nil || !done {
		return nil
	}
	sum, err := v.sum(stage)
	if err != nil {
		return []string{v.text(err)}
	}
	return sumTexts(stage, checkStage(&v.stages[i], v.plans[i], sum))
}

// sumTexts are the sums that are wrong.
func sumTexts(of string, err error) (texts []string) {
	var sum *accountError
	switch joined, many := err.(interface{ Unwrap() []error }); {
	case err == nil:
	case many:
		for _, e := range joined.Unwrap() {
			texts = append(texts, sumTexts(of, e)...)
		}
	case errors.As(err, &sum):
		texts = []string{of + ": " + sum.sum()}
	default:
		texts = []string{of + ": " + err.Error()}
	}
	return texts
}

// shardSums checks that the shards of a plan are those that their tasks made.
func (v *verifier) shardSums(p *plan.Stage) (problems []string) {
	want := map[fileRef]plan.Map{}
	stages := map[string]bool{}
	for _, m := range p.Maps {
		if _, bad := v.sums[m.Task.Stage]; !bad {
			want[fileRef{m.Task, m.Seq}] = m
			stages[m.Task.Stage] = true
		}
	}
	for i := range v.stages {
		if !stages[v.stages[i].folder] {
			continue
		}
		for rec := range v.records(i) {
			for _, o := range rec.Outputs {
				m, ok := want[fileRef{rec.Task, o.Seq}]
				if o.Kind == task.DataFile && ok && m.Dataset == o.Dataset && m.Rows == o.Rows && m.Bytes == o.Bytes && m.CRC32C == o.CRC32C {
					delete(want, fileRef{rec.Task, o.Seq})
				}
			}
		}
	}
	for ref := range want {
		problems = append(problems, fmt.Sprintf("%s: the plan of %s has another shard %d than its record", ref.task, p.Stage, ref.seq))
	}
	slices.Sort(problems)
	return problems
}

// readSums checks that what a stage has read besides its input is what the tasks made.
func (v *verifier) readSums(i int) (problems []string) {
	for _, r := range v.plans[i].Reads {
		owner, ok := v.owner(r.Dataset)
		if _, bad := v.sums[v.stages[owner].folder]; !ok || bad {
			continue
		}
		switch sum, err := v.readSum(owner, r.Dataset); {
		case err != nil:
			problems = append(problems, v.text(err))
		case sum != r.CRC32C:
			problems = append(problems, fmt.Sprintf("%s: the files of dataset %s are not those that the plan says it reads", v.stages[i].folder, r.Dataset))
		}
	}
	return problems
}

func number(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
