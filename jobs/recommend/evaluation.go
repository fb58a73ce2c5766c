package recommend

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/jobs/internal/interactions"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/mapreduce"
)

// evaluationVersion grows when equal inputs and parameters of an evaluation would give other bytes.
const evaluationVersion = 1

// EvaluationParams are the parameters of an evaluation. The JSON names are those of the flags. Of Params it has those of the
// inputs and of the algorithms; Algorithm lists what is compared, "" for all.
type EvaluationParams struct {
	Params

	Split      string   `json:"split,omitempty"`      // how the test part is cut off: hash:SHARE, last or time:DATE; "" for hash:0.2
	Test       string   `json:"test,omitempty"`       // instead of Split, a file whose pairs are the test part: the last of the inputs
	Validation string   `json:"validation,omitempty"` // how the validation part is cut off the rest; "" for as the test part is
	Grid       []string `json:"grid,omitempty"`       // values of parameters, "k=20,50" or "als:factors=32,64"
	Cutoffs    string   `json:"cutoffs"`              // lengths of lists that are measured, "5,10,20"
	Pick       string   `json:"pick"`                 // the metric that chooses, and its cutoff, "NDCG@10"
	Budget     float64  `json:"budget,omitempty"`     // work, in configurations trained on all users; 0 for no bound
}

// EvaluationDefaults are the parameters that a command line need not give.
func EvaluationDefaults() EvaluationParams {
	p := EvaluationParams{Params: Defaults(), Cutoffs: "5,10,20", Pick: "NDCG@10"}
	p.Algorithm = ""
	return p
}

// defaultSplit is how parts are cut off where nothing is said.
const defaultSplit = "hash:0.2"

// EvaluationJob compares algorithms on a part of the interactions that is kept from them. Its inputs are those to learn from
// and, where the parameter Test names a file, at last this one.
func EvaluationJob() mapreduce.Job {
	return mapreduce.New("evaluate", evaluationVersion, EvaluationDefaults(), func(p EvaluationParams) ([]mapreduce.Stage, error) {
		return evaluationStages(p, shardBytes)
	})
}

// evaluationStages have shards, and parts of files, of about so many bytes.
func evaluationStages(p EvaluationParams, bytes int64) ([]mapreduce.Stage, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	e := newEvaluation(p)
	return e.stages(e.source(mapreduce.Target{Rows: p.ShardRows, Bytes: bytes})), nil
}

// check finds parameters that no run can use, without opening a file.
func (p EvaluationParams) check() error {
	p.Options.Test = p.Test
	if err := p.checkInput(); err != nil {
		return err
	}
	switch {
	case p.Model != "":
		return errors.New("--model: an evaluation trains its models itself")
	case p.Blend != "" || p.Weights != "":
		return errors.New("--blend and --weights: an evaluation compares algorithms one by one")
	case p.Split != "" && p.Test != "":
		return fmt.Errorf("--split %s and --test %s: only one of them can say what the test part is", p.Split, p.Test)
	case !(p.Budget >= 0) || math.IsInf(p.Budget, 0):
		return fmt.Errorf("--budget %v: a number above 0", p.Budget)
	}
	if err := p.checkCuts(); err != nil {
		return err
	}
	if _, _, err := p.pick(); err != nil {
		return err
	}
	_, err := p.rungs()
	return err
}

// configurations are what is compared.
func (p EvaluationParams) configurations() ([]part, error) {
	return configurations(p.Params, p.Grid, p.Algorithm == "")
}

// chooses is pick of parameters that have been checked.
func (p EvaluationParams) chooses() (metric string, k int) {
	metric, k, _ = p.pick() // whose errors are those of check
	return metric, k
}

// checkCuts finds cuts that cannot be made, or not with each other.
func (p EvaluationParams) checkCuts() error {
	c, err := p.cutter()
	switch {
	case err != nil:
		return err
	case c.test.timed() && p.TimeCol == "":
		return fmt.Errorf("--split %s needs the times: give --time-col", p.Split)
	case c.valid.timed() && p.TimeCol == "":
		return fmt.Errorf("--validation %s needs the times: give --time-col", p.Validation)
	case p.Validation != "" && c.test.kind == byTime && c.valid.kind == byTime && c.valid.from >= c.test.from:
		return fmt.Errorf("--validation %s: it has to be before --split %s, which cuts off all that is later", p.Validation, p.Split)
	}
	return nil
}

// cutter is how pairs are cut into parts. The validation part of a split by time begins at its own time, unless that was
// told, once the newest interaction is known.
func (p EvaluationParams) cutter() (c cutter, err error) {
	if p.Test == "" {
		if c.test, err = parseCutting(p.split()); err != nil {
			return c, fmt.Errorf("--split %q: %w", p.Split, err)
		}
	}
	if c.valid, err = parseCutting(p.validation()); err != nil {
		return c, fmt.Errorf("--validation %q: %w", p.Validation, err)
	}
	return c, nil
}

func (p EvaluationParams) split() string {
	if p.Split == "" && p.Test == "" {
		return defaultSplit
	}
	return p.Split
}

func (p EvaluationParams) validation() string {
	switch {
	case p.Validation != "":
		return p.Validation
	case p.Test != "":
		return defaultSplit
	}
	return p.split()
}

// cutoffs are the lengths of lists that are measured, ascending.
func (p EvaluationParams) cutoffs() (list []int, err error) {
	for text := range strings.SplitSeq(p.Cutoffs, ",") {
		k, err := strconv.Atoi(text)
		if err != nil || k < 1 || k > most {
			return nil, fmt.Errorf("--cutoffs %q: whole numbers from 1 to %d with commas between them, such as 5,10,20", p.Cutoffs, most)
		}
		if slices.Contains(list, k) {
			return nil, fmt.Errorf("--cutoffs %q: %d is there twice", p.Cutoffs, k)
		}
		list = append(list, k)
	}
	slices.Sort(list)
	return list, nil
}

// longest is how long lists have to be: the largest cutoff.
func (p EvaluationParams) longest() int {
	list, _ := p.cutoffs() // whose errors are those of check
	return slices.Max(list)
}

// pickable lists the metrics of a user's list, by which can be chosen.
func pickable() []string { return []string{"precision", "recall", "ndcg", "map", "mrr", "hit_rate"} }

// pick is the metric that chooses, by the name that it has in the results, and its cutoff.
func (p EvaluationParams) pick() (metric string, k int, err error) {
	cutoffs, err := p.cutoffs()
	if err != nil {
		return "", 0, err
	}
	name, text, _ := strings.Cut(p.Pick, "@")
	metric = strings.ReplaceAll(strings.ToLower(name), "-", "_")
	k, err = strconv.Atoi(text)
	switch {
	case !slices.Contains(pickable(), metric) || err != nil:
		return "", 0, fmt.Errorf("--pick %q: METRIC@K, such as NDCG@10, with one of %s", p.Pick, strings.Join(pickable(), ", "))
	case !slices.Contains(cutoffs, k):
		return "", 0, fmt.Errorf("--pick %s: %d is none of --cutoffs %s", p.Pick, k, p.Cutoffs)
	}
	return metric, k, nil
}

// evaluation is what the stages of an evaluation share.
type evaluation struct {
	*recommendation
	params EvaluationParams
	// fit, valid and test are the parts, and known is fit with valid, all by user. In a matrix no user without an entry has a
	// row. Only fit and known have values.
	fit, valid, known, test *mapreduce.Dataset[matrix.Row]
	fitItems, knownItems    *mapreduce.Dataset[matrix.Row] // fit and known by item
	byFitItem, byKnownItem  *rowStream
	configurations          []part // numbered from 1
	rungs                   []rung
	results                 evaluationResults
}

// newEvaluation makes it of parameters that have been checked.
func newEvaluation(p EvaluationParams) *evaluation {
	p.Options.Test = p.Test
	e := &evaluation{
		recommendation: newRecommendation(p.Params), params: p,
		fit: rowsOf("fit"), valid: rowsOf("valid"), known: rowsOf("known"), test: rowsOf("test"),
		fitItems: rowsOf("fit_items"), knownItems: rowsOf("known_items"), results: newEvaluationResults(),
	}
	e.itemIDs.Side = true
	e.configurations, _ = p.configurations() // whose errors, as those of rungs, are those of check
	e.rungs, _ = p.rungs()
	e.byUser = e.partsStream()
	e.byFitItem, e.byKnownItem = e.itemStream(e.fitItems, "by_fit_item"), e.itemStream(e.knownItems, "by_known_item")
	return e
}

// itemStream makes a matrix by items, in as many files as there are of users.
func (e *evaluation) itemStream(to *mapreduce.Dataset[matrix.Row], name string) *rowStream {
	s := rowsInto(to, name, sumOf)
	s.Partition, s.PartitionsOf = byRow(e.counts(e.itemIDs)), e.byUser
	return s
}

func (e *evaluation) stages(src *mapreduce.Source[interactions.Row]) []mapreduce.Stage {
	return append(e.partStages(src), e.trialStages()...)
}

// partStages make the parts, and see to it that they have what an evaluation needs.
func (e *evaluation) partStages(src *mapreduce.Source[interactions.Row]) []mapreduce.Stage {
	some := e.someStream()
	transpose := e.transposing("transpose", e.fit, e.byFitItem, some)
	transpose.Reads = []mapreduce.Port{e.userIDs, e.itemIDs, e.fit, e.valid, e.known, e.test}
	return []mapreduce.Stage{e.partsStage(src), transpose, e.transposing("transpose-known", e.known, e.byKnownItem)}
}

// partsStage makes compressed rows of the parts, by user.
func (e *evaluation) partsStage(src *mapreduce.Source[interactions.Row]) mapreduce.Stage {
	left := leftStream(e.params.Params)
	st := mapreduce.NewStage("matrix", src, pairBatch,
		func(_ context.Context, env *mapreduce.Env) (mapreduce.Mapper[interactions.Row], error) {
			m, err := e.pairer(env, left)
			if err != nil {
				return nil, err
			}
			c, err := e.params.cutter()
			if err != nil {
				return nil, err
			}
			m.timed = m.timed || c.test.timed() || c.valid.timed()
			if c.test.kind == byTime {
				m.newest = c.test.from // what is later is not known when models are trained
			}
			return m, m.check("cutoffs", e.params.longest())
		}, e.byUser, left)
	st.Reads = []mapreduce.Port{e.userIDs, e.itemIDs}
	return st
}
