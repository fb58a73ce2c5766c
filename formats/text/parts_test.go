package text

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/internal/chars"
	"github.com/shardmill/shardmill/formats/internal/input"
)

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

// drain reads all that is left with ReadBytes.
func drain(t failer, r *Reader) []result {
	t.Helper()
	var all []result
	for {
		text, number, err := r.ReadBytes()
		var row *RowError
		switch {
		case errors.Is(err, io.EOF):
			return all
		case errors.As(err, &row):
			if text != nil || row.Line != row.Last {
				t.Fatalf("line %q with %v", text, err)
			}
			all = append(all, result{row.Line, row.Raw, row.Err})
		case err != nil:
			t.Fatalf("%v", err)
		default:
			all = append(all, result{number, string(text), nil})
		}
	}
}

var sameErrors = cmp.Comparer(func(a, b error) bool { return a == nil && b == nil || a != nil && b != nil && a.Error() == b.Error() })

// checkParts compares the lines of all parts between cuts with those of one Reader.
func checkParts(t failer, data string, cuts []int64, max int) {
	t.Helper()
	const room = 16
	want := drain(t, newReader(strings.NewReader(data), "in.txt", Position{Line: 1}, math.MaxInt64, max, 2*room))
	parts := make([]Scanned, len(cuts)-1)
	for i := range parts {
		var err error
		if parts[i], err = scanReader(strings.NewReader(data[cuts[i]:cuts[i+1]]), room); err != nil {
			t.Fatalf("%v", err)
		}
	}
	starts := Starts(Position{Line: 1}, parts)
	var got []result
	for i := range parts {
		r := newReader(strings.NewReader(data[starts[i].Offset:]), "in.txt", starts[i], cuts[i+1], max, room)
		got = append(got, drain(t, r)...)
		if r.Position() != starts[i+1] {
			t.Fatalf("%q cut at %v: part %d ends at %+v, the next one starts at %+v", data, cuts, i, r.Position(), starts[i+1])
		}
	}
	if diff := cmp.Diff(want, got, sameErrors); diff != "" {
		t.Fatalf("%q cut at %v: %s", data, cuts, diff)
	}
}

func isUTF16(data string) bool {
	return strings.HasPrefix(data, "\xff\xfe") || strings.HasPrefix(data, "\xfe\xff")
}

var seeds = []string{
	"", "\n", "a", "a\n", "a\nb", "a\r\nb\r\n", "\n\n\n", "\r", "\r\n", "a\r", input.Mark, input.Mark + "a\n", input.Mark + "\n\n", "1234567890\nb\n",
	"\xff\na\x00\né\n", "a\n\nb\n\nc", input.Mark + "a", "\xef\xbb\n",
}

// TestAllCuts cuts each seed at each place.
func TestAllCuts(t *testing.T) {
	for _, s := range append(seeds, strings.Join(seeds, "x\n")) {
		var all []int64
		for i := range len(s) + 1 {
			all = append(all, int64(i))
			for j := range i + 1 {
				checkParts(t, s, []int64{0, int64(j), int64(i), int64(len(s))}, 8)
			}
		}
		if len(s) > 0 {
			checkParts(t, s, all, 8)
		}
	}
}

func texts() *rapid.Generator[string] {
	pieces := rapid.SampledFrom([]string{"a", "bc", "\n", "\n", "\r\n", "\r", "é", "\xff", "\x00", "0123456789", input.Mark})
	return rapid.Map(rapid.SliceOfN(pieces, 0, 40), func(s []string) string { return strings.Join(s, "") })
}

func TestParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := texts().Draw(t, "text")
		cuts := append(rapid.SliceOfN(rapid.Int64Range(0, int64(len(data))), 0, 8).Draw(t, "cuts"), 0, int64(len(data)))
		slices.Sort(cuts)
		checkParts(t, data, cuts, rapid.SampledFrom([]int{0, 3, 8}).Draw(t, "max"))
	})
}

func FuzzParts(f *testing.F) {
	for _, s := range seeds {
		f.Add(s+"x\n"+s, uint16(2), uint16(5))
	}
	f.Fuzz(func(t *testing.T, data string, a, b uint16) {
		if isUTF16(data) {
			return // refused
		}
		n := int64(len(data))
		cuts := []int64{0, min(int64(a), n), min(int64(b), n), n}
		slices.Sort(cuts)
		checkParts(t, data, cuts, 8)
	})
}

func TestScan(t *testing.T) {
	for _, c := range []struct {
		part string
		want Scanned
	}{
		{"", Scanned{}},
		{"abc", Scanned{Size: 3}},
		{"abc\n", Scanned{Size: 4, Lines: 1, First: 4, Last: 4}},
		{"\nabc\n\nd", Scanned{Size: 7, Lines: 3, First: 1, Last: 6}},
	} {
		if got := Scan([]byte(c.part)); got != c.want {
			t.Errorf("%q: %+v, want %+v", c.part, got, c.want)
		}
	}
}

func TestComposeIsScanOfBoth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := texts().Draw(t, "a"), texts().Draw(t, "b"), texts().Draw(t, "c")
		sa, sb, sc := Scan([]byte(a)), Scan([]byte(b)), Scan([]byte(c))
		want := Scan([]byte(a + b + c))
		if left, right := Compose(Compose(sa, sb), sc), Compose(sa, Compose(sb, sc)); left != want || right != want {
			t.Fatalf("%q %q %q: %+v and %+v, want %+v", a, b, c, left, right, want)
		}
	})
}

func TestScanReader(t *testing.T) {
	data := []byte(strings.Repeat("0123456789\n", 3*scanBlock/11) + "x")
	if got, err := ScanReader(iotest.HalfReader(bytes.NewReader(data))); err != nil || got != Scan(data) {
		t.Errorf("%+v, want %+v, %v", got, Scan(data), err)
	}
	if _, err := ScanReader(iotest.ErrReader(iotest.ErrTimeout)); !errors.Is(err, iotest.ErrTimeout) {
		t.Error(err)
	}
}

// TestScannedGolden pins the JSON, which callers keep.
func TestScannedGolden(t *testing.T) {
	want, err := os.ReadFile("testdata/scanned.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(Scan([]byte("b\n\ncd\nefg")))
	if err != nil || string(got) != strings.TrimSpace(string(want)) {
		t.Errorf("%s, want %s, %v", got, want, err)
	}
	var back Scanned
	if err := json.Unmarshal(want, &back); err != nil || back != Scan([]byte("b\n\ncd\nefg")) {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestNothingStartsInThePart(t *testing.T) {
	for _, hi := range []int64{-1, 0, 3, 5} {
		r := NewPartReader(strings.NewReader("line"), "in.txt", Position{Offset: 5, Line: 2}, hi, 0)
		if got := drain(t, r); got != nil || r.Position() != (Position{Offset: 5, Line: 2}) {
			t.Errorf("up to %d: %+v", hi, got)
		}
	}
}

// TestWindow has lines of all lengths around the size of the window, and bad ones anywhere in a block.
func TestWindow(t *testing.T) {
	var b bytes.Buffer
	for _, n := range []int{0, 1, checkBlock - 1, checkBlock, checkBlock + 1, windowSize - 2, windowSize - 1, windowSize, windowSize + 1, 2 * windowSize} {
		for _, end := range []string{"\n", "\r\n", "\xff\n", "\x00\r\n", "é\n"} {
			b.WriteString("before\n" + strings.Repeat("x", n) + end)
		}
	}
	data := b.String()
	var want []result
	for i, line := range strings.Split(strings.TrimSuffix(data, "\n"), "\n") {
		line = strings.TrimSuffix(line, "\r")
		w := result{int64(i + 1), line, chars.Check([]byte(line))}
		if w.Err != nil {
			w.Text = strings.ToValidUTF8(line[:min(len(line), maxRaw)], "\uFFFD")
		}
		want = append(want, w)
	}
	for _, src := range []io.Reader{strings.NewReader(data), iotest.DataErrReader(iotest.HalfReader(strings.NewReader(data)))} {
		got := drain(t, NewReader(src, "in.txt", 0))
		if len(got) != len(want) {
			t.Fatalf("%d lines, want %d", len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("line %d: %d bytes, %v; want %d bytes, %v", i+1, len(got[i].Text), got[i].Err, len(want[i].Text), want[i].Err)
			}
		}
	}
}

func TestLongLineIsNotHeld(t *testing.T) {
	for _, end := range []string{"", "\nok", "\r\nok\n"} {
		r := NewReader(strings.NewReader("ok\n"+strings.Repeat("x", 20<<20)+end), "in.txt", 0)
		got := drain(t, r)
		if len(got) < 2 || got[0].Text != "ok" || !errors.Is(got[1].Err, formats.ErrTooLong) || len(got[1].Text) != maxRaw {
			t.Fatalf("%q: %d lines", end, len(got))
		}
		if end != "" && (len(got) != 3 || got[2] != result{3, "ok", nil}) {
			t.Errorf("%q: %d lines", end, len(got))
		}
		if most := 2 * defaultMax; len(r.buf) > most {
			t.Errorf("holds %d bytes, want no more than %d", len(r.buf), most)
		}
	}
}

// TestErrorInsideALongLine has its error while a line is skipped.
func TestErrorInsideALongLine(t *testing.T) {
	r := NewReader(io.MultiReader(strings.NewReader(strings.Repeat("x", 3<<20)), iotest.ErrReader(iotest.ErrTimeout)), "in.txt", 0)
	for range 2 {
		if _, _, err := r.ReadBytes(); !errors.Is(err, iotest.ErrTimeout) {
			t.Error(err)
		}
	}
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

func TestNoProgress(t *testing.T) {
	if _, _, err := NewReader(nothing{}, "in.txt", 0).ReadBytes(); !errors.Is(err, io.ErrNoProgress) {
		t.Error(err)
	}
}

func TestReadBytesDoesNotAllocate(t *testing.T) {
	r := NewPartReader(strings.NewReader(strings.Repeat("some words, é\r\n", 5000)), "in.txt", Position{Line: 1}, math.MaxInt64, 0)
	if _, _, err := r.ReadBytes(); err != nil { // makes the window
		t.Fatal(err)
	}
	var err error
	if n := testing.AllocsPerRun(4000, func() { _, _, err = r.ReadBytes() }); err != nil || n != 0 {
		t.Errorf("%v allocations a line, %v", n, err)
	}
}
