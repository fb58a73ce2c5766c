package ease

import (
	"fmt"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
)

// TestMetricsAreThoseOfTheReference on Last.fm: with 1,890 users and 15,000 items and more, all is computed with the inverse of users; the
// reference inverts that of items.
func TestMetricsAreThoseOfTheReference(t *testing.T) {
	s := datasets.LastFM(t)
	for _, lambda := range []float64{100, 300} {
		m := opened(t, fileOf(t, s.Train, true, Options{Lambda: lambda, Workers: 2}))
		ranked := make([][]uint32, s.Train.Rows())
		for u, list := range lists(t, kernels()[0], m, s.Train, 20, 0, s.Train.Rows()) {
			for _, c := range list {
				ranked[u] = append(ranked[u], c.Item)
			}
		}
		s.Compare(t, fmt.Sprintf("EASE f32 lambda=%v", lambda), s.Measure(ranked), 1e-3)
		t.Logf("lambda %v: %d of %d inverted, residual %.2g", lambda, m.Inverted(), m.Users(), m.Residual())
	}
}
