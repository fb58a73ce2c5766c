package formattest

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/table"
)

var errFull = errors.New("no space left")

// fullWriter takes n bytes and then fails.
type fullWriter struct{ n int }

func (w *fullWriter) Write(p []byte) (int, error) {
	if len(p) > w.n {
		n := w.n
		w.n = 0
		return n, errFull
	}
	w.n -= len(p)
	return len(p), nil
}

// testSinkErrors fails the sink at many points: Write or Close must say so, and after that both.
func testSinkErrors(t *testing.T, f Format) {
	for _, c := range []struct{ rows, points int }{{0, 40}, {20, 40}, {f.Batch, 5}} {
		rows := Sample(c.rows)
		size := len(f.Encode(t, rows))
		for at := 0; at < size; at += 1 + size/c.points {
			f.checkSinkError(t, at, rows)
		}
		f.checkSinkError(t, size-1, rows)
	}
}

func (f Format) checkSinkError(t *testing.T, at int, rows []Row) {
	t.Helper()
	w, err := f.Create(&fullWriter{at}, Columns())
	if err != nil {
		t.Fatalf("at byte %d: Create: %v", at, err)
	}
	for _, r := range rows {
		if err = w.Write(r); err != nil {
			break
		}
	}
	if err != nil && !errors.Is(err, errFull) {
		t.Fatalf("at byte %d: Write: %v", at, err)
	}
	if err := w.Close(); !errors.Is(err, errFull) {
		t.Fatalf("at byte %d: Close: %v", at, err)
	}
	if err := w.Write(Row{}); !errors.Is(err, errFull) {
		t.Fatalf("at byte %d: Write after the failure: %v", at, err)
	}
}

// testTruncation cuts files short: no cut may open or be counted.
func testTruncation(t *testing.T, f Format) {
	path := save(t, nil)
	for _, rows := range [][]Row{nil, Sample(300)} {
		data := f.Encode(t, rows)
		cuts := []int{len(data) - 1, len(data) - 7}
		for at := 0; at < len(data); at += 64 {
			cuts = append(cuts, at)
		}
		for _, at := range cuts {
			overwrite(t, path, data[:at])
			if got, err := f.ReadAll(t, path, Columns(), len(rows)); err == nil {
				t.Fatalf("cut to %d of %d bytes: read %d rows without error", at, len(data), len(got))
			}
			if _, err := f.Rows(path); err == nil {
				t.Fatalf("cut to %d of %d bytes: counted without error", at, len(data))
			}
		}
	}
}

// testForeign opens what is no file of ours.
func testForeign(t *testing.T, f Format) {
	for name, data := range map[string][]byte{
		"empty":   nil,
		"short":   []byte("PAR1"),
		"text":    bytes.Repeat([]byte("path,label\n"), 99),
		"arrow":   []byte("ARROW1\x00\x00\xff\xff\xff\xff\x00\x00\x00\x00\x10\x00\x00\x00ARROW1"),
		"parquet": []byte("PAR1\x00\x00\x00\x00PAR1"),
	} {
		path := save(t, data)
		if _, err := f.Open(path, Columns()); !errors.Is(err, formats.ErrForeign) && !errors.Is(err, formats.ErrDamaged) {
			t.Errorf("%s: Open: %v", name, err)
		}
		if _, err := f.Rows(path); !errors.Is(err, formats.ErrForeign) && !errors.Is(err, formats.ErrDamaged) {
			t.Errorf("%s: Rows: %v", name, err)
		}
	}
	absent := filepath.Join(t.TempDir(), "absent")
	if _, err := f.Open(absent, Columns()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: Open: %v", err)
	}
	if _, err := f.Rows(absent); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: Rows: %v", err)
	}
}

// testFlips damages single bytes. Values are not covered by a checksum of the format (the
// engine has one for whole files), so wrong data may come out; a panic, an endless file,
// or more rows than were written may not.
func testFlips(t *testing.T, f Format) {
	if !f.Flips {
		t.Skip("the library under this format can end the process on damaged bytes")
	}
	rows := Sample(40)
	data := f.Encode(t, rows)
	path := save(t, nil)
	refused := 0
	for at := range data {
		mask := []byte{0x01, 0x80, 0xff, 0x40}[at%4]
		data[at] ^= mask
		overwrite(t, path, data)
		data[at] ^= mask
		_, err := f.ReadAll(t, path, Columns(), len(rows))
		_, rowsErr := f.Rows(path)
		if err != nil {
			refused++
		}
		if !known(err) || !known(rowsErr) {
			t.Fatalf("byte %d ^ %#x: Read %v, Rows %v", at, mask, err, rowsErr)
		}
	}
	t.Logf("%d of %d damaged files were refused", refused, len(data))
	if refused == 0 {
		t.Error("no damage at all was seen")
	}
}

// known reports whether an error is one that a damaged file may have.
func known(err error) bool {
	var version *formats.VersionError
	var column *table.ColumnError
	return err == nil || errors.Is(err, formats.ErrDamaged) || errors.Is(err, formats.ErrForeign) ||
		errors.As(err, &version) || errors.As(err, &column)
}
