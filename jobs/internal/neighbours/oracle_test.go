package neighbours

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// dense is the matrix of an oracle: values by user and item, 0 where there is none.
type dense [][]float64

func full(m Matrix) dense {
	d := make(dense, m.Rows())
	for u := range d {
		d[u] = make([]float64, m.Columns())
		columns, values := m.Row(u)
		for q, c := range columns {
			d[u][c] = 1
			if values != nil {
				d[u][c] = float64(values[q])
			}
		}
	}
	return d
}

// over adds up f over all users.
func (d dense) over(f func(row []float64) float64) (sum float64) {
	for _, row := range d {
		sum += f(row)
	}
	return sum
}

func (d dense) users(i int) float64 {
	return d.over(func(row []float64) float64 { return has(row[i]) })
}

func (d dense) both(i, j int) float64 {
	return d.over(func(row []float64) float64 { return has(row[i]) * has(row[j]) })
}

func (d dense) sum(i int) float64 {
	return d.over(func(row []float64) float64 { return row[i] })
}

// cosine is the cosine of columns i and j when f has gone over their values.
func (d dense) cosine(i, j int, shrink float64, f func(row []float64, i int) float64) float64 {
	dot := func(a, b int) float64 {
		return d.over(func(row []float64) float64 { return f(row, a) * f(row, b) })
	}
	return dot(i, j) / (math.Sqrt(dot(i, i))*math.Sqrt(dot(j, j)) + shrink)
}

func has(v float64) float64 {
	if v != 0 {
		return 1
	}
	return 0
}

func itemsOf(row []float64) (n float64) {
	for _, v := range row {
		n += has(v)
	}
	return n
}

func sumOf(row []float64) (s float64) {
	for _, v := range row {
		s += v
	}
	return s
}

func idf(row []float64) float64 {
	return math.Log(float64(len(row)) / (1 + itemsOf(row)))
}

// similarity is the definition of each algorithm, word by word.
func (d dense) similarity(m Method, i, j int) float64 {
	switch m.Algorithm {
	case Cosine:
		return d.cosine(i, j, m.Shrink, func(row []float64, i int) float64 { return row[i] })
	case TFIDF:
		return d.cosine(i, j, m.Shrink, func(row []float64, i int) float64 { return math.Sqrt(row[i]) * idf(row) })
	case BM25:
		return d.bm25(m, i, j)
	case Jaccard:
		both := d.both(i, j)
		return both / (d.users(i) + d.users(j) - both + m.Shrink)
	case LLR:
		return d.llr(i, j)
	case RP3beta:
		s := d.sum(i)
		walk := d.over(func(row []float64) float64 {
			if row[i] == 0 || row[j] == 0 {
				return 0
			}
			return math.Pow(row[i]/s, m.Alpha) * math.Pow(row[j]/sumOf(row), m.Alpha)
		})
		return walk / math.Pow(d.users(j), m.Beta)
	}
	return math.NaN()
}

func (d dense) bm25(m Method, i, j int) float64 {
	mean := d.over(sumOf) / float64(len(d[0]))
	weight := func(row []float64, i int) float64 {
		if row[i] == 0 {
			return 0
		}
		return idf(row) * row[i] * (m.K1 + 1) / (m.K1*(1-m.B+m.B*d.sum(i)/mean) + row[i])
	}
	return d.over(func(row []float64) float64 { return weight(row, i) * weight(row, j) })
}

// llr is the statistic as observed against expected, not as entropies.
func (d dense) llr(i, j int) float64 {
	n, a, b, both := float64(len(d)), d.users(i), d.users(j), d.both(i, j)
	if both*n <= a*b {
		return 0
	}
	g := 0.0
	for _, cell := range [][2]float64{
		{both, a * b / n},
		{a - both, a * (n - b) / n},
		{b - both, (n - a) * b / n},
		{n - a - b + both, (n - a) * (n - b) / n},
	} {
		if cell[0] > 0 {
			g += 2 * cell[0] * math.Log(cell[0]/cell[1])
		}
	}
	return 1 - 1/(1+g)
}

// TestRowsAreWhatTheDefinitionSays: for each algorithm, binary and with values, whether what a row touches is swept or
// all is scanned.
func TestRowsAreWhatTheDefinitionSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		binary := rapid.Bool().Draw(t, "binary")
		users, m := drawMatrix(t, binary), drawMethod(t)
		k, err := NewKernel(m, users, users.Transpose())
		if err != nil {
			t.Fatal(err)
		}
		d := full(users)
		for i := range users.Columns() {
			checkRow(t, d, m, i, k.Row(i, nil))
		}
	})
}

func checkRow(t *rapid.T, d dense, m Method, i int, row []Neighbour) {
	const accuracy = 1e-6 // values that are transformed are rounded to float32
	var want []float64
	for j := range d[0] {
		if s := d.similarity(m, i, j); j != i && s > 1e-12 {
			want = append(want, s)
		}
	}
	slices.Sort(want)
	slices.Reverse(want)
	want = want[:min(m.K, len(want))]
	if len(row) != len(want) {
		t.Fatalf("item %d has %d neighbours, want %d: %v, %v", i, len(row), len(want), row, want)
	}
	for r, n := range row {
		if int(n.Index) == i {
			t.Fatalf("item %d is its own neighbour", i)
		}
		if s := d.similarity(m, i, int(n.Index)); !near(n.Similarity, s, accuracy) || !near(s, want[r], accuracy) {
			t.Fatalf("item %d, rank %d: item %d at %v, its similarity is %v, and that of this rank %v",
				i, r, n.Index, n.Similarity, s, want[r])
		}
		if r > 0 && !worse(n, row[r-1]) {
			t.Fatalf("item %d: %v before %v", i, row[r-1], n)
		}
	}
}

// TestCosineOfCountsHasExactTies: cosines that are equal as numbers are ties, whatever rounding does.
func TestCosineOfCountsHasExactTies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		users := drawMatrix(t, true)
		k, err := NewKernel(Method{Algorithm: Cosine, K: 4}, users, users.Transpose())
		if err != nil {
			t.Fatal(err)
		}
		d := full(users)
		for i := range users.Columns() {
			var want []uint32
			for j := range users.Columns() {
				if j != i && d.both(i, j) > 0 {
					want = append(want, uint32(j))
				}
			}
			slices.SortStableFunc(want, func(a, b uint32) int {
				x, y := int(d.both(i, int(a))), int(d.both(i, int(b)))
				return y*y*int(d.users(int(a))) - x*x*int(d.users(int(b)))
			})
			want = want[:min(4, len(want))]
			row := k.Row(i, nil)
			for r := range row {
				if row[r].Index != want[r] {
					t.Fatalf("item %d has %v, want %v", i, row, want)
				}
			}
		}
	})
}

// TestScoresAreWhatTheDefinitionSays: sums over the history, in its order, and the largest parts of each.
func TestScoresAreWhatTheDefinitionSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		users, m := drawMatrix(t, rapid.Bool().Draw(t, "binary")), drawMethod(t)
		k, err := NewKernel(m, users, users.Transpose())
		if err != nil {
			t.Fatal(err)
		}
		o := ScoreOptions{Top: rapid.IntRange(1, 9).Draw(t, "top"), Because: rapid.IntRange(0, 3).Draw(t, "because")}
		neighbours := stored(k)
		s, err := NewScorer(neighbours, o)
		if err != nil {
			t.Fatal(err)
		}
		d := full(neighbours)
		for u := range users.Rows() {
			history, values := users.Row(u)
			checkScores(t, d, o, history, values, s.Score(history, values, nil))
		}
	})
}

func checkScores(t *rapid.T, d dense, o ScoreOptions, history []uint32, values []float32, got []Scored) {
	var want []Neighbour
	parts := func(c int) (parts []Neighbour) {
		for q, h := range history {
			if s := d[h][c] * weightOf(values, q); s > 0 {
				parts = append(parts, Neighbour{h, s})
			}
		}
		return parts
	}
	for c := range d {
		sum := 0.0
		for _, p := range parts(c) {
			sum += p.Similarity
		}
		if sum > 0 && !slices.Contains(history, uint32(c)) {
			want = append(want, Neighbour{uint32(c), sum})
		}
	}
	slices.SortFunc(want, inOrder)
	want = want[:min(o.Top, len(want))]
	if len(got) != len(want) {
		t.Fatalf("%d candidates, want %d", len(got), len(want))
	}
	for r, w := range want {
		if got[r].Index != w.Index || got[r].Score != w.Similarity {
			t.Fatalf("rank %d: %v, want %v", r, got[r], w)
		}
		because := parts(int(w.Index))
		slices.SortFunc(because, inOrder)
		because = because[:min(o.Because, len(because))]
		if !slices.EqualFunc(got[r].Because, because, func(a uint32, b Neighbour) bool { return a == b.Index }) {
			t.Fatalf("rank %d: because of %v, want %v", r, got[r].Because, because)
		}
	}
}

func inOrder(a, b Neighbour) int {
	if worse(b, a) {
		return -1
	}
	return 1
}
