package text

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/formats"
)

// result is one line or one error, as text.
type result struct {
	Number int64
	Text   string
	Err    error
}

func readAll(t *testing.T, r io.Reader, max int) []result {
	t.Helper()
	var all []result
	lines := newReader(r, "in.txt", Position{Line: 1}, math.MaxInt64, max, 4)
	for {
		var l Line
		err := lines.Read(&l)
		var row *RowError
		switch {
		case errors.Is(err, io.EOF):
			return all
		case errors.As(err, &row):
			if l != (Line{}) {
				t.Errorf("line set to %+v with error %v", l, err)
			}
			all = append(all, result{row.Line, row.Raw, errors.Unwrap(row)})
		case err != nil:
			t.Fatal(err)
		default:
			all = append(all, result{l.Number, l.Text, nil})
		}
	}
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []result
	}{
		{"", nil},
		{"\n", []result{{1, "", nil}}},
		{"a\n\nb", []result{{1, "a", nil}, {2, "", nil}, {3, "b", nil}}},
		{"a\r\nb\r\n", []result{{1, "a", nil}, {2, "b", nil}}},
		{"\ufeffé\n", []result{{1, "é", nil}}},
		{"12345678\nok\n", []result{{1, "12345678", nil}, {2, "ok", nil}}},
		{"12345678\r\nok\r\n", []result{{1, "12345678", nil}, {2, "ok", nil}}},
		{"123456789\nok\n", []result{{1, "12345678", formats.ErrTooLong}, {2, "ok", nil}}},
		{"1234567é\nok", []result{{1, "1234567\uFFFD", formats.ErrTooLong}, {2, "ok", nil}}},
		{"a\x00b\nok\n", []result{{1, "a\x00b", formats.ErrNUL}, {2, "ok", nil}}},
		{"caf\xe9\nok\n", []result{{1, "caf\uFFFD", formats.ErrNotUTF8}, {2, "ok", nil}}},
	} {
		got := readAll(t, iotest.OneByteReader(strings.NewReader(c.in)), 8)
		if diff := cmp.Diff(c.want, got, cmp.Comparer(func(want, got error) bool { return errors.Is(got, want) || errors.Is(want, got) })); diff != "" {
			t.Errorf("%q: %s", c.in, diff)
		}
	}
}

func TestDefaultMax(t *testing.T) {
	in := strings.Repeat("x", defaultMax) + "\n" + strings.Repeat("x", defaultMax+1) + "\nok\n"
	got := readAll(t, strings.NewReader(in), 0)
	if len(got) != 3 || got[0].Err != nil || len(got[0].Text) != defaultMax ||
		!errors.Is(got[1].Err, formats.ErrTooLong) || len(got[1].Text) != maxRaw || got[2].Text != "ok" {
		t.Errorf("%d results", len(got))
	}
}

func TestInputErrors(t *testing.T) {
	broken := errors.New("broken")
	r := NewReader(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)), "in.txt", 0)
	var l Line
	if err := r.Read(&l); err != nil || l.Text != "a" {
		t.Fatalf("%+v, %v", l, err)
	}
	for range 2 {
		if err := r.Read(&l); !errors.Is(err, broken) || !strings.Contains(err.Error(), "in.txt") {
			t.Errorf("error of the input: %v", err)
		}
	}
	r = NewReader(strings.NewReader("\xfe\xff\x00a"), "in.txt", 0)
	if err := r.Read(&l); !errors.Is(err, formats.ErrUTF16) {
		t.Errorf("UTF-16: %v", err)
	}
}

// FuzzRead compares with bufio.Scanner: the same lines, each read or refused for a reason that holds.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"a\nb\r\n", "\r\r\n", "12345678901234567890\nb", "\xff\n", "a\x00", "\n\n"} {
		f.Add([]byte(s))
	}
	const max = 16
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
			t.Skip("UTF-16 is refused")
		}
		got := readAll(t, bytes.NewReader(data), max)
		scan := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
		scan.Buffer(nil, len(data)+1)
		for i := range got {
			if !scan.Scan() {
				t.Fatalf("%d lines more than there are", len(got)-i)
			}
			want := scan.Text()
			bad := len(want) > max || !utf8.ValidString(want) || strings.Contains(want, "\x00")
			if got[i].Number != int64(i+1) || bad != (got[i].Err != nil) || !bad && got[i].Text != want {
				t.Fatalf("line %d: %+v, want %q", i+1, got[i], want)
			}
		}
		if scan.Scan() {
			t.Fatalf("line %q is missing", scan.Text())
		}
	})
}
