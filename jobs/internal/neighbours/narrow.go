package neighbours

import (
	"runtime/debug"

	"github.com/shardmill/shardmill/jobs/internal/hugepages"
	"github.com/shardmill/shardmill/jobs/internal/prefetch"
)

const (
	narrowColumns = 1 << 16
	// narrowEntries bounds the memory of a copy, of 2 bytes an entry: 128 MiB.
	narrowEntries = 64 << 20
	// narrowShare is the part of what the process may hold that a copy may take.
	narrowShare = 4
	// narrowAhead is ahead for rows of half the length.
	narrowAhead = 8
)

// narrow is a copy of the columns of a matrix in 16 bits each. A Kernel does little else than wait for rows: half the
// bytes, on large pages, come sooner.
type narrow struct {
	starts  []uint32 // of each row, and the end
	columns []uint16
}

// mostEntries is how many entries a copy may have in a process with a soft limit of memory, which is that of --worker-memory.
func mostEntries() int {
	limit := debug.SetMemoryLimit(-1) // math.MaxInt64 without one
	return int(min(narrowEntries, limit/narrowShare/2))
}

// newNarrow copies a matrix. It returns nil for one that has too many columns or entries.
func newNarrow(m Matrix) *narrow {
	most := mostEntries()
	if m.Columns() > narrowColumns {
		return nil
	}
	n := &narrow{starts: make([]uint32, 1, m.Rows()+1)}
	entries := 0
	for i := range m.Rows() {
		columns, _ := m.Row(i)
		if entries += len(columns); entries > most {
			return nil
		}
		n.starts = append(n.starts, uint32(entries))
	}
	n.columns = hugepages.Make[uint16](entries)
	for i := range m.Rows() {
		columns, _ := m.Row(i)
		to := n.row(uint32(i))
		for k, c := range columns {
			to[k] = uint16(c)
		}
	}
	return n
}

func (n *narrow) row(i uint32) []uint16 { return n.columns[n.starts[i]:n.starts[i+1]] }

// read returns the columns of row of[q], and asks for the memory of one that is read later.
func (n *narrow) read(of []uint32, q int) []uint16 {
	if q+narrowAhead < len(of) {
		prefetch.Slice(n.row(of[q+narrowAhead]))
	}
	return n.row(of[q])
}

// wide is an accumulator up to its capacity, so that no column is outside of it.
func wide[S sum](sums []S) *[narrowColumns]S { return (*[narrowColumns]S)(sums[:narrowColumns]) }

// addNarrowOnes is addOnes.
func addNarrowOnes[S uint16 | uint32](sums *[narrowColumns]S, columns []uint16) {
	for len(columns) >= 4 {
		sums[columns[0]]++
		sums[columns[1]]++
		sums[columns[2]]++
		sums[columns[3]]++
		columns = columns[4:]
	}
	for _, c := range columns {
		sums[c]++
	}
}

// addNarrowWeight is addWeight.
func addNarrowWeight(sums *[narrowColumns]float64, columns []uint16, w float64) {
	for len(columns) >= 4 {
		sums[columns[0]] += w
		sums[columns[1]] += w
		sums[columns[2]] += w
		sums[columns[3]] += w
		columns = columns[4:]
	}
	for _, c := range columns {
		sums[c] += w
	}
}
