package task

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Runs gives the committed attempt of each map task of a stage, by map number. Its JSON is an array of pairs, an attempt and how many
// maps in a row have it: nearly all have their first one, and each reduce of a stage with 100,000 maps is told.
type Runs []int

// MarshalJSON writes the pairs.
func (r Runs) MarshalJSON() ([]byte, error) {
	b := []byte("[")
	for i := 0; i < len(r); {
		n := 1
		for i+n < len(r) && r[i+n] == r[i] {
			n++
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "[%d,%d]", r[i], n)
		i += n
	}
	return append(b, ']'), nil
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (r *Runs) UnmarshalJSON(b []byte) error {
	var pairs [][2]int
	if err := json.Unmarshal(b, &pairs); err != nil {
		return err
	}
	*r = nil
	for _, p := range pairs {
		if p[1] < 1 {
			return fmt.Errorf("runs: %d maps of attempt %d", p[1], p[0])
		}
		*r = append(*r, slices.Repeat([]int{p[0]}, p[1])...)
	}
	return nil
}
