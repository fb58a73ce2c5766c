package jobs

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/jobs/recommend"
)

// ShowComparison reads what an evaluation of recommendations has found, and makes tables of it: the configurations, best first, and
// the metrics of the winner on the test part. It is an *UnknownError for other jobs.
func ShowComparison(job string, v View) (*recommend.Comparison, []Table, error) {
	if job != recommend.EvaluationJob().Name() {
		return nil, nil, &UnknownError{Job: job}
	}
	c, err := recommend.ReadComparison(filepath.Dir(v.Out), filepath.Base(v.Out))
	if err != nil {
		return nil, nil, err
	}
	return c, comparisonTables(c, v.Rows), nil
}

// beside are the metrics that are shown beside the one that chooses.
func beside() []string { return []string{"ndcg", "recall", "map", "coverage"} }

func comparisonTables(c *recommend.Comparison, rows int) []Table {
	picked, _, _ := strings.Cut(c.Pick, "@")
	picked = strings.ToLower(picked)
	all := Table{Name: "configurations", Title: fmt.Sprintf("configurations by %s on the validation part", c.Pick), Header: []string{"rank", "algorithm", c.Pick, "95 %"}}
	for _, name := range beside() {
		if name != picked {
			all.Header = append(all.Header, fmt.Sprintf("%s@%d", name, c.Cutoff))
		}
	}
	all.Header = append(all.Header, "CPU s", "MiB", "note")
	for _, of := range c.Configurations[:min(len(c.Configurations), rows)] {
		all.Rows = append(all.Rows, configurationRow{of, picked, c.Cutoff})
	}
	if c.Winner == nil {
		return []Table{all}
	}
	title := fmt.Sprintf("%s on the test part, of %d users", c.Winner.Algorithm, c.Winner.Users)
	tested := Table{Name: "test", Title: title, Header: []string{"metric", "value", "95 %"}}
	for _, m := range c.Winner.Metrics {
		tested.Rows = append(tested.Rows, metricRow{m})
	}
	return []Table{all, tested}
}

type configurationRow struct {
	recommend.Configuration
	picked string
	cutoff int32
}

// Cells implements Row.
func (r configurationRow) Cells() []string {
	chosen := recommend.At(r.Metrics, r.picked, r.cutoff)
	cells := []string{"", r.Algorithm, figure(chosen.Value), interval(chosen)}
	if r.Rank > 0 {
		cells[0] = strconv.Itoa(r.Rank)
	}
	for _, name := range beside() {
		if name != r.picked {
			cells = append(cells, figure(recommend.At(r.Metrics, name, r.cutoff).Value))
		}
	}
	note := r.Reason
	if note == "" && r.Share < 1 {
		note = fmt.Sprintf("of %.1f %% of the users", 100*r.Share)
	}
	return append(cells, fmt.Sprintf("%.2f", r.Cost.CPUSeconds), strconv.FormatInt(r.Cost.PeakRSS>>20, 10), note)
}

type metricRow struct{ recommend.Measured }

// Cells implements Row.
func (r metricRow) Cells() []string {
	return []string{fmt.Sprintf("%s@%d", r.Metric, r.K), figure(r.Value), interval(r.Measured)}
}

func figure(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', 4, 64)
}

func interval(m recommend.Measured) string {
	if m.Low == nil || m.High == nil {
		return ""
	}
	return fmt.Sprintf("%.4f to %.4f", *m.Low, *m.High)
}
