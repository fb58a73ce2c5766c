package ease

import (
	"bytes"
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
)

// random makes a matrix in which each number is there with a probability that falls with the index; the rows and columns in gaps have none.
func random(r *rand.Rand, users, items int, share float64, binary bool, gap int) *datasets.Matrix {
	entries := datasets.Entries{}
	for u := range users {
		for i := range items {
			if gap > 0 && (u%gap == 1 || i%gap == 2) || r.Float64() > share*(1.5-float64(i)/float64(items)) {
				continue
			}
			entries[[2]uint32{uint32(u), uint32(i)}] = float32(1+r.IntN(8)) / 4
		}
	}
	return datasets.Compress(users, items, entries, binary)
}

// drawMatrix draws a small matrix.
func drawMatrix(t *rapid.T) *datasets.Matrix {
	users := rapid.SampledFrom([]int{1, 2, 5, 33, 70}).Draw(t, "users")
	items := rapid.SampledFrom([]int{1, 3, 31, 64, 90}).Draw(t, "items")
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	share := rapid.SampledFrom([]float64{.02, .1, .4}).Draw(t, "share")
	return random(r, users, items, share, rapid.Bool().Draw(t, "binary"), rapid.SampledFrom([]int{0, 4, 7}).Draw(t, "gap"))
}

// fileOf is a file of a model, solved for the side.
func fileOf(t rapid.TB, users *datasets.Matrix, byUsers bool, o Options) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := solvedAs(t, users, byUsers, o).Write(&file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// solvedAs inverts the side that is asked for.
func solvedAs(t rapid.TB, users *datasets.Matrix, byUsers bool, o Options) *Inverse {
	t.Helper()
	items := users.Transpose()
	s, err := newShape(users, items)
	if err != nil {
		t.Fatal(err)
	}
	s.byUsers, s.active = byUsers, active(items)
	if byUsers {
		s.active = active(users)
	}
	inv, err := solve(context.Background(), s, users, items, o)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// opened opens a file of these bytes.
func opened(t testing.TB, data []byte) *Model {
	t.Helper()
	path := filepath.Join(t.TempDir(), "of.ease")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// lists is the lists of all users from lo to hi-1.
func lists(t rapid.TB, k kernel, m *Model, users *datasets.Matrix, top, lo, hi int) (all [][]Scored) {
	t.Helper()
	s, err := newScorer(k, m, users, users.Transpose(), top)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Score(lo, hi, func(user int, list []Scored) error {
		if user != lo+len(all) {
			t.Fatalf("user %d comes as number %d", user, len(all))
		}
		all = append(all, slices.Clone(list))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != hi-lo {
		t.Fatalf("%d of %d users", len(all), hi-lo)
	}
	return all
}

// oracle is the scores of all users and items by the definition, in float64: x_u B.
func oracle(t rapid.TB, users *datasets.Matrix, lambda float64) *mat.Dense {
	t.Helper()
	n := users.Columns()
	x := mat.NewDense(users.Rows(), n, nil)
	for u := range users.Rows() {
		columns, values := users.Row(u)
		for q, c := range columns {
			x.Set(u, int(c), weight(values, q))
		}
	}
	var g, p mat.Dense
	g.Mul(x.T(), x)
	for i := range n {
		g.Set(i, i, g.At(i, i)+lambda)
	}
	if err := p.Inverse(&g); err != nil {
		t.Fatal(err)
	}
	b := mat.NewDense(n, n, nil)
	for i := range n {
		for j := range n {
			if i != j {
				b.Set(i, j, -p.At(i, j)/p.At(j, j))
			}
		}
	}
	var scores mat.Dense
	scores.Mul(x, b)
	return &scores
}

// checkLists compares lists, of users from lo on, with the scores of the oracle.
func checkLists(t rapid.TB, users *datasets.Matrix, want *mat.Dense, top, lo int, lists [][]Scored) {
	t.Helper()
	items := users.Transpose()
	for k, list := range lists {
		u := lo + k
		had, _ := users.Row(u)
		var candidates []float64
		largest := 0.0
		for j := range users.Columns() {
			largest = max(largest, math.Abs(want.At(u, j)))
			if of, _ := items.Row(j); len(of) > 0 && len(had) > 0 && !slices.Contains(had, uint32(j)) {
				candidates = append(candidates, want.At(u, j))
			}
		}
		slices.SortFunc(candidates, func(a, b float64) int { return cmp.Compare(b, a) })
		if len(list) != min(top, len(candidates)) {
			t.Fatalf("user %d has %d items, want %d of %d", u, len(list), top, len(candidates))
		}
		for r, c := range list {
			of, _ := items.Row(int(c.Item))
			if slices.Contains(had, c.Item) || len(of) == 0 {
				t.Fatalf("user %d: item %d is not a candidate", u, c.Item)
			}
			if r > 0 && (c.Score > list[r-1].Score || c.Score == list[r-1].Score && c.Item <= list[r-1].Item) {
				t.Fatalf("user %d: out of order: %v", u, list)
			}
			tolerance := 2e-4*largest + 1e-7
			if math.Abs(float64(c.Score)-want.At(u, int(c.Item))) > tolerance || math.Abs(float64(c.Score)-candidates[r]) > tolerance {
				t.Fatalf("user %d, rank %d: item %d scores %v, want %v; the rank has %v", u, r, c.Item, c.Score, want.At(u, int(c.Item)), candidates[r])
			}
		}
	}
}
