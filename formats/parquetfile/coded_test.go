package parquetfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// writeCoded writes rows, one by one or many at a time.
func writeCoded(t *testing.T, rows []mixed, many int) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := Create(&buf, codedColumns())
	if err != nil {
		t.Fatal(err)
	}
	for left := rows; len(left) > 0; {
		n := min(max(many, 1), len(left))
		if many == 0 {
			err = w.Write(left[0])
		} else {
			err = w.WriteRows(left[:n])
		}
		if err != nil {
			t.Fatal(err)
		}
		left = left[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestCoded reads integers with a dictionary back, and counts them: some with so many values that it grows too large.
func TestCoded(t *testing.T) {
	for _, n := range []int{1, 7, 8, 9, 1000, batchRows + 1, 300_000} {
		rows := make([]mixed, n)
		for i := range rows {
			rows[i] = mixed{n: int64(i/10) << 33, small: int32(i%10) + 1, counts: []int64{}}
			for k := range i % 3 {
				rows[i].counts = append(rows[i].counts, int64(-k*i))
			}
		}
		data := writeCoded(t, rows, 0)
		for _, many := range []int{1, 640, 100_000} {
			if n < 100_000 && !bytes.Equal(data, writeCoded(t, rows, many)) {
				t.Fatalf("%d rows: other bytes, %d at a time", n, many)
			}
		}
		path := save(t, data)
		if got, err := Rows(path); err != nil || got != int64(n) {
			t.Fatalf("%d rows: counted %d, %v", n, got, err)
		}
		r, err := Open(path, codedColumns())
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			var got mixed
			if err := r.Read(&got); err != nil {
				t.Fatal(err)
			}
			if got.n != rows[i].n || got.small != rows[i].small || !cmp.Equal(got.counts, rows[i].counts) {
				t.Fatalf("row %d of %d: %v, want %v", i, n, got, rows[i])
			}
		}
		if err := r.Read(new(mixed)); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCodedIsSmaller has ids and ranks such as those of a ranking.
func TestCodedIsSmaller(t *testing.T) {
	rows := make([]mixed, 40_000)
	for i := range rows {
		rows[i] = mixed{n: int64(i / 10), small: int32(i % 10)}
	}
	meta := source1(t, writeCoded(t, rows, 640)).raw.MetaData().RowGroup(0)
	for i, most := range []int64{5 * 4000, 6 * 4000} {
		chunk, err := meta.ColumnChunk(i)
		if err != nil {
			t.Fatal(err)
		}
		if size := chunk.TotalUncompressedSize() - 8*4000*int64(1-i); !chunk.HasDictionaryPage() || size > most {
			t.Errorf("column %d: %d bytes without the dictionary, want %d at most", i, size, most)
		}
	}
}

func TestHybridValues(t *testing.T) {
	var h hybrid
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 32).Draw(t, "width")
		h.reset(width)
		want := int64(0)
		for n := rapid.IntRange(0, 60).Draw(t, "runs"); n > 0; n-- {
			v := rapid.Uint32Max(uint32(1<<width-1)).Draw(t, "v")
			for k := rapid.SampledFrom([]int{1, 1, 2, 8, 9, 600}).Draw(t, "run"); k > 0; k-- {
				h.put(v)
				want++
			}
		}
		page := append([]byte{byte(width)}, h.end()...)
		if got := hybridValues(page); got < want || got >= want+groupValues {
			t.Fatalf("%d values, want %d", got, want)
		}
	})
}

func FuzzHybridValues(f *testing.F) {
	f.Add([]byte{3, 0x10, 7, 0x03, 1, 2, 3})
	f.Add([]byte{33, 0})
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, page []byte) {
		n := hybridValues(page)
		if n < 0 || n > 1<<16 || page[0] == 0 {
			return
		}
		if got := decodeHybrid(page[1:], int(page[0]), int(n)); int64(len(got)) != n {
			t.Fatal(fmt.Sprint(len(got)), n)
		}
	})
}
