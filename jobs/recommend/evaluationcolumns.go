package recommend

import (
	"io"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/mapreduce"
)

// Parts of the interactions by which is measured.
const (
	partValidation = "validation"
	partTest       = "test"
)

// trial is a row of trials and, with its metric, of metrics.
type trial struct {
	measured
	algorithm string
	rung      int32   // 0 in the test
	share     float64 // of the users
	part      string
}

// estimate is a value with its 95 % interval. NaN is what there is not.
type estimate struct{ value, low, high float64 }

// winner is the row of winner.
type winner struct {
	configuration    int32
	algorithm        string
	metric           string
	k                int32
	validation, test estimate
}

// evaluationResults are the datasets of results.
type evaluationResults struct {
	trials, metrics *mapreduce.Dataset[trial]
	winner          *mapreduce.Dataset[winner]
}

// Names of the datasets of results.
const (
	trialsName  = "trials"
	metricsName = "metrics"
	winnerName  = "winner"
	testName    = "test" // of the stage
)

func newEvaluationResults() evaluationResults {
	return evaluationResults{
		trials: plainResult(trialsName, trialColumns), metrics: plainResult(metricsName, metricColumns), winner: plainResult(winnerName, winnerColumns),
	}
}

// plainResult is a dataset of results without ids.
func plainResult[R any](name string, columns func() table.Columns[R]) *mapreduce.Dataset[R] {
	return &mapreduce.Dataset[R]{
		Name: name, Ext: "parquet",
		Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[R], error) {
			return parquetfile.Create(w, columns())
		},
	}
}

func trialColumns() table.Columns[trial] {
	type row = trial
	return table.Columns[row]{
		table.Int32("configuration", func(r *row) int32 { return r.configuration }, func(r *row, v int32) { r.configuration = v }),
		table.String("algorithm", func(r *row) string { return r.algorithm }, func(r *row, v string) { r.algorithm = v }),
		table.String("part", func(r *row) string { return r.part }, func(r *row, v string) { r.part = v }),
		table.Int32("rung", func(r *row) int32 { return r.rung }, func(r *row, v int32) { r.rung = v }),
		table.Int32("task", func(r *row) int32 { return r.task }, func(r *row, v int32) { r.task = v }),
		table.Float64("share", func(r *row) float64 { return r.share }, func(r *row, v float64) { r.share = v }),
		table.Int64("users", func(r *row) int64 { return r.users }, func(r *row, v int64) { r.users = v }),
		table.NullString("reason", func(r *row) (string, bool) { return r.reason, r.reason != "" }, func(r *row, v string, _ bool) { r.reason = v }),
	}
}

func metricColumns() table.Columns[trial] {
	type row = trial
	return table.Columns[row]{
		table.Int32("configuration", func(r *row) int32 { return r.configuration }, func(r *row, v int32) { r.configuration = v }),
		table.String("algorithm", func(r *row) string { return r.algorithm }, func(r *row, v string) { r.algorithm = v }),
		table.String("part", func(r *row) string { return r.part }, func(r *row, v string) { r.part = v }),
		table.Int32("rung", func(r *row) int32 { return r.rung }, func(r *row, v int32) { r.rung = v }),
		table.String("metric", func(r *row) string { return r.metric }, func(r *row, v string) { r.metric = v }),
		table.Int32("k", func(r *row) int32 { return r.k }, func(r *row, v int32) { r.k = v }),
		table.Float64("value", func(r *row) float64 { return r.value }, func(r *row, v float64) { r.value = v }),
		table.Float64("low", func(r *row) float64 { return r.low }, func(r *row, v float64) { r.low = v }),
		table.Float64("high", func(r *row) float64 { return r.high }, func(r *row, v float64) { r.high = v }),
	}
}

func winnerColumns() table.Columns[winner] {
	type row = winner
	columns := table.Columns[row]{
		table.Int32("configuration", func(r *row) int32 { return r.configuration }, func(r *row, v int32) { r.configuration = v }),
		table.String("algorithm", func(r *row) string { return r.algorithm }, func(r *row, v string) { r.algorithm = v }),
		table.String("metric", func(r *row) string { return r.metric }, func(r *row, v string) { r.metric = v }),
		table.Int32("k", func(r *row) int32 { return r.k }, func(r *row, v int32) { r.k = v }),
	}
	columns = append(columns, estimateColumns(partValidation, func(r *row) *estimate { return &r.validation })...)
	return append(columns, estimateColumns(partTest, func(r *row) *estimate { return &r.test })...)
}

func estimateColumns(name string, of func(*winner) *estimate) table.Columns[winner] {
	type row = winner
	return table.Columns[row]{
		table.Float64(name, func(r *row) float64 { return of(r).value }, func(r *row, v float64) { of(r).value = v }),
		table.Float64(name+"_low", func(r *row) float64 { return of(r).low }, func(r *row, v float64) { of(r).low = v }),
		table.Float64(name+"_high", func(r *row) float64 { return of(r).high }, func(r *row, v float64) { of(r).high = v }),
	}
}
