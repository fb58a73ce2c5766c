package onnx

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Scored is a class and its score.
type Scored struct {
	ID    int // index in the model's output
	Score float32
}

// NaNError reports a score that is not a number: the model or its input is
// damaged, and no order of the scores means anything.
type NaNError struct{ ID int }

// Error names the class.
func (e *NaNError) Error() string { return fmt.Sprintf("the score of class %d is not a number", e.ID) }

// TopK returns the k best scores, highest first and the lower id first among
// equals, in dst's memory. There are fewer where there are fewer scores. A NaN
// among the scores is a [*NaNError].
func TopK(scores []float32, k int, dst []Scored) ([]Scored, error) {
	dst, k = dst[:0], max(k, 0)
	for id, score := range scores {
		if score != score {
			return nil, &NaNError{ID: id}
		}
		if len(dst) == k {
			if k == 0 || score <= dst[k-1].Score {
				continue
			}
			dst = dst[:k-1]
		}
		// Ids rise, so an equal score goes behind those that are there.
		at, _ := slices.BinarySearchFunc(dst, score, func(s Scored, score float32) int {
			if s.Score == score {
				return -1
			}
			return cmp.Compare(score, s.Score)
		})
		dst = slices.Insert(dst, at, Scored{ID: id, Score: score})
	}
	return dst, nil
}

// Softmax replaces the scores by exp(x_i - max) / sum_j exp(x_j - max). The sum is
// in float64 and in the order of the slice, so equal scores give equal bits.
// Where a score is NaN or +Inf, or all are -Inf, the results hold NaN, which
// [TopK] refuses.
func Softmax(scores []float32) {
	if len(scores) == 0 {
		return
	}
	highest := float64(slices.Max(scores))
	sum := 0.0
	for _, x := range scores {
		sum += math.Exp(float64(x) - highest)
	}
	for i, x := range scores {
		scores[i] = float32(math.Exp(float64(x)-highest) / sum)
	}
}
