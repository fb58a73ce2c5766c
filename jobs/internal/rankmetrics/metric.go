package rankmetrics

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Metric is the name of a metric.
type Metric string

// The metrics.
const (
	Precision Metric = "precision"
	Recall    Metric = "recall"
	NDCG      Metric = "ndcg"
	MAP       Metric = "map"
	MRR       Metric = "mrr"
	HitRate   Metric = "hit_rate"
	Coverage  Metric = "coverage"
	Novelty   Metric = "novelty"
	Diversity Metric = "diversity"
)

// Metrics lists all, in the order of Values.
func Metrics() []Metric {
	return []Metric{Precision, Recall, NDCG, MAP, MRR, HitRate, Coverage, Novelty, Diversity}
}

// Value is a metric at cutoff K. What there is no user to measure by is NaN, and so are Low and High where there is no
// interval.
type Value struct {
	Metric    Metric
	K         int
	Value     float64
	Low, High float64 // 95 % interval
}

// At writes a metric and a cutoff as people do: "NDCG@10", "recall@10".
func (m Metric) At(k int) string {
	name := string(m)
	if m == NDCG || m == MAP || m == MRR {
		name = strings.ToUpper(name)
	}
	return name + "@" + strconv.Itoa(k)
}

// Parse reads what At writes, in upper or lower case.
func Parse(text string) (m Metric, k int, err error) {
	name, cutoff, _ := strings.Cut(text, "@")
	m = Metric(strings.ToLower(name))
	k, err = strconv.Atoi(cutoff)
	if err != nil || k < 1 || !slices.Contains(Metrics(), m) {
		return "", 0, fmt.Errorf("%q: a metric and a cutoff, such as NDCG@10; metrics are %s", text, names())
	}
	return m, k, nil
}

func names() string {
	var all []string
	for _, m := range Metrics() {
		name, _, _ := strings.Cut(m.At(1), "@")
		all = append(all, name)
	}
	return strings.Join(all, ", ")
}
