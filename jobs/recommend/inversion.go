package recommend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"time"

	"github.com/shardmill/shardmill/jobs/internal/ease"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
	"github.com/shardmill/shardmill/mapreduce"
)

// inversion is the stages of EASE. One task computes the one inverse that there is, on all cores; users are scored by all workers.
type inversion struct {
	*recommendation
	model *mapreduce.Dataset[*ease.Inverse]
}

const (
	// solveTimeout is how long an inverse may take: it is one step that tells nothing before its end.
	solveTimeout = 12 * time.Hour
	// inverseBatch is the number of users that are scored together: each panel of the inverse is read once for all of them.
	inverseBatch = 2048
)

func newInversion(j *recommendation) *inversion {
	return &inversion{recommendation: j, model: &mapreduce.Dataset[*ease.Inverse]{
		Name: j.dataName("inverse"), Ext: "ease", Side: !j.alone(),
		Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[*ease.Inverse], error) { return inverseSink{w}, nil },
	}}
}

func (v *inversion) learner() learner {
	stages := []mapreduce.Stage{v.solveStage()}
	if v.describes {
		stages = append(stages, v.itemsStage())
	}
	return learner{
		stages: stages,
		reads:  []mapreduce.Port{v.userItems, v.itemUsers, v.model},
		scorer: v.scorer, batch: inverseBatch,
	}
}

// inverseSink writes a file of one model.
type inverseSink struct{ w io.Writer }

// Write implements mapreduce.Sink.
func (s inverseSink) Write(inv *ease.Inverse) error { return inv.Write(s.w) }

// Close implements mapreduce.Sink.
func (inverseSink) Close() error { return nil }

// solveStage computes the inverse in its one reduce task. What the maps send only begins it.
func (v *inversion) solveStage() mapreduce.Stage {
	begin := starting("begin", 1, func(env *mapreduce.Env) mapreduce.Reducer[uint32, int64] { return &solving{inversion: v, env: env} }, v.model)
	st := mapreduce.NewStage(v.stageName("solve"), v.userItems, transposeBatch,
		func(_ context.Context, env *mapreduce.Env) (mapreduce.Mapper[matrix.Row], error) {
			return starter{begin, 1}, v.fits(env)
		}, begin)
	st.Reads, st.Timeout = []mapreduce.Port{v.userIDs, v.itemIDs, v.userItems, v.itemUsers}, solveTimeout
	return st
}

// fits finds too many users and items before anything is computed.
func (v *inversion) fits(env *mapreduce.Env) error {
	d, err := v.names(env)
	if err != nil {
		return err
	}
	users, items := side{ids: d.users, least: v.params.MinUser}, side{ids: d.items, least: v.params.MinItem}
	if u, i := users.kept(), items.kept(); min(u, i) > ease.Limit {
		return mapreduce.BadInput(fmt.Errorf("--algorithm ease: %w; take another algorithm, or fewer by --min-user or --min-item", &ease.TooLargeError{Users: u, Items: i}))
	}
	return nil
}

// solving computes the inverse.
type solving struct {
	*inversion
	env *mapreduce.Env
}

// Reduce implements mapreduce.Reducer.
func (s *solving) Reduce(ctx context.Context, _ uint32, _ iter.Seq2[uint32, int64], out *mapreduce.Out) error {
	users, items, err := s.matrices(s.env)
	if err != nil {
		return err
	}
	// The bits do not depend on the number of goroutines; no other task runs at this time.
	o := ease.Options{Lambda: s.params.lambda(), Workers: runtime.GOMAXPROCS(0)}
	keep := newKeeper(ease.SolveBytes(withEntry(users), withEntry(items), o.Workers), out.Scratch())
	o.Zeros = keep.zeros
	return errors.Join(s.solve(ctx, users, items, o, out), keep.Close())
}

// solve writes the inverse, whose memory may be a file that is closed then.
func (s *solving) solve(ctx context.Context, users, items *matrix.Matrix, o ease.Options, out *mapreduce.Out) error {
	inv, err := ease.Solve(ctx, users, items, o)
	var small *ease.PrecisionError
	if errors.As(err, &small) {
		return mapreduce.BadInput(fmt.Errorf("--lambda: %w", err))
	}
	if err != nil {
		return err
	}
	out.Measure(0, "residual", inv.Residual(), 1)
	s.model.Write(out, 0, inv)
	return nil
}

// Close implements mapreduce.Reducer.
func (*solving) Close() error { return nil }

// scorer scores users by the inverse.
func (v *inversion) scorer(env *mapreduce.Env, d names, _ *room) (scorer, error) {
	users, items, err := v.matrices(env)
	if err != nil {
		return nil, err
	}
	m, err := v.library.inverse(env, v.model)
	if err != nil {
		return nil, err
	}
	return v.byInverse(env, d, func(top int) (*ease.Scorer, error) { return ease.NewScorer(m, users, items, top) })
}

// byInverse is a scorer of ranges of users.
type byInverse struct {
	scorer *ease.Scorer
	list   []neighbours.Scored
	rules  *inverseRules // nil without any
}

// score implements scorer.
func (b *byInverse) score(rows []*matrix.Row, pass func(*matrix.Row, []neighbours.Scored)) error {
	if len(rows) == 0 {
		return nil
	}
	b.rules.begin(rows)
	n := 0
	return b.scorer.Score(int(rows[0].Index), int(rows[len(rows)-1].Index)+1, func(user int, list []ease.Scored) error {
		if int(rows[n].Index) != user {
			return nil // no row, or one that is not to be touched
		}
		b.list = b.list[:0]
		for _, s := range list {
			b.list = append(b.list, neighbours.Scored{Index: s.Item, Score: float64(s.Score)})
		}
		pass(rows[n], b.list)
		n++
		return nil
	})
}
