package task

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"path"
)

// Version of the assignment, result and record files.
const Version = 1

// Assignment is what one attempt is asked to do: tmp/ATTEMPT/task.json.
type Assignment struct {
	Version int `json:"version"`
	Attempt
	// Probe limits the attempt to a span of rows (map) or key groups (reduce) and asks for no
	// result: it only finds out whether they can be processed.
	Probe *Span `json:"probe,omitempty"`
	// Exclude lists, in ascending order, the rows or groups to reject without touching them.
	Exclude []Exclusion `json:"exclude,omitempty"`
	// Serial forbids looking ahead: it is asked for when a worker died and no row alone was to blame.
	Serial bool `json:"serial,omitempty"`
	// Runs gives, for a reduce, the committed attempts of the map tasks of the stage.
	Runs Runs `json:"runs,omitempty"`
	// Input is, for a reduce, the digest of those run files (see Inputs).
	Input uint32 `json:"input,omitempty"`
}

// Exclusion is a row or key group that killed a worker twice when it ran alone.
type Exclusion struct {
	Ordinal int64  `json:"ordinal"`
	Class   Class  `json:"class"`
	Reason  string `json:"reason"`
}

// OutputKind tells where an output goes.
type OutputKind string

// The kinds of outputs of an attempt.
const (
	RunFile    OutputKind = "run"
	DataFile   OutputKind = "data"
	RejectFile OutputKind = "rejects"
)

// Output is one file that an attempt made.
type Output struct {
	Kind    OutputKind `json:"kind"`
	Dataset string     `json:"dataset,omitempty"` // DataFile
	Sub     string     `json:"sub,omitempty"`     // Hive folder inside the dataset: "label=7"
	Seq     int        `json:"seq,omitempty"`     // number of the file where a task writes several to one dataset, from 0
	Many    bool       `json:"many,omitempty"`    // the task may write several files: the name shows Seq
	File    string     `json:"file"`              // name in the attempt's folder, flat
	Ext     string     `json:"ext"`               // "arrow", "parquet", "run"
	Rows    int64      `json:"rows"`
	Bytes   int64      `json:"bytes"`
	CRC32C  uint32     `json:"crc32c"`
}

// Path is where the output of an attempt lies once promoted, relative to the stage's folder, with slashes.
func (o Output) Path(a Attempt) string {
	name := a.Name()
	if o.Many {
		name += fmt.Sprintf("-%04d", o.Seq)
	}
	name += "." + o.Ext
	switch o.Kind {
	case RunFile:
		return path.Join("runs", name)
	case RejectFile:
		return path.Join("rejects", name)
	case DataFile:
		return path.Join("data", o.Dataset, o.Sub, name)
	}
	return path.Join("unknown", name)
}

// Result is what an attempt made: tmp/ATTEMPT/result.json. Its files lie beside it.
type Result struct {
	Version int `json:"version"`
	Attempt
	Outputs  []Output          `json:"outputs"`
	Counts   Counts            `json:"counts"`
	Excluded []Exclusion       `json:"excluded,omitempty"`
	Digests  map[string]string `json:"digests,omitempty"` // split: SHA-256 of each input file read, by path
	Scanned  []Scanned         `json:"scanned,omitempty"` // scan: of each range of the task in order
	Input    uint32            `json:"input,omitempty"`   // reduce: digest of the run files read, as in Assignment
	Usage    Usage             `json:"usage"`
}

// Usage is what an attempt cost.
type Usage struct {
	CPUSeconds  float64 `json:"cpu_seconds"`
	WallSeconds float64 `json:"wall_seconds"`
	PeakRSS     int64   `json:"peak_rss_bytes"` // of the worker process so far; of a reduce, where the system can tell, since it began
}

// Counts is the accounting of one task, or a sum over tasks.
type Counts struct {
	// Read counts input rows (split), rows of the shard (map) or records (reduce).
	Read int64 `json:"read"`
	// Mapped + sum(Dropped) + Rejected = Read, in split and map tasks.
	Mapped   int64            `json:"mapped,omitempty"`
	Dropped  map[string]int64 `json:"dropped,omitempty"`
	Rejected int64            `json:"rejected,omitempty"`
	// Groups counts key groups of a reduce; RejectedGroups of them killed workers and RejectedRecords were in those.
	Groups          int64                   `json:"groups,omitempty"`
	RejectedGroups  int64                   `json:"rejected_groups,omitempty"`
	RejectedRecords int64                   `json:"rejected_records,omitempty"`
	Streams         map[string]StreamCount  `json:"streams,omitempty"`
	Datasets        map[string]DatasetCount `json:"datasets,omitempty"`
	Measures        map[string]Measure      `json:"measures,omitempty"`
}

// Measure is the sum of N values, in millionths: whole numbers add up to the same in any order.
type Measure struct {
	Sum  int64 `json:"sum_millionths"`
	N    int64 `json:"n"`
	Root bool  `json:"root,omitempty"` // what is told is the square root of the mean
}

// Value is the mean of the values, or 0 of none, or its root.
func (m Measure) Value() float64 {
	if m.N == 0 {
		return 0
	}
	mean := float64(m.Sum) / 1e6 / float64(m.N)
	if m.Root {
		return math.Sqrt(mean)
	}
	return mean
}

// StreamCount counts the records of a stream. Emitted is before the combiner and First, Written is what
// the run files hold, Reduced what reduces read; Rejected of those were in rejected groups.
type StreamCount struct {
	Emitted  int64 `json:"emitted,omitempty"`
	Written  int64 `json:"written,omitempty"`
	Reduced  int64 `json:"reduced,omitempty"`
	Rejected int64 `json:"rejected,omitempty"`
}

// DatasetCount counts the rows of a dataset. Standing counts the rows that stand for an input
// row each.
type DatasetCount struct {
	Rows     int64 `json:"rows"`
	Standing int64 `json:"standing,omitempty"`
}

// Add adds o to c.
func (c *Counts) Add(o Counts) { c.add(o, 1) }

// Sub takes o, which was added before, away from c.
func (c *Counts) Sub(o Counts) { c.add(o, -1) }

// add adds o times sign, which is 1 or -1.
func (c *Counts) add(o Counts, sign int64) {
	c.Read += sign * o.Read
	c.Mapped += sign * o.Mapped
	c.Rejected += sign * o.Rejected
	c.Groups += sign * o.Groups
	c.RejectedGroups += sign * o.RejectedGroups
	c.RejectedRecords += sign * o.RejectedRecords
	for rule, n := range o.Dropped {
		c.Drop(rule, sign*n)
	}
	for name, s := range o.Streams {
		if c.Streams == nil {
			c.Streams = map[string]StreamCount{}
		}
		t := c.Streams[name]
		c.Streams[name] = StreamCount{
			Emitted: t.Emitted + sign*s.Emitted, Written: t.Written + sign*s.Written,
			Reduced: t.Reduced + sign*s.Reduced, Rejected: t.Rejected + sign*s.Rejected,
		}
	}
	for name, d := range o.Datasets {
		if c.Datasets == nil {
			c.Datasets = map[string]DatasetCount{}
		}
		t := c.Datasets[name]
		c.Datasets[name] = DatasetCount{Rows: t.Rows + sign*d.Rows, Standing: t.Standing + sign*d.Standing}
	}
	for name, m := range o.Measures {
		c.Measure(name, Measure{sign * m.Sum, sign * m.N, m.Root})
	}
}

// Measure adds to a measure.
func (c *Counts) Measure(name string, o Measure) {
	if c.Measures == nil {
		c.Measures = map[string]Measure{}
	}
	m := c.Measures[name]
	c.Measures[name] = Measure{m.Sum + o.Sum, m.N + o.N, o.Root}
}

// Measured are the values of all measures, or nil without any.
func (c Counts) Measured() map[string]float64 {
	var values map[string]float64
	for name, m := range c.Measures {
		if values == nil {
			values = map[string]float64{}
		}
		values[name] = m.Value()
	}
	return values
}

// Drop counts n rows left out by a named rule.
func (c *Counts) Drop(rule string, n int64) {
	if c.Dropped == nil {
		c.Dropped = map[string]int64{}
	}
	c.Dropped[rule] += n
}

// DroppedRows is the number of rows left out by all rules.
func (c Counts) DroppedRows() int64 {
	var n int64
	for v := range maps.Values(c.Dropped) {
		n += v
	}
	return n
}

// Rows is the number of input rows that split or map tasks finished. In a sum over all tasks of a stage it is not
// Read, which has the records of the reduces too.
func (c Counts) Rows() int64 { return c.Mapped + c.DroppedRows() + c.Rejected }

// Record is the proof that a task is committed: stages/STAGE/tasks/map-000007.json.
type Record struct {
	Version int `json:"version"`
	Attempt
	Outputs  []Output          `json:"outputs"`
	Counts   Counts            `json:"counts"`
	Excluded []Exclusion       `json:"excluded,omitempty"`
	Digests  map[string]string `json:"digests,omitempty"`
	Scanned  []Scanned         `json:"scanned,omitempty"`
	Input    uint32            `json:"input,omitempty"`
	Usage    Usage             `json:"usage"`
}

// Scanned is what a scan task found in one range.
type Scanned struct {
	Sum     string          `json:"sum"`             // digest of its bytes: "xxh3:" and XXH3-128 in hexadecimal
	ModTime int64           `json:"mtime_ns"`        // of the file, in nanoseconds since 1970
	Value   json.RawMessage `json:"value,omitempty"` // what the job's source makes of it
}

// Commit is the record that promoting the result makes.
func (r Result) Commit() Record {
	return Record{
		Version: Version, Attempt: r.Attempt, Outputs: r.Outputs, Counts: r.Counts,
		Excluded: r.Excluded, Digests: r.Digests, Scanned: r.Scanned, Input: r.Input, Usage: r.Usage,
	}
}

// Inputs digests files that are read, such as the run files of a reduce, from the CRC-32C of each in the order of maps. A
// reduce counts only as long as the maps' run files have the bytes that it read: those of a map that runs again are
// the same, unless it rejects other rows for reasons of time or memory.
func Inputs(runs []uint32) uint32 {
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	var b [4]byte
	for _, r := range runs {
		binary.LittleEndian.PutUint32(b[:], r)
		_, _ = h.Write(b[:]) // never fails
	}
	return h.Sum32()
}
