package mapreduce

import (
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/plan"
)

// A job is barren as long as nothing of its input has been taken: no task is committed but those of a scan, which only look.
// There is nothing in its job directory then that anybody would miss: what killed the workers that read the input may be a file
// that the next command does not name any more, and needs another folder, or this one removed.

// barren tells whether the job in a directory, of whatever kind it is, has taken nothing of its input yet.
func barren(dir *jobdir.Dir) bool {
	begun, err := dir.Stages()
	if err != nil || results(dir) != "" {
		return false
	}
	for _, stage := range begun {
		var p plan.Stage
		if _, err := dir.ReadPlan(stage, plan.Version, &p); err != nil {
			return false
		}
		if len(p.Scans) > 0 {
			continue
		}
		if _, done, err := dir.ReadDone(stage); err != nil || done {
			return false
		}
		for range dir.Records(stage) { //nolint:errcheck // one that is damaged has been committed too
			return false
		}
	}
	return true
}
