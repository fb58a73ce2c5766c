package sink

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

type limited struct {
	bytes.Buffer
	room  int
	calls int
}

var errFull = errors.New("full")

func (l *limited) Write(p []byte) (int, error) {
	l.calls++
	if l.Len()+len(p) > l.room {
		return 0, errFull
	}
	return l.Buffer.Write(p)
}

func TestSinkKeepsItsFirstError(t *testing.T) {
	w := &limited{room: 100 << 10}
	s := New(w)
	chunk := make([]byte, 40<<10)
	for i := range 5 {
		if n, err := s.Write(chunk); n != len(chunk) || err != nil {
			t.Fatalf("write %d: %d, %v", i, n, err)
		}
	}
	calls := w.calls
	if _, err := s.Write(chunk); err != nil || w.calls != calls {
		t.Error("the sink went on writing after an error")
	}
	if !errors.Is(s.Err(), errFull) || !errors.Is(s.Flush(), errFull) {
		t.Errorf("Err %v, Flush %v", s.Err(), s.Flush())
	}
	if s.Pos() != 6*40<<10 {
		t.Errorf("position %d counts what was written, not what was kept", s.Pos())
	}
}

func TestSinkWrites(t *testing.T) {
	w := &limited{room: 10}
	s := New(w)
	for _, p := range []string{"ab", "", "cde"} {
		if _, err := s.Write([]byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	if w.calls != 0 {
		t.Error("small writes are not buffered")
	}
	if pos, err := s.Seek(0, io.SeekCurrent); pos != 5 || err != nil {
		t.Errorf("position %d, %v", pos, err)
	}
	for _, c := range []struct {
		offset int64
		whence int
	}{{1, io.SeekCurrent}, {0, io.SeekStart}, {0, io.SeekEnd}} {
		if _, err := s.Seek(c.offset, c.whence); err == nil {
			t.Errorf("seek %+v worked", c)
		}
	}
	if err := s.Flush(); err != nil || w.String() != "abcde" || s.Err() != nil {
		t.Errorf("flush: %v, %q", err, w.String())
	}
}
