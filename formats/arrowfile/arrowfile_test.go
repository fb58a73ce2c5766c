package arrowfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/ipc"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/internal/formattest"
	"github.com/shardmill/shardmill/formats/table"
)

func TestGolden(t *testing.T) { suite().Golden(t, "testdata/v1.arrow") }

// TestGoldenLists reads a file with lists, which is never written again.
func TestGoldenLists(t *testing.T) { suite().GoldenLists(t, "testdata/v1-lists.arrow") }

// sealAt returns the offset of the seal in a file.
func sealAt(data []byte) int {
	footer := int(binary.LittleEndian.Uint32(data[len(data)-tailSize:]))
	return len(data) - tailSize - footer - sealSize
}

func openBytes(data []byte) (*Reader[formattest.Row], error) {
	return NewReader(bytes.NewReader(data), int64(len(data)), "mem", formattest.Columns())
}

func TestReaderAt(t *testing.T) {
	want := formattest.Sample(3)
	r, err := openBytes(suite().Encode(t, want))
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		var got formattest.Row
		if err := r.Read(&got); err != nil || !formattest.Equal(got, want[i]) {
			t.Fatalf("row %d: %+v, %v", i, got, err)
		}
	}
	if err := r.Read(new(formattest.Row)); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// TestOrderOfChecks damages more and more, and sees the earliest check in the order win.
func TestOrderOfChecks(t *testing.T) {
	data := suite().Encode(t, formattest.Sample(3))
	at := sealAt(data)

	data[at+sealSize+20] ^= 1
	if _, err := openBytes(data); !errors.Is(err, formats.ErrDamaged) || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("footer: %v", err)
	}
	binary.LittleEndian.PutUint32(data[at+4:], 7)
	var v *formats.VersionError
	if _, err := openBytes(data); !errors.As(err, &v) || v.Got != 7 || v.Want != 1 || v.Format != "arrow" || v.File != "mem" {
		t.Errorf("version: %v", err)
	}
	data[at] = 'X'
	if _, err := openBytes(data); !errors.Is(err, formats.ErrForeign) || !strings.Contains(err.Error(), "seal") {
		t.Errorf("seal: %v", err)
	}
	data[len(data)-1] = 'X'
	if _, err := openBytes(data); !errors.Is(err, formats.ErrForeign) || !strings.Contains(err.Error(), "magic") {
		t.Errorf("magic: %v", err)
	}
}

// TestFooterFlips flips every bit from the seal on: all must be seen when the file is opened.
func TestFooterFlips(t *testing.T) {
	data := suite().Encode(t, formattest.Sample(3))
	for at := sealAt(data); at < len(data); at++ {
		if at >= sealAt(data)+12 && at < sealAt(data)+sealSize {
			continue // the zero bytes of the seal mean nothing
		}
		for bit := range 8 {
			data[at] ^= 1 << bit
			_, err := openBytes(data)
			data[at] ^= 1 << bit
			if err == nil {
				t.Fatalf("bit %d of byte %d: not seen", bit, at)
			}
		}
	}
}

// TestForeignArrow opens a good Arrow file that is not ours.
func TestForeignArrow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.arrow")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	schema := formattest.Columns().Schema(table.Mark(format, version))
	w, err := ipc.NewFileWriter(f, ipc.WithSchema(schema))
	if err := errors.Join(err, w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, formattest.Columns()); !errors.Is(err, formats.ErrForeign) {
		t.Error(err)
	}
}

// TestBatchBounds checks that batches end by rows and by bytes.
func TestBatchBounds(t *testing.T) {
	type row struct{ text string }
	cols := table.Columns[row]{table.String("text", func(r *row) string { return r.text }, func(r *row, v string) { r.text = v })}
	for _, c := range []struct{ rows, size, batches int }{
		{0, 0, 1},
		{1, 0, 1},
		{maxRows, 0, 1},
		{maxRows + 1, 0, 2},
		{9, maxBytes - 5, 5}, // one row stays just below the bound, two do not
		{9, maxBytes, 9},
	} {
		var buf bytes.Buffer
		w, err := Create(&buf, cols)
		if err != nil {
			t.Fatal(err)
		}
		for range c.rows {
			if err := w.Write(row{strings.Repeat("x", c.size)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		b, err := newBatches(bytes.NewReader(buf.Bytes()), int64(buf.Len()), "mem")
		if err != nil || b.file.NumRecords() != c.batches {
			t.Errorf("%d rows of %d bytes: %d batches, want %d; %v", c.rows, c.size, b.file.NumRecords(), c.batches, err)
		}
	}
}

// TestStreamable checks the end of stream that lets a reader of Arrow streams read the file past its magic.
func TestStreamable(t *testing.T) {
	want := formattest.Sample(maxRows + 10)
	data := suite().Encode(t, want)
	r, err := ipc.NewReader(bytes.NewReader(data[8:]))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var rows int64
	for r.Next() {
		rows += r.Record().NumRows()
	}
	if r.Err() != nil || rows != int64(len(want)) {
		t.Errorf("%d rows, %v", rows, r.Err())
	}
}

func BenchmarkWrite(b *testing.B) {
	rows := formattest.Sample(maxRows)
	w, err := Create(io.Discard, formattest.Columns())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := range b.N {
		if err := w.Write(rows[i%len(rows)]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	data := suite().Encode(b, formattest.Sample(16*maxRows))
	b.ReportAllocs()
	var row formattest.Row
	for b.Loop() {
		r, err := openBytes(data)
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			err = r.Read(&row)
		}
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*16*maxRows), "ns/row")
}
