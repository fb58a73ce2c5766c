package delimited

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/internal/input"
)

// outcome is a record or a bad record.
type outcome struct {
	Line, Row int64
	Fields    []string
	Bad       string // text of the RowError, which has its lines
	Last      int64  // of a bad record, and Raw, Column and Err too
	Raw       string
	Column    string
	Err       error
}

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

// drain reads all that is left. It overwrites each record once it is taken, since nobody may rely on it.
func drain(t failer, r *Reader) []outcome {
	t.Helper()
	var all []outcome
	for {
		rec := Record{Line: -1}
		row := r.Position().Row
		err := r.Read(&rec)
		var bad *RowError
		switch {
		case errors.Is(err, io.EOF):
			return all
		case errors.As(err, &bad):
			if rec.Line != -1 || r.Position().Row != row+1 {
				t.Fatalf("record %+v with %v, at %+v", rec, err, r.Position())
			}
			all = append(all, outcome{
				Line: bad.Line, Row: row, Bad: bad.Error(), Last: bad.Last, Raw: bad.Raw, Column: bad.Column, Err: bad.Err,
			})
		case err != nil || rec.Row != row:
			t.Fatalf("%v, record %d after %d", err, rec.Row, row)
		default:
			o := outcome{Line: rec.Line, Row: rec.Row, Fields: []string{}}
			for i := range rec.Len() {
				o.Fields = append(o.Fields, string(rec.Field(i)))
			}
			all = append(all, o)
		}
	}
}

// drainMany is drain for records that are read together, so many at most.
func drainMany(t failer, r *Reader, most int) []outcome {
	t.Helper()
	var all []outcome
	var recs Records
	for {
		err := r.ReadRecords(&recs, most)
		if n := recs.Len(); err != nil && n > 0 || err == nil && (n < 1 || n > most) {
			t.Fatalf("%d records of at most %d, and %v", n, most, err)
		}
		var bad *RowError
		switch {
		case errors.Is(err, io.EOF):
			return all
		case errors.As(err, &bad):
			all = append(all, outcome{
				Line: bad.Line, Row: r.Position().Row - 1, Bad: bad.Error(), Last: bad.Last, Raw: bad.Raw, Column: bad.Column, Err: bad.Err,
			})
		case err != nil:
			t.Fatalf("%v", err)
		}
		for i := range recs.Len() {
			o := outcome{Line: recs.Line(i), Row: recs.Row(i), Fields: []string{}}
			for field := range recs.Fields() {
				o.Fields = append(o.Fields, string(recs.Field(i, field)))
			}
			all = append(all, o)
		}
	}
}

// readAll reads with a window that is small, since many tests read little. Records that are read together are the same.
func readAll(t failer, data string, o Options) []outcome {
	t.Helper()
	open := func() *Reader {
		r, err := newReader(strings.NewReader(data), "a.csv", Position{Line: 1}, math.MaxInt64, o, 300)
		if err != nil {
			t.Fatalf("%v", err)
		}
		return r
	}
	all := drain(t, open())
	for _, most := range []int{1, 2, 3, 1000} {
		r := open()
		if diff := cmp.Diff(all, drainMany(t, r, most), sameText); diff != "" {
			t.Fatalf("%q: up to %d records together: %s", data, most, diff)
		}
		if n := r.Position().Row; n != int64(len(all)) {
			t.Fatalf("%q: at row %d of %d", data, n, len(all))
		}
	}
	return all
}

// row and bad are rows of tables.
func row(line, n int64, fields ...string) outcome {
	return outcome{Line: line, Row: n, Fields: fields}
}

var ignorePlaces = cmp.FilterPath(func(p cmp.Path) bool {
	return p.Last().String() == ".Bad" || p.Last().String() == ".Err"
}, cmp.Ignore())

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []outcome
	}{
		{"empty", "", nil},
		{"blank", "\n\r\n\n\r", nil},
		{"one", "a,b", []outcome{row(1, 0, "a", "b")}},
		{"line ends", "a,b\nc,d\r\ne,f\r", []outcome{row(1, 0, "a", "b"), row(2, 1, "c", "d"), row(3, 2, "e", "f")}},
		{"empty fields", ",\n\"\",\"\"\n", []outcome{row(1, 0, "", ""), row(2, 1, "", "")}},
		{"quotes", "\"a,\"\"\n\",b\n\n\"\"\"\",c", []outcome{row(1, 0, "a,\"\n", "b"), row(4, 1, "\"", "c")}},
		{"returns inside quotes", "\"a\r\nb\rc\",\"\r\r\n\"\r\n", []outcome{row(1, 0, "a\nb\rc", "\r\n")}},
		{"mark", input.Mark + "\"a\",b\n", []outcome{row(1, 0, "a", "b")}},
		{"bare quote", "a,b\nc\",d\ne,f\n", []outcome{row(1, 0, "a", "b"), {Line: 2, Row: 1, Last: 2, Raw: "c\",d"}, row(3, 2, "e", "f")}},
		{"text after a quote", "a,b\n\"c\nd\"e,\"f\ng,h\n", []outcome{row(1, 0, "a", "b"), {Line: 2, Row: 1, Last: 3, Raw: "\"c\nd\"e,\"f"}, row(4, 2, "g", "h")}},
		{"too many", "a,b\nc,d,e\n", []outcome{row(1, 0, "a", "b"), {Line: 2, Row: 1, Last: 2, Raw: "c,d,e"}}},
		{"open", "a,b\nc,\"d\n\ne,f\n", []outcome{row(1, 0, "a", "b"), {Line: 2, Row: 1, Last: 4, Raw: "c,\"d\n\ne,f\n"}}},
		{"not UTF-8", "a,b\nc,\xff\n", []outcome{row(1, 0, "a", "b"), {Line: 2, Row: 1, Last: 2, Raw: "c,\uFFFD"}}},
		{"not UTF-8 far inside quotes", "a,b\nc,\"0123456789abcdef\xff0123456789\"\n", []outcome{row(1, 0, "a", "b"), {Line: 2, Row: 1, Last: 2, Raw: "c,\"0123456789abcdef\uFFFD0123456789\""}}},
		{"UTF-8", "a,é\nü,\"ß\"\n", []outcome{row(1, 0, "a", "é"), row(2, 1, "ü", "ß")}},
	} {
		if diff := cmp.Diff(c.want, readAll(t, c.text, Options{}), ignorePlaces); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestErrors(t *testing.T) {
	names := Options{Columns: []string{"user", "item"}, MaxRecord: 12}
	for _, c := range []struct {
		text, want string
		is         error
	}{
		{"a\"\n", `a.csv:1: bare " in non-quoted-field`, csv.ErrBareQuote},
		{"\"a\"b\n", `a.csv:1: extraneous or missing " in quoted-field`, csv.ErrQuote},
		{"a,b\n\n\"a\nb\",\"c\n\n", `a.csv:3-5: extraneous or missing " in quoted-field: the quote of line 4 is never closed`, csv.ErrQuote},
		{"a\n", `a.csv:1: wrong number of fields: 1, not 2`, csv.ErrFieldCount},
		{"a,\x00\n", `a.csv:1: column "item": text has a NUL character`, formats.ErrNUL},
		{"\xff,b\n", `a.csv:1: column "user": not valid UTF-8`, formats.ErrNotUTF8},
		{"\"a\",\"\xff\"\n", `a.csv:1: column "item": not valid UTF-8`, formats.ErrNotUTF8},
		{"123456,890123\n", `a.csv:1: record longer than the limit of 12 bytes`, formats.ErrTooLong},
		{"\"23456\n\n\",0123\nx,y\n", `a.csv:1-3: record longer than the limit of 12 bytes`, formats.ErrTooLong},
		{"123456,89\"123\n", `a.csv:1: record longer than the limit of 12 bytes`, formats.ErrTooLong},
		{"\"23456,890123\n\n", `a.csv:1-2: extraneous or missing " in quoted-field: the quote of line 1 is never closed`, csv.ErrQuote},
	} {
		var all []outcome
		for _, o := range readAll(t, c.text, names) {
			if o.Err != nil {
				all = append(all, o)
			}
		}
		if len(all) != 1 || all[0].Bad != c.want || !errors.Is(all[0].Err, c.is) {
			t.Errorf("%q: %+v, want %s", c.text, all, c.want)
		}
	}
}

func TestLimit(t *testing.T) {
	o := Options{Columns: []string{"a", "b"}, MaxRecord: 12}
	for _, text := range []string{"123456,89012\n", "123456,89012\r\n", "123456,89012\r", "\"23456\",\"01\"\r\n", "\n123456,89012"} {
		if got := readAll(t, text, o); len(got) != 1 || got[0].Err != nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestAnyBytes(t *testing.T) {
	got := readAll(t, "\xff,\"\xe9\"\na,\x00\n", Options{AnyBytes: true})
	if len(got) != 2 || got[0].Fields[0] != "\xff" || got[0].Fields[1] != "\xe9" || !errors.Is(got[1].Err, formats.ErrNUL) {
		t.Errorf("%+v", got)
	}
}

func TestComma(t *testing.T) {
	for _, c := range []byte{';', '\t', '|', ' ', 'x', 0x01} {
		got := readAll(t, fmt.Sprintf("a%cb,%c\"%c\"\n", c, c, c), Options{Comma: c})
		if diff := cmp.Diff([]outcome{row(1, 0, "a", "b,", string(c))}, got); diff != "" {
			t.Errorf("%q: %s", c, diff)
		}
	}
	for _, c := range []byte{'"', '\r', '\n', 0x80, 0xff} {
		_, err := NewReader(strings.NewReader(""), "a", Options{Comma: c})
		_, scanErr := ScanRange(strings.NewReader(""), "a", 0, 0, c)
		if !errors.Is(err, ErrComma) || !errors.Is(scanErr, ErrComma) {
			t.Errorf("%q: %v, %v", c, err, scanErr)
		}
	}
}

func TestUTF16(t *testing.T) {
	for _, s := range []string{"\xff\xfea\x00", "\xfe\xff\x00a"} {
		_, err := NewReader(strings.NewReader(s), "a.csv", Options{})
		_, scanErr := ScanRange(strings.NewReader(s), "a.csv", 0, 2, 0)
		if !errors.Is(err, formats.ErrUTF16) || !strings.HasPrefix(err.Error(), "a.csv: ") || !errors.Is(scanErr, formats.ErrUTF16) {
			t.Errorf("%q: %v, %v", s, err, scanErr)
		}
	}
}

// TestLongRecordIsNotHeld reads a record of many windows.
func TestLongRecordIsNotHeld(t *testing.T) {
	long := "\"" + strings.Repeat("0123456789\n", 1<<20) + "\","
	for _, c := range []struct {
		text string
		last int64
		is   error
		rows int
	}{
		{"a,b\n" + long + "\nc,d\n", 1<<20 + 2, formats.ErrTooLong, 3},
		{"a,b\n" + long + "\"\"\n", 1<<20 + 2, formats.ErrTooLong, 2},
		{"a,b\n" + long + "\"", 1<<20 + 2, csv.ErrQuote, 2},
	} {
		r, err := NewReader(strings.NewReader(c.text), "a.csv", Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := drain(t, r)
		if len(got) != c.rows || got[1].Line != 2 || got[1].Last != c.last || !errors.Is(got[1].Err, c.is) || len(got[1].Raw) > maxRaw {
			t.Errorf("%d rows, lines %d to %d, %v", len(got), got[1].Line, got[1].Last, got[1].Err)
		}
		if most := defaultMax + 100; len(r.buf) > most {
			t.Errorf("holds %d bytes, want no more than %d", len(r.buf), most)
		}
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("broken")
	for head, rows := range map[string]int{"": 0, "a": 0, "a,b\n": 1, "a,b\nc,d": 1, "a,b\nc,\"d\n": 1} {
		r, err := NewReader(io.MultiReader(strings.NewReader(head), iotest.ErrReader(broken)), "a.csv", Options{})
		var rec Record
		n := 0
		for ; err == nil; n++ {
			err = r.Read(&rec)
		}
		if n-1 != rows && rows > 0 || !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "a.csv: ") {
			t.Errorf("%q: %d rows, %v", head, n-1, err)
		}
		if r != nil && !errors.Is(r.Read(&rec), broken) {
			t.Errorf("%q: the error does not stay", head)
		}
	}
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

func TestNoProgress(t *testing.T) {
	r, err := NewReader(nothing{}, "a", Options{})
	if err == nil {
		err = r.Read(new(Record))
	}
	if !errors.Is(err, io.ErrNoProgress) {
		t.Error(err)
	}
}

// TestPlainRecords has records that are read in the short way and records that are not, side by side.
func TestPlainRecords(t *testing.T) {
	fields := rapid.SampledFrom([]string{"", "a", "12345", "0.25", "é", "\xff", "\x00", "\r", "x\ry", "\"q\"", "\"\"\"\"", "b\"", strings.Repeat("long", 30)})
	ends := rapid.SampledFrom([]string{"\n", "\n", "\r\n", "\n\n", "\n\r\n"})
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(0, 30).Draw(t, "rows") {
			b.WriteString(strings.Join(rapid.SliceOfN(fields, 2, 3).Draw(t, "row"), ",") + ends.Draw(t, "end"))
		}
		checkOracle(t, "a,b\n"+b.String(), ',')
	})
}

// TestRest reads what the window has and more, so that the input ends where a chunk does.
func TestRest(t *testing.T) {
	for n := range 3 * chunkSize {
		field := strings.Repeat("x", n)
		for _, text := range []string{"a,b\n" + field + "," + field, "a,b\n" + field + ",\"" + field + "\"", "a,b\n,\"" + field} {
			checkOracle(t, text, ',')
			checkOracle(t, text+"\n", ',')
			checkOracle(t, text+"\r\n", ',')
		}
	}
}

// TestFieldsDoNotOverlap appends to a field, which must not change the next one.
func TestFieldsDoNotOverlap(t *testing.T) {
	for _, text := range []string{"a,b,c\n", "\"a\",\"b\",c\n", "\"\"\"\",\"\"\"\",\"\"\"\"\n"} {
		r, err := NewReader(strings.NewReader(text), "a", Options{})
		var rec Record
		if err == nil {
			err = r.Read(&rec)
		}
		if err != nil {
			t.Fatal(err)
		}
		want := string(rec.Field(1)) + string(rec.Field(2))
		_ = append(rec.Field(0), "xxxxxxxxx"...)
		_ = append(rec.Field(1)[:len(rec.Field(1)):len(rec.Field(1))], "xxx"...)
		if got := string(rec.Field(1)) + string(rec.Field(2)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestReadDoesNotAllocate(t *testing.T) {
	for name, line := range map[string]string{
		"UTF-8": "123,456,4.5,\"é\"\n", "plain": "123,456,4.5,0.123456\n", "quoted": "\"123\",\"4\n56\",\"\",\"0\"\n", "doubled": "\"1\"\"3\",\"\"\"\",\"\r\n\",é\r\n",
	} {
		r, err := newReader(strings.NewReader(strings.Repeat(line, 5000)), "a", Position{Line: 1}, math.MaxInt64, Options{}, 1000)
		if err != nil {
			t.Fatal(err)
		}
		var rec Record
		n := testing.AllocsPerRun(4000, func() { err = r.Read(&rec) })
		if err != nil || n != 0 {
			t.Errorf("%s: %v allocations a record, %v", name, n, err)
		}
		var recs Records
		n = testing.AllocsPerRun(50, func() { err = r.ReadRecords(&recs, 16) })
		if err != nil || n != 0 {
			t.Errorf("%s: %v allocations for some records, %v", name, n, err)
		}
	}
}

// TestRecords finds what is in records that are read together, and keeps their number to what they hold.
func TestRecords(t *testing.T) {
	r, err := NewReader(strings.NewReader("a,b\n\n\"c\nd\",e\nf,g\nh\ni,j\n"), "a", Options{Columns: []string{"x", "y"}})
	var recs Records
	if err == nil {
		err = r.ReadRecords(&recs, 100)
	}
	if err != nil || recs.Len() != 3 || recs.Fields() != 2 {
		t.Fatalf("%d records of %d fields, %v", recs.Len(), recs.Fields(), err)
	}
	for i, want := range []struct {
		line  int64
		field string
	}{{1, "b"}, {3, "e"}, {5, "g"}} {
		rec := recs.Record(i)
		if rec.Line != want.line || recs.Line(i) != want.line || rec.Row != int64(i) || recs.Row(i) != rec.Row || rec.Len() != 2 ||
			string(rec.Field(1)) != want.field || string(recs.Field(i, 1)) != want.field {
			t.Errorf("record %d: %+v, want %+v", i, rec, want)
		}
	}
	var bad *RowError
	if err := r.ReadRecords(&recs, 100); !errors.As(err, &bad) || bad.Line != 6 || recs.Len() != 0 {
		t.Errorf("%d records, %v", recs.Len(), err)
	}
	if err := r.ReadRecords(&recs, 0); err != nil || recs.Len() != 1 || recs.Line(0) != 7 || recs.Row(0) != 4 {
		t.Errorf("%d records, %v", recs.Len(), err)
	}
}

// TestWideRecords reads few records together where each has many fields.
func TestWideRecords(t *testing.T) {
	const fields = mostFields/10 + 1
	line := strings.Repeat(",", fields-1) + "\n"
	r, err := NewReader(strings.NewReader(strings.Repeat(line, 30)), "a", Options{Columns: make([]string, fields)})
	var recs Records
	n := 0
	for err == nil {
		if err = r.ReadRecords(&recs, 1000); recs.Len() > 9 || len(recs.fields) > mostFields {
			t.Fatalf("%d records and %d fields together", recs.Len(), len(recs.fields))
		}
		n += recs.Len()
	}
	if !errors.Is(err, io.EOF) || n != 30 {
		t.Errorf("%d records, %v", n, err)
	}
}

// TestWindow checks that nothing depends on the size of the window or of the reads.
func TestWindow(t *testing.T) {
	text := strings.Join(seeds, "x,y\n")
	text += "\"" + strings.Repeat("x,\n", 50) // each window ends at the end of the input for some size
	for _, o := range []Options{{}, {MaxRecord: 5}, {MaxRecord: 40, AnyBytes: true}} {
		want := readAll(t, text, o)
		for room := 1; room < 70; room++ {
			for most, src := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text)), iotest.DataErrReader(strings.NewReader(text))} {
				r, err := newReader(src, "a.csv", Position{Line: 1}, math.MaxInt64, o, room)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, drainMany(t, r, 1+most), sameText); diff != "" {
					t.Fatalf("window of %d: %s", room, diff)
				}
			}
		}
	}
}

var sameText = cmp.Comparer(func(a, b error) bool { return a == nil && b == nil || a != nil && b != nil && a.Error() == b.Error() })

func TestRangeOfNothing(t *testing.T) {
	data := bytes.NewReader([]byte("a,b\nc,d\n"))
	for _, hi := range []int64{-1, 0, 3, 4} {
		r, err := NewRangeReader(data, "a", Position{Offset: 4, Line: 2, Row: 1}, hi, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := drain(t, r); got != nil {
			t.Errorf("up to %d: %+v", hi, got)
		}
	}
}
