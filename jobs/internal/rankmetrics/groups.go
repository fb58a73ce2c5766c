package rankmetrics

import (
	"math"
	"math/bits"
	"slices"
)

const (
	mostGroups = 2048
	resamples  = 1000
	tail       = .025 // of the resamples, on either side of the interval
)

// Columns of a group that are counts: of users, and of those with a list.
const (
	usersAt = iota
	listsAt
	head
)

// Columns of a group for each cutoff, after the head: sums of the metrics, and the number of lists that diversity is of.
const (
	precisionAt = iota
	recallAt
	ndcgAt
	mapAt
	mrrAt
	hitAt
	noveltyAt
	diversityAt
	pairedAt
	perCutoff
)

// mean is the place of a sum, and of how many it is of.
type mean struct{ sum, count int }

// meanOf is the mean of a metric at cutoff number i.
func meanOf(m Metric, i int) mean {
	at := head + i*perCutoff
	switch m {
	case Novelty:
		return mean{at + noveltyAt, listsAt}
	case Diversity:
		return mean{at + diversityAt, at + pairedAt}
	}
	sums := []Metric{precisionAt: Precision, recallAt: Recall, ndcgAt: NDCG, mapAt: MAP, mrrAt: MRR, hitAt: HitRate}
	return mean{at + slices.Index(sums, m), usersAt}
}

func (m mean) of(row []float64) float64 { return row[m.sum] / row[m.count] }

// interval is the mean of all, and its percentile interval by the resamples. Those in which nobody is measured by the
// metric do not count.
func (m mean) interval(total []float64, drawn groups) (value, low, high float64) {
	value = m.of(total)
	if total[m.count] < 2 {
		return value, math.NaN(), math.NaN()
	}
	var means []float64
	for i := range drawn.len() {
		if row := drawn.row(i); row[m.count] > 0 {
			means = append(means, m.of(row))
		}
	}
	slices.Sort(means)
	n := max(1, int(tail*float64(len(means)+1)))
	return value, means[n-1], means[len(means)-n]
}

// groups are rows of sums and counts.
type groups struct {
	width int
	cells []float64
}

func (g *groups) len() int { return len(g.cells) / g.width }

func (g *groups) row(i int) []float64 { return g.cells[i*g.width:][:g.width] }

// of is the group of the user that is added after so many others.
func (g *groups) of(user int) []float64 {
	if user < mostGroups {
		g.cells = append(g.cells, make([]float64, g.width)...)
	}
	return g.row(user % mostGroups)
}

func (g *groups) total() []float64 {
	total := make([]float64, g.width)
	for i := range g.len() {
		addTimes(total, g.row(i), 1)
	}
	return total
}

// resample draws as many groups as there are, with replacement, and adds them up: a row for each time that it does so.
func (g *groups) resample(seed uint64) groups {
	drawn := groups{width: g.width, cells: make([]float64, resamples*g.width)}
	draws := numbers(mix(^seed))
	times := make([]float64, g.len())
	for i := range resamples {
		clear(times)
		for range times {
			at, _ := bits.Mul64(draws.next(), uint64(len(times)))
			times[at]++
		}
		sum := drawn.row(i)
		for at, n := range times {
			if n > 0 {
				addTimes(sum, g.row(at), n)
			}
		}
	}
	return drawn
}

// addTimes adds a row n times. The conversion forbids to fuse the operations, so that every machine gives the same bits.
func addTimes(sum, row []float64, n float64) {
	sum = sum[:len(row)]
	for i, x := range row {
		sum[i] += float64(n * x)
	}
}

// numbers are those of SplitMix64 (Steele et al., Fast splittable pseudorandom number generators, 2014).
type numbers uint64

func (n *numbers) next() uint64 {
	*n += 0x9E3779B97F4A7C15
	return mix(uint64(*n))
}

// mix is the output function of SplitMix64. No two inputs have the same output.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
