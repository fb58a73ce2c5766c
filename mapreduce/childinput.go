package mapreduce

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/shardmill/shardmill/mapreduce/internal/plan"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// input is the file that a map task reads, checked against the plan: a shard of ours is never decoded damaged.
func (c *child) input(id task.ID, m plan.Map) (string, error) {
	lost := func(err error) error {
		return &Error{Op: "input", Attempt: task.Attempt{Task: id}, Record: -1, Class: task.LostInput, Lost: []int{m.Task.Index}, Err: err}
	}
	from, err := c.sourceTask(m.Task)
	if errors.Is(err, fs.ErrNotExist) {
		return "", lost(fmt.Errorf("%s is not committed", m.Task))
	}
	if err != nil {
		return "", err
	}
	o, ok := from.files[datasetFile{m.Dataset, m.Seq}]
	if !ok || o.Rows != m.Rows || o.CRC32C != m.CRC32C {
		return "", fmt.Errorf("%s no longer makes the file %d of %s that the plan names: its input or its code changed", m.Task, m.Seq, m.Dataset)
	}
	if err := c.dir.VerifyOutput(from.attempt, o); err != nil { // not remembered: it is mapped once, and there may be 100,000
		return "", lost(err)
	}
	return c.dir.OutputPath(from.attempt, o), nil
}

// sourceTask is a committed task whose files are mapped, and what its record was when it was read.
type sourceTask struct {
	attempt task.Attempt
	files   map[datasetFile]task.Output
	info    fs.FileInfo
}

// datasetFile is one of the files that a task wrote to its datasets.
type datasetFile struct {
	dataset string
	seq     int
}

// sourceTask reads the record of a task, unless it is the one that was read last and nothing has touched it since: to
// read the record of 50,000 shards for each of them would cost more than all the rest. It is fs.ErrNotExist without one.
func (c *child) sourceTask(id task.ID) (*sourceTask, error) {
	info, err := c.dir.StatRecord(id)
	if err != nil {
		return nil, err
	}
	if s := c.source; s != nil && s.attempt.Task == id && untouched(s.info, info) {
		return s, nil
	}
	c.source = nil
	rec, ok, err := c.dir.ReadRecord(id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fs.ErrNotExist
	}
	s := &sourceTask{attempt: rec.Attempt, files: map[datasetFile]task.Output{}, info: info}
	for _, o := range rec.Outputs {
		f := datasetFile{o.Dataset, o.Seq}
		if _, known := s.files[f]; o.Kind == task.DataFile && !known {
			s.files[f] = o
		}
	}
	c.source = s
	return s, nil
}
