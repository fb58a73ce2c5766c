package mapreduce

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/shuffle"
)

// PartitionOf is the partition, of n, that a stream's encoded key belongs to; for one with a Group, what Group gives of it.
func PartitionOf(key []byte, n int) int { return shuffle.Partition(key, n) }

// Rejects reads the rejects of all committed tasks of a job directory, in order of stage, task and row: what is in rejects/
// once the job has ended, and before that what there is so far. An error ends the sequence.
func Rejects(opts Options, dir string) iter.Seq2[Reject, error] {
	return func(yield func(Reject, error) bool) {
		d, err := jobdir.Open(fsx.OS{}, dir)
		if err != nil {
			yield(Reject{}, err)
			return
		}
		names, err := d.Stages()
		if err != nil {
			yield(Reject{}, fmt.Errorf("stages of %s: %w", dir, err))
			return
		}
		look := driver{dir: d, opts: opts}
		for _, n := range names {
			look.stages = append(look.stages, Stage{folder: n})
		}
		for f, err := range look.rejectFiles() {
			if err != nil {
				yield(Reject{}, err)
				return
			}
			if !eachReject(opts.Rejects, f.path, yield) {
				return
			}
		}
	}
}

// eachReject passes the rejects of one file.
func eachReject(from Dataset[Reject], path string, yield func(Reject, error) bool) (more bool) {
	r, err := from.Open(&Env{}, path)
	if err != nil {
		yield(Reject{}, err)
		return false
	}
	defer func() { _ = r.Close() }() // only read
	for {
		var row Reject
		switch err := r.Read(&row); {
		case errors.Is(err, io.EOF):
			return true
		case err != nil:
			yield(Reject{}, err)
			return false
		case !yield(row, nil):
			return false
		}
	}
}
