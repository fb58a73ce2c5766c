package recommend

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
)

// ranked is a scorer whose users have rankings.
type ranked struct {
	top      int
	rankings [][]neighbours.Scored
	asked    *int // longest list that was asked for
	rules    *ruling
	classes  bool // whether it keeps theirs
	last     int  // candidates for the last list
}

func (r *ranked) score(rows []*matrix.Row, pass func(*matrix.Row, []neighbours.Scored)) error {
	for _, row := range rows {
		list, counts := slices.Clone(r.rankings[row.Index]), map[uint32]int{}
		r.last = len(list)
		if q := r.rules.classes(); r.classes {
			list = slices.DeleteFunc(list, func(s neighbours.Scored) bool {
				c := q.Of[s.Index]
				counts[c]++
				return c > 0 && counts[c] > q.Most[c]
			})
		}
		if list = list[:min(r.top, len(list))]; len(list) == r.top {
			r.last = -1 // nobody asks
		}
		pass(row, list)
	}
	return nil
}

func (r *ranked) withTop(top int, classes bool) (counting, error) {
	*r.asked = max(*r.asked, top)
	return &ranked{top, r.rankings, r.asked, r.rules, classes, 0}, nil
}

func (r *ranked) offered() int { return r.last }

func (r *ranked) explain(row *matrix.Row, list []neighbours.Scored) {
	for i := range list {
		list[i].Because = []uint32{row.Index, list[i].Index}
	}
}

// drawLimits makes up limits of items.
func drawLimits(t *rapid.T, items int) *ruling {
	r := &ruling{most: rapid.SliceOfN(rapid.Int32Range(1, 4), 1, 3).Draw(t, "most")}
	n := len(r.most)
	for range items {
		for q := range n {
			g := uint32(0)
			if v := rapid.IntRange(0, 5).Draw(t, "value"); v > 0 {
				g = uint32((v-1)*n+q) + 1
			}
			r.groups, r.n = append(r.groups, g), max(r.n, int(g))
		}
	}
	return r
}

// withinLimits are the first top items of a ranking that are within the limits, the plain way, and what the one of these that has left out most has.
func withinLimits(r *ruling, ranking []neighbours.Scored, top int) (list []neighbours.Scored, most took) {
	counts, n := map[uint32]int32{}, len(r.most)
	skipped := make([]int, n)
	for _, s := range ranking {
		if len(list) == top {
			break
		}
		over := -1
		for q, g := range r.groups[int(s.Index)*n : int(s.Index)*n+n] {
			if over < 0 && g > 0 && counts[g] >= r.most[q] {
				over = q
			}
		}
		if over >= 0 {
			skipped[over]++
			continue
		}
		for _, g := range r.groups[int(s.Index)*n : int(s.Index)*n+n] {
			counts[g]++
		}
		list = append(list, s)
	}
	for q, n := range skipped {
		most = most.or(took{q, n})
	}
	return list, most
}

// TestLimited: lists are those that whole rankings give, with their own reasons, in the order of the rows, batch after batch; by classes too.
func TestLimited(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.IntRange(1, 60).Draw(t, "items")
		rules := drawLimits(t, items)
		all := make([]uint32, items)
		for i := range all {
			all[i] = uint32(i)
		}
		var rankings [][]neighbours.Scored
		for range rapid.IntRange(1, 12).Draw(t, "users") {
			var ranking []neighbours.Scored
			order := rapid.Permutation(all).Draw(t, "order")
			for rank, item := range order[:rapid.IntRange(0, items).Draw(t, "ranked")] {
				ranking = append(ranking, neighbours.Scored{Index: item, Score: -float64(rank)})
			}
			rankings = append(rankings, ranking)
		}
		top, asked := rapid.IntRange(1, 12).Draw(t, "top"), 0
		l := limiting(t, &ranked{top, rankings, &asked, rules, false, 0}, rules, items)
		for range 3 {
			var rows []*matrix.Row
			for u := range rankings {
				if rapid.Bool().Draw(t, "there") {
					rows = append(rows, &matrix.Row{Index: uint32(u)})
				}
			}
			n := 0
			err := l.score(rows, func(r *matrix.Row, list []neighbours.Scored) {
				if r != rows[n] {
					t.Fatalf("user %d comes as number %d", r.Index, n)
				}
				n++
				checkLimited(t, l, top, rules, rankings[r.Index], list, r.Index)
			})
			if err != nil || n != len(rows) {
				t.Fatalf("%d of %d rows: %v", n, len(rows), err)
			}
		}
		if asked > max(items, top) {
			t.Fatalf("a list of %d was asked for, of %d items", asked, items)
		}
	})
}

func limiting(t *rapid.T, of *ranked, rules *ruling, items int) *limited {
	l := &limited{of: of, limits: newLimits(rules), top: of.top, items: items}
	if len(rules.most) > 1 || rapid.Bool().Draw(t, "plain") {
		l.classes = rapid.Bool().Draw(t, "classes")
		return l
	}
	var err error
	if l.alone, err = of.withTop(of.top, true); err != nil {
		t.Fatal(err)
	}
	return l
}

func checkLimited(t *rapid.T, l *limited, top int, rules *ruling, ranking, list []neighbours.Scored, user uint32) {
	want, skipped := withinLimits(rules, ranking, top)
	same := func(a, b neighbours.Scored) bool {
		return a.Index == b.Index && a.Score == b.Score && slices.Equal(a.Because, []uint32{user, a.Index})
	}
	if !slices.EqualFunc(list, want, same) {
		t.Fatalf("user %d has %v, want %v", user, list, want)
	}
	if took := l.took(); len(list) < top && took != skipped {
		t.Fatalf("the limits took %v, want %v", took, skipped)
	}
}

// TestExcept: what a list shall not have is the sorted union of what the user has, unless that may be listed, and what is blocked.
func TestExcept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const users, items = 4, 20
		ascending := rapid.Custom(func(t *rapid.T) []uint32 {
			list := rapid.SliceOfDistinct(rapid.Uint32Range(0, items-1), rapid.ID[uint32]).Draw(t, "items")
			slices.Sort(list)
			return list
		})
		blocked := make([][]uint32, users)
		for u := range blocked {
			blocked[u] = ascending.Draw(t, "blocked")
		}
		r := &ruling{includesSeen: rapid.Bool().Draw(t, "include"), blocked: matrixOf(t, blocked, items)}
		e := newExcept(r)
		for range 3 {
			e.begin()
			var got, want [][]uint32
			for u := range users {
				row := &matrix.Row{Index: uint32(u), Columns: ascending.Draw(t, "has")}
				all := slices.Clone(blocked[u])
				if !r.includesSeen {
					all = append(all, row.Columns...)
				}
				slices.SortFunc(all, cmp.Compare[uint32])
				got, want = append(got, e.of(row)), append(want, slices.Compact(all))
			}
			if !slices.EqualFunc(got, want, slices.Equal) { // all are valid until begin
				t.Fatalf("got %v, want %v", got, want)
			}
		}
	})
}

// TestNoRules: without rules nothing is masked.
func TestNoRules(t *testing.T) {
	var r *ruling
	row := &matrix.Row{Index: 3, Columns: []uint32{1, 5}}
	e := newExcept(r)
	e.begin()
	if got := e.of(row); e != nil || &got[0] != &row.Columns[0] || r.items() != nil || newLimits(r) != nil || newExcept(&ruling{}) != nil {
		t.Error("something is masked")
	}
	var s *serving
	if !s.asks(7) || s.fallsBack(row) {
		t.Error("someone is not served")
	}
}

// matrixOf is a binary matrix of those rows.
func matrixOf(t *rapid.T, rows [][]uint32, columns int) *matrix.Matrix {
	dir, err := os.MkdirTemp("", "matrix")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "rows.matrix")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := matrix.NewWriter(f)
	for i, r := range rows {
		if err := w.Write(matrix.Row{Index: uint32(i), Columns: r}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	m, err := matrix.Open([]string{path}, len(rows), columns)
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
