package parquetfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats/internal/sink"
)

// TestPages: pages come out as they went in, however many of them are in a file, and the limit is that of all columns together.
func TestPages(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		folder := t.TempDir()
		s := &store{Spill: Spill{Folder: folder, Above: rapid.Int64Range(0, 5000).Draw(rt, "above")}}
		all, want := [2]pages{{store: s}, {store: s}}, [2][]byte{}
		for range rapid.IntRange(0, 20).Draw(rt, "writes") {
			c, n := rapid.IntRange(0, 1).Draw(rt, "column"), rapid.IntRange(0, 3000).Draw(rt, "bytes")
			if at := all[c].Tell(); at != int64(4+len(want[c])) {
				rt.Fatalf("position %d, want %d behind the magic", at, len(want[c]))
			}
			b := bytes.Repeat([]byte{byte(len(want[c]))}, n)
			if _, err := all[c].Write(b); err != nil {
				rt.Fatal(err)
			}
			want[c] = append(want[c], b...)
			if held := all[0].held + all[1].held; s.held != held || s.Above > 0 && held > s.Above {
				rt.Fatalf("%d bytes in memory, want %d and at most %d", s.held, held, s.Above)
			}
		}
		nothingIn(rt, folder)
		for c := range all {
			var got bytes.Buffer
			out := sink.New(&got)
			if err := errors.Join(all[c].moveTo(out, nil), out.Flush()); err != nil {
				rt.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want[c]) {
				rt.Fatalf("column %d: %d bytes of %d come out, or others", c, got.Len(), len(want[c]))
			}
		}
		if s.held != 0 {
			rt.Fatalf("%d bytes are left", s.held)
		}
	})
}

func nothingIn(t tester, folder string) {
	t.Helper()
	left, err := os.ReadDir(folder)
	if err != nil || len(left) > 0 {
		t.Fatalf("files have names: %v, %v", left, err)
	}
}

// TestPieces: what lies in memory is not copied as more comes, and takes little more than it has.
func TestPieces(t *testing.T) {
	p := pages{store: &store{}}
	var first *byte
	for range 5000 {
		if _, err := p.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = &p.pieces[0][0]
		}
	}
	room := 0
	for _, piece := range p.pieces {
		room += cap(piece)
	}
	if first != &p.pieces[0][0] || room < 5_000_000 || room > 5_000_000+mostPiece {
		t.Errorf("%d bytes take %d", p.size, room)
	}
}

// TestCreateSpilling: files are the same whether pages are spilled or not, row group by row group.
func TestCreateSpilling(t *testing.T) {
	files, folder := NewFiles(mixedColumns), t.TempDir()
	rows := make([]mixed, 3*batchRows)
	for i := range rows {
		rows[i] = mixedRow(i, "word", "other", i%3 > 0, i%2 > 0)
	}
	write := func(spill Spill) []byte {
		var b bytes.Buffer
		w, err := files.CreateSpilling(&b, spill)
		if err != nil {
			t.Fatal(err)
		}
		for left := rows; len(left) > 0; left = left[batchRows:] {
			if err := w.WriteRows(left[:batchRows]); err != nil {
				t.Fatal(err)
			}
			if spill.Above > 0 && w.target.store.held > spill.Above {
				t.Errorf("%d bytes in memory, want at most %d", w.target.store.held, spill.Above)
			}
			w.bytes = groupBytes // the row group is full
		}
		nothingIn(t, folder)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	want := write(Spill{})
	for _, above := range []int64{1, 100_000, int64(len(want))} {
		if !bytes.Equal(write(Spill{Folder: folder, Above: above}), want) {
			t.Errorf("%d bytes in memory: another file", above)
		}
	}
}

// TestSpillErrors: a file that is not to be had is an error of the Writer.
func TestSpillErrors(t *testing.T) {
	w, err := NewFiles(mixedColumns).CreateSpilling(new(bytes.Buffer), Spill{Folder: filepath.Join(t.TempDir(), "none"), Above: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if err := w.Write(mixedRow(i, "word", "other", true, true)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	p := pages{store: &store{Spill: Spill{Folder: t.TempDir(), Above: 1}}}
	if _, err := p.Write([]byte("some text")); err != nil {
		t.Fatal(err)
	}
	if err := p.file.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write([]byte("more")); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	if err := p.moveTo(sink.New(new(bytes.Buffer)), nil); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}
