package ease

import "github.com/shardmill/shardmill/jobs/internal/fma"

// width is the columns of a panel.
const width = 32

// lanes is what a scoreFunc needs of each column of a panel, and what it finds.
type lanes struct {
	scales     [width]float32
	thresholds [width]float32
	scores     [width]float32
}

// A scoreFunc scores the columns of a panel, [row][32], by entries: the numbers of rows, all there, and as many values, or none if all are 1. The
// package comment has the order of sums. It returns a bit for each score that is not below its threshold.
type scoreFunc func(l *lanes, panel []float32, index []uint32, values []float32) (mask uint32)

// kernel is an implementation of the inner loop.
type kernel struct {
	name  string
	score scoreFunc
}

// kernels are those that this machine runs, the fastest first. The last one is in Go, and runs on all machines.
func kernels() []kernel {
	return append(assembly(), kernel{"go", scoreGo})
}

// scoreGo is the scoreFunc for all machines.
func scoreGo(l *lanes, panel []float32, index []uint32, values []float32) (mask uint32) {
	var sums [4][width]float32
	for q, i := range index {
		s, row := &sums[q%4], (*[width]float32)(panel[int(i)*width:])
		if values == nil {
			for c, x := range row {
				s[c] += x
			}
			continue
		}
		for c, x := range row {
			s[c] = fma.Float32(values[q], x, s[c])
		}
	}
	for c := range width {
		sum := (sums[0][c] + sums[1][c]) + (sums[2][c] + sums[3][c])
		l.scores[c] = sum * l.scales[c]
		if l.scores[c] >= l.thresholds[c] {
			mask |= 1 << c
		}
	}
	return mask
}
