package tabular

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
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

// readRows reads all rows: a key, a value and a text of each.
func readRows(tb testing.TB, rg mapreduce.Range) (n int) {
	in, err := openSeparated(disk{}, rg, format{layout: separated, comma: ','}, []string{"user", "score", "item"})
	if err != nil {
		tb.Fatal(err)
	}
	many := asBlocks(in)
	b := Block{input: rg.Name}
	var keys [BlockRows]int64
	var values [BlockRows]float64
	var notes []byte
	for {
		if err := many.readBlock(&b); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			tb.Fatal(err)
		}
		_, noKey := b.Integers(0, keys[:b.Len()])
		_, noValue := b.Numbers(1, values[:b.Len()])
		if err := errors.Join(noKey, noValue); err != nil {
			tb.Fatal(err)
		}
		for i := range b.Len() {
			text, _ := b.Text(i, 2, nil)
			notes = append(notes[:0], text...)
		}
		n += b.Len()
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

// benchRow is what is made of a row.
type benchRow struct {
	Place
	key   int64
	notes []byte
}

// benchRows takes rows, some at a time.
type benchRows struct {
	rows [7]benchRow
	n    int
}

func (r *benchRows) NextRows(n int) []benchRow { return r.rows[:min(n, len(r.rows))] }

func (r *benchRows) AddRows(n int) error {
	r.n += n
	return nil
}

func (*benchRows) Reject(_ mapreduce.Origin, reason error) error { return reason }

func fillBench(keys []int64) func(rows []benchRow, b *Block) (int, error) {
	return func(rows []benchRow, b *Block) (int, error) {
		n, err := b.Integers(0, keys[:b.Len()])
		for i := range rows[:n] {
			var digits [32]byte
			text, _ := b.Text(i, 1, digits[:0])
			rows[i].Place, rows[i].key, rows[i].notes = b.Place(i), keys[i], append(rows[i].notes[:0], text...)
		}
		return n, err
	}
}

// To read a row allocates nothing, in blocks and one by one.
func TestAllocations(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.csv", "a.jsonl"} {
		f, err := formatOf(name)
		if err != nil {
			t.Fatal(err)
		}
		fill := fillBench(make([]int64, BlockRows))
		allocs := func(rows int) float64 {
			text := [][]string{{"user", "item"}}
			for i := range rows {
				text = append(text, []string{strconv.Itoa(i), strconv.Itoa(i % 7)})
			}
			rg := encodeRows(t, filepath.Join(dir, name), text)
			return testing.AllocsPerRun(3, func() {
				in, err := f.open(disk{}, rg, []string{"user", "item"}, 2)
				if err != nil {
					t.Fatal(err)
				}
				to := &benchRows{}
				g := reading[benchRow]{in: asBlocks(in), rows: to, fill: fill, block: Block{input: rg.Name}}
				if err := errors.Join(g.run(), in.close()); err != nil || to.n != rows {
					t.Fatalf("%d of %d rows, %v", to.n, rows, err)
				}
			})
		}
		if few, many := allocs(100), allocs(5100); many > few+20 {
			t.Errorf("%s: %v allocations for 100 rows, %v for 5,100", name, few, many)
		}
	}
}
