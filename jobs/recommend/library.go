package recommend

import (
	"fmt"
	"path/filepath"
	"sync"

	"github.com/shardmill/shardmill/jobs/internal/als"
	"github.com/shardmill/shardmill/jobs/internal/ease"
	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/mapreduce"
)

// library holds the side files that a process has mapped, by path: mapper, partitioner and columns of a stage read the
// same ones. They stay mapped as long as the process; a path names one attempt of a task, so it never means another file.
type library struct {
	stored   map[mapreduce.Port]string // folders of the datasets that another job has left
	mu       sync.Mutex
	ids      map[string]*ids.IDs
	matrices map[string]*matrix.Matrix
	vectors  map[string]*vectors
	means    map[*matrix.Matrix]float64
	inverses map[string]*ease.Model
	sampled  struct { // the last one that was asked for
		name   string
		ground *ground
		keep   keeper
	}
}

// vectors are an open matrix of factors.
type vectors struct {
	*factors.Matrix
	stage string    // that asked for it last
	gram  []float64 // nil until it is asked for
}

func newLibrary() *library {
	return &library{stored: map[mapreduce.Port]string{}, ids: map[string]*ids.IDs{}, matrices: map[string]*matrix.Matrix{}, vectors: map[string]*vectors{}, means: map[*matrix.Matrix]float64{}, inverses: map[string]*ease.Model{}}
}

// files are those of a dataset, of this job or of the one that left it. Verified tells that this process has compared their
// checksums: the engine does it for those of this job.
func (l *library) files(env *mapreduce.Env, of mapreduce.Port) (files []string, verified bool, err error) {
	if folder, ok := l.stored[of]; ok {
		files, err = filepath.Glob(filepath.Join(folder, "part-*"))
		return files, false, err
	}
	files, err = env.Files(of)
	return files, true, err
}

// dictionary opens the one file of a dictionary.
func (l *library) dictionary(env *mapreduce.Env, of mapreduce.Port) (*ids.IDs, error) {
	files, _, err := l.files(env, of)
	if err != nil {
		return nil, err
	}
	if len(files) != 1 {
		return nil, fmt.Errorf("%s: a dictionary of %d files, want one", env.Stage(), len(files))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := l.ids[files[0]]; d != nil {
		return d, nil
	}
	d, err := ids.Open(files[0])
	if err == nil {
		l.ids[files[0]] = d
	}
	return d, err
}

// matrix opens all files of a matrix.
func (l *library) matrix(env *mapreduce.Env, of mapreduce.Port, rows, columns int) (*matrix.Matrix, error) {
	files, verified, err := l.files(env, of)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprint(files)
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.matrices[name]; m != nil {
		return m, nil
	}
	open := matrix.Open
	if verified {
		open = matrix.Reopen
	}
	m, err := open(files, rows, columns)
	if err == nil {
		l.matrices[name] = m
	}
	return m, err
}

// factors opens all files of vectors of that width. Those that no stage has asked for since the one before are let go: each
// half-step leaves new ones.
func (l *library) factors(env *mapreduce.Env, of mapreduce.Port, rows, width int) (*factors.Matrix, error) {
	files, verified, err := l.files(env, of)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprint(files)
	l.mu.Lock()
	defer l.mu.Unlock()
	if v := l.vectors[name]; v != nil {
		v.stage = env.Stage()
		return v.Matrix, nil
	}
	if err := l.letGo(env.Stage()); err != nil {
		return nil, err
	}
	open := factors.Open
	if verified {
		open = factors.Reopen
	}
	m, err := open(files, rows, width)
	if err == nil {
		l.vectors[name] = &vectors{Matrix: m, stage: env.Stage()}
	}
	return m, err
}

// letGo closes vectors that were asked for by older stages than the last one before a stage. Names of stages sort by their numbers.
func (l *library) letGo(stage string) error {
	last := ""
	for _, v := range l.vectors {
		if v.stage < stage {
			last = max(last, v.stage)
		}
	}
	for name, v := range l.vectors {
		if v.stage < last {
			delete(l.vectors, name)
			if err := v.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}

// gram is the sums of the products of factors over all rows of a matrix that the library has opened.
func (l *library) gram(m *factors.Matrix) []float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range l.vectors {
		if v.Matrix == m {
			if v.gram == nil {
				v.gram = gramOf(m)
			}
			return v.gram
		}
	}
	return gramOf(m)
}

func gramOf(m *factors.Matrix) []float64 {
	g := als.NewGram(m.K())
	for rows := range m.Runs() {
		g.Add(rows)
	}
	return g.Sums()
}

// mean is the mean of the values of a matrix that the library has opened.
func (l *library) mean(m *matrix.Matrix) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if mean, ok := l.means[m]; ok {
		return mean
	}
	mean := meanOf(m)
	l.means[m] = mean
	return mean
}

// meanOf is the mean of the values of a matrix.
func meanOf(m sparse) float64 {
	sum, entries := 0., 0
	for i := range m.Rows() {
		columns, values := m.Row(i)
		entries += len(columns)
		if values == nil {
			sum += float64(len(columns))
		}
		for _, v := range values {
			sum += float64(v)
		}
	}
	return sum / float64(max(entries, 1))
}

// inverse opens the one file of a model of EASE.
func (l *library) inverse(env *mapreduce.Env, of mapreduce.Port) (*ease.Model, error) {
	files, verified, err := l.files(env, of)
	if err != nil {
		return nil, err
	}
	if len(files) != 1 {
		return nil, fmt.Errorf("%s: an inverse of %d files, want one", env.Stage(), len(files))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.inverses[files[0]]; m != nil {
		return m, nil
	}
	open := ease.Open
	if verified {
		open = ease.Reopen
	}
	m, err := open(files[0])
	if err == nil {
		l.inverses[files[0]] = m
	}
	return m, err
}
