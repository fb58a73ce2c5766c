package delimited

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/internal/input"
)

// plainScan is Scan byte by byte.
func plainScan(part []byte, comma byte) Scanned {
	s := Scanned{Size: int64(len(part)), Lines: countLines(part)}
	for from := AtRecord; from < States; from++ {
		state := from
		o := Outcome{}
		switch from {
		case AtRecord:
			o.Found = true
		case Return:
			o.Found, o.First = true, -1
		}
		for i, c := range part {
			if state.starts(c) {
				o.Records++
			}
			state = state.step(c, comma)
			if state == AtRecord && !o.Found {
				o.Found, o.First, o.Before = true, int64(i+1), countLines(part[:i+1])
			}
		}
		o.End = state
		s.From[from] = o
	}
	return s
}

func checkScan(t failer, part []byte, comma byte) {
	t.Helper()
	if diff := cmp.Diff(plainScan(part, comma), Scan(part, comma)); diff != "" {
		t.Fatalf("%q: %s", part, diff)
	}
}

func TestScan(t *testing.T) {
	for _, s := range seeds {
		for i := range len(s) + 1 {
			checkScan(t, []byte(s[i:]), ',')
			checkScan(t, []byte(s[:i]), 'a')
		}
	}
	rapid.Check(t, func(t *rapid.T) { checkScan(t, []byte(texts().Draw(t, "text")), ',') })
}

func FuzzScan(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, part []byte) { checkScan(t, part, ',') })
}

// TestWalk checks that text may be followed in pieces, and where quotes open.
func TestWalk(t *testing.T) {
	for _, c := range []struct {
		from   State
		text   string
		end    State
		n      int
		opened int
	}{
		{AtRecord, "", AtRecord, 0, -1},
		{AtRecord, "a,b", Plain, 3, -1},
		{AtRecord, "a,b\nc", AtRecord, 4, -1},
		{AtRecord, "\r", Return, 1, -1},
		{AtRecord, "a,\"b\n\",\"c", Quoted, 9, 7},
		{Quoted, "a\"\"\"\n", AtRecord, 5, -1},
		{Quoted, "a\"b\"\nc", AtRecord, 5, -1},
		{AfterQuote, "\"\n", Quoted, 2, -1},
		{AfterQuote, "\r\n", AtRecord, 2, -1},
		{Broken, "a,\"b\n", AtRecord, 5, -1},
		{Return, "\"", Broken, 1, -1},
	} {
		end, n, opened := walk(c.from, []byte(c.text), ',')
		if end != c.end || n != c.n || opened != c.opened {
			t.Errorf("%d %q: %d after %d, opened at %d; want %d, %d, %d", c.from, c.text, end, n, opened, c.end, c.n, c.opened)
		}
	}
}

func TestComposeIsScanOfBoth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := []byte(texts().Draw(t, "a")), []byte(texts().Draw(t, "b")), []byte(texts().Draw(t, "c"))
		sa, sb, sc := Scan(a, ','), Scan(b, ','), Scan(c, ',')
		whole := Scan(slices.Concat(a, b, c), ',')
		if diff := cmp.Diff(whole, Compose(Compose(sa, sb), sc)); diff != "" {
			t.Fatalf("(%q %q) %q: %s", a, b, c, diff)
		}
		if diff := cmp.Diff(whole, Compose(sa, Compose(sb, sc))); diff != "" {
			t.Fatalf("%q (%q %q): %s", a, b, c, diff)
		}
	})
}

// anyScanned is not always the scan of a text: Compose is associative all the same.
func anyScanned() *rapid.Generator[Scanned] {
	count := rapid.Int64Range(0, 1000)
	return rapid.Custom(func(t *rapid.T) Scanned {
		s := Scanned{Size: count.Draw(t, "size"), Lines: count.Draw(t, "lines")}
		for i := range s.From {
			o := Outcome{End: State(rapid.IntRange(0, States-1).Draw(t, "end")), Records: count.Draw(t, "records")}
			if o.Found = rapid.Bool().Draw(t, "found"); o.Found {
				o.First, o.Before = count.Draw(t, "first"), count.Draw(t, "before")
			}
			s.From[i] = o
		}
		return s
	})
}

func TestComposeIsAssociative(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyScanned().Draw(t, "a"), anyScanned().Draw(t, "b"), anyScanned().Draw(t, "c")
		if Compose(Compose(a, b), c) != Compose(a, Compose(b, c)) {
			t.Fatal("not associative")
		}
		if none := Scan(nil, ','); Compose(none, c).From[AtRecord].End != c.From[AtRecord].End {
			t.Fatal("the scan of nothing changes what follows")
		}
	})
}

// checkRanges compares the records of all ranges between cuts with those of one Reader.
func checkRanges(t failer, data string, base Position, cuts []int64, o Options, room int) {
	t.Helper()
	src := strings.NewReader(data)
	whole, err := newReader(io.NewSectionReader(src, base.Offset, math.MaxInt64), "a.csv", base, math.MaxInt64, o, 300)
	if err != nil {
		t.Fatalf("%v", err)
	}
	want := drain(t, whole)
	parts := make([]Scanned, len(cuts)-1)
	for i := range parts {
		if parts[i], err = ScanRange(src, "a.csv", cuts[i], cuts[i+1], o.Comma); err != nil {
			t.Fatalf("%v", err)
		}
	}
	starts := Starts(base, parts)
	var got []outcome
	for i := range parts {
		from := starts[i]
		r, err := newReader(io.NewSectionReader(src, from.Offset, math.MaxInt64), "a.csv", from, cuts[i+1], o, room)
		if err != nil {
			t.Fatalf("%v", err)
		}
		got = append(got, drain(t, r)...)
		if r.Position() != starts[i+1] {
			t.Fatalf("%q cut at %v: part %d ends at %+v, the next one starts at %+v", data, cuts, i, r.Position(), starts[i+1])
		}
	}
	if diff := cmp.Diff(want, got, sameText); diff != "" {
		t.Fatalf("%q cut at %v: %s", data, cuts, diff)
	}
	if rows := starts[len(parts)].Row - base.Row; rows != int64(len(want)) {
		t.Fatalf("%q cut at %v: %d rows counted, %d read", data, cuts, rows, len(want))
	}
}

// TestRanges cuts random text anywhere, after a header or without one.
func TestRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := texts().Draw(t, "text")
		base := Position{Line: 1}
		switch rapid.IntRange(0, 2).Draw(t, "head") {
		case 1:
			data = input.Mark + data
		case 2:
			head := "user,item\n"
			base = Position{Offset: int64(len(head)), Line: 2, Row: 1}
			data = head + data
		}
		if isUTF16(data) {
			return
		}
		cuts := rapid.SliceOfN(rapid.Int64Range(base.Offset, int64(len(data))), 0, 8).Draw(t, "cuts")
		cuts = append(cuts, base.Offset, int64(len(data)))
		slices.Sort(cuts)
		o := Options{Columns: []string{"user", "item"}, MaxRecord: rapid.SampledFrom([]int{0, 8}).Draw(t, "max")}
		checkRanges(t, data, base, cuts, o, rapid.IntRange(1, 40).Draw(t, "room"))
	})
}

// TestAllCuts cuts each seed at each place.
func TestAllCuts(t *testing.T) {
	for _, s := range append(seeds, strings.Join(seeds, "x,y\n")) {
		cuts := make([]int64, len(s)+1)
		for i := range cuts {
			cuts[i] = int64(i)
			checkRanges(t, s, Position{Line: 1}, []int64{0, int64(i), int64(len(s))}, Options{Columns: []string{"a", "b"}}, 10)
		}
		checkRanges(t, s, Position{Line: 1}, cuts, Options{Columns: []string{"a", "b"}}, 100)
	}
}

func FuzzRanges(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s+"x,y\n"+s), uint16(3), uint16(7))
	}
	f.Fuzz(func(t *testing.T, data []byte, a, b uint16) {
		if isUTF16(string(data)) {
			return // refused
		}
		n := int64(len(data))
		cuts := []int64{0, min(int64(a), n), min(int64(b), n), n}
		slices.Sort(cuts)
		checkRanges(t, string(data), Position{Line: 1}, cuts, Options{Columns: []string{"a", "b"}}, 32)
	})
}

// TestScanRangeInBlocks scans more than one block.
func TestScanRangeInBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var b bytes.Buffer
	for b.Len() < 3*scanBlock {
		b.WriteString(seeds[rng.IntN(len(seeds))])
	}
	data := b.Bytes()
	got, err := ScanRange(bytes.NewReader(data), "a", 5, int64(len(data)), 0)
	if diff := cmp.Diff(Scan(data[5:], ','), got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

// TestScanReader scans what ScanRange scans.
func TestScanReader(t *testing.T) {
	for _, s := range seeds {
		for _, at := range []int{0, min(4, len(s)), len(s)} {
			want, err := ScanRange(strings.NewReader(s), "a", int64(at), int64(len(s)), 0)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ScanReader(iotest.OneByteReader(strings.NewReader(s[at:])), int64(at), 0)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%q from %d: %v %s", s, at, err, diff)
			}
		}
	}
	for _, at := range []int64{0, 1} {
		if _, err := ScanReader(iotest.ErrReader(iotest.ErrTimeout), at, 0); !errors.Is(err, iotest.ErrTimeout) {
			t.Error(err)
		}
		if _, err := ScanReader(strings.NewReader(""), at, '"'); !errors.Is(err, ErrComma) {
			t.Error(err)
		}
	}
	if _, err := ScanReader(strings.NewReader("\xff\xfea\x00"), 0, 0); !errors.Is(err, formats.ErrUTF16) {
		t.Error(err)
	}
}

// TestScannedGolden pins the JSON, which callers keep.
func TestScannedGolden(t *testing.T) {
	want, err := os.ReadFile("testdata/scanned.json")
	if err != nil {
		t.Fatal(err)
	}
	scanned := Scan([]byte("1\",2\n\"3\n4\",5\r\n\r6,\""), ',')
	got, err := json.MarshalIndent(scanned, "", "\t")
	if err != nil || string(got) != strings.TrimSpace(string(want)) {
		t.Errorf("%s, want %s, %v", got, want, err)
	}
	var back Scanned
	if err := json.Unmarshal(want, &back); err != nil || back != scanned {
		t.Errorf("%+v, want %+v, %v", back, scanned, err)
	}
}

// TestPartReader reads a part from where it begins, with nothing before it.
func TestPartReader(t *testing.T) {
	rest := strings.NewReader("\"c\n\",d\ne,f\n")
	r, err := NewPartReader(rest, "a.csv", Position{Offset: 1000, Line: 7, Row: 5}, 1001, Options{Columns: []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]outcome{row(7, 5, "c\n", "d")}, drain(t, r)); diff != "" {
		t.Error(diff)
	}
	if want := (Position{Offset: 1007, Line: 9, Row: 6}); r.Position() != want {
		t.Errorf("at %+v, want %+v", r.Position(), want)
	}
}

type brokenAt struct{ err error }

func (b brokenAt) ReadAt([]byte, int64) (int, error) { return 0, b.err }

func TestScanRangeErrors(t *testing.T) {
	if _, err := ScanRange(strings.NewReader("a,b\n"), "a.csv", 0, 5, 0); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(err.Error(), "a.csv: ") {
		t.Error(err)
	}
	for _, lo := range []int64{0, 10} {
		if _, err := ScanRange(brokenAt{iotest.ErrTimeout}, "a.csv", lo, 50, 0); !errors.Is(err, iotest.ErrTimeout) {
			t.Error(err)
		}
	}
	if s, err := ScanRange(brokenAt{iotest.ErrTimeout}, "a.csv", 7, 7, 0); err != nil || s != Scan(nil, ',') {
		t.Errorf("nothing to scan: %+v, %v", s, err)
	}
}
