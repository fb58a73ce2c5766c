package quota

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// walk is what a list is: the best keys in order, of each class no more than there may be.
func walk(offered []uint64, classOf func(k uint64) uint32, most []int, n int) (list []uint64) {
	all := slices.Clone(offered)
	slices.Sort(all)
	counts := make([]int, len(most))
	for _, k := range slices.Backward(all) {
		c := classOf(k)
		if len(list) == n {
			break
		}
		if c > 0 && counts[c] == most[c] {
			continue
		}
		counts[c]++
		list = append(list, k)
	}
	return list
}

// TestOffer: after each key the list is what a walk over all of them gives, and the floor is that of its class.
func TestOffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := append([]int{0}, rapid.SliceOfN(rapid.IntRange(1, 40), 1, 5).Draw(t, "most")...)
		n := rapid.SampledFrom([]int{1, 2, 5, 10, 63, 64, 65, 90}).Draw(t, "n")
		of := rapid.SliceOfN(rapid.Uint32Range(0, uint32(len(most)-1)), 120, 120).Draw(t, "classes")
		order := rapid.Permutation(slices.Collect(func(yield func(uint64) bool) {
			for k := range uint64(120) {
				if !yield(k + 1) {
					return
				}
			}
		})).Draw(t, "order")
		classOf := func(k uint64) uint32 { return of[k-1] }
		keys, classes := make([]uint64, n), make([]uint32, n)
		for at, k := range order {
			c, refused := classOf(k), uint64(0)
			if k > keys[0] {
				refused = Offer(keys, classes, k, c, most[c])
			}
			want := walk(order[:at+1], classOf, most, n)
			got, least, count := []uint64(nil), uint64(0), 0
			for i, k := range slices.Backward(keys) {
				if k == 0 {
					break
				}
				if got = append(got, k); classes[i] != classOf(k) {
					t.Fatalf("key %d has class %d, want %d", k, classes[i], classOf(k))
				}
				if classOf(k) == c {
					least = k
					count++
				}
			}
			if c == 0 || count < most[c] {
				least = 0
			}
			floor := Floor(keys, classes, c, most[c])
			if !slices.Equal(got, want) || floor != least {
				t.Fatalf("after %v the list is %v, want %v; the floor of class %d %d, want %d", order[:at+1], got, want, c, floor, least)
			}
			if refused != 0 && (refused != floor || slices.Contains(keys, k)) || refused == 0 && k > floor && slices.Contains(want, k) != slices.Contains(keys, k) {
				t.Fatalf("after %v: %d is refused by %d, with a floor of %d", order[:at+1], k, refused, floor)
			}
		}
	})
}
