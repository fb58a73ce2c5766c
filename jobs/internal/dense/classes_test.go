package dense

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/quota"
)

// walk is what a whole ranking gives under quotas.
func walk(ranking []Scored, q *quota.Quotas, top int) []Scored {
	counts, list := make([]int, len(q.Most)), []Scored{}
	for _, s := range ranking {
		c := q.Of[s.Item]
		if len(list) == top {
			break
		}
		if c > 0 && counts[c] == q.Most[c] {
			continue
		}
		counts[c]++
		list = append(list, s)
	}
	return list
}

// TestScoreUnder compares lists with what walks over whole rankings give, with many ties.
func TestScoreUnder(t *testing.T) {
	onEachKernel(t, func(t *testing.T, k Kernel) {
		rapid.Check(t, func(rt *rapid.T) {
			f := rapid.SampledFrom([]int{1, 3, 16, 20}).Draw(rt, "f")
			users := rapid.SliceOfN(factor(), f, 20*f).Draw(rt, "users")
			users = users[:len(users)/f*f]
			n := rapid.IntRange(0, 200).Draw(rt, "items")
			factors := rapid.SliceOfN(factor(), n*f, n*f).Draw(rt, "factors")
			q := &quota.Quotas{Most: append([]int{0}, rapid.SliceOfN(rapid.IntRange(1, 5), 1, 5).Draw(rt, "most")...)}
			q.Of = rapid.SliceOfN(rapid.Uint32Range(0, uint32(len(q.Most)-1)), n, n).Draw(rt, "classes")
			top := rapid.IntRange(0, n+2).Draw(rt, "top")
			seen := rapid.SliceOfN(rapid.SliceOfDistinct(rapid.Uint32Range(0, uint32(n)+3), rapid.ID[uint32]), len(users)/f, len(users)/f).Draw(rt, "seen")
			items := pack(t, factors, n, f)
			of := func(u int) []uint32 { return seen[u] }
			got := lists(t, newScorerUnder(k, items, top, q), users, of)
			for u := range seen {
				ranking := naive(users[u*f:(u+1)*f], factors, n, seen[u])
				if diff := cmp.Diff(walk(ranking, q, top), got[u], bitwise); diff != "" {
					rt.Fatalf("user %d (-want +got):\n%s", u, diff)
				}
			}
		})
	})
}

// nearlyAll stands for one class of nearly all items, so that lists are of items that are far behind the best.
const nearlyAll = -1

// TestScoreUnderLarge has several blocks of users, few classes and many, lists that no
// user can fill, and users to whom all items are equal, so that what survives is thinned out.
func TestScoreUnderLarge(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const f, users, n = 33, blockUsers + 5, 12_011
	x, y := vectors(r, users, f), vectors(r, n, f)
	clear(x[7*f : 9*f])
	rankings := make([][]Scored, users)
	seen := make([][]uint32, users)
	for u := range seen {
		for i := range uint32(n) {
			if r.IntN(8*users) < u {
				seen[u] = append(seen[u], i)
			}
		}
		rankings[u] = naive(x[u*f:(u+1)*f], y, n, nil)
		had := make([]bool, n)
		for _, i := range seen[u] {
			had[i] = true
		}
		rankings[u] = slices.DeleteFunc(rankings[u], func(s Scored) bool { return had[s.Item] })
	}
	onEachKernel(t, func(t *testing.T, k Kernel) {
		for _, c := range []struct{ classes, most, top int }{
			{1, 1, 10}, {3, 2, 10}, {20, 1, 10}, {20, 4, 100}, {200, 3, 10}, {370, 1, 40}, {5000, 1, 10}, {nearlyAll, 1, 10},
		} {
			deep := c.classes == nearlyAll
			if deep {
				c.classes = 1
			}
			q := &quota.Quotas{Of: make([]uint32, n), Most: make([]int, 1+c.classes)}
			for i := range q.Of {
				q.Of[i] = uint32(i % (1 + c.classes)) // class 0 as the others
				if c.classes < 4 {
					q.Of[i] = 1 + uint32(i%c.classes)
				}
				if deep && i%400 == 0 {
					q.Of[i] = 0
				}
			}
			for class := range q.Most {
				q.Most[class] = c.most
			}
			got := lists(t, newScorerUnder(k, pack(t, y, n, f), c.top, q), x, func(u int) []uint32 { return seen[u] })
			for u := range users {
				if diff := cmp.Diff(walk(rankings[u], q, c.top), got[u], bitwise); diff != "" {
					t.Fatalf("%+v, user %d (-want +got):\n%s", c, u, diff)
				}
			}
		}
	})
}
