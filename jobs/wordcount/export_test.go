package wordcount

import (
	"fmt"

	"github.com/shardmill/shardmill/jobs/lines"
	"github.com/shardmill/shardmill/mapreduce"
)

// JobOfParts is the job under a name of its own, with shards, and parts of files, of so many bytes.
func JobOfParts(bytes int64) mapreduce.Job {
	return mapreduce.New(fmt.Sprintf("wordcount-%d", bytes), 2, Defaults(), func(p Params) ([]mapreduce.Stage, error) {
		text := lines.Source(p.Shards == inPlace)
		text.Target.Bytes = bytes
		return stages(p, text)
	})
}
