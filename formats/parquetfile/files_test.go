package parquetfile

import (
	"bytes"
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"

	"github.com/shardmill/shardmill/formats/table"
)

// TestFiles writes files at the same time and one after the other by the memory of others. Each has the bytes that it has alone.
func TestFiles(t *testing.T) {
	files := NewFiles(mixedColumns)
	var work sync.WaitGroup
	for n := range 4 {
		rows := make([]mixed, 500*(4-n))
		for i := range rows {
			rows[i] = mixedRow(i, "word", string(rune('a'+n)), i%3 > 0, i%2 == n%2)
		}
		var want bytes.Buffer
		w, err := Create(&want, mixedColumns())
		if err := errors.Join(err, w.WriteRows(rows), w.Close()); err != nil {
			t.Fatal(err)
		}
		work.Go(func() {
			for range 3 {
				var got bytes.Buffer
				w, err := files.Create(&got)
				if err := errors.Join(err, w.WriteRows(rows), w.Close()); err != nil {
					t.Error(err)
				}
				if !bytes.Equal(got.Bytes(), want.Bytes()) {
					t.Errorf("%d rows: other bytes", len(rows))
				}
			}
		})
	}
	work.Wait()
}

func TestFilesClosed(t *testing.T) {
	files := NewFiles(mixedColumns)
	w, err := files.Create(new(bytes.Buffer))
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{w.Write(mixed{}), w.WriteRows(make([]mixed, 2)), w.Close()} {
		if !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	}
}

// TestFilesLeft: the memory of a file goes to the next one, but not if nobody asks for it for long.
func TestFilesLeft(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has pools lose things at random")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	files := NewFiles(mixedColumns)
	create := func() *table.Batch[mixed] {
		w, err := files.Create(new(bytes.Buffer))
		if err != nil {
			t.Fatal(err)
		}
		b := w.batch
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b
	}
	first := create()
	if create() != first {
		t.Error("the next file has other memory")
	}
	runtime.GC()
	runtime.GC()
	if create() == first {
		t.Error("the memory is kept although nobody asks for it")
	}
}

// TestFilesRefused has columns that no file can have, and a record that none can hold.
func TestFilesRefused(t *testing.T) {
	if _, err := NewFiles(func() table.Columns[mixed] { return nil }).Create(new(bytes.Buffer)); !errors.Is(err, table.ErrColumns) {
		t.Error(err)
	}
	w, err := Create(new(bytes.Buffer), mixedColumns())
	if err != nil {
		t.Fatal(err)
	}
	var bad *table.ValueError
	if err := w.WriteRows([]mixed{{word: "a"}, {word: "\xff"}}); !errors.As(err, &bad) {
		t.Error(err)
	}
}
