package chars

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/shardmill/shardmill/formats"
)

func TestASCII(t *testing.T) {
	for n := range 200 {
		b := bytes.Repeat([]byte{0x7f}, n)
		if !ASCII(b) {
			t.Fatalf("%d bytes of ASCII", n)
		}
		for i := range b {
			b[i] = 0x80
			if ASCII(b) {
				t.Fatalf("byte %d of %d is missed", i, n)
			}
			b[i] = 0
		}
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		text string
		want error
	}{
		{"", nil},
		{"abc", nil},
		{"größer", nil},
		{strings.Repeat("größer ", 50), nil},
		{"a\x00", formats.ErrNUL},
		{"\xff\x00", formats.ErrNUL},
		{"\xff", formats.ErrNotUTF8},
		{strings.Repeat("größer ", 50) + "\xc3", formats.ErrNotUTF8},
	} {
		if err := Check([]byte(tt.text)); !errors.Is(err, tt.want) {
			t.Errorf("%q: %v", tt.text, err)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"", "a", "größer", "\xff", "12345678", "1234567\xe2\x82", "12345678\xe2\x82\xac", "\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		good := utf8.Valid(text) && !bytes.Contains(text, []byte{0})
		if err := Check(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	})
}

// BenchmarkASCII has texts as short as a label, and as long as a block of lines.
func BenchmarkASCII(b *testing.B) {
	for _, n := range []int{3, 7, 12, 40, 100, 8 << 10} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			text := bytes.Repeat([]byte{'a'}, n)
			b.SetBytes(int64(n))
			for b.Loop() {
				if !ASCII(text) {
					b.Fatal("not ASCII")
				}
			}
		})
	}
}
