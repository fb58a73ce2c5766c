package mapreduce

// Reject is an input row, or a key group, that ended with a reason instead of a result.
type Reject struct {
	Stage   string // "01-classify"
	Task    string // "map-000007"
	Ordinal int64  // row of the shard or range, or number of the key group, from 0
	Input   string // file as the user named it
	Line    int64  // 1-based line in it, or 0
	ID      string // what the user calls the row, or the group's key
	Class   string // why: "bad-record", "crash", "timeout", "memory"
	Reason  string
	Record  string // the row as text
}

// Options are the formats that the engine needs and does not know itself. The package jobs
// has a standard set.
type Options struct {
	// Rejects is how a task writes and reads its rejects.
	Rejects Dataset[Reject]
	// RejectParts is how rejects/part-*.parquet is written when the job ends.
	RejectParts Dataset[Reject]
	// Count re-reads a final file, by its extension, and returns its number of rows.
	Count map[string]func(path string) (int64, error)
}
