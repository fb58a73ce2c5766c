// Package plan turns inputs into ranges, ranges into tasks and rows into partitions. It is pure and
// deterministic: a plan depends on the inputs and the job's parameters, never on the number of workers, their
// memory, or the clock. Outputs are byte-identical across runs because this is so.
//
// A stage's plan is written once, as stages/STAGE/plan.json, when the stage starts:
//
//	version   1
//	stage     folder name
//	splits    split stage: for each split task its ranges (files, or entries [lo, hi) of the listing,
//	          which begin at a byte offset)
//	limit     split stage: number of input rows taken, in input order; absent for all
//	listing   split stage: number of entries and SHA-256 of the file stages/00-split/listing
//	maps      other stages: for each map task the file it reads: (stage, task, dataset, seq) of the
//	          committed output of an earlier stage, with its rows, bytes and CRC32C
//	streams   name and number of partitions of each stream, in declared order
//	meta      what the job's source left for later stages, such as the names of carried columns
//
// Reduce tasks are numbered through the streams in declared order: with streams of 3 and 2
// partitions, reduce-000003 is partition 0 of the second stream.
package plan

import (
	"encoding/json"
	"fmt"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// Version of plan.json.
const Version = 1

// PartitionBytes is the target size of one partition, and so of what one reduce task reads.
const PartitionBytes = 128 << 20

// Range is a piece of input that one split task reads: a file, or entries of the listing.
type Range struct {
	Name  string `json:"name,omitempty"`  // of the file, as messages show it
	Path  string `json:"path,omitempty"`  // absolute
	Bytes int64  `json:"bytes,omitempty"` // size of the file, for grouping small files
	Lo    int64  `json:"lo,omitempty"`    // entries [Lo, Hi) of the listing, where there is no file
	Hi    int64  `json:"hi,omitempty"`
	// Offset is where entry Lo begins in the listing, in bytes.
	Offset int64 `json:"offset,omitempty"`
}

// Split is one split task.
type Split struct {
	Ranges []Range `json:"ranges"`
}

// Map is one map task: the committed file it reads. Shards are named by task and not by
// path, since a split task that runs again writes the same bytes under another attempt.
type Map struct {
	Stage   string  `json:"stage"`
	Task    task.ID `json:"task"`
	Dataset string  `json:"dataset"`
	Seq     int     `json:"seq"`
	Rows    int64   `json:"rows"`
	Bytes   int64   `json:"bytes"`
	CRC32C  uint32  `json:"crc32c"`
}

// Stream is a shuffle of the stage.
type Stream struct {
	Name       string `json:"name"`
	Partitions int    `json:"partitions"`
}

// Listing describes the file stages/00-split/listing.
type Listing struct {
	Entries int64  `json:"entries"`
	Passed  int64  `json:"passed_over"` // files that were not taken
	SHA256  string `json:"sha256"`
}

// Stage is the plan of one stage.
type Stage struct {
	Version int             `json:"version"`
	Stage   string          `json:"stage"`
	Splits  []Split         `json:"splits,omitempty"`
	Limit   int64           `json:"limit,omitempty"`
	Listing *Listing        `json:"listing,omitempty"`
	Maps    []Map           `json:"maps,omitempty"`
	Streams []Stream        `json:"streams,omitempty"`
	Meta    json.RawMessage `json:"meta,omitempty"`
}

// First is the kind and number of the stage's first tasks.
func (s *Stage) First() (task.Kind, int) {
	if s.Splits != nil {
		return task.Split, len(s.Splits)
	}
	return task.Map, len(s.Maps)
}

// Reduces is the number of reduce tasks.
func (s *Stage) Reduces() int {
	n := 0
	for _, st := range s.Streams {
		n += st.Partitions
	}
	return n
}

// Reduce tells which stream and partition a reduce task has.
func (s *Stage) Reduce(n int) (stream, partition int, err error) {
	for i, st := range s.Streams {
		if n < st.Partitions {
			return i, n, nil
		}
		n -= st.Partitions
	}
	return 0, 0, fmt.Errorf("plan of %s: no reduce task %d", s.Stage, n)
}

// Rows is the number of rows that the stage's map tasks read.
func (s *Stage) Rows() int64 {
	var n int64
	for _, m := range s.Maps {
		n += m.Rows
	}
	return n
}

// Partitions is the number of partitions of a stream: as asked for, or enough for about
// PartitionBytes in each.
func Partitions(rows, bytesPerRow int64, asked int) int {
	if asked > 0 {
		return asked
	}
	return int(max(1, (rows*bytesPerRow+PartitionBytes-1)/PartitionBytes))
}

// Group packs ranges into split tasks in order: neighbouring small files share a task until it has
// target bytes, and a run of listing entries is a task of its own. With a limit, everything is one task,
// since only a reader that has seen all rows before knows which row is the last.
func Group(ranges []Range, target, limit int64) []Split {
	splits := []Split{}
	if limit > 0 {
		return append(splits, Split{Ranges: ranges})
	}
	var size int64
	for _, r := range ranges {
		last, bytes := len(splits)-1, max(1, r.Bytes) // so that there are not too many empty files in a task
		if r.Path != "" && size > 0 && size+bytes <= target {
			splits[last].Ranges = append(splits[last].Ranges, r)
			size += bytes
			continue
		}
		splits = append(splits, Split{Ranges: []Range{r}})
		size = 0
		if r.Path != "" {
			size = bytes
		}
	}
	return splits
}
