// Package jobs lists the jobs of shardmill and joins the engine with the formats: the engine knows
// no format, and the formats know no engine.
package jobs

import (
	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/jobs/rank"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/jobs/wordcount"
	"github.com/shardmill/shardmill/mapreduce"
)

// All lists the jobs of the shardmill program.
func All() []mapreduce.Job {
	return []mapreduce.Job{wordcount.Job(), classify.Job(), rank.Job(), recommend.Job(), recommend.EvaluationJob()}
}
