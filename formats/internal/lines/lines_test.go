package lines

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/shardmill/shardmill/formats"
)

// readAll joins the pieces of each line.
func readAll(r io.Reader) ([]string, error) {
	var all []string
	var line []byte
	l := NewReader(r)
	for {
		piece, end, err := l.Next()
		if err != nil {
			return all, err
		}
		if line = append(line, piece...); end {
			all = append(all, string(line))
			line = line[:0]
		}
	}
}

// oracle is bufio.Scanner, which has the same rules but no byte order marks.
func oracle(data []byte) []string {
	var all []string
	s := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	s.Buffer(nil, len(data)+1)
	for s.Scan() {
		all = append(all, s.Text())
	}
	return all
}

func check(t *testing.T, data []byte) {
	t.Helper()
	for name, r := range map[string]io.Reader{
		"whole": bytes.NewReader(data), "halves": iotest.HalfReader(bytes.NewReader(data)),
	} {
		got, err := readAll(r)
		if !errors.Is(err, io.EOF) {
			t.Fatalf("%s: %v", name, err)
		}
		want := oracle(data)
		if len(got) != len(want) {
			t.Fatalf("%s: %d lines, want %d", name, len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%s: line %d has %d bytes, want %d", name, i, len(got[i]), len(want[i]))
			}
		}
	}
}

func TestLines(t *testing.T) {
	for _, s := range []string{
		"", "a", "a\n", "a\nb", "a\r\nb\r\n", "\n", "\n\n", "\r\n", "\r", "a\r", "a\r\r\n", "a\rb\n",
		"\xef\xbb\xbfa\n", "\xef\xbb\xbf", "\xef\xbb", "a\xef\xbb\xbf\n",
	} {
		check(t, []byte(s))
	}
}

// TestBufferEdge puts line ends at all places around the end of the buffer.
func TestBufferEdge(t *testing.T) {
	for n := bufferSize - 4; n <= bufferSize+4; n++ {
		for _, end := range []string{"", "\n", "\r\n", "\r\r\n", "\r", "\rx\n", "\nx"} {
			check(t, []byte(strings.Repeat("x", n)+end))
		}
	}
	check(t, []byte(strings.Repeat("y", 3*bufferSize)+"\r\nz"))
}

func TestPiecesAreBounded(t *testing.T) {
	l := NewReader(strings.NewReader(strings.Repeat("x", 5*bufferSize)))
	for {
		piece, _, err := l.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil || len(piece) > bufferSize {
			t.Fatalf("piece of %d bytes, %v", len(piece), err)
		}
	}
}

func TestUTF16(t *testing.T) {
	for _, s := range []string{"\xff\xfea\x00", "\xfe\xff\x00a"} {
		if _, err := readAll(strings.NewReader(s)); !errors.Is(err, formats.ErrUTF16) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("broken")
	for _, head := range []string{"", "a", "abc\n", "abc\nb"} {
		r := io.MultiReader(strings.NewReader(head), iotest.ErrReader(broken))
		got, err := readAll(r)
		if !errors.Is(err, broken) || len(got) != strings.Count(head, "\n") {
			t.Errorf("%q: %q, %v", head, got, err)
		}
	}
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("a\r\nb\rc\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
			return // refused
		}
		check(t, data)
	})
}
