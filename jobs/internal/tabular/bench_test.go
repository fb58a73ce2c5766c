package tabular

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/shardmill/shardmill/formats/delimited"
	"github.com/shardmill/shardmill/mapreduce"
)

func ratings(rows int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	b.WriteString("user,item,rating,score\n")
	for range rows {
		fmt.Fprintf(&b, "%d,%d,%d,%.4f\n", r.IntN(60000), r.IntN(3000), 1+r.IntN(5), r.Float64())
	}
	return b.Bytes()
}

type benchRow struct {
	Place
	key   int64
	by    float64
	notes []byte
}

func fillBench(r *benchRow, at Place, cells []Cell) (err error) {
	r.Place = at
	if r.key, err = cells[0].Integer(); err == nil {
		r.by, err = cells[1].Number()
	}
	r.notes = cells[2].AppendText(r.notes[:0])
	return err
}

// readRows reads all rows into one.
func readRows(tb testing.TB, rg mapreduce.Range) (n int) {
	f, err := formatOf(rg.Name)
	if err != nil {
		tb.Fatal(err)
	}
	in, err := f.open(disk{}, rg, []string{"user", "score", "item"}, 2, []Kind{Int, Float})
	if err != nil {
		tb.Fatal(err)
	}
	var rec Record
	var row benchRow
	for {
		if err := in.read(&rec); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			tb.Fatal(err)
		}
		if err := fillBench(&row, Place{rg.Name, rec.Line}, rec.Cells); err != nil {
			tb.Fatal(err)
		}
		n++
	}
	if err := in.close(); err != nil {
		tb.Fatal(err)
	}
	return n
}

// BenchmarkRead reads rows of a user, an item, a rating and a score into a key, a value and a text; Delimited is
// the format alone.
func BenchmarkRead(b *testing.B) {
	const rows = 200000
	text := ratings(rows)
	rg := put(b, filepath.Join(b.TempDir(), "a.csv"), text)
	perRow := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
	}
	b.Run("Tabular", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			if n := readRows(b, rg); n != rows {
				b.Fatal(n)
			}
		}
		perRow(b)
	})
	b.Run("Delimited", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			f, err := os.Open(rg.Path)
			if err != nil {
				b.Fatal(err)
			}
			r, err := delimited.NewReader(f, rg.Name, delimited.Options{})
			if err != nil {
				b.Fatal(err)
			}
			var rec delimited.Record
			for err == nil {
				err = r.Read(&rec)
			}
			if !errors.Is(err, io.EOF) {
				b.Fatal(err)
			}
			if err := f.Close(); err != nil {
				b.Fatal(err)
			}
		}
		perRow(b)
	})
}

// To read a row allocates nothing.
func TestAllocations(t *testing.T) {
	dir := t.TempDir()
	allocs := func(rows int) float64 {
		rg := put(t, filepath.Join(dir, "a.csv"), ratings(rows))
		return testing.AllocsPerRun(3, func() { readRows(t, rg) })
	}
	if few, many := allocs(100), allocs(20100); many > few+20 {
		t.Errorf("%v allocations for 100 rows, %v for 20,100", few, many)
	}
}
