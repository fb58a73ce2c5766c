package rank

import (
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/tabular"
)

// blockOf is a block of one row of texts.
func blockOf(texts ...string) *tabular.Block {
	var cells []tabular.Cell
	for _, s := range texts {
		cells = append(cells, tabular.Cell{Kind: tabular.Text, Text: []byte(s)})
	}
	return blockOfCells(cells...)
}

func blockOfCells(cells ...tabular.Cell) *tabular.Block {
	b := tabular.RowBlock("a.csv", tabular.Record{Line: 7, Cells: cells})
	return &b
}

func mustRanking(t testing.TB, keyType string) *ranking {
	t.Helper()
	p := Defaults()
	p.Key, p.KeyType, p.By, p.Top, p.Columns = "user", keyType, "score", 10, []string{"item"}
	r, err := newRanking(p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// BenchmarkFill makes a row of cells, and of the row the key and value that are shuffled.
func BenchmarkFill(b *testing.B) {
	r := mustRanking(b, "int")
	block := blockOf("53123", "0.8731", "871")
	rows := make([]rankedRow, 1)
	var key []byte
	b.ReportAllocs()
	for b.Loop() {
		rows[0].Reset()
		if _, err := r.fill(rows, block); err != nil {
			b.Fatal(err)
		}
		key = append(key[:0], rows[0].key()...)
	}
}

// BenchmarkDecode makes a row of the results of a key and a value.
func BenchmarkDecode(b *testing.B) {
	r := mustRanking(b, "int")
	rows := make([]rankedRow, 1)
	if _, err := r.fill(rows, blockOf("53123", "0.8731", "871")); err != nil {
		b.Fatal(err)
	}
	k := orderKey{r.order, rows[0].key()}
	var out rankedOut
	b.ReportAllocs()
	for b.Loop() {
		if err := out.set(k, rows[0].carried()); err != nil {
			b.Fatal(err)
		}
	}
}

// Neither a row that is read nor one that is ranked needs memory of its own, whatever the types are.
func TestAllocations(t *testing.T) {
	for _, kind := range []string{"int", "float", "string"} {
		r := mustRanking(t, kind)
		r.order.by = r.order.key
		block := blockOf("53123", "8731", "871")
		rows := make([]rankedRow, 1)
		var out rankedOut
		var k orderKey
		allocs := testing.AllocsPerRun(100, func() {
			rows[0].Reset()
			_, err := r.fill(rows, block)
			k = orderKey{r.order, rows[0].key()}
			if err == nil {
				err = out.set(k, rows[0].carried())
			}
			if err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations a row", kind, allocs)
		}
		if out.key.String() != "53123" || out.by.String() != "8731" || len(out.carried) != 1 || string(out.carried[0].text) != "871" {
			t.Errorf("%s: %+v", kind, out)
		}
	}
}

// Rows keep the memory of texts, but not that of very long ones.
func TestReset(t *testing.T) {
	for bytes, want := range map[int]bool{0: true, 10: true, keptBytes: true, keptBytes + 1: false} {
		room := func() []byte { return make([]byte, bytes) }
		r := rankedRow{Place: tabular.Place{Input: "a.csv", Line: 7}, bytes: room(), mid: bytes}
		r.Reset()
		g := groupRow[[2]uint64]{Place: tabular.Place{Input: "a.csv", Line: 7}, key: value{text: room()}, numbers: [2]uint64{1, 2}}
		g.Reset()
		if r.Place != (tabular.Place{}) || r.mid != 0 || g.Place != r.Place || g.numbers != [2]uint64{} {
			t.Errorf("%+v, %+v", r, g)
		}
		for i, b := range [][]byte{r.bytes, g.key.text} {
			if len(b) > 0 || (cap(b) == bytes) != want {
				t.Errorf("%d bytes: text %d keeps %d", bytes, i, cap(b))
			}
		}
	}
}
