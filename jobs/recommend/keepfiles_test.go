package recommend

import (
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/matrix"
)

// TestNewKeeper: the heap is for what takes no more than half of it.
func TestNewKeeper(t *testing.T) {
	const limit = 1 << 30
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(limit))
	if k, ok := newKeeper(limit/2, "").(inHeap); !ok {
		t.Errorf("half of the heap: %T", k)
	}
	k, ok := newKeeper(limit/2+1, "folder").(*inFiles)
	if !ok || k.folder != "folder" || k.heap != limit/2 {
		t.Errorf("more than half of the heap: %+v", k)
	}
}

// TestKeptBytes: what takes most is a multiple of the model, and grows with it.
func TestKeptBytes(t *testing.T) {
	users := newMemoryRows(3000, 1000)
	for i := range users.Rows() {
		users.put(matrix.Row{Index: uint32(i), Columns: []uint32{uint32(i % 1000)}})
	}
	items, twice := users.transpose(), 2*defaultFactors
	for _, c := range []struct {
		p     Params
		least int64
	}{
		{Params{Algorithm: Popularity}, 0},
		{Params{Algorithm: ALS}, 4000 * 64 * 4},
		{Params{Algorithm: ALS, FactorOptions: FactorOptions{Factors: &twice}}, 4000 * 128 * 4},
		{Params{Algorithm: EASE}, 1000 * 1000 * 6},
		{Params{Algorithm: "cosine", K: 10}, 1000 * 10 * 8},
		{Params{Algorithm: "rp3beta", K: 1 << 20}, 1000 * 1000 * 8},
	} {
		if got := c.p.keptBytes(users, items); got < c.least || got > 6*c.least {
			t.Errorf("%+v: %d bytes, at least %d", c.p, got, c.least)
		}
	}
}

// TestKeepers: what files keep of a matrix, of its columns and of arrays is what the heap keeps. A file has no name.
func TestKeepers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		folder := t.TempDir()
		files := &inFiles{folder: folder}
		defer func() {
			if err := files.Close(); err != nil {
				t.Error(err)
			}
		}()
		m := drawRows(rt, rapid.IntRange(1, 9).Draw(rt, "rows"), rapid.IntRange(1, 9).Draw(rt, "columns"), rapid.Bool().Draw(rt, "valued"))
		copied := func(k keeper, byColumns bool) sparse {
			fill := func(add func(matrix.Row) error) error {
				return withEntries(rt.Context(), m, func(i int, columns []uint32, values []float32) error {
					r := matrix.Row{Index: uint32(i), Columns: slices.Clone(columns), Values: slices.Clone(values)}
					if !byColumns {
						return add(r)
					}
					slices.Reverse(r.Columns)
					slices.Reverse(r.Values)
					return add(r)
				})
			}
			keep := k.matrix
			if byColumns {
				keep = func(rows, columns int, fill filler) (sparse, error) {
					return k.transpose(rt.Context(), rows, columns, fill)
				}
			}
			of, err := keep(m.Rows(), m.Columns(), fill)
			if err != nil {
				rt.Fatal(err)
			}
			return of
		}
		same := func(i, c int, want float32, of ...float32) {
			if of[0] != want || of[1] != want {
				rt.Fatalf("row %d, column %d: %v in the heap and in files, want %v", i, c, of, want)
			}
		}
		heap, file, heapColumns, fileColumns := copied(inHeap{}, false), copied(files, false), copied(inHeap{}, true), copied(files, true)
		for i := range m.Rows() {
			for c := range m.Columns() {
				want := valueIn(m, i, c)
				same(i, c, want, valueIn(heap, i, c), valueIn(file, i, c))
				same(i, c, want, valueIn(heapColumns, c, i), valueIn(fileColumns, c, i))
			}
		}
		n := rapid.SampledFrom([]int{0, 1, 5, zerosAtOnce - 1, zerosAtOnce, 2*zerosAtOnce + 1}).Draw(rt, "zeros")
		zeros, err := files.zeros(n)
		if err != nil || len(zeros) != n || slices.ContainsFunc(zeros, func(v float32) bool { return v != 0 }) {
			rt.Fatalf("%d numbers of %d, or not zeros; %v", len(zeros), n, err)
		}
		for i := range zeros { // they can be written to
			zeros[i] = 1
		}
		if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
			rt.Fatalf("%d files have names, %v", len(left), err)
		}
	})
}

// TestNoScratch: files that cannot be kept are no reason against a configuration; the task fails.
func TestNoScratch(t *testing.T) {
	users := newMemoryRows(40, 30)
	for i := range users.Rows() {
		users.put(matrix.Row{Index: uint32(i), Columns: []uint32{uint32(i % 15), uint32(15 + i%14)}})
	}
	g := &ground{users: users, items: users.transpose(), relevant: users, known: 40, catalogue: 30}
	p := EvaluationDefaults()
	p.Algorithm = "cosine,jaccard,rp3beta,als,ease"
	e := newEvaluation(p)
	for i := range e.configurations {
		rows, err := e.tryIn(t.Context(), &inFiles{folder: t.TempDir()}, int32(i+1), g)
		if err != nil || rows[0].reason != "" {
			t.Fatalf("%s: %v, %v", e.configurations[i].text, rows, err)
		}
		rows, err = e.tryIn(t.Context(), &inFiles{folder: filepath.Join(t.TempDir(), "missing")}, int32(i+1), g)
		var failed *scratchError
		if len(rows) > 0 || !errors.As(err, &failed) || !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s without a folder: %v, %v", e.configurations[i].text, rows, err)
		}
	}
	closed, err := os.CreateTemp(t.TempDir(), "")
	if err == nil {
		err = closed.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	var failed *scratchError
	if _, err := (scratchFile{closed}).Write([]byte("x")); !errors.As(err, &failed) {
		t.Errorf("a file that cannot be written: %v", err)
	}
}
