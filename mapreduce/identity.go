package mapreduce

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// describe says what this job is: everything that can change its output bytes.
func (d *driver) describe(ctx context.Context) (jobdir.Job, error) {
	j := jobdir.Job{
		Job: d.job.name, JobVersion: d.job.version, Params: d.cfg.Params, Tool: d.cfg.Tool,
		Identity: map[string]string{
			"--partitions": strconv.Itoa(d.cfg.Partitions),
			"--limit":      strconv.FormatInt(d.cfg.Limit, 10),
		},
	}
	var params map[string]json.RawMessage
	if json.Unmarshal(d.cfg.Params, &params) == nil {
		for name, v := range params {
			j.Identity["--"+name] = string(v)
		}
	}
	for i := range d.stages {
		files, err := d.stages[i].files()
		if err != nil {
			return j, BadInput(err)
		}
		for _, f := range files {
			sum, err := f.digest(ctx)
			if err != nil {
				return j, BadInput(fmt.Errorf("%s: %w", f.Role, err))
			}
			j.Identity[contentOf(f)] = sum
		}
	}
	for _, in := range d.inputs {
		v := jobdir.Input{Name: in.Name, Path: in.Path}
		if info, err := os.Stat(in.Path); err == nil && !in.IsStdin() {
			v.Dir, v.ModTime = info.IsDir(), info.ModTime()
			if !v.Dir {
				v.Size = info.Size()
			}
		}
		j.Inputs = append(j.Inputs, v)
	}
	return j, nil
}

// inheritIdentity takes over, for a rerun, what the command that made the job directory said.
func (c *Config) inheritIdentity(id map[string]string) {
	c.Partitions, _ = strconv.Atoi(id["--partitions"])
	c.Limit, _ = strconv.ParseInt(id["--limit"], 10, 64)
}

// compare refuses a job directory of another job, naming each difference.
func (d *driver) compare(want jobdir.Job) error {
	have := d.dir.Job()
	var diff []string
	if have.Job != want.Job {
		diff = append(diff, fmt.Sprintf("it is of the job %s, not %s", have.Job, want.Job))
	} else if have.JobVersion != want.JobVersion {
		diff = append(diff, fmt.Sprintf("it is of version %d of the job, and this program has version %d", have.JobVersion, want.JobVersion))
	}
	if len(diff) == 0 {
		diff = append(compareMaps(have.Identity, want.Identity), compareInputs(have.Inputs, want.Inputs)...)
		if len(diff) == 0 && !bytes.Equal(have.Params, want.Params) {
			diff = append(diff, fmt.Sprintf("the parameters are %s there and %s here", have.Params, want.Params))
		}
	}
	if len(diff) > 0 {
		return &IdentityError{Dir: d.cfg.Dir, Differences: diff}
	}
	return nil
}

func compareMaps(have, want map[string]string) []string {
	names := maps.Clone(have)
	maps.Copy(names, want)
	var diff []string
	for _, n := range slices.Sorted(maps.Keys(names)) {
		if have[n] != want[n] {
			diff = append(diff, fmt.Sprintf("%s is %s there and %s here", n, shown(have[n]), shown(want[n])))
		}
	}
	return diff
}

func shown(v string) string {
	if v == "" {
		return "not given"
	}
	return v
}

func compareInputs(have, want []jobdir.Input) []string {
	if len(have) != len(want) {
		noun, verb := "inputs", "are"
		if len(have) == 1 {
			noun = "input"
		}
		if len(want) == 1 {
			verb = "is"
		}
		return []string{fmt.Sprintf("it has %d %s, and %d %s given here", len(have), noun, len(want), verb)}
	}
	for i := range have {
		if have[i].Path != want[i].Path || have[i].Name != want[i].Name {
			return []string{fmt.Sprintf("input %d is %s (%s) there and %s (%s) here",
				i+1, have[i].Name, have[i].Path, want[i].Name, want[i].Path)}
		}
	}
	return nil
}

// checkChanged refuses inputs that changed after they were read: a file whose size or time differs is
// compared by the digests that scan or split recorded.
func (d *driver) checkChanged(ctx context.Context) error {
	if d.created {
		return nil
	}
	changed := map[string]string{} // path to name
	for _, in := range d.dir.Job().Inputs {
		info, err := os.Stat(in.Path)
		switch {
		case in.Path == StdinName: // in the listing
		case in.Dir || isGlob(InputFile{Name: in.Name}) && err != nil:
		case err != nil:
			return d.goneInput(in, err)
		case info.Size() != in.Size || !info.ModTime().Equal(in.ModTime):
			changed[in.Path] = in.Name
		}
	}
	if err := d.compareDigests(ctx, changed); err != nil || !d.cfg.CheckContent {
		return err
	}
	return d.checkContent(ctx)
}

// goneInput is an error unless all of the input has been read already.
func (d *driver) goneInput(in jobdir.Input, err error) error {
	for i := range d.stages {
		if _, done, _ := d.dir.ReadDone(d.stages[i].folder); d.stages[i].readsInput() && !done {
			return BadInput(err)
		}
	}
	d.note("input %s is gone; all of it has been read", in.Name)
	return nil
}

// compareDigests compares the files in changed, and with CheckContent all that were read, with the
// digests taken then.
func (d *driver) compareDigests(ctx context.Context, changed map[string]string) error {
	if len(changed) == 0 && !d.cfg.CheckContent {
		return nil
	}
	compare := func(path string, is func() (bool, error)) error {
		name, ok := changed[path]
		if !ok && !d.cfg.CheckContent {
			return nil
		}
		same, err := is()
		switch {
		case errors.Is(err, fs.ErrNotExist) && !ok: // gone, as goneInput allows
			return nil
		case ClassOf(err) == task.Canceled:
			return err
		case err != nil:
			return BadInput(err)
		case !same:
			return changedInput(cmp.Or(name, path))
		}
		return nil
	}
	for i := range d.stages {
		if !d.stages[i].readsInput() {
			continue
		}
		if err := d.compareStage(ctx, i, compare); err != nil {
			return err
		}
	}
	return nil
}

// compareStage passes what the committed tasks of a stage have read of the input.
func (d *driver) compareStage(ctx context.Context, i int, compare func(path string, same func() (bool, error)) error) error {
	p, err := d.readPlan(d.stages[i].folder)
	if err != nil || p == nil {
		return damaged(err) // then nothing counts that has been read
	}
	for rec, err := range d.dir.Records(p.Stage) {
		if err != nil {
			continue // a record that does not count has read nothing that counts
		}
		for path, sum := range rec.Digests {
			err := compare(path, func() (bool, error) {
				now, err := digestLike(ctx, path, sum)
				return now == sum, err
			})
			if err != nil {
				return err
			}
		}
		n := rec.Task.Index
		if n >= len(p.Scans) || len(p.Scans[n].Ranges) != len(rec.Scanned) {
			continue // it is none of a scan
		}
		for k, seen := range rec.Scanned {
			rg := p.Scans[n].Ranges[k]
			if err := compare(rg.Path, func() (bool, error) { return sameRange(ctx, rg, seen.Sum) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// sameRange tells whether the bytes of a range are those that were scanned, and the file is no longer or shorter.
func sameRange(ctx context.Context, rg Range, sum string) (bool, error) {
	info, err := os.Stat(rg.Path)
	if err != nil || info.Size() != rg.Size {
		return false, err
	}
	now, err := rangeDigest(ctx, rg, func() {})
	return now == sum, err
}

// changedError reports a file of the input that is not what the job has read.
type changedError struct{ name string }

func (e *changedError) Error() string {
	return e.name + " changed since this job read it: put the old file back, or give another --out"
}

func changedInput(name string) error { return BadInput(&changedError{name}) }

// whileScanned makes another of a changedError where only the scan has read the file, so that none has to be put back.
func whileScanned(err error) error {
	if changed := (*changedError)(nil); errors.As(err, &changed) {
		return BadInput(fmt.Errorf("%s changed while this job scanned it", changed.name))
	}
	return err
}

// checkContent asks the rows in the shards that are still there whether what they name has changed.
func (d *driver) checkContent(ctx context.Context) error {
	split, ok := d.owner(shardsName)
	if !ok {
		return nil // rows of a source that is read in place name nothing
	}
	env, err := d.env(split)
	if err != nil {
		return err
	}
	told := false
	for f, err := range d.files(split, shardsName) {
		if err != nil {
			continue // assess deals with records that do not count
		}
		if err := d.dir.VerifyOutput(f.attempt, f.out); err != nil {
			if !told {
				d.note("--check-content: what the inputs name cannot be compared, since shards were removed when they were no longer needed (--keep-intermediate keeps them)")
			}
			told = true
			continue
		}
		name, err := d.stages[split].src.changed(ctx, env, f.path)
		if err != nil {
			return err
		}
		if name != "" {
			return changedInput(name)
		}
	}
	return nil
}

// env is what the formats of a stage see of the job in the driver.
func (d *driver) env(i int) (*Env, error) {
	stage := d.stages[i].folder
	p, err := d.readPlan(metaStage(d.stages, stage))
	if err != nil || p == nil {
		return &Env{stage: stage}, damaged(err)
	}
	return &Env{stage: stage, meta: p.Meta}, nil
}

// contentOf is what a file besides the inputs is called in the job's identity.
func contentOf(f File) string { return "content of the " + f.Role }

func (f File) digest(ctx context.Context) (string, error) {
	if f.Content != nil {
		sum := sha256.Sum256(f.Content)
		return "sha256 " + hex.EncodeToString(sum[:]), nil
	}
	sum, err := fileDigest(ctx, f.Path)
	return "sha256 " + sum, err
}

// digestLike takes the digest of a file in the way in which another one was taken.
func digestLike(ctx context.Context, path, other string) (string, error) {
	if !strings.HasPrefix(other, rangeSum) {
		return fileDigest(ctx, path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	return rangeDigest(ctx, Range{Name: path, Path: path, Size: info.Size()}, func() {})
}

func fileDigest(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(h, ctxReader{ctx.Err, f})
	if err = errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// ctxReader ends a long copy when the context ends.
type ctxReader struct {
	err func() error
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.err(); err != nil {
		return 0, task.New(task.Canceled, err)
	}
	return c.r.Read(p)
}

func isGlob(in InputFile) bool { return strings.ContainsAny(in.Name, "*?[") }
