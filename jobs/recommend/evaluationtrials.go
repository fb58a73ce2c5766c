package recommend

import "github.com/shardmill/shardmill/mapreduce"

// trialStages train and measure the configurations.
func (e *evaluation) trialStages() []mapreduce.Stage { return nil }
