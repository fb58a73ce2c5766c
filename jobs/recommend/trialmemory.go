package recommend

import (
	"fmt"
	"runtime/debug"

	"github.com/shardmill/shardmill/jobs/internal/dense"
	"github.com/shardmill/shardmill/jobs/internal/ease"
	"github.com/shardmill/shardmill/jobs/internal/vector"
	"github.com/shardmill/shardmill/mapreduce"
)

// memoryLimit is what the heap of this process may hold, math.MaxInt64 without a limit: that of a worker follows from --worker-memory.
func memoryLimit() int64 { return debug.SetMemoryLimit(-1) }

// heapShare is the part of the heap that what is kept in it may take.
const heapShare = 2

// newKeeper is the heap for what takes so many bytes at most, or files of a folder if that is too much.
func newKeeper(bytes int64, folder string) keeper {
	heap := memoryLimit() / heapShare
	if bytes <= heap {
		return inHeap{}
	}
	return &inFiles{folder: folder, heap: heap}
}

// growth is how much more than its entries a matrix in memory takes while it is made: slices grow by copies, and a transpose is another copy.
const growth = 4

// entryBytes is what an entry of a matrix takes.
const entryBytes = 8

// keptBytes is the most memory that what a configuration learns takes.
func (p Params) keptBytes(users, items sparse) int64 {
	n, m := int64(users.Rows()), int64(items.Rows())
	switch p.Algorithm {
	case Popularity:
		return 0
	case ALS:
		k := p.model()
		return 4*(n+m)*int64(vector.Stride(k.width())) + dense.PackedBytes(int(m), k.width())
	case EASE:
		n, m := withEntry(users), withEntry(items)
		return ease.SolveBytes(n, m, 1) + ease.ModelBytes(n, m)
	}
	return growth * entryBytes * m * min(int64(p.method().K), m)
}

// fits finds an inverse that is too large, before anything is computed.
func (p Params) fits(users, items sparse) error {
	if p.Algorithm != EASE {
		return nil
	}
	if n, m := withEntry(users), withEntry(items); min(n, m) > ease.Limit {
		return &ease.TooLargeError{Users: n, Items: m}
	}
	return nil
}

// placeBytes is what a worker that scores by vectors holds of an item in the heap wherever its vector is: two numbers of places in the
// catalogue, two in the order of the packed items and, while they are packed, a norm.
const placeBytes = 24

// heapPercent is the part of --worker-memory that the heap may have, in percent: see memoryLimit.
const heapPercent = 85

// places is how many bytes a worker that scores by vectors holds of items wherever those are.
func (j *recommendation) places(items int) (bytes int64) {
	for _, p := range j.parts {
		if p.Algorithm == ALS {
			bytes += placeBytes * int64(items)
		}
	}
	return bytes
}

// fitsWorker finds more items than the workers can hold, before anything is learned.
func (j *recommendation) fitsWorker(items int) error {
	held := j.places(items)
	if held <= memoryLimit()/heapShare {
		return nil
	}
	const mib = 1 << 20
	return mapreduce.BadInput(fmt.Errorf("--algorithm als: to score %d items each worker holds %d MiB besides their vectors, more than half of what "+
		"--worker-memory leaves it: give at least --worker-memory %dMiB, which needs no other --out", items, held/mib, (heapShare*held*100/heapPercent+mib-1)/mib))
}
