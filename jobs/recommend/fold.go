package recommend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/als"
	"github.com/shardmill/shardmill/jobs/internal/ease"
	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/jobs/internal/interactions"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/mapreduce"
)

// foldStages score users by the model of another job: its files stand in for what the stages between matrix and score make.
func (j *recommendation) foldStages(src *mapreduce.Source[interactions.Row]) []mapreduce.Stage {
	if j.params.MinHistory > 0 {
		j.ofModel(j.items, "items")
	}
	one := j.one()
	l := one.limiting(one.folding(), true)
	first := j.matrixStage(src)
	return append(append([]mapreduce.Stage{first}, l.stages...), j.scoreStage(l))
}

// ofModel says that a dataset is one that the job of the model has left.
func (j *recommendation) ofModel(port mapreduce.Port, name string) {
	j.library.stored[port] = filepath.Join(j.params.Model, mapreduce.ResultsOut, name)
}

// own leaves out the datasets of the model.
func (j *recommendation) own(ports ...mapreduce.Port) []mapreduce.Port {
	return slices.DeleteFunc(ports, func(p mapreduce.Port) bool { return j.library.stored[p] != "" })
}

// folding is the algorithm of the model, without its training.
func (j *recommendation) folding() learner {
	switch j.params.Algorithm {
	case Popularity:
		j.ofModel(j.items, "items")
		return learner{scorer: j.storedPopularity}
	case ALS:
		return newAlternation(j).folding()
	case EASE:
		v := newInversion(j)
		j.ofModel(v.model, "inverse")
		return learner{reads: []mapreduce.Port{v.userItems}, scorer: v.storedScorer, batch: inverseBatch}
	}
	j.ofModel(j.neighbours, "neighbours")
	return learner{scorer: j.byNeighbours}
}

// modelFiles are what the results depend on besides the input. What the parameters say must be what the model is.
func (j *recommendation) modelFiles() (list []mapreduce.File, err error) {
	p, err := trained(j.params.Model)
	if err != nil {
		return nil, err
	}
	if !j.params.sameTraining(p) {
		return nil, fmt.Errorf("--model %s is not what it was: it has been trained with other parameters", j.params.Model)
	}
	for _, folder := range slices.Sorted(maps.Values(j.library.stored)) {
		files, err := filepath.Glob(filepath.Join(folder, "part-*"))
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("--model %s has no %s", j.params.Model, filepath.Base(folder))
		}
		for i, f := range files {
			list = append(list, mapreduce.File{Role: "model, file " + strconv.Itoa(i+1) + " of " + filepath.Base(folder), Path: f})
		}
		if filepath.Ext(files[0]) == ".ease" {
			if err := checkInverse(files[0]); err != nil {
				return nil, fmt.Errorf("--model %s: %w", j.params.Model, err)
			}
		}
	}
	return list, nil
}

var errOfUsers = errors.New("its inverse is of users, of whom there were fewer than items, and says nothing of others; " +
	"train it with more users than items, or with another --algorithm")

// checkInverse finds an inverse that cannot score others than the users it was made from.
func checkInverse(path string) error {
	m, err := ease.Open(path)
	if err != nil {
		return err
	}
	if m.ByUsers() {
		err = errOfUsers
	}
	return errors.Join(err, m.Close())
}

// storedScorer scores users by an inverse of items.
func (v *inversion) storedScorer(env *mapreduce.Env, d names, _ *room) (scorer, error) {
	users, err := v.library.matrix(env, v.userItems, d.users.Len(), d.items.Len())
	if err != nil {
		return nil, err
	}
	m, err := v.library.inverse(env, v.model)
	if err != nil {
		return nil, err
	}
	return v.byInverse(env, d, func(top int) (*ease.Scorer, error) { return ease.NewScorer(m, users, nil, top) })
}

// folding solves the vectors of users by those of the model's items.
func (a *alternation) folding() learner {
	users, items := a.users[len(a.users)-1], a.items[len(a.items)-1]
	a.model.implicit.Method = als.Cholesky
	a.ofModel(items, items.Name)
	if a.params.Explicit {
		a.ofModel(a.ratings, a.ratings.Name)
	}
	return learner{
		stages: []mapreduce.Stage{a.foldStage(users, items)},
		reads:  []mapreduce.Port{users},
		scorer: func(env *mapreduce.Env, d names, r *room) (scorer, error) { return a.scorer(env, d, r, users, items) },
	}
}

// foldStage makes the vector of each user.
func (a *alternation) foldStage(users, items *mapreduce.Dataset[factors.Row]) mapreduce.Stage {
	st := mapreduce.NewStage("fold", a.userItems, vectorBatch,
		func(_ context.Context, env *mapreduce.Env) (mapreduce.Mapper[matrix.Row], error) {
			d, err := a.names(env)
			if err != nil {
				return nil, err
			}
			h, err := a.halfStep(env, items, d.items.Len())
			if err != nil {
				return nil, err
			}
			h.to, h.results = users, a.vectors.users
			return h, nil
		}, users, a.vectors.users)
	st.Reads = a.own(a.userIDs, a.itemIDs)
	return st
}

// storedMean is the mean of the ratings that the model was trained with.
func (a *alternation) storedMean(env *mapreduce.Env) (mean float64, err error) {
	err = a.library.rows(env, a.ratings, func(path string) error {
		return eachRow(path, ratingColumns(), func(m *float64) error { mean = *m; return nil })
	})
	return mean, err
}

// count is an item of the results, with its users.
type count struct {
	id    []byte
	users int64
}

// storedPopularity scores by how many users of the model's job have an item.
func (j *recommendation) storedPopularity(env *mapreduce.Env, d names, _ *room) (scorer, error) {
	counts := make([]int, d.items.Len())
	err := j.library.rows(env, j.items, func(path string) error {
		return eachRow(path, countColumns(d.items), func(c *count) error {
			n, ok := d.items.Find(c.id)
			if !ok {
				return fmt.Errorf("%s: item %q is not in the dictionary", path, c.id)
			}
			counts[n] = int(c.users)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return j.byCounts(env, d, counts)
}

func countColumns(d *ids.IDs) table.Columns[count] {
	id := table.Text("item", nil, func(c *count, v []byte) { c.id = append(c.id[:0], v...) })
	if d.Numeric() {
		id = table.Int64("item", nil, func(c *count, v int64) { c.id = strconv.AppendInt(c.id[:0], v, 10) })
	}
	return table.Columns[count]{id, table.Int64("users", nil, func(c *count, v int64) { c.users = v })}
}

// rows calls a function for each file of a dataset.
func (l *library) rows(env *mapreduce.Env, of mapreduce.Port, each func(path string) error) error {
	files, _, err := l.files(env, of)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := each(f); err != nil {
			return err
		}
	}
	return nil
}

// eachRow calls a function for each row of a Parquet file.
func eachRow[R any](path string, columns table.Columns[R], each func(*R) error) (err error) {
	r, err := parquetfile.Open(path, columns)
	if err != nil {
		return err
	}
	var row R
	for err == nil {
		if err = r.Read(&row); err == nil {
			err = each(&row)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, r.Close())
}
