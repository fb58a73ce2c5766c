package rank

import (
	"fmt"

	"github.com/shardmill/shardmill/mapreduce"
)

// JobOfParts is the job under a name of its own, with shards, and parts of files, of so many bytes.
func JobOfParts(bytes int64) mapreduce.Job {
	return mapreduce.New(fmt.Sprintf("rank-%d", bytes), Version, Defaults(), func(p Params) ([]mapreduce.Stage, error) {
		return stages(p, bytes)
	})
}
