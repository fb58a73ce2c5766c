// Package plan turns inputs into ranges, ranges into tasks and rows into partitions. It is pure and
// deterministic: a plan depends on the inputs and the job's parameters, never on the number of workers, their
// memory, or the clock. Outputs are byte-identical across runs because this is so.
//
// A stage's plan is written once, as stages/STAGE/plan.json, when the stage starts:
//
//	version   1
//	stage     folder name
//	scans     scan stage: for each scan task its ranges: files, or bytes [lo, hi) of them
//	splits    split stage: for each split task its ranges: files, entries [lo, hi) of the listing, which
//	          begin at a byte offset, or what was made of the scans
//	parts     a stage that maps the input in place: for each map task its ranges, made of the scans
//	limit     split stage without a scan: number of input rows taken, in input order; absent for all
//	listing   first stage: number of entries and SHA-256 of the file "listing" beside the plan
//	maps      other stages: for each map task the file it reads: (stage, task, dataset, seq) of the
//	          committed output of an earlier stage, with its rows, bytes and CRC32C
//	streams   name and number of partitions of each stream, in declared order
//	reads     for each dataset that the stage reads besides its input, the CRC-32C of those of its files (task.Inputs)
//	sides     datasets of the stage that are kept out of the results: they go when no later stage needs them
//	meta      what the job's source left for later stages, such as the names of carried columns: of the listing
//	          in the first stage, of the scans in the stage after them
//
// A range that was made of a scan (Range) says where its first record begins, how many rows begin in it, and
// the digest of its bytes, so that whoever reads it knows that it reads what was scanned. An element of
// scans, splits and parts is {ranges, limit}; a limit, which follows from the job's where rows have been counted, ends the
// task after so many rows. The members scans, parts and those of their ranges, reads and sides came later than version 1;
// plans without them mean what they meant.
//
// Reduce tasks are numbered through the streams in declared order: with streams of 3 and 2
// partitions, reduce-000003 is partition 0 of the second stream.
package plan

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// Version of plan.json.
const Version = 1

// PartitionBytes is the target size of one partition, and so of what one reduce task reads.
const PartitionBytes = 128 << 20

// Range is a piece of input that one task reads: a file or a part of it, or entries of the listing.
type Range struct {
	Name  string `json:"name,omitempty"`  // of the file, as messages show it
	Path  string `json:"path,omitempty"`  // absolute
	Bytes int64  `json:"bytes,omitempty"` // of input that the range stands for, for packing ranges into tasks
	// Lo and Hi are bytes [Lo, Hi) of the file, or, of a file that was scanned as a whole, what the job's source
	// counts, such as row groups. Both 0: the whole file. Where there is no file: entries [Lo, Hi) of the listing.
	Lo int64 `json:"lo,omitempty"`
	Hi int64 `json:"hi,omitempty"`
	// Offset is the byte where the first record of the range begins, which may be behind Hi. Of entries: where Lo begins
	// in the listing.
	Offset int64 `json:"offset,omitempty"`
	Line   int64 `json:"line,omitempty"` // of that record, from 1
	Row    int64 `json:"row,omitempty"`  // of that record in its file, as the job's source counts
	Rows   int64 `json:"rows,omitempty"` // that begin in the range, -1 where that is not known; only after a scan

	// What the scan saw. Sum is the digest of bytes [Lo, Hi). Where Lo and Hi are no bytes there is
	// none, but that of the whole file, and the time when the file had it, in nanoseconds since 1970.
	Sum     string `json:"sum,omitempty"`
	Size    int64  `json:"size,omitempty"` // of the file
	Whole   string `json:"whole,omitempty"`
	ModTime int64  `json:"mtime_ns,omitempty"`
}

// Scanned tells whether the range was made of a scan.
func (r Range) Scanned() bool { return r.Sum != "" || r.Whole != "" }

// Split is what one scan or split task, or one map task in place, reads.
type Split struct {
	Ranges []Range `json:"ranges"`
	Limit  int64   `json:"limit,omitempty"` // rows that the task takes; 0 for all
}

// Rows is the number of rows that the task reads, where the scan has counted them.
func (s Split) Rows() (n int64, known bool) {
	for _, r := range s.Ranges {
		if !r.Scanned() || r.Rows < 0 {
			return 0, false
		}
		n += r.Rows
	}
	if s.Limit > 0 {
		n = min(n, s.Limit)
	}
	return n, true
}

// equal tells whether two tasks read the same.
func (s Split) equal(o Split) bool { return s.Limit == o.Limit && slices.Equal(s.Ranges, o.Ranges) }

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

// Read is a dataset that a stage reads by the files of earlier tasks.
type Read struct {
	Dataset string `json:"dataset"`
	CRC32C  uint32 `json:"crc32c"` // of those of its files
}

// Listing describes the file "listing" of the first stage.
type Listing struct {
	Entries int64  `json:"entries"`
	Passed  int64  `json:"passed_over"` // files that were not taken
	SHA256  string `json:"sha256"`
	Stdin   string `json:"stdin_sha256,omitempty"` // of the bytes of standard input, from which entries were made
}

// Stage is the plan of one stage.
type Stage struct {
	Version int             `json:"version"`
	Stage   string          `json:"stage"`
	Scans   []Split         `json:"scans,omitzero"`
	Splits  []Split         `json:"splits,omitzero"`
	Parts   []Split         `json:"parts,omitzero"`
	Limit   int64           `json:"limit,omitempty"`
	Listing *Listing        `json:"listing,omitempty"`
	Maps    []Map           `json:"maps,omitempty"`
	Streams []Stream        `json:"streams,omitempty"`
	Reads   []Read          `json:"reads,omitempty"`
	Sides   []string        `json:"sides,omitempty"`
	Meta    json.RawMessage `json:"meta,omitempty"`
}

// First is the kind and number of the stage's first tasks.
func (s *Stage) First() (task.Kind, int) {
	switch {
	case s.Scans != nil:
		return task.Scan, len(s.Scans)
	case s.Splits != nil:
		return task.Split, len(s.Splits)
	}
	return task.Map, len(s.Parts) + len(s.Maps) // one of them is empty
}

// SameInputs tells whether the first tasks of two plans read the same. A plan of an earlier build has no reads.
func (s *Stage) SameInputs(o *Stage) bool {
	reads := len(s.Reads) == 0 || len(o.Reads) == 0 || slices.Equal(s.Reads, o.Reads)
	return reads && slices.Equal(s.Maps, o.Maps) && slices.EqualFunc(s.Splits, o.Splits, Split.equal) &&
		slices.EqualFunc(s.Parts, o.Parts, Split.equal)
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

// TaskRows is the number of rows that first task n reads, where that is known before.
func (s *Stage) TaskRows(n int) (rows int64, known bool) {
	switch {
	case n < len(s.Maps):
		return s.Maps[n].Rows, true
	case n < len(s.Parts):
		return s.Parts[n].Rows()
	case n < len(s.Splits):
		return s.Splits[n].Rows()
	}
	return 0, false
}

// Rows is the number of rows that the stage's first tasks read, where that is known before.
func (s *Stage) Rows() (rows int64, known bool) {
	_, count := s.First()
	for n := range count {
		k, known := s.TaskRows(n)
		if !known {
			return 0, false
		}
		rows += k
	}
	return rows, true
}

// Partitions is the number of partitions of a stream: as asked for, or enough for about
// PartitionBytes in each.
func Partitions(rows, bytesPerRow int64, asked int) int {
	if asked > 0 {
		return asked
	}
	return int(max(1, (rows*bytesPerRow+PartitionBytes-1)/PartitionBytes))
}

// filesPerTask is the most files that share a task: each of them is in its record, and takes longer to open than to read.
const filesPerTask = 4096

// Group packs ranges into tasks in order: neighbouring small files share a task until it has
// target bytes or filesPerTask files, and a run of listing entries is a task of its own. With a limit, everything is one task,
// since only a reader that has seen all rows before knows which row is the last.
func Group(ranges []Range, target, limit int64) []Split {
	splits := []Split{}
	if limit > 0 {
		return append(splits, Split{Ranges: ranges})
	}
	var size int64
	least := max(1, target/filesPerTask)
	for _, r := range ranges {
		last, bytes := len(splits)-1, max(least, r.Bytes)
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

// GroupScanned packs ranges whose rows have been counted by a scan as Group does, and takes the first limit rows of
// them, or all if it is 0. From a range on whose rows are not known, a limit makes one task of all that follows.
func GroupScanned(ranges []Range, target, limit int64) []Split {
	if limit <= 0 {
		return Group(ranges, target, 0)
	}
	left := limit
	for i, r := range ranges {
		if r.Rows < 0 {
			return append(Group(ranges[:i], target, 0), Split{Ranges: ranges[i:], Limit: left})
		}
		if left -= r.Rows; left <= 0 {
			splits := Group(ranges[:i+1], target, 0)
			last := &splits[len(splits)-1]
			if rows, _ := last.Rows(); left < 0 {
				last.Limit = rows + left
			}
			return splits
		}
	}
	return Group(ranges, target, 0)
}

// Cut cuts a file into the ranges that scan tasks read: as many as it takes for none to have more than
// target bytes, of equal size but for a byte. They depend on nothing but size and target.
func Cut(file Range, size, target int64) []Range {
	n := max(1, (size+target-1)/target)
	each, more := size/n, size%n
	ranges := make([]Range, n)
	var lo int64
	for i := range ranges {
		hi := lo + each
		if int64(i) < more {
			hi++
		}
		rg := file
		rg.Lo, rg.Hi, rg.Bytes, rg.Size = lo, hi, hi-lo, size
		ranges[i], lo = rg, hi
	}
	return ranges
}
