package recommend

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
	"github.com/shardmill/shardmill/jobs/internal/rankmetrics"
	"github.com/shardmill/shardmill/mapreduce"
)

// trialTimeout is how long one configuration may take: it tells nothing before its end.
const trialTimeout = 12 * time.Hour

// measured is a row of a side dataset of a rung: a metric of a configuration, or why there is none.
type measured struct {
	configuration int32 // from 1
	task          int32 // that tried it
	users         int64 // that were measured
	reason        string
	metric        string
	k             int32
	value         float64 // NaN where nobody is measured
	low, high     float64 // NaN without an interval
}

func measuredColumns() table.Columns[measured] {
	type row = measured
	return table.Columns[row]{
		table.Int32("configuration", func(r *row) int32 { return r.configuration }, func(r *row, v int32) { r.configuration = v }),
		table.Int32("task", func(r *row) int32 { return r.task }, func(r *row, v int32) { r.task = v }),
		table.Int64("users", func(r *row) int64 { return r.users }, func(r *row, v int64) { r.users = v }),
		table.String("reason", func(r *row) string { return r.reason }, func(r *row, v string) { r.reason = v }),
		table.String("metric", func(r *row) string { return r.metric }, func(r *row, v string) { r.metric = v }),
		table.Int32("k", func(r *row) int32 { return r.k }, func(r *row, v int32) { r.k = v }),
		table.Float64("value", func(r *row) float64 { return r.value }, func(r *row, v float64) { r.value = v }),
		table.Float64("low", func(r *row) float64 { return r.low }, func(r *row, v float64) { r.low = v }),
		table.Float64("high", func(r *row) float64 { return r.high }, func(r *row, v float64) { r.high = v }),
	}
}

// measuredRows is a side dataset of what a rung has measured.
func measuredRows(name string) *mapreduce.Dataset[measured] {
	return &mapreduce.Dataset[measured]{
		Name: name, Ext: "parquet", Side: true,
		Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[measured], error) {
			return parquetfile.Create(w, measuredColumns())
		},
		Open: func(_ *mapreduce.Env, path string) (mapreduce.Reader[measured], error) {
			return parquetfile.Open(path, measuredColumns())
		},
	}
}

// trialStages try the configurations on the validation part, and measure the best one on the test part.
func (e *evaluation) trialStages() []mapreduce.Stage {
	var stages []mapreduce.Stage
	for i := range e.rungs {
		stages = append(stages, e.trialStage(i))
	}
	return append(stages, e.testStage())
}

// trialStage tries each configuration of a rung in a reduce task of its own, so that workers train different ones side by side.
func (e *evaluation) trialStage(i int) mapreduce.Stage {
	r, name, reads := e.rungs[i], trialsName, []mapreduce.Port{e.userIDs, e.itemIDs, e.fit, e.fitItems, e.valid}
	if len(e.rungs) > 1 {
		name = fmt.Sprintf("%s-%d", trialsName, r.number)
	}
	if i > 0 {
		reads = append(reads, e.rungs[i-1].rows)
	}
	tasks := starting("tasks", r.entrants, func(env *mapreduce.Env) mapreduce.Reducer[uint32, int64] {
		return &trying{evaluation: e, env: env, rung: i}
	}, r.rows)
	return e.startingStage(name, e.fit, tasks, r.entrants, reads)
}

// starting is a stream whose n reduce tasks get a pair each, which only begins them.
func starting(name string, n int, reducer func(*mapreduce.Env) mapreduce.Reducer[uint32, int64], writes ...mapreduce.Port) *mapreduce.Stream[uint32, int64] {
	return &mapreduce.Stream[uint32, int64]{
		Name: name, Key: rowCodec{}, Value: mapreduce.Int64{}, Merge: func(into *int64, n int64) { *into += n }, Partitions: n,
		Partition: func(context.Context, *mapreduce.Env) (func([]byte, int) int, error) {
			return func(key []byte, _ int) int { return int(binary.BigEndian.Uint32(key)) }, nil
		},
		Reduce: func(_ context.Context, env *mapreduce.Env) (mapreduce.Reducer[uint32, int64], error) {
			return reducer(env), nil
		},
		Writes: writes,
	}
}

// startingStage begins the n reduce tasks of a stream.
func (e *evaluation) startingStage(name string, over *mapreduce.Dataset[matrix.Row], to *mapreduce.Stream[uint32, int64], n int, reads []mapreduce.Port) mapreduce.Stage {
	st := mapreduce.NewStage(name, over, transposeBatch,
		func(context.Context, *mapreduce.Env) (mapreduce.Mapper[matrix.Row], error) {
			return starter{to, n}, nil
		}, to)
	st.Reads, st.Timeout = reads, trialTimeout
	return st
}

// starter sends a pair to each task for each batch.
type starter struct {
	to *mapreduce.Stream[uint32, int64]
	n  int
}

// Map implements mapreduce.Mapper.
func (s starter) Map(_ context.Context, batch []matrix.Row, out *mapreduce.Out) error {
	for i := range s.n {
		s.to.Emit(out, noRow, uint32(i), int64(len(batch)))
	}
	return nil
}

// Close implements mapreduce.Mapper.
func (starter) Close() error { return nil }

// trying tries the configuration of a task.
type trying struct {
	*evaluation
	env  *mapreduce.Env
	rung int
}

// Reduce implements mapreduce.Reducer.
func (t *trying) Reduce(ctx context.Context, task uint32, _ iter.Seq2[uint32, int64], out *mapreduce.Out) error {
	number, err := t.entrant(t.env, t.rung, int(task))
	if err != nil || number == 0 {
		return err
	}
	r := &t.rungs[t.rung]
	g, err := t.ground(t.env, r.share, out.Scratch())
	if err != nil {
		return err
	}
	rows, err := t.try(ctx, number, g, out.Scratch())
	for _, row := range rows {
		row.task = int32(task)
		r.rows.Write(out, 0, row)
	}
	return err
}

// Close implements mapreduce.Reducer.
func (*trying) Close() error { return nil }

// entrant is the configuration that a task of a rung tries: their order in the first one, and behind it that of what the rung before
// has measured. It is 0 if there are fewer.
func (e *evaluation) entrant(env *mapreduce.Env, rung, task int) (int32, error) {
	if rung == 0 {
		return int32(task + 1), nil
	}
	rows, err := e.read(env, rung-1)
	if err != nil {
		return 0, err
	}
	if ranked := e.ranked(rows); task < len(ranked) {
		return ranked[task], nil
	}
	return 0, nil
}

// read reads what a rung has measured, in the order of its tasks.
func (e *evaluation) read(env *mapreduce.Env, rung int) (rows []measured, err error) {
	files, err := env.Files(e.rungs[rung].rows)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		err := eachIn(f, measuredColumns(), func(r measured) error {
			rows = append(rows, r)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// ranked are the configurations that were measured by the metric that chooses, best first; of equal ones that of the lower number.
func (e *evaluation) ranked(rows []measured) (numbers []int32) {
	metric, k := e.params.chooses()
	rows = slices.DeleteFunc(slices.Clone(rows), func(r measured) bool {
		return r.metric != metric || int(r.k) != k || math.IsNaN(r.value)
	})
	slices.SortFunc(rows, func(a, b measured) int {
		return cmp.Or(cmp.Compare(b.value, a.value), cmp.Compare(a.configuration, b.configuration))
	})
	for _, r := range rows {
		numbers = append(numbers, r.configuration)
	}
	return numbers
}

// try trains a configuration and measures it. What cannot be trained is a row with the reason. What is too large for the heap goes to files of
// a folder, which are gone at the end.
func (e *evaluation) try(ctx context.Context, number int32, g *ground, folder string) (rows []measured, err error) {
	p := e.configurations[number-1].Params
	keep := newKeeper(p.keptBytes(g.users, g.items), folder)
	defer func() { err = errors.Join(err, keep.Close()) }()
	return e.tryIn(ctx, keep, number, g)
}

func (e *evaluation) tryIn(ctx context.Context, keep keeper, number int32, g *ground) ([]measured, error) {
	p := e.configurations[number-1].Params
	err := g.fits(p)
	if err == nil {
		var s scorer
		if s, err = learnAlone(ctx, p, g.users, g.items, e.params.longest(), keep); err == nil {
			return e.measure(ctx, number, s, g)
		}
	}
	var full *scratchError
	if ctx.Err() != nil || errors.As(err, &full) {
		return nil, err
	}
	nan := math.NaN()
	return []measured{{configuration: number, reason: err.Error(), value: nan, low: nan, high: nan}}, nil
}

// measure measures the lists of the users of a ground that took something besides.
func (e *evaluation) measure(ctx context.Context, number int32, s scorer, g *ground) (rows []measured, err error) {
	cutoffs, err := e.params.cutoffs()
	if err != nil {
		return nil, err
	}
	users := func(item uint32) []uint32 { columns, _ := g.items.Row(int(item)); return columns }
	sums := rankmetrics.New(rankmetrics.Options{
		Items: g.items.Rows(), Users: g.known, Cutoffs: cutoffs, Row: users, Count: func(item uint32) int { return len(users(item)) },
	})
	list := make([]uint32, 0, e.params.longest())
	err = inBatches(ctx, g, func(batch []*matrix.Row) error {
		return s.score(batch, func(r *matrix.Row, scored []neighbours.Scored) {
			list = list[:0]
			for _, s := range scored {
				list = append(list, s.Index)
			}
			relevant, _ := g.relevant.Row(int(r.Index))
			sums.Add(r.Index, list, relevant)
		})
	})
	for _, v := range sums.Values() {
		if v.Metric == rankmetrics.Coverage {
			v.Value *= float64(g.items.Rows()) / float64(g.catalogue)
		}
		rows = append(rows, measured{
			configuration: number, users: int64(sums.Users()), metric: string(v.Metric), k: int32(v.K), value: v.Value, low: v.Low, high: v.High,
		})
	}
	return rows, err
}

// inBatches passes on the rows of the users that are measured.
func inBatches(ctx context.Context, g *ground, do func(batch []*matrix.Row) error) error {
	rows := make([]matrix.Row, 0, inverseBatch)
	batch := make([]*matrix.Row, 0, inverseBatch)
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		err := do(batch)
		rows, batch = rows[:0], batch[:0]
		return err
	}
	err := withEntries(ctx, g.users, func(u int, columns []uint32, values []float32) error {
		if relevant, _ := g.relevant.Row(u); len(relevant) == 0 {
			return nil
		}
		rows = append(rows, matrix.Row{Index: uint32(u), Columns: columns, Values: values})
		batch = append(batch, &rows[len(rows)-1])
		if len(rows) < inverseBatch {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}
