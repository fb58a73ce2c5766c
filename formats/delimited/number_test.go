package delimited

import (
	"fmt"
	"math"
	"math/rand/v2"
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
	canonical := err == nil && strconv.FormatInt(wantInt, 10) == s
	if got, ok := CanonicalInt([]byte(s)); ok != canonical || ok && got != wantInt {
		t.Fatalf("CanonicalInt(%q) = %d, %v; want %d, %v", s, got, ok, wantInt, canonical)
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

// TestShortNumbers puts each byte at each place of numbers of all lengths that are read as words.
func TestShortNumbers(t *testing.T) {
	const digits = "1234567890123456789"
	for n := range digits {
		for i := range n {
			for c := range 256 {
				checkNumber(t, digits[:i]+string([]byte{byte(c)})+digits[i+1:n])
				checkNumber(t, "-"+digits[:i]+string([]byte{byte(c)})+"."+digits[i+1:n])
			}
		}
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

// checkFields reads numbers from all places of some records, and compares with the functions that take text.
func checkFields(t failer, numbers []string, end string) {
	t.Helper()
	const records = 3
	text := strings.TrimSuffix(strings.Repeat(strings.Join(numbers, ";")+end+"\n", records), "\n")
	o := Options{Comma: ';', Columns: make([]string, len(numbers))}
	// A window with room to spare sees that nothing follows.
	r, err := newReader(strings.NewReader(text), "a", Position{Line: 1}, math.MaxInt64, o, len(text)+1)
	var recs Records
	if err == nil {
		err = r.ReadRecords(&recs, records)
	}
	if err != nil || recs.Len() != records || recs.Fields() != len(numbers) {
		t.Fatalf("%q: %d records of %d fields, %v", text, recs.Len(), recs.Fields(), err)
	}
	for field := range numbers {
		for from := range records + 1 {
			checkColumn(t, &recs, from, field)
		}
	}
}

// checkColumn compares the numbers of a field of the records from one on.
func checkColumn(t failer, recs *Records, from, field int) {
	t.Helper()
	ints, floats := make([]int64, recs.Len()-from), make([]float64, recs.Len()-from)
	isInt, isFloat := recs.CanonicalInts(from, field, ints), recs.Floats(from, field, floats)
	for i := range ints {
		text := recs.Field(from+i, field)
		if n, ok := CanonicalInt(text); ok != (i < isInt) || ok && n != ints[i] {
			t.Fatalf("int %d of %d: %q gives %d, want %d, %v", i, isInt, text, ints[i], n, ok)
		} else if !ok {
			break
		}
	}
	for i := range floats {
		text := recs.Field(from+i, field)
		if f, ok := Float(text); ok != (i < isFloat) || ok && math.Float64bits(f) != math.Float64bits(floats[i]) {
			t.Fatalf("float %d of %d: %q gives %v, want %v, %v", i, isFloat, text, floats[i], f, ok)
		} else if !ok {
			break
		}
	}
}

func TestNumbersOfRecords(t *testing.T) {
	number := rapid.OneOf(rapid.StringMatching(`-?[0-9]{0,9}\.?[0-9]{0,9}`), rapid.StringMatching(`"[0-9]{0,4}("")?\.?[0-9]{0,4}"`))
	rapid.Check(t, func(t *rapid.T) {
		numbers := append([]string{"1"}, rapid.SliceOfN(number, 0, 5).Draw(t, "numbers")...)
		for _, end := range []string{"", "\r", "\n", "\r\n\n"} {
			checkFields(t, numbers, end)
		}
	})
}

func FuzzNumbers(f *testing.F) {
	for _, s := range numbers {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkNumber(t, s) })
}

// TestNumbersTogether stops at the first text that is no number, wherever it is.
func TestNumbersTogether(t *testing.T) {
	number := rapid.OneOf(rapid.Just("7"), rapid.Just("12345678"), rapid.StringMatching(`-?[0-9]{0,9}\.?[0-9]{0,9}`))
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(number, 1, 20).Draw(t, "numbers")
		text := "1," + strings.Join(all, "\n1,") + "\n"
		r, err := NewReader(strings.NewReader(text), "a", Options{Columns: []string{"one", "number"}})
		var recs Records
		if err == nil {
			err = r.ReadRecords(&recs, len(all))
		}
		if err != nil || recs.Len() != len(all) {
			t.Fatalf("%d of %d records, %v", recs.Len(), len(all), err)
		}
		for from := range len(all) + 1 {
			checkColumn(t, &recs, from, 1)
		}
	})
}

// TestNumbersDoNotAllocate covers the paths of this package and those of strconv.
func TestNumbersDoNotAllocate(t *testing.T) {
	for _, s := range []string{"123456", "-9223372036854775807", "1.5", "0.123456", "1.7976931348623157e308"} {
		b := []byte(s)
		isInt := strings.IndexByte(s, '.') < 0
		n := testing.AllocsPerRun(100, func() {
			_, ok := Float(b)
			if isInt && ok {
				_, ok = CanonicalInt(b)
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

// measureNumbers parses many numbers, since one alone is soon known by heart by the branch predictor.
func measureNumbers(b *testing.B, format string, parse func([]byte) bool) {
	rng := rand.New(rand.NewPCG(1, 2))
	all := make([][]byte, 1<<16)
	for i := range all {
		all[i] = fmt.Appendf(nil, format, rng.Float64()*math.Pow(10, float64(rng.IntN(6))))
	}
	for b.Loop() {
		for _, text := range all {
			if !parse(text) {
				b.Fatalf("%q", text)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(all)), "ns/number")
}

func BenchmarkFloat(b *testing.B) {
	b.Run("delimited", func(b *testing.B) {
		measureNumbers(b, "%.4f", func(text []byte) bool {
			_, ok := Float(text)
			return ok
		})
	})
	b.Run("strconv", func(b *testing.B) {
		measureNumbers(b, "%.4f", func(text []byte) bool {
			_, err := strconv.ParseFloat(string(text), 64)
			return err == nil
		})
	})
}

func BenchmarkInt(b *testing.B) {
	for name, parse := range map[string]func([]byte) (int64, bool){"delimited": Int, "canonical": CanonicalInt} {
		b.Run(name, func(b *testing.B) {
			measureNumbers(b, "%.0f", func(text []byte) bool {
				_, ok := parse(text)
				return ok
			})
		})
	}
	b.Run("strconv", func(b *testing.B) {
		measureNumbers(b, "%.0f", func(text []byte) bool {
			_, err := strconv.ParseInt(string(text), 10, 64)
			return err == nil
		})
	})
}
