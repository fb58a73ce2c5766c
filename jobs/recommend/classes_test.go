package recommend

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestClasses: two items are in one class where all their groups are the same and there are more such items than a list may have, of those that are
// allowed.
func TestClasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.IntRange(1, 40).Draw(t, "items")
		r := drawLimits(t, items)
		if rapid.Bool().Draw(t, "some") {
			r.allowed = rapid.SliceOfN(rapid.Bool(), items, items).Draw(t, "allowed")
		}
		q, n := r.classes(), len(r.most)
		groups := func(i int) []uint32 { return r.groups[i*n : i*n+n] }
		allowed := func(i int) bool { return r.allowed == nil || r.allowed[i] }
		for i := range items {
			same, most := 0, int32(1<<30)
			for k := range items {
				if allowed(k) && slices.Equal(groups(i), groups(k)) {
					same++
				}
			}
			for l, g := range groups(i) {
				if g > 0 {
					most = min(most, r.most[l])
				}
			}
			c := q.Of[i]
			if in := allowed(i) && same > int(most); in != (c > 0) || in && q.Most[c] != int(most) {
				t.Fatalf("item %d of class %d of at most %d: %d such items, at most %d", i, c, q.Most[c], same, most)
			}
			for k := range i {
				if c > 0 && (q.Of[k] == c) != (allowed(k) && slices.Equal(groups(i), groups(k))) {
					t.Fatalf("items %d and %d are of classes %d and %d", k, i, q.Of[k], c)
				}
			}
		}
		some := []uint32{uint32(items - 1), 0}
		if of := classesOf(q, some); of.Of[0] != q.Of[items-1] || of.Of[1] != q.Of[0] || classesOf(q, nil) != q {
			t.Fatal("other classes of some items")
		}
	})
	var none *ruling
	if none.classes() != nil || (&ruling{}).classes() != nil {
		t.Error("classes without limits")
	}
}
