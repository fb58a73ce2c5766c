package neighbours

import (
	"slices"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
)

// split is a dataset with the lists that users get.
type split struct{ *datasets.Split }

func lastfm(t testing.TB) split { return split{datasets.LastFM(t)} }

func gowalla(t testing.TB) split { return split{datasets.Gowalla(t)} }

// lists is the ranked lists of all users.
func (s split) lists(score func(history []uint32) []Scored) [][]Scored {
	lists := make([][]Scored, s.Train.Rows())
	for u := range lists {
		history, _ := s.Train.Row(u)
		lists[u] = slices.Clone(score(history))
	}
	return lists
}

// scored is the lists of a Scorer.
func (s split) scored(t testing.TB, neighbours Matrix, top int) [][]Scored {
	t.Helper()
	scorer, err := NewScorer(neighbours, ScoreOptions{Top: top})
	if err != nil {
		t.Fatal(err)
	}
	return s.lists(func(history []uint32) []Scored { return scorer.Score(history, nil, nil) })
}

// metrics is what the lists are worth at 10 and 20.
func (s split) metrics(lists [][]Scored) map[string]float64 {
	padded := make([][]uint32, len(lists))
	for u, list := range lists {
		for _, c := range s.pad(u, list) {
			padded[u] = append(padded[u], c.Index)
		}
	}
	return s.Measure(padded)
}

// pad fills a list up to 20 with the lowest items that have score 0, as the reference ranks all items.
func (s split) pad(u int, list []Scored) []Scored {
	history, _ := s.Train.Row(u)
	for i := uint32(0); len(list) < 20; i++ {
		_, had := slices.BinarySearch(history, i)
		if !had && !slices.ContainsFunc(list, func(c Scored) bool { return c.Index == i }) {
			list = append(list, Scored{Index: i})
		}
	}
	return list
}
