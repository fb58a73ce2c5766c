package cholesky

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// edges are numbers of rows around those of tiles and blocks.
func edges() []int { return []int{1, 2, 31, 32, 33, 64, 255, 256, 257, 288, 300, 512, 513, 545} }

// TestPlaces sets each number once: it is there, in both halves and in the panels.
func TestPlaces(t *testing.T) {
	for _, n := range edges() {
		rows := make([][]float64, n)
		for i := range rows {
			for j := range i + 1 {
				rows[i] = append(rows[i], float64(i*n+j+1))
			}
		}
		m := matrixOf(t, rows)
		panel := make([]float32, PanelRows*n)
		for p := range m.Panels() {
			m.Panel(p, panel)
			for at, x := range panel {
				i, j := p*PanelRows+at%PanelRows, at/PanelRows
				want := 0.0
				if i < n {
					want = rows[max(i, j)][min(i, j)]
					if m.At(i, j) != float32(want) {
						t.Fatalf("%d rows: (%d, %d) is %v, want %v", n, i, j, m.At(i, j), want)
					}
				}
				if x != float32(want) {
					t.Fatalf("%d rows: (%d, %d) in panel %d is %v, want %v", n, i, j, p, x, want)
				}
			}
		}
		if m.Rows() != n || m.Panels() != (n+31)/32 {
			t.Errorf("%d rows in %d panels, want %d", m.Rows(), m.Panels(), n)
		}
	}
}

// TestPanelClears: behind the last row there are zeros, before and after inverting, whatever an earlier panel has left.
func TestPanelClears(t *testing.T) {
	for _, n := range []int{2, 33, 270} {
		m := matrixOf(t, positive(rand.New(rand.NewPCG(20, 21)), n, 1))
		for range 2 {
			panel := slices.Repeat([]float32{9}, n*PanelRows)
			p := m.Panels() - 1
			m.Panel(p, panel)
			for at, x := range panel {
				if p*PanelRows+at%PanelRows >= n && math.Float32bits(x) != 0 {
					t.Fatalf("%d rows: there is %v in row %d of the last panel", n, x, at%PanelRows)
				}
			}
			if err := m.Invert(t.Context(), Options{}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestBytes: the memory is what New takes, and half of a square's.
func TestBytes(t *testing.T) {
	for _, n := range append(edges(), 0, 4000) {
		m, err := New(n)
		if err != nil {
			t.Fatal(err)
		}
		if got := int64(len(m.numbers)) * 4; got != Bytes(n) || n > 1000 && float64(got) > 2.2*float64(n)*float64(n) {
			t.Errorf("%d rows take %d bytes, stated are %d", n, got, Bytes(n))
		}
	}
	if got := Bytes(15_000); got > 460e6 || got < 450e6 {
		t.Errorf("15,000 rows take %d bytes", got)
	}
	if got := InvertBytes(15_000, 2) - Bytes(15_000); got > 17e6 || got < 15e6 {
		t.Errorf("inverting 15,000 rows takes %d bytes more", got)
	}
}

func TestRefused(t *testing.T) {
	for _, n := range []int{-1, maxSide + 1} {
		if _, err := New(n); err == nil || !strings.Contains(err.Error(), "rows") {
			t.Errorf("%d rows: %v", n, err)
		}
	}
	m := matrixOf(t, [][]float64{{3}, {4, 5}})
	for i, numbers := range map[int][]float64{-1: nil, 0: {1, 2}, 1: {1}, 2: {1, 2, 3}} {
		if err := m.SetRow(i, numbers); err == nil {
			t.Errorf("row %d is set to %v", i, numbers)
		}
	}
	if m.At(0, 0) != 3 || m.At(0, 1) != 4 || m.At(1, 1) != 5 {
		t.Error("a refused row is set")
	}
}

func TestTranspose(t *testing.T) {
	from := tile(randoms(rand.New(rand.NewPCG(5, 6)), tileSize))
	var to tile
	transpose(&to, &from)
	for i := range to {
		if to[i] != from[i%tileSide*tileSide+i/tileSide] {
			t.Fatalf("number %d", i)
		}
	}
}

// TestNewIn: a matrix is in the memory that it is given, or there is none.
func TestNewIn(t *testing.T) {
	var given []float32
	m, err := NewIn(70, func(n int) ([]float32, error) {
		given = make([]float32, n)
		return given, nil
	})
	if err != nil || int64(4*len(given)) != Bytes(70) {
		t.Fatalf("%d numbers, %v", len(given), err)
	}
	if err := m.SetRow(0, []float64{3}); err != nil || !slices.Contains(given, 3) {
		t.Errorf("it has other numbers, %v", err)
	}
	full := errors.New("full")
	if _, err := NewIn(70, func(int) ([]float32, error) { return nil, full }); !errors.Is(err, full) {
		t.Errorf("without memory: %v", err)
	}
}
