package recommend

import (
	"bytes"
	"cmp"
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce"
)

// entry is an entry of a row.
type entry struct {
	column uint32
	weight
}

func entries(p *piece) (list []entry) {
	for i, c := range p.columns {
		list = append(list, entry{c, p.weight(i)})
	}
	return list
}

// drawEntries draws entries of a few columns, most of them with a weight of 1.
func drawEntries(r *rapid.T) []entry {
	values := rapid.SampledFrom([][]float64{{1}, {1, 1, 1, 2.5}, {-1, .5, 0, math.MaxFloat64}}).Draw(r, "values")
	times := rapid.SampledFrom([][]int64{{0}, {0, 5, -3, math.MaxInt64}}).Draw(r, "times")
	return rapid.SliceOfN(rapid.Custom(func(r *rapid.T) entry {
		return entry{rapid.Uint32Range(0, 9).Draw(r, "column"), weight{rapid.SampledFrom(values).Draw(r, "value"), rapid.SampledFrom(times).Draw(r, "time")}}
	}), 1, 40).Draw(r, "entries")
}

// encodePieces encodes entries in pieces of some lengths.
func encodePieces(r *rapid.T, list []entry) (all [][]byte) {
	var p piece
	for len(list) > 0 {
		n := rapid.IntRange(1, len(list)).Draw(r, "entries of a piece")
		p.reset()
		for _, e := range list[:n] {
			p.add(e.column, e.weight)
		}
		all = append(all, p.append(nil))
		list = list[n:]
	}
	return all
}

// TestPieces: what is added to pieces comes out of them, one decoded behind the other.
func TestPieces(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		want := drawEntries(r)
		var p piece
		for _, b := range encodePieces(r, want) {
			if err := p.decode(b); err != nil {
				r.Fatal(err)
			}
		}
		if got := entries(&p); !slices.Equal(got, want) {
			r.Fatalf("%v, want %v", got, want)
		}
	})
}

// TestPieceSize: entries of which nothing is known take 4 bytes each.
func TestPieceSize(t *testing.T) {
	var p piece
	for i := range 10 {
		p.add(uint32(i), weight{value: 1})
	}
	if n := len(p.append(nil)); n != 41 {
		t.Errorf("%d bytes, want 41", n)
	}
	p.add(10, weight{value: 2})
	if n := len(p.append(nil)); n != 1+11*12 {
		t.Errorf("%d bytes with values, want %d", n, 1+11*12)
	}
}

// FuzzPiece: bytes are a piece, which has these bytes, or an error.
func FuzzPiece(f *testing.F) {
	p := piece{columns: []uint32{3, 1}, weights: []weight{{2, 9}, {1, 0}}}
	f.Add(p.append(nil))
	f.Add([]byte{0, 1, 0, 0, 0})
	f.Add([]byte{1, 1, 0, 0, 0})
	f.Add([]byte{4})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var p piece
		if err := p.decode(b); err != nil {
			if !errors.Is(err, mapreduce.ErrShort) {
				t.Fatal(err)
			}
			return
		}
		again := p.append(nil)
		if again[0]&^b[0] != 0 || again[0] == b[0] && !bytes.Equal(again, b) {
			t.Fatalf("%x from %x", again, b)
		}
	})
}

// TestMergeColumns compares what a reducer makes of pieces with a fold of the entries of each column in the order in which
// they came, however often it merges on the way.
func TestMergeColumns(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		duplicates := rapid.SampledFrom([]string{sumOf, maxOf, lastOf, countOf}).Draw(r, "duplicates")
		list := drawEntries(r)
		red := newRowReducer(nil, duplicates)
		red.mergeAt = rapid.IntRange(1, 50).Draw(r, "merge at")
		red.most = red.mergeAt
		for _, b := range encodePieces(r, list) {
			if red.take(b) != nil {
				r.Fatal("a piece is refused")
			}
		}
		red.mergeColumns()
		var want []entry
		slices.SortStableFunc(list, func(a, b entry) int { return cmp.Compare(a.column, b.column) })
		for _, e := range list {
			n := len(want) - 1
			switch {
			case n < 0 || want[n].column != e.column:
				want = append(want, e)
			case duplicates == maxOf:
				want[n].value = max(want[n].value, e.value)
			case duplicates == lastOf:
				if e.time >= want[n].time {
					want[n].weight = e.weight
				}
			default:
				want[n].value += e.value
			}
		}
		if got := entries(&red.all); !slices.Equal(got, want) {
			r.Fatalf("%s: %v, want %v", duplicates, got, want)
		}
	})
}

// TestHeldEntries: interactions of one pair do not add up in memory.
func TestHeldEntries(t *testing.T) {
	red := newRowReducer(nil, sumOf)
	red.mergeAt, red.most = 64, 64
	var p piece
	for range 32 {
		p.add(7, weight{value: 1})
	}
	b := p.append(nil)
	for range 1000 {
		if red.take(b) != nil {
			t.Fatal("a piece is refused")
		}
		if n := len(red.all.columns); n > 64+32 {
			t.Fatalf("%d entries are held", n)
		}
	}
	red.mergeColumns()
	if got, want := entries(&red.all), []entry{{7, weight{value: 32000}}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestRowCodec: bytes have the order of the rows.
func TestRowCodec(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a, b := rapid.Uint32().Draw(r, "a"), rapid.Uint32().Draw(r, "b")
		x, y := rowCodec{}.Append(nil, a), rowCodec{}.Append(nil, b)
		if got, err := (rowCodec{}).Decode(x); got != a || err != nil || bytes.Compare(x, y) != cmp.Compare(a, b) {
			r.Fatalf("%d is %x and back %d, %v; %d is %x", a, x, got, err, b, y)
		}
	})
	if _, err := (rowCodec{}).Decode(make([]byte, 3)); !errors.Is(err, mapreduce.ErrShort) {
		t.Error(err)
	}
}
