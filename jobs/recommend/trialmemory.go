package recommend

import (
	"fmt"
	"runtime/debug"

	"github.com/shardmill/shardmill/jobs/internal/dense"
	"github.com/shardmill/shardmill/jobs/internal/ease"
	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// memoryLimit is what the heap of this process may hold, math.MaxInt64 without a limit: that of a worker follows from --worker-memory.
func memoryLimit() int64 { return debug.SetMemoryLimit(-1) }

// tooMuchError says that a configuration needs more memory than a worker has. Its text does not tell how much that is: it is not the
// same in every worker.
type tooMuchError struct {
	what  string
	bytes int64 // 0 where they were not counted to the end
}

func (e *tooMuchError) Error() string {
	much := "more"
	if e.bytes > 0 {
		much = fmt.Sprintf("%d MiB, more", e.bytes>>20)
	}
	return fmt.Sprintf("%s take %s than a worker may hold: give it more by --worker-memory, and another --out", e.what, much)
}

// fits finds vectors or an inverse that are larger than a limit, before anything is computed.
func (p Params) fits(users, items sparse, limit int64) error {
	n, m := users.Rows(), items.Rows()
	e := &tooMuchError{}
	switch p.Algorithm {
	case ALS:
		k := p.model()
		e.what = "its vectors"
		e.bytes = 4*int64(n+m)*int64(vector.Stride(k.width())) + 4*int64(m)*int64(k.width()) + dense.PackedBytes(m, k.width())
	case EASE:
		n, m = withEntry(users), withEntry(items)
		if min(n, m) > ease.Limit {
			return &ease.TooLargeError{Users: n, Items: m}
		}
		e.what, e.bytes = "its inverse", ease.SolveBytes(n, m, 1)+ease.ModelBytes(n, m)
	}
	if e.bytes > limit {
		return e
	}
	return nil
}

// growth is how much more than its entries a matrix in memory takes while it is made: slices grow by copies, and a transpose is a copy.
const growth = 3

// fits finds neighbours that are larger than a limit, while they are made.
func (e *memoryRows) fits(limit int64) error {
	if growth*8*int64(len(e.columns)) > limit {
		return &tooMuchError{what: "its neighbours"}
	}
	return nil
}
