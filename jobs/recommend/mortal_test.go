package recommend

import (
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/shardmill/shardmill/jobs/internal/ease"
	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/interactions"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/mapreduce"
)

// MortalEnv names the environment variable with the path of a file that says when the worker of a mortal job dies: "once" is
// the first time that one gets there, which removes the file and kills it from outside; a number is each time with that row, which crashes it.
const MortalEnv = "SHARDMILL_TEST_MORTAL"

// mortally kills the process, if it is time.
func mortally(row uint32) {
	path := os.Getenv(MortalEnv)
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		panic(err)
	case string(text) == strconv.Itoa(int(row)):
		panic("this row is poison")
	case string(text) == "once" && os.Remove(path) == nil:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// mortalCodec is mortal in the map that emits.
type mortalCodec struct{ rowCodec }

func (c mortalCodec) Append(b []byte, row uint32) []byte {
	mortally(row)
	return c.rowCodec.Append(b, row)
}

// mortalSink is mortal where rows of a dataset are written.
type mortalSink[R any] struct {
	mapreduce.Sink[R]
	row func(*R) uint32
}

func (s mortalSink[R]) Write(r R) error {
	mortally(s.row(&r))
	return s.Sink.Write(r)
}

func makeMortal[R any](d *mapreduce.Dataset[R], row func(*R) uint32) {
	create := d.Create
	d.Create = func(env *mapreduce.Env, w io.Writer) (mapreduce.Sink[R], error) {
		s, err := create(env, w)
		return mortalSink[R]{s, row}, err
	}
}

// meddling does something when the first row is emitted in the stage of the matrix.
type meddling struct {
	rowCodec
	once *sync.Once
	do   func()
}

func (m meddling) Append(b []byte, row uint32) []byte {
	m.once.Do(m.do)
	return m.rowCodec.Append(b, row)
}

// MeddlingJob is SmallJob, which does something in the stage of the matrix.
func MeddlingJob(bytes int64, do func()) mapreduce.Job {
	return mapreduce.New("meddling", Version, Defaults(), func(p Params) ([]mapreduce.Stage, error) {
		j := newRecommendation(p)
		j.byUser.Key = meddling{once: new(sync.Once), do: do}
		return j.stages(j.source(mapreduce.Target{Rows: p.ShardRows, Bytes: bytes})), nil
	})
}

// places are where workers die.
func places() map[string]func(j *recommendation, src *mapreduce.Source[interactions.Row]) {
	type source = mapreduce.Source[interactions.Row]
	index := func(r *matrix.Row) uint32 { return r.Index }
	return map[string]func(j *recommendation, src *source){
		"01-split/split": func(_ *recommendation, src *source) {
			emit := src.Emit
			src.Emit = func(r *interactions.Row, out *mapreduce.Out) {
				mortally(0)
				emit(r, out)
			}
		},
		"02-matrix/map":        func(j *recommendation, _ *source) { j.byUser.Key = mortalCodec{} },
		"02-matrix/reduce":     func(j *recommendation, _ *source) { makeMortal(j.userItems, index) },
		"03-transpose/map":     func(j *recommendation, _ *source) { j.byItem.Key = mortalCodec{} },
		"03-transpose/reduce":  func(j *recommendation, _ *source) { makeMortal(j.itemUsers, index) },
		"04-similarity/map":    func(j *recommendation, _ *source) { makeMortal(j.items, func(r *itemRow) uint32 { return r.item }) },
		"04-similarity/reduce": func(j *recommendation, _ *source) { makeMortal(j.neighbours, index) },
		"05-score/map":         func(j *recommendation, _ *source) { makeMortal(j.users, func(r *userRow) uint32 { return r.user }) },
	}
}

// modelPlaces are where workers die that train a model.
func modelPlaces() map[string]func(j *recommendation) learner {
	index := func(r *factors.Row) uint32 { return r.Index }
	alternating := func(spoil func(a *alternation)) func(j *recommendation) learner {
		return func(j *recommendation) learner {
			a := newAlternation(j)
			spoil(a)
			return a.learner()
		}
	}
	return map[string]func(j *recommendation) learner{
		"04-start/map":    alternating(func(a *alternation) { makeMortal(a.items[0], index) }),
		"07-users-02/map": alternating(func(a *alternation) { makeMortal(a.users[1], index) }),
		"08-items-02/map": alternating(func(a *alternation) { makeMortal(a.items[2], index) }),
		"09-users-03/map": alternating(func(a *alternation) { makeMortal(a.vectors.users, index) }),
		"11-nearest/map": alternating(func(a *alternation) {
			makeMortal(a.recommendation.items, func(r *itemRow) uint32 { return r.item })
		}),
		"04-solve/reduce": func(j *recommendation) learner {
			v := newInversion(j)
			makeMortal(v.model, func(**ease.Inverse) uint32 { return 0 })
			return v.learner()
		},
		"06-score/map": func(j *recommendation) learner {
			makeMortal(j.users, func(r *userRow) uint32 { return r.user })
			return newInversion(j).learner()
		},
	}
}

// ModelPlaces is Places of models, by algorithm.
func ModelPlaces() map[string][]string {
	m := map[string][]string{}
	for place := range modelPlaces() {
		algorithm := ALS
		if place == "04-solve/reduce" || place == "06-score/map" {
			algorithm = EASE
		}
		m[algorithm] = append(m[algorithm], place)
	}
	return m
}

// Places lists where workers of mortal jobs die: in which stage, and in which of its kinds of tasks.
func Places() []string { return slices.Sorted(maps.Keys(places())) }

// ofRules is behind a place in whose stage workers die where they write what rules are made of.
const ofRules = " of rules"

// RulePlaces are where workers die that make rules, and where they obey them.
func RulePlaces() []string { return []string{"02-matrix/reduce" + ofRules, "05-score/map"} }

// MortalJob is SmallJob, with a place where its workers die. Only the name of the job and the file that MortalEnv names tell them apart.
func MortalJob(place string, bytes int64) mapreduce.Job {
	return mapreduce.New("mortal-"+place, Version, Defaults(), func(p Params) ([]mapreduce.Stage, error) {
		if err := p.check(); err != nil {
			return nil, err
		}
		j := newRecommendation(p)
		src := j.source(mapreduce.Target{Rows: p.ShardRows, Bytes: bytes})
		if strings.HasSuffix(place, ofRules) {
			makeMortal(j.ruleSets.groups, func(r *matrix.Row) uint32 { return r.Index })
			return j.stages(src), nil
		}
		if train := modelPlaces()[place]; train != nil {
			l := train(j)
			list := append([]mapreduce.Stage{j.matrixStage(src), j.transposeStage()}, l.stages...)
			return append(list, j.scoreStage(l)), nil
		}
		places()[place](j, src)
		return j.stages(src), nil
	})
}
