package mapreduce

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/shardmill/shardmill/mapreduce/internal/plan"
)

// Env tells constructors of mappers, reducers and files what is the same for the whole stage, and where they may keep files.
type Env struct {
	stage   string
	scratch string // folder of the attempt, or ""
	meta    json.RawMessage
	asked   bool // Meta was called
	files   func(dataset string) ([]string, error)
	reads   []plan.Read
	read    bool // Files was called
}

// NewEnv makes an Env outside of a job, for tests of what job code makes from one. Its meta is JSON or nil; it has no datasets.
func NewEnv(stage string, meta json.RawMessage) *Env {
	return &Env{stage: stage, meta: meta, files: func(dataset string) ([]string, error) {
		return nil, fmt.Errorf("no dataset %s outside of a job", dataset)
	}}
}

// Stage is the name of the stage's folder, such as "01-classify".
func (e *Env) Stage() string { return e.stage }

// Scratch is Out.Scratch for constructors: the folder of the attempt that they are called in. A mapper outlives it: files that it goes on
// to read must not need their names. Outside of an attempt, as in a probe, it is "".
func (e *Env) Scratch() string { return e.scratch }

// Meta reads what the job's Source left with Lister.Meta when the job was planned, or with Cutter.Meta
// after the scan, such as the names of carried columns, into v. It leaves v alone where there is nothing.
func (e *Env) Meta(v any) error {
	e.asked = true
	if len(e.meta) == 0 {
		return nil
	}
	if err := json.Unmarshal(e.meta, v); err != nil {
		return fmt.Errorf("meta of the plan: %w", err)
	}
	return nil
}

// serves tells whether what a constructor made with e is what it would make with o: a probe makes a
// mapper before there is a plan, and what a stage reads may be made again and be other than before. That matters only to a
// constructor that asks for it.
func (e *Env) serves(o *Env) bool {
	return e.stage == o.stage && (!e.asked || bytes.Equal(e.meta, o.meta)) && (!e.read || slices.Equal(e.reads, o.reads))
}

// Files lists the committed files of a dataset that an earlier stage wrote, in task order. The stage
// must name the dataset in Reads. Their bytes are those that were committed: this process has compared size and checksum of each.
func (e *Env) Files(dataset Port) ([]string, error) {
	e.read = true
	return e.files(dataset.portName())
}
