package recommend

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/shardmill/shardmill/mapreduce"
)

// testStage trains the configuration that was chosen again, on the fit and the validation part, measures it on the test part, and
// writes all results. Nothing else reads the test part.
func (e *evaluation) testStage() mapreduce.Stage {
	reads := []mapreduce.Port{e.userIDs, e.itemIDs, e.known, e.knownItems, e.test}
	for _, r := range e.rungs {
		reads = append(reads, r.rows)
	}
	begin := starting("begin", 1, func(env *mapreduce.Env) mapreduce.Reducer[uint32, int64] {
		return &deciding{evaluation: e, env: env}
	}, e.results.trials, e.results.metrics, e.results.winner)
	return e.startingStage(testName, e.known, begin, 1, reads)
}

// deciding measures the configuration that was chosen, and writes the results.
type deciding struct {
	*evaluation
	env *mapreduce.Env
}

// Reduce implements mapreduce.Reducer.
func (t *deciding) Reduce(ctx context.Context, _ uint32, _ iter.Seq2[uint32, int64], out *mapreduce.Out) error {
	var rows []measured
	for i := range t.rungs {
		var err error
		if rows, err = t.read(t.env, i); err != nil {
			return err
		}
		t.writeRung(i, rows, out)
		if len(t.ranked(rows)) == 0 {
			return mapreduce.BadInput(t.none(t.rungs[i], rows))
		}
	}
	g, err := t.testGround(t.env)
	if err != nil {
		return err
	}
	var last error
	for _, number := range t.ranked(rows) {
		tested, err := t.try(ctx, number, g, out.Scratch())
		if err != nil {
			return err
		}
		t.writeTrial(trial{measured: tested[0], share: 1, part: partTest}, out)
		if tested[0].reason != "" { // more interactions than before may be too many
			last = fmt.Errorf("no configuration could be trained for the test part; that of %s: %s", t.configurations[number-1].text, tested[0].reason)
			continue
		}
		t.writeMetrics(0, partTest, tested, out)
		t.results.winner.Write(out, 0, winnerOf(t.params, t.configurations[number-1].text, rows, tested))
		return nil
	}
	return mapreduce.BadInput(last)
}

// none tells why a rung has no best configuration.
func (t *deciding) none(of rung, rows []measured) error {
	if of.share < 1 && slices.ContainsFunc(rows, func(r measured) bool { return r.reason == "" }) {
		return fmt.Errorf("--budget %v: none of the %.2g %% of the users that rung %d takes can be measured; give a larger --budget or none, and another --out", t.params.Budget, 100*of.share, of.number)
	}
	for _, r := range rows {
		if r.reason != "" {
			return fmt.Errorf("no configuration could be measured; that of %s: %s", t.configurations[r.configuration-1].text, r.reason)
		}
	}
	if len(rows) > 0 {
		return fmt.Errorf("no configuration could be measured by --pick %s", t.params.Pick)
	}
	return errors.New("no configuration could be measured: each crashed its worker; see the rejects (shardmill show --rejects JOB)")
}

// Close implements mapreduce.Reducer.
func (*deciding) Close() error { return nil }

// writeRung writes what a rung has measured.
func (t *deciding) writeRung(i int, rows []measured, out *mapreduce.Out) {
	r := t.rungs[i]
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].configuration == rows[0].configuration {
			n++
		}
		t.writeTrial(trial{measured: rows[0], rung: int32(r.number), share: r.share, part: partValidation}, out)
		if rows[0].reason == "" {
			t.writeMetrics(int32(r.number), partValidation, rows[:n], out)
		}
		rows = rows[n:]
	}
}

func (t *deciding) writeTrial(row trial, out *mapreduce.Out) {
	row.algorithm = t.configurations[row.configuration-1].text
	t.results.trials.Write(out, 0, row)
}

func (t *deciding) writeMetrics(rung int32, part string, rows []measured, out *mapreduce.Out) {
	for _, r := range rows {
		t.results.metrics.Write(out, 0, trial{measured: r, rung: rung, part: part, algorithm: t.configurations[r.configuration-1].text})
	}
}

// winnerOf is the row of the winner.
func winnerOf(p EvaluationParams, text string, valid, tested []measured) winner {
	metric, k := p.chooses()
	w := winner{configuration: tested[0].configuration, algorithm: text, metric: metric, k: int32(k)}
	w.validation, w.test = valueOfMetric(valid, w), valueOfMetric(tested, w)
	return w
}

// valueOfMetric finds the metric that chose of the configuration that was chosen.
func valueOfMetric(rows []measured, w winner) estimate {
	for _, r := range rows {
		if r.configuration == w.configuration && r.metric == w.metric && r.k == w.k {
			return estimate{r.value, r.low, r.high}
		}
	}
	return estimate{math.NaN(), math.NaN(), math.NaN()}
}
