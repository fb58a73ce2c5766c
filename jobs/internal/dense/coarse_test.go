package dense

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// coarseGo is the coarseFunc by its definition.
func coarseGo(users, panel []uint32, limits *limits, perUnit, slack float32, wanted *[tileUsers]uint32, out *coarseFound) (found uint32) {
	for u := range tileUsers {
		limit := min(float64(limits.least[u]*perUnit)-float64(limits.slack[u]+slack), float64(math.Nextafter32(0x1p31, 0)))
		out.masks[u] = 0
		for i := range tileItems {
			sum := int64(0)
			for p := range len(panel) / tileItems {
				a, b := users[p*tileUsers+u], panel[p*tileItems+i]
				sum += int64(int16(a))*int64(int16(b)) + int64(int16(a>>16))*int64(int16(b>>16))
			}
			if out.sums[u][i] = int32(sum); float64(sum) >= limit && wanted[u]>>i&1 == 1 {
				out.masks[u] |= 1 << i
				found |= 1 << u
			}
		}
	}
	return found
}

// dotsGo is the dotsFunc by its definition.
func dotsGo(user, rows []float32, at *[settled]int, out *[settled]float32) {
	for i, from := range at {
		out[i] = score(user, rows[from:from+len(user)])
	}
}

// TestDots compares the kernels with the definition, bit for bit.
func TestDots(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	for _, k := range coarseKernels() {
		for f := 1; f <= 300; f += 1 + f/30 {
			user, rows := vectors(r, 1, f), vectors(r, 20, f)
			var at [settled]int
			for i := range at {
				at[i] = r.IntN(20) * f
			}
			var got, want [settled]float32
			k.coarse.dots(user, rows, &at, &got)
			if dotsGo(user, rows, &at, &want); got != want {
				t.Fatalf("%v, f %d: %v, want %v", k, f, got, want)
			}
		}
	}
}

// coarseKernels are those that find candidates by whole numbers, and one in Go for machines that have none.
func coarseKernels() (all []Kernel) {
	for _, k := range Kernels() {
		if k.coarse != nil {
			all = append(all, k)
		}
	}
	return append(all, Kernel{"coarse go", tileGo, &coarseKernel{coarseGo, mostGo, placeGo, dotsGo}})
}

// packCoarsely packs items as for machines that have a coarseFunc.
func packCoarsely(t rapid.TB, factors []float32, n, f int) *Items {
	t.Helper()
	it, err := Pack(factors, n, f)
	if err != nil {
		t.Fatal(err)
	}
	if it.coarse == nil && f >= coarseFactors {
		if err := it.packCoarse(func(place int) []float32 { i := int(it.order[place]); return factors[i*f : (i+1)*f] }); err != nil {
			t.Fatal(err)
		}
	}
	return it
}

// TestCoarseTile compares the kernels with the definition: sums of all sizes, and limits that all, some and no sums pass.
func TestCoarseTile(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	for _, k := range coarseKernels() {
		for f := 1; f <= 300; f += 1 + f/30 {
			pairs, most := (f+1)/2, int(steps(f))
			numbers := func(n int) []uint32 {
				v := make([]uint32, n)
				for i := range v {
					v[i] = uint32(uint16(r.IntN(2*most+1)-most)) | uint32(uint16(r.IntN(2*most+1)-most))<<16
					if r.IntN(3) == 0 {
						v[i] = uint32(uint16(most)) | uint32(uint16(-most))<<16
					}
				}
				return v
			}
			users, panel := numbers(tileUsers*pairs), numbers(tileItems*pairs)
			var l limits
			var wanted [tileUsers]uint32
			for u := range wanted {
				l.least[u] = []float32{float32(math.Inf(-1)), 0, float32(r.NormFloat64() * 1e7), float32(math.Inf(1)), 3e38}[r.IntN(5)]
				l.slack[u], wanted[u] = float32(r.IntN(1e6)), r.Uint32()
			}
			var got, want coarseFound
			found := k.coarse.tile(users, panel, &l, .25, 1000, &wanted, &got)
			if w := coarseGo(users, panel, &l, .25, 1000, &wanted, &want); found>>tileUsers != 0 {
				t.Fatalf("%v, f %d: found %#x, want %#x", k, f, found, w)
			}
			for u := range tileUsers {
				if found>>u&1 == 1 != (got.masks[u] != 0) || got.masks[u]&^wanted[u] != 0 {
					t.Fatalf("%v, f %d, user %d: found %#x, candidates %#x of %#x", k, f, u, found, got.masks[u], wanted[u])
				}
				limit := min(float64(l.least[u])/4-float64(l.slack[u]+1000), float64(math.Nextafter32(0x1p31, 0)))
				for i := range tileItems {
					sum := want.sums[u][i]
					is := got.masks[u]>>i&1 == 1
					if got.masks[u] != 0 && got.sums[u][i] != sum {
						t.Fatalf("%v, f %d, user %d, item %d: sum %d, want %d", k, f, u, i, got.sums[u][i], sum)
					}
					if wanted[u]>>i&1 == 1 && math.Abs(float64(sum)-limit) > roundings/2 && is != (float64(sum) > limit) {
						t.Fatalf("%v, f %d, user %d, item %d: sum %d and limit %v: candidate %v", k, f, u, i, sum, limit, is)
					}
				}
			}
		}
	}
}

// TestCoarseScores compares lists with those of the naive oracle: vectors of all sizes side by side, equal and opposite ones, and items
// whose scores differ in the last bits.
func TestCoarseScores(t *testing.T) {
	for _, k := range coarseKernels() {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				f, n := rapid.IntRange(coarseFactors, 40).Draw(t, "f"), rapid.IntRange(0, 150).Draw(t, "items")
				r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
				users, factors := sized(t, r, rapid.IntRange(1, 30).Draw(t, "users"), f), sized(t, r, n, f)
				top := rapid.IntRange(1, n+2).Draw(t, "top")
				seen := make([][]uint32, len(users)/f)
				for u := range seen {
					for i := range uint32(n) {
						if r.IntN(5) == 0 {
							seen[u] = append(seen[u], i)
						}
					}
				}
				checkCoarse(t, k, users, factors, f, top, seen)
			})
		})
	}
}

// checkCoarse compares the lists of users with those of the naive oracle.
func checkCoarse(t *rapid.T, k Kernel, users, items []float32, f, top int, seen [][]uint32) {
	t.Helper()
	s := NewScorerOn(k, packCoarsely(t, items, len(items)/f, f), top)
	if s.coarse == nil {
		t.Fatal("it has no whole numbers")
	}
	u := 0
	err := s.Score(users, func(u int) []uint32 { return seen[u] }, func(_ int, got []Scored) error {
		want := naive(users[u*f:(u+1)*f], items, top, seen[u])
		if diff := cmp.Diff(want, append([]Scored{}, got...), bitwise); diff != "" {
			t.Fatalf("user %d (-want +got):\n%s", u, diff)
		}
		u++
		return nil
	})
	if err != nil || u != len(seen) {
		t.Fatalf("%d of %d users: %v", u, len(seen), err)
	}
}

// sized makes vectors of one of several kinds, with norms from very small to very large.
func sized(t *rapid.T, r *rand.Rand, n, f int) []float32 {
	v := vectors(r, n, f)
	kind := rapid.IntRange(0, 7).Draw(t, "kind")
	for i := range n {
		row := v[i*f : (i+1)*f]
		scale := float32(math.Ldexp(1, r.IntN(2*kind+1)-kind))
		switch kind {
		case 3:
			scale = float32(math.Ldexp(1, r.IntN(120)-80)) // up to coarseRange
		case 4: // nearly equal
			copy(row, v[:f])
			row[r.IntN(f)] *= 1 + float32(r.IntN(3))*0x1p-23
			scale = 1
		case 5: // factors of all sizes side by side, from the least there is
			for k := range row {
				row[k] = float32(math.Copysign(math.Ldexp(1+r.Float64(), r.IntN(188)-149), r.NormFloat64()))
			}
			scale = 1
		case 6: // too small for a sum of products to be other than 0 or the least
			for k := range row {
				row[k] = float32(r.IntN(7)-3) * 0x1p-149
			}
			scale = float32(math.Ldexp(1, r.IntN(80)))
		case 7: // a bias that is far above what the others tell apart
			row[0], row[1] = 1, float32(math.Ldexp(1, r.IntN(41)))
			scale = 1
		}
		for k := range row {
			row[k] *= scale
			row[k] = min(max(row[k], -coarseRange), coarseRange)
			if kind == 2 {
				row[k] = float32(math.Round(float64(row[k])))
			}
		}
		if r.IntN(10) == 0 {
			clear(row)
		}
	}
	return v
}

// TestCoarseLimits: factors that are too large, of items or of users, are scored as without whole numbers; so are the other users of
// the block, and the next block is not.
func TestCoarseLimits(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 20))
	const f, n, users = 20, 100, blockUsers + 30
	x, y := vectors(r, users, f), vectors(r, n, f)
	large, huge := slices.Clone(x), slices.Clone(y)
	large[5*f+3], huge[7*f+1] = 0x1p41, -0x1p41
	for _, k := range coarseKernels() {
		for _, c := range []struct{ x, y []float32 }{{x, y}, {large, y}, {x, huge}} {
			got := lists(t, NewScorerOn(k, packCoarsely(t, c.y, n, f), 7), c.x, nil)
			for u := range users {
				if diff := cmp.Diff(naive(c.x[u*f:(u+1)*f], c.y, 7, nil), got[u], bitwise); diff != "" {
					t.Fatalf("%v, user %d (-want +got):\n%s", k, u, diff)
				}
			}
		}
	}
}

// TestCoarseSurvivors: of many items few are scored twice.
func TestCoarseSurvivors(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	const f, n, users, top = 64, 5000, 24, 10
	for _, k := range coarseKernels() {
		s := NewScorerOn(k, packCoarsely(t, vectors(r, n, f), n, f), top)
		settled := 0
		err := s.Score(vectors(r, users, f), nil, func(u int, _ []Scored) error {
			settled += len(s.coarse.places[u%2])
			return nil
		})
		if err != nil || settled < users*top || settled > users*(top+2) {
			t.Errorf("%v: %d items for %d lists of %d (%v)", k, settled, users, top, err)
		}
	}
}

// TestCoarseEqual: to users without factors, and to others of whom items differ in the last bits, all items are equal or nearly so.
// Their lists are right, and they do not have a survivor for each item.
func TestCoarseEqual(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	const f, n, top = 16, 20_000, 40
	users, items := vectors(r, 3, f), vectors(r, n, f)
	clear(users[:f])
	for i := range n {
		row := items[i*f : (i+1)*f]
		if i%2 == 0 {
			copy(row, items[:f])
			row[r.IntN(f)] *= 1 + float32(r.IntN(3))*0x1p-23
		}
	}
	copy(users[f:2*f], items[:f])
	for _, k := range coarseKernels() {
		s := NewScorerOn(k, packCoarsely(t, items, n, f), top)
		for u, got := range lists(t, s, users, nil) {
			if diff := cmp.Diff(naive(users[u*f:(u+1)*f], items, top, nil), got, bitwise); diff != "" {
				t.Errorf("%v, user %d (-want +got):\n%s", k, u, diff)
			}
			if most := cap(s.coarse.survivors[u]); most > 2*(mostSurvivors+4*top) {
				t.Errorf("%v, user %d: room for %d survivors", k, u, most)
			}
		}
	}
}

// TestCoarseSlack: sums of whole numbers are as wrong as they can be, each step of a user and of two items by nearly a half. The worse
// item has the greater sum by nearly twice the slack, and the better one is found.
func TestCoarseSlack(t *testing.T) {
	const half = .5 - 1./1024
	r := rand.New(rand.NewPCG(25, 26))
	for f := coarseFactors; f <= 128; f += 2 {
		most := float32(steps(f)) // of a user and an item, so that units are 1
		user, items := make([]float32, f), make([]float32, 2*f)
		better, worse := items[:f], items[f:]
		user[1], better[0], worse[0] = most, most, most
		for k := 4; k < f; k += 2 {
			x, y := most-2-float32(r.IntN(int(most/10))), most-2-float32(r.IntN(int(most/10)))
			user[k], user[k+1] = x+half, x+1-half
			better[k], better[k+1] = y+half, half
			worse[k], worse[k+1] = 1-half, y+1-half
		}
		user[2] = 1
		better[2] = float32(math.Ceil(float64(score(user, worse)-score(user, better)))) + most/16
		if score(user, better) <= score(user, worse) {
			t.Fatalf("f %d: the better item is not", f)
		}
		sum := func(item []float32) (sum, wrong float64) {
			for k := range item {
				a, b := float64(int16(round(float64(user[k])))), float64(int16(round(float64(item[k]))))
				sum, wrong = sum+a*b, wrong+float64(user[k])*float64(item[k])-a*b
			}
			return sum, wrong
		}
		most1, under := sum(better)
		most2, over := sum(worse)
		if _, all := extent(user); most2-most1 < .8*all || under < .4*all || over > -.4*all {
			t.Fatalf("f %d: sums %v and %v, wrong by %v and %v", f, most1, most2, under, over)
		}
		for _, k := range coarseKernels() {
			if got := lists(t, NewScorerOn(k, packCoarsely(t, items, 2, f), 1), user, nil)[0]; len(got) != 1 || got[0].Item != 0 {
				t.Fatalf("%v, f %d: %v, want item 0", k, f, got)
			}
		}
	}
}
