package delimited

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var numbers = []string{
	"", "0", "-0", "+0", "00", "7", "-7", "+7", "--7", "+", "-", "12a", "a", " 1", "1 ", "1_000", "0x10", "0b1",
	"999999999999999999", "-999999999999999999", "1000000000000000000", "9223372036854775807", "9223372036854775808",
	"-9223372036854775808", "-9223372036854775809", "000000000000000000000000012",
	"0.5", ".5", "5.", ".", "-.", "1.2.3", "-0.0", "1e5", "1E5", "1e+5", "1e-5", "1e", "1e+", "1e5x", "e5", "1e22", "1e23", "1e-22", "1e-23",
	"9007199254740991", "9007199254740992", "9007199254740993", "9007199254740993.0", "1.7976931348623157e308", "1e309", "-1e309",
	"4.9e-324", "2e-324", "1e400000", "1e-400000", "inf", "-Inf", "+infinity", "nan", "NaN", "-nan", "0x1p-2", "0x1.8p1", "1p3",
	"123456789012345678901234567890", "18446744073709551617", "1844674407370955161.70", "18446744073709551616.5", "0.000000000000000000000000000001", "0.1234567890123456789", "1.00000000000000011102230246251565",
	"\xff", "1\x00", "٣",
}

func checkNumber(t interface {
	Helper()
	Fatalf(string, ...any)
}, s string,
) {
	t.Helper()
	wantInt, err := strconv.ParseInt(s, 10, 64)
	if got, ok := Int([]byte(s)); got != wantInt || ok != (err == nil) {
		t.Fatalf("Int(%q) = %d, %v; want %d, %v", s, got, ok, wantInt, err)
	}
	wantFloat, err := strconv.ParseFloat(s, 64)
	got, ok := Float([]byte(s))
	if math.Float64bits(got) != math.Float64bits(wantFloat) || ok != (err == nil) {
		t.Fatalf("Float(%q) = %v, %v; want %v, %v", s, got, ok, wantFloat, err)
	}
}

func TestNumbers(t *testing.T) {
	for _, s := range numbers {
		checkNumber(t, s)
	}
}

func TestNumbersAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkNumber(t, strconv.FormatInt(rapid.Int64().Draw(t, "int"), 10))
		f := rapid.Float64().Draw(t, "float")
		format := rapid.SampledFrom([]byte("efgG")).Draw(t, "format")
		checkNumber(t, strconv.FormatFloat(f, format, rapid.IntRange(-1, 24).Draw(t, "digits"), 64))
	})
}

func TestNumbersFromParts(t *testing.T) {
	shape := rapid.StringMatching(`[-+]?[0-9]{0,20}\.?[0-9]{0,20}([eE][-+]?[0-9]{0,4})?`)
	rapid.Check(t, func(t *rapid.T) { checkNumber(t, shape.Draw(t, "number")) })
}

func FuzzNumbers(f *testing.F) {
	for _, s := range numbers {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkNumber(t, s) })
}

// TestNumbersDoNotAllocate covers the paths of this package and those of strconv.
func TestNumbersDoNotAllocate(t *testing.T) {
	for _, s := range []string{"123456", "-9223372036854775807", "1.5", "0.123456", "1.7976931348623157e308"} {
		b := []byte(s)
		isInt := strings.IndexByte(s, '.') < 0
		n := testing.AllocsPerRun(100, func() {
			_, ok := Float(b)
			if isInt && ok {
				_, ok = Int(b)
			}
			if !ok {
				t.Fatal(s)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", s, n)
		}
	}
}

func BenchmarkFloat(b *testing.B) {
	text := []byte("0.123456")
	b.Run("delimited", func(b *testing.B) {
		for b.Loop() {
			if _, ok := Float(text); !ok {
				b.Fatal(ok)
			}
		}
	})
	b.Run("strconv", func(b *testing.B) {
		for b.Loop() {
			if _, err := strconv.ParseFloat(string(text), 64); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkInt(b *testing.B) {
	text := []byte("53424")
	b.Run("delimited", func(b *testing.B) {
		for b.Loop() {
			if _, ok := Int(text); !ok {
				b.Fatal(ok)
			}
		}
	})
	b.Run("strconv", func(b *testing.B) {
		for b.Loop() {
			if _, err := strconv.ParseInt(string(text), 10, 64); err != nil {
				b.Fatal(err)
			}
		}
	})
}
