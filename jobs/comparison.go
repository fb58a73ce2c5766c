package jobs

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/jobs/internal/rankmetrics"
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

// beside are the metrics that are shown beside the one that chooses, at the same cutoff, which is another one than these.
func beside(c *recommend.Comparison) []string {
	picked := pickedOf(c)
	return slices.DeleteFunc([]string{"ndcg", "recall"}, func(name string) bool { return name == picked })
}

// pickedOf is the name of the metric that chooses, as Measured has it.
func pickedOf(c *recommend.Comparison) string {
	name, _, _ := strings.Cut(c.Pick, "@")
	return strings.ToLower(name)
}

func comparisonTables(c *recommend.Comparison, rows int) []Table {
	title := fmt.Sprintf("configurations by %s on the validation part", c.Pick)
	if all := len(c.Configurations); all > rows {
		title = fmt.Sprintf("the first %d of %d %s", rows, all, title)
	}
	measured := Table{Name: "configurations", Title: title, Header: []string{"#", "algorithm", c.Pick + " (95 %)"}}
	for _, name := range beside(c) {
		metric, _, _ := strings.Cut(rankmetrics.Metric(name).At(0), "@")
		measured.Header = append(measured.Header, metric)
	}
	measured.Header = append(measured.Header, "CPU s", "MiB", "users")
	others := Table{Name: "configurations", Title: "configurations that could not be measured", Header: []string{"algorithm", "reason"}}
	for _, of := range c.Configurations[:min(len(c.Configurations), rows)] {
		if of.Reason != "" {
			others.Rows = append(others.Rows, reasonRow{of})
		} else {
			measured.Rows = append(measured.Rows, configurationRow{of, c})
		}
	}
	tables := []Table{measured}
	if len(others.Rows) > 0 {
		tables = append(tables, others)
	}
	if c.Winner == nil {
		return tables
	}
	title = fmt.Sprintf("%s on the test part, of %s", c.Winner.Algorithm, countedOf(c.Winner.Users, "user"))
	tested := Table{Name: "test", Title: title, Header: []string{"metric", "value", "95 %"}}
	for _, m := range c.Winner.Metrics {
		tested.Rows = append(tested.Rows, metricRow{m})
	}
	return append(tables, tested)
}

// configurationRow is a configuration that was measured. The columns fit into a terminal of 80 columns.
type configurationRow struct {
	recommend.Configuration
	of *recommend.Comparison
}

// Cells implements Row.
func (r configurationRow) Cells() []string {
	at := func(name string) recommend.Measured { return recommend.At(r.Metrics, name, r.of.Cutoff) }
	chosen := at(pickedOf(r.of))
	cells := []string{strconv.Itoa(r.Rank), r.Algorithm, strings.TrimRight(short(chosen.Value)+" "+span(chosen), " ")}
	for _, name := range beside(r.of) {
		cells = append(cells, short(at(name).Value))
	}
	users := ""
	if r.Share < 1 {
		users = fmt.Sprintf("%.3g%%", 100*r.Share)
	}
	return append(cells, seconds(r.Cost.CPUSeconds), strconv.FormatInt(r.Cost.PeakRSS>>20, 10), users)
}

// reasonRow is a configuration that could not be measured.
type reasonRow struct{ recommend.Configuration }

// Cells implements Row.
func (r reasonRow) Cells() []string { return []string{r.Algorithm, r.Reason} }

type metricRow struct{ recommend.Measured }

// Cells implements Row.
func (r metricRow) Cells() []string {
	return []string{rankmetrics.Metric(r.Metric).At(int(r.K)), figure(r.Value), interval(r.Measured)}
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

// short is a number from 0 to 1 in four letters: ".385", "1.00".
func short(v *float64) string {
	switch {
	case v == nil:
		return ""
	case *v >= .9995:
		return strconv.FormatFloat(*v, 'f', 2, 64)
	}
	return strings.TrimPrefix(strconv.FormatFloat(*v, 'f', 3, 64), "0")
}

// span is an interval of shares, ".385-.501".
func span(m recommend.Measured) string {
	if m.Low == nil || m.High == nil {
		return ""
	}
	return short(m.Low) + "-" + short(m.High)
}

// seconds has no more digits than say something.
func seconds(s float64) string {
	if s < 10 {
		return strconv.FormatFloat(s, 'f', 2, 64)
	}
	return strconv.FormatFloat(s, 'f', 0, 64)
}
