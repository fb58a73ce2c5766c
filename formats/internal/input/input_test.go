package input

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/shardmill/shardmill/formats"
)

func TestMarkLen(t *testing.T) {
	for _, tt := range []struct {
		head string
		want int
		err  error
	}{
		{"", 0, nil},
		{"abc", 0, nil},
		{Mark, 3, nil},
		{Mark + "abc", 3, nil},
		{Mark[:2], 0, nil},
		{"a" + Mark, 0, nil},
		{"\xff", 0, nil},
		{"\xff\xfe", 0, formats.ErrUTF16},
		{"\xfe\xffab", 0, formats.ErrUTF16},
		{"\xff\xff", 0, nil},
	} {
		if got, err := MarkLen([]byte(tt.head)); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%q: %d, %v", tt.head, got, err)
		}
	}
}

// A reader may give less than asked for, an error with its last bytes or after them, and nothing now and then.
func TestFill(t *testing.T) {
	const text = "0123456789"
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "halves": iotest.HalfReader,
		"error with bytes": iotest.DataErrReader, "pauses": func(r io.Reader) io.Reader { return &pauses{r: r} },
	} {
		for _, failure := range []error{nil, iotest.ErrTimeout} {
			for room := range 2 * len(text) {
				r, end := io.Reader(strings.NewReader(text)), io.EOF
				if failure != nil {
					r, end = io.MultiReader(r, iotest.ErrReader(failure)), failure
				}
				b := make([]byte, room)
				n, err := Fill(wrap(r), b)
				switch {
				case n != min(room, len(text)) || !bytes.HasPrefix(b, []byte(text[:n])):
					t.Errorf("%s: %d of %d bytes: %q", name, n, room, b)
				case room > len(text) && !errors.Is(err, end), room < len(text) && err != nil:
					t.Errorf("%s: %d bytes: %v", name, room, err)
				}
			}
		}
	}
}

// pauses gives nothing in all reads but each tenth.
type pauses struct {
	r io.Reader
	n int
}

func (p *pauses) Read(b []byte) (int, error) {
	if p.n++; p.n%10 != 0 {
		return 0, nil
	}
	return p.r.Read(b[:1])
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

func TestNoProgress(t *testing.T) {
	b := make([]byte, 5)
	n, err := Fill(io.MultiReader(strings.NewReader("abc"), nothing{}), b)
	if n != 3 || !errors.Is(err, io.ErrNoProgress) {
		t.Error(n, err)
	}
}
