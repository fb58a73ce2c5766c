package recommend

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/shardmill/shardmill/mapreduce"
)

// FoldIn completes parameters that name a model by those that it was trained with. An Algorithm of "" is the model's. Parameters
// of the training that are given are a *mapreduce.UsageError, and a model that cannot be used is an error of the input.
func FoldIn(p Params) (Params, error) {
	model, err := filepath.Abs(p.Model)
	if err != nil {
		return p, mapreduce.BadInput(err)
	}
	t, err := trained(model)
	if err != nil {
		return p, mapreduce.BadInput(err)
	}
	if p.Algorithm != "" && p.Algorithm != t.Algorithm {
		return p, usage("--algorithm %s: --model %s is of %s", p.Algorithm, p.Model, t.Algorithm)
	}
	for _, o := range append(p.options(), option{flag: "min-item", given: p.MinItem != 0}, option{flag: "similar", given: p.Similar != Defaults().Similar}) {
		if o.given {
			return p, usage("--%s is for training: leave it out with --model, which has its own", o.flag)
		}
	}
	p.Model = model
	return p.trainedAs(t), nil
}

func usage(format string, args ...any) error {
	return &mapreduce.UsageError{Err: fmt.Errorf(format, args...)}
}

// trainedAs takes over the parameters that a model was trained with.
func (p Params) trainedAs(t Params) Params {
	p.Algorithm, p.MinItem, p.Similar = t.Algorithm, t.MinItem, t.Similar
	p.K, p.Shrink, p.Alpha, p.Beta, p.K1, p.B = t.K, t.Shrink, t.Alpha, t.Beta, t.K1, t.B
	p.FactorOptions = t.FactorOptions
	return p
}

// trained are the parameters of the job that left a model.
func trained(dir string) (p Params, err error) {
	s, err := mapreduce.ReadStatus(dir)
	switch {
	case err != nil:
		return p, fmt.Errorf("--model: %w", err)
	case s.Job != "recommend":
		return p, fmt.Errorf("--model %s is a job %s, not recommend", dir, s.Job)
	case s.JobVersion != Version:
		return p, fmt.Errorf("--model %s is of version %d of the job, and this program has version %d: train it again", dir, s.JobVersion, Version)
	case !s.Complete():
		return p, fmt.Errorf("--model %s is not complete: let it end first (shardmill rerun %s)", dir, dir)
	}
	f, err := mapreduce.DescribeStateFile(filepath.Join(dir, "job.json"))
	if err != nil {
		return p, fmt.Errorf("--model: %w", err)
	}
	var job struct {
		Params Params `json:"params"`
	}
	if err := json.Unmarshal(f.Content, &job); err != nil {
		return p, fmt.Errorf("--model %s: %w", dir, err)
	}
	if from := job.Params.Model; from != "" {
		return p, fmt.Errorf("--model %s has no model of its own: give that which it was made with, --model %s", dir, from)
	}
	if parts, err := job.Params.parts(); err != nil || len(parts) != 1 {
		return p, fmt.Errorf("--model %s is of %s: a model is of one algorithm", dir, job.Params.Algorithm)
	}
	return job.Params, nil
}

// sameTraining tells whether a model was trained with what the parameters say.
func (p Params) sameTraining(t Params) bool {
	a, errA := json.Marshal(p)
	b, errB := json.Marshal(p.trainedAs(t))
	return errA == nil && errB == nil && bytes.Equal(a, b)
}
