package recommend

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/rankmetrics"
	"github.com/shardmill/shardmill/mapreduce"
)

// Comparison is what an evaluation has found.
type Comparison struct {
	Pick           string          `json:"pick"` // the metric that chooses, "NDCG@10"
	Cutoff         int32           `json:"-"`    // of Pick
	Configurations []Configuration `json:"configurations"`
	Winner         *Winner         `json:"winner,omitempty"` // nil if there is none
}

// Configuration is an algorithm with its parameters, and how good it is on the validation part. Those that were measured in the last
// rung come first, best first, then those of the rung before, and at last those that could not be measured.
type Configuration struct {
	Rank      int        `json:"rank,omitempty"` // from 1; 0 without a measure
	Number    int32      `json:"configuration"`  // in the order in which they were given, from 1
	Algorithm string     `json:"algorithm"`      // as for --algorithm of recommend
	Rung      int32      `json:"rung"`           // the last one that it was in; there is one without --budget
	Share     float64    `json:"share"`          // of the users in that rung
	Users     int64      `json:"users"`          // that were measured
	Reason    string     `json:"reason,omitempty"`
	Metrics   []Measured `json:"metrics,omitempty"`
	Cost      Cost       `json:"cost"`
}

// Measured is a metric at a cutoff. Value is nil where nobody is measured by it, and the ends of its 95 % interval are where there is none.
type Measured struct {
	Metric string   `json:"metric"`
	K      int32    `json:"k"`
	Value  *float64 `json:"value"`
	Low    *float64 `json:"low"`
	High   *float64 `json:"high"`
}

// Cost is what the training and measuring of a configuration took, in all rungs.
type Cost struct {
	CPUSeconds  float64 `json:"cpu_seconds"`
	WallSeconds float64 `json:"wall_seconds"`
	PeakRSS     int64   `json:"peak_rss_bytes"` // of its process, with what is mapped of the matrices
}

// Winner is the best configuration, trained again and measured on the test part.
type Winner struct {
	Number    int32      `json:"configuration"`
	Algorithm string     `json:"algorithm"`
	Users     int64      `json:"users"`
	Metrics   []Measured `json:"metrics"` // on the test part
	Cost      Cost       `json:"cost"`
	// Command is the command line of the job recommend with these parameters, without --out.
	Command []string `json:"command"`
}

// At finds a metric at a cutoff.
func At(list []Measured, metric string, k int32) (m Measured) {
	for _, m := range list {
		if m.Metric == metric && m.K == k {
			return m
		}
	}
	return Measured{Metric: metric, K: k}
}

// ReadComparison reads what the evaluation in a job directory has found. Results is the name of the folder with its results.
func ReadComparison(dir, results string) (*Comparison, error) {
	p, inputs, err := evaluationOf(dir)
	if err != nil {
		return nil, err
	}
	configurations, err := p.configurations()
	if err != nil {
		return nil, err
	}
	r := comparing{configurations: make([]Configuration, len(configurations))}
	r.metric, r.k = p.chooses()
	for i, of := range configurations {
		r.configurations[i] = Configuration{Number: int32(i + 1), Algorithm: of.text}
	}
	if err := r.read(dir, filepath.Join(dir, results)); err != nil {
		return nil, err
	}
	c := &Comparison{Pick: rankmetrics.Metric(r.metric).At(r.k), Cutoff: int32(r.k), Configurations: r.ranked(), Winner: r.winner}
	if w := c.Winner; w != nil {
		w.Command = commandLine(p.Params, w.Algorithm, inputs)
	}
	return c, nil
}

// evaluationOf reads the parameters of an evaluation, and its inputs to learn from.
func evaluationOf(dir string) (p EvaluationParams, inputs []string, err error) {
	f, err := mapreduce.DescribeStateFile(filepath.Join(dir, "job.json"))
	if err != nil {
		return p, nil, err
	}
	var job struct {
		Params EvaluationParams `json:"params"`
		Inputs []struct {
			Name string `json:"name"`
		} `json:"inputs"`
	}
	if err := json.Unmarshal(f.Content, &job); err != nil {
		return p, nil, fmt.Errorf("parameters of %s: %w", dir, err)
	}
	for _, in := range job.Inputs {
		inputs = append(inputs, in.Name)
	}
	if job.Params.Test != "" && len(inputs) > 0 {
		inputs = inputs[:len(inputs)-1]
	}
	return job.Params, inputs, nil
}

// comparing is the state of reading a comparison.
type comparing struct {
	metric         string
	k              int
	configurations []Configuration // by number
	winner         *Winner
}

// read reads trials and metrics, and what the tasks cost.
func (r *comparing) read(dir, out string) error {
	costs, err := costsOf(dir)
	if err != nil {
		return err
	}
	err = eachOf(out, trialsName, trialColumns(), func(t trial) error {
		if t.configuration < 1 || int(t.configuration) > len(r.configurations) {
			return fmt.Errorf("%s: there is no configuration %d", out, t.configuration)
		}
		if t.part == partTest {
			if t.reason == "" {
				r.winner = &Winner{Number: t.configuration, Algorithm: t.algorithm, Users: t.users, Cost: costs[costKey{0, 0}]}
			}
			return nil
		}
		c := &r.configurations[t.configuration-1]
		c.Rung, c.Share, c.Users, c.Reason = t.rung, t.share, t.users, t.reason
		c.Cost.add(costs[costKey{t.rung, t.task}])
		return nil
	})
	if err != nil {
		return err
	}
	return eachOf(out, metricsName, metricColumns(), func(t trial) error {
		m := Measured{t.metric, t.k, number(t.value), number(t.low), number(t.high)}
		switch c := &r.configurations[t.configuration-1]; {
		case t.part == partTest && r.winner != nil:
			r.winner.Metrics = append(r.winner.Metrics, m)
		case t.part == partValidation && t.rung == c.Rung:
			c.Metrics = append(c.Metrics, m)
		}
		return nil
	})
}

// number is nil for NaN.
func number(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}

// ranked puts the configurations in order.
func (r *comparing) ranked() []Configuration {
	value := func(c *Configuration) float64 {
		if v := At(c.Metrics, r.metric, int32(r.k)).Value; v != nil {
			return *v
		}
		return math.Inf(-1)
	}
	var list, without []Configuration
	for _, c := range r.configurations {
		switch {
		case c.Rung == 0:
			c.Reason = "it crashed its worker, or took too much memory or time: see the rejects"
			fallthrough
		case c.Reason != "":
			without = append(without, c)
		default:
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b Configuration) int {
		return cmp.Or(cmp.Compare(b.Rung, a.Rung), cmp.Compare(value(&b), value(&a)))
	})
	for i := range list {
		list[i].Rank = i + 1
	}
	return append(list, without...)
}

// costKey names a task: the rung, 0 for the test, and its number.
type costKey struct{ rung, task int32 }

func (c *Cost) add(o Cost) {
	c.CPUSeconds, c.WallSeconds, c.PeakRSS = c.CPUSeconds+o.CPUSeconds, c.WallSeconds+o.WallSeconds, max(c.PeakRSS, o.PeakRSS)
}

// costsOf reads what the tasks of the trials and of the test cost.
func costsOf(dir string) (map[costKey]Cost, error) {
	s, err := mapreduce.ReadStatus(dir)
	if err != nil {
		return nil, err
	}
	costs, rung := map[costKey]Cost{}, int32(0)
	for _, st := range s.Stages {
		_, name, _ := strings.Cut(st.Name, "-")
		of := int32(0)
		switch {
		case name == trialsName || strings.HasPrefix(name, trialsName+"-"):
			rung++
			of = rung
		case name != testName:
			continue
		}
		for u, err := range mapreduce.Usages(dir, st.Name) {
			if err != nil {
				return nil, err
			}
			if u.Kind == "reduce" {
				costs[costKey{of, int32(u.Index)}] = Cost{u.CPUSeconds, u.WallSeconds, u.PeakRSS}
			}
		}
	}
	return costs, nil
}

// eachOf reads the rows of a dataset.
func eachOf[R any](out, dataset string, columns table.Columns[R], visit func(R) error) error {
	files, err := filepath.Glob(filepath.Join(out, dataset, "*.parquet"))
	if err != nil {
		return err
	}
	for _, path := range files {
		if err := eachIn(path, columns, visit); err != nil {
			return err
		}
	}
	return nil
}

func eachIn[R any](path string, columns table.Columns[R], visit func(R) error) (err error) {
	f, err := parquetfile.Open(path, columns)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for {
		var row R
		err := f.Read(&row)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = visit(row)
		}
		if err != nil {
			return err
		}
	}
}
