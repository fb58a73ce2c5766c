package neighbours

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
)

// BenchmarkKernel: all rows of items, by two goroutines with a kernel each.
func BenchmarkKernel(b *testing.B) {
	for _, m := range []Method{
		{Algorithm: Cosine, K: 20}, {Algorithm: Cosine, K: 100}, Defaults(TFIDF), Defaults(Jaccard), Defaults(LLR), Defaults(RP3beta),
	} {
		b.Run(fmt.Sprintf("%s-%d", m.Algorithm, m.K), func(b *testing.B) {
			users := datasets.Large()
			items := users.Transpose()
			b.ResetTimer()
			for b.Loop() {
				allRows(b, m, users, items)
			}
			b.ReportMetric(float64(len(users.Index)), "pairs")
			b.ReportMetric(float64(additions(users))*float64(b.N)/b.Elapsed().Seconds()/1e6, "Madditions/s")
		})
	}
}

// additions is how many a binary kernel makes for all rows.
func additions(users Matrix) (n int) {
	for u := range users.Rows() {
		columns, _ := users.Row(u)
		n += len(columns) * len(columns)
	}
	return n
}

func allRows(b *testing.B, m Method, users, items Matrix) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			k, err := NewKernel(m, users, items)
			if err != nil {
				b.Error(err)
				return
			}
			var row []Neighbour
			for {
				first := int(next.Add(16)) - 16
				if first >= items.Rows() {
					return
				}
				for i := first; i < min(first+16, items.Rows()); i++ {
					row = k.Row(i, row[:0])
				}
			}
		})
	}
	group.Wait()
}

// BenchmarkScorer: ten candidates for all users, by two goroutines with a scorer each.
func BenchmarkScorer(b *testing.B) {
	users := datasets.Large()
	neighbours := stored(kernel(b, Defaults(RP3beta), users))
	for name, o := range map[string]ScoreOptions{"plain": {Top: 10}, "because": {Top: 10, Because: 3}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				allUsers(b, neighbours, users, o)
			}
		})
	}
}

func allUsers(b *testing.B, neighbours, users Matrix, o ScoreOptions) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			s, err := NewScorer(neighbours, o)
			if err != nil {
				b.Error(err)
				return
			}
			var list []Scored
			for {
				first := int(next.Add(64)) - 64
				if first >= users.Rows() {
					return
				}
				for u := first; u < min(first+64, users.Rows()); u++ {
					history, _ := users.Row(u)
					list = s.Score(history, nil, list[:0])
				}
			}
		})
	}
	group.Wait()
}
