package recommend

import (
	"context"
	"errors"
	"math"

	"github.com/shardmill/shardmill/jobs/internal/dense"
	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/jobs/internal/interactions"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
	"github.com/shardmill/shardmill/mapreduce"
)

// Version of the job: it grows when equal inputs and parameters would give other bytes.
const Version = 3

const (
	// pairBatch is the number of interactions that one call of a Map gets.
	pairBatch = 512
	// rowBatch is the number of rows of a matrix that one call of a Map gets: each is some hundred pairs.
	rowBatch = 64
	// transposeBatch is the number of rows of a matrix that are transposed together: the more, the longer the pieces of rows
	// that are made of them.
	transposeBatch = 4 << 10
	// scoreBatch is rowBatch where users are scored: the dense scorer takes so many at a time.
	scoreBatch = dense.Block
	// shardBytes bounds the values of one shard, and one part of a file, in bytes.
	shardBytes = 64 << 20
)

// noTime is the time of the latest of no interactions.
const noTime = math.MinInt64

// Job recommends items to users.
func Job() mapreduce.Job {
	return mapreduce.New("recommend", Version, Defaults(), func(p Params) ([]mapreduce.Stage, error) {
		return stages(p, shardBytes)
	})
}

// stages have shards, and parts of files, of about so many bytes.
func stages(p Params, bytes int64) ([]mapreduce.Stage, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	j := newRecommendation(p)
	return j.stages(j.source(mapreduce.Target{Rows: p.ShardRows, Bytes: bytes})), nil
}

func (j *recommendation) stages(src *mapreduce.Source[interactions.Row]) []mapreduce.Stage {
	if j.params.Model != "" {
		return j.foldStages(src)
	}
	l := j.learner()
	list := append([]mapreduce.Stage{j.matrixStage(src), j.transposeStage()}, l.stages...)
	return append(list, j.scoreStage(l))
}

// recommendation is what the stages of a job share: its datasets, and the files that a process has mapped.
type recommendation struct {
	params    Params
	parts     []part // the algorithms
	label     string // where this is for one part of several: its label, else ""
	describes bool   // the part writes items and similar_items
	library   *library
	byUser    *rowStream // of interactions, for userItems
	byItem    *rowStream // of userItems, for itemUsers
	userIDs   *mapreduce.Dataset[ids.Entry]
	itemIDs   *mapreduce.Dataset[ids.Entry]
	userItems *mapreduce.Dataset[matrix.Row]
	itemUsers *mapreduce.Dataset[matrix.Row]
	// neighbours has a row for each item that a user may have; its entries are the items that this one speaks for.
	neighbours *mapreduce.Dataset[matrix.Row]
	items      *mapreduce.Dataset[itemRow]
	similar    *mapreduce.Dataset[similarRow]
	users      *mapreduce.Dataset[userRow]
	lists      *mapreduce.Dataset[recommended]
	ruleSets   *ruleSets
	ruling     *rulingOf
}

// newRecommendation makes it of parameters that have been checked.
func newRecommendation(p Params) *recommendation {
	parts, _ := p.parts() // whose errors are those of check
	j := &recommendation{
		params: p, parts: parts, describes: true, library: newLibrary(),
		userIDs: dictionary("user_ids", ids.Type(p.IDType)), itemIDs: dictionary("item_ids", ids.Type(p.IDType)),
		userItems: rowsOf("user_items"), itemUsers: rowsOf("item_users"), neighbours: rowsOf("neighbours"),
	}
	j.itemIDs.Side, j.neighbours.Side = !j.alone(), !j.alone() // of one algorithm they are a model
	if p.Model != "" {
		j.ofModel(j.itemIDs, "item_ids")
	}
	j.byUser = rowsInto(j.userItems, "by_user", p.Duplicates)
	j.byUser.Partition = byRow(j.counts(j.userIDs))
	j.byItem = rowsInto(j.itemUsers, "by_item", sumOf)
	j.byItem.Partition, j.byItem.PartitionsOf = byRow(j.counts(j.itemIDs)), j.byUser
	j.items = result("items", j.names, itemColumns)
	j.similar = result("similar_items", j.names, similarColumns)
	j.ruleSets, j.ruling = j.newRuleSets(), &rulingOf{}
	j.users = result("users", j.allNames, withFallback(p, userColumns, func(r *userRow) bool { return r.fallback }))
	j.lists = result("recommendations", j.allNames, withFallback(p, listColumns(labels(parts)), func(r *recommended) bool { return r.fallback }))
	return j
}

// alone tells whether there is one algorithm: then a job leaves its model among the results.
func (j *recommendation) alone() bool { return len(j.parts) == 1 }

func (j *recommendation) names(env *mapreduce.Env) (d names, err error) {
	if d.users, err = j.library.dictionary(env, j.userIDs); err != nil {
		return d, err
	}
	d.items, err = j.library.dictionary(env, j.itemIDs)
	return d, err
}

// source reads interactions, drops those that do not count, and counts users and items.
func (j *recommendation) source(target mapreduce.Target) *mapreduce.Source[interactions.Row] {
	users, items := idsOf("users", j.userIDs), idsOf("items", j.itemIDs)
	src, timed := interactions.NewSource(j.params.Options, target), j.params.TimeCol != ""
	src.Emit = func(r *interactions.Row, out *mapreduce.Out) {
		if rule := j.params.dropped(r.Value); rule != "" {
			out.Drop(0, rule)
			return
		}
		one := seen{rows: 1, newest: noTime}
		if timed && !r.Test {
			one.newest = r.Time
		}
		users.Emit(out, 0, r.User, one)
		if j.params.Model == "" {
			items.Emit(out, 0, r.Item, one)
		}
	}
	src.Writes = []mapreduce.Port{users}
	if j.params.Model == "" {
		src.Writes = append(src.Writes, items)
	}
	return src
}

// matrixStage makes compressed rows of interactions, by user.
func (j *recommendation) matrixStage(src *mapreduce.Source[interactions.Row]) mapreduce.Stage {
	left := j.leftPort()
	st := mapreduce.NewStage("matrix", src, pairBatch,
		func(_ context.Context, env *mapreduce.Env) (mapreduce.Mapper[interactions.Row], error) {
			m, err := j.pairer(env, left)
			if err != nil {
				return nil, err
			}
			return m, errors.Join(m.check("top", j.params.Top), j.fitsWorker(m.items.ids.Len()))
		}, j.byUser, left)
	st.Reads = j.own(j.userIDs, j.itemIDs)
	if j.params.Model != "" || j.params.rulesFromFiles() {
		st.Files = j.files
	}
	return st
}

// pairer makes what sends interactions into byUser.
func (j *recommendation) pairer(env *mapreduce.Env, left *mapreduce.Stream[uint32, int64]) (*pairer, error) {
	d, err := j.names(env)
	if err != nil {
		return nil, err
	}
	p, unknown := j.params, ""
	if p.Model != "" {
		unknown = ruleUnknownItem
	}
	halfLife, err := p.halfLife()
	return &pairer{
		users:  side{ids: d.users, least: p.MinUser, rule: ruleMinUser, noun: "user"},
		items:  side{ids: d.items, least: p.MinItem, rule: ruleMinItem, noun: "item", unknown: unknown},
		byUser: j.byUser, left: left, halfLife: halfLife, newest: max(d.users.Newest(), d.items.Newest()),
		timed: p.Duplicates == lastOf && p.TimeCol != "", countInteraction: p.Duplicates == countOf,
	}, err
}

// transposeStage makes the matrix by items of that by users.
func (j *recommendation) transposeStage() mapreduce.Stage {
	return j.transposing("transpose", j.userItems, j.byItem)
}

// transposing makes a matrix by items of one by users.
func (j *recommendation) transposing(name string, from *mapreduce.Dataset[matrix.Row], to *rowStream, writes ...mapreduce.Port) mapreduce.Stage {
	st := mapreduce.NewStage(name, from, transposeBatch,
		func(_ context.Context, env *mapreduce.Env) (mapreduce.Mapper[matrix.Row], error) {
			d, err := j.library.dictionary(env, j.itemIDs)
			if err != nil {
				return nil, err
			}
			return newTransposer(to, d.Len()), nil
		}, append([]mapreduce.Port{to}, writes...)...)
	st.Reads = []mapreduce.Port{j.itemIDs}
	return st
}

// counts tells how many interactions the ids of a dictionary have.
func (j *recommendation) counts(of mapreduce.Port) func(*mapreduce.Env) (int, func(int) int64, error) {
	return func(env *mapreduce.Env) (int, func(int) int64, error) {
		d, err := j.library.dictionary(env, of)
		if err != nil {
			return 0, nil, err
		}
		return d.Len(), d.Rows, nil
	}
}

// similarityStage finds the nearest items of each item.
func (j *recommendation) similarityStage() mapreduce.Stage {
	near := rowsInto(j.neighbours, "neighbours", sumOf)
	near.BytesPerRow = int64(j.params.method().K) * 16
	near.Partition = byRow(func(env *mapreduce.Env) (int, func(int) int64, error) {
		d, err := j.library.dictionary(env, j.itemIDs)
		if err != nil {
			return 0, nil, err
		}
		return d.Len(), func(int) int64 { return 1 }, nil
	})
	writes, items, similar := []mapreduce.Port{near}, j.items, j.similar
	if j.describes {
		writes = append(writes, items, similar)
	} else {
		items, similar = nil, nil
	}
	st := mapreduce.NewStage(j.stageName("similarity"), j.itemUsers, rowBatch,
		func(_ context.Context, env *mapreduce.Env) (mapreduce.Mapper[matrix.Row], error) {
			byUser, byItem, err := j.matrices(env)
			if err != nil {
				return nil, err
			}
			method := j.params.method()
			kernel, err := neighbours.NewKernel(method, byUser, byItem)
			return &nearest{
				kernel: kernel, transposed: method.Transposed(), kept: method.K, most: j.params.Similar,
				items: items, similar: similar, neighbours: near,
			}, err
		}, writes...)
	st.Reads = []mapreduce.Port{j.userIDs, j.itemIDs, j.userItems, j.itemUsers}
	return st
}

// matrices opens the matrix by users and the one by items.
func (j *recommendation) matrices(env *mapreduce.Env) (users, items *matrix.Matrix, err error) {
	d, err := j.names(env)
	if err != nil {
		return nil, nil, err
	}
	if users, err = j.library.matrix(env, j.userItems, d.users.Len(), d.items.Len()); err != nil {
		return nil, nil, err
	}
	items, err = j.library.matrix(env, j.itemUsers, d.items.Len(), d.users.Len())
	return users, items, err
}

// itemsStage counts the users of each item.
func (j *recommendation) itemsStage() mapreduce.Stage {
	st := mapreduce.NewStage(j.stageName("items"), j.itemUsers, rowBatch,
		func(context.Context, *mapreduce.Env) (mapreduce.Mapper[matrix.Row], error) {
			return counted{j.items}, nil
		}, j.items)
	st.Reads = []mapreduce.Port{j.userIDs, j.itemIDs}
	return st
}

// scoring is the mapper of scoreStage.
func (j *recommendation) scoring(env *mapreduce.Env, d names, l learner, r *room) (*scoring, error) {
	s, err := l.scorer(env, d, r)
	if err != nil {
		return nil, err
	}
	items := side{ids: d.items, least: j.params.MinItem}
	m := &scoring{room: r, scorer: s, top: j.params.Top, catalogue: items.kept(), users: j.users, lists: j.lists}
	if b, ok := s.(*blended); ok {
		m.ranks = b.ranks
	}
	return m, j.serve(env, d, m)
}

// scoreStage makes the list of each user by what an algorithm has learned.
func (j *recommendation) scoreStage(l learner) mapreduce.Stage {
	batch := l.batch
	if batch == 0 {
		batch = scoreBatch
	}
	st := mapreduce.NewStage("score", j.userItems, batch,
		func(_ context.Context, env *mapreduce.Env) (mapreduce.Mapper[matrix.Row], error) {
			d, err := j.names(env)
			if err != nil {
				return nil, err
			}
			r := newRoom(env, j.places(d.items.Len()))
			m, err := j.scoring(env, d, l, r)
			if err != nil {
				return nil, errors.Join(err, r.Close())
			}
			return m, nil
		}, j.users, j.lists)
	st.Reads = j.own(append([]mapreduce.Port{j.userIDs, j.itemIDs}, j.servingReads(l.reads)...)...)
	return st
}
