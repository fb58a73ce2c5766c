package recommend

import (
	"fmt"
	"sync"

	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/mapreduce"
)

// library holds the side files that a process has mapped, by path: mapper, partitioner and columns of a stage read the
// same ones. They stay mapped as long as the process; a path names one attempt of a task, so it never means another file.
type library struct {
	mu       sync.Mutex
	ids      map[string]*ids.IDs
	matrices map[string]*matrix.Matrix
}

func newLibrary() *library {
	return &library{ids: map[string]*ids.IDs{}, matrices: map[string]*matrix.Matrix{}}
}

// dictionary opens the one file of a dictionary.
func (l *library) dictionary(env *mapreduce.Env, of mapreduce.Port) (*ids.IDs, error) {
	files, err := env.Files(of)
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
	files, err := env.Files(of)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprint(files)
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.matrices[name]; m != nil {
		return m, nil
	}
	m, err := matrix.Open(files, rows, columns)
	if err == nil {
		l.matrices[name] = m
	}
	return m, err
}
