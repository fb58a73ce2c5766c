package manifest

import (
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/internal/formattest"
)

// outcome is a row or a bad record.
type outcome struct {
	Row    Row
	Line   int64 // of a bad record; Last, Column and Err too
	Last   int64
	Column string
	Raw    string
	Err    error
}

var options = Options{PathCol: "path", IDCol: "id", LabelCol: "label"}

func readAll(t *testing.T, r io.Reader, o Options) []outcome {
	t.Helper()
	m, err := NewReader(r, "m.csv", o)
	if err != nil {
		t.Fatal(err)
	}
	return drain(t, m)
}

func drain(t *testing.T, m *Reader) []outcome {
	t.Helper()
	var all []outcome
	for {
		var row Row
		err := m.Read(&row)
		var bad *RowError
		switch {
		case errors.Is(err, io.EOF):
			return all
		case errors.As(err, &bad):
			if bad.File != m.name || row.Line != 0 {
				t.Errorf("file %q, row %+v with error %v", bad.File, row, err)
			}
			all = append(all, outcome{Line: bad.Line, Last: bad.Last, Column: bad.Column, Raw: bad.Raw, Err: bad.Err})
		case err != nil:
			t.Fatal(err)
		default:
			all = append(all, outcome{Row: row})
		}
	}
}

// sameError lets a sentinel in a table stand for any error that wraps it.
var sameError = cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) || errors.Is(b, a) })

func ok(line int64, path, id, label string, carried ...string) outcome {
	return outcome{Row: Row{Line: line, Path: path, ID: id, Label: label, Carried: carried}}
}

// bad is a bad record from line 2 on.
func bad(last int64, column, raw string, err error) outcome {
	return outcome{Line: 2, Last: last, Column: column, Raw: raw, Err: err}
}

const header = "id,path,label\n"

func TestRead(t *testing.T) {
	good := ok(3, "b", "2", "y")
	for name, c := range map[string]struct {
		body string
		want []outcome
	}{
		"plain":           {"1,a,x\n2,b,y\n", []outcome{ok(2, "a", "1", "x"), good}},
		"no last newline": {"1,a,x\n2,b,y", []outcome{ok(2, "a", "1", "x"), good}},
		"crlf":            {"1,a,x\r\n2,b,y\r\n", []outcome{ok(2, "a", "1", "x"), good}},
		"blank lines":     {"\n2,b,y\n\r\n\n", []outcome{good}},
		"quoted":          {"\"1\",\"a,\"\"b\"\"\",x\n", []outcome{ok(2, `a,"b"`, "1", "x")}},
		"quoted newline":  {"1,\"a\r\nb\",x\n3,c,z\n", []outcome{ok(2, "a\nb", "1", "x"), ok(4, "c", "3", "z")}},
		"quoted blank":    {"1,\"a\n\nb\",x\n3,c,z\n", []outcome{ok(2, "a\n\nb", "1", "x"), ok(5, "c", "3", "z")}},
		"carriage return": {"1,a\r\r\n2,b,y\n", []outcome{bad(2, "", "1,a\r\r", csv.ErrFieldCount), good}},
		"inner return":    {"1,a,x\r\r\n2,b,y\n", []outcome{ok(2, "a", "1", "x\r"), good}},
		"empty id":        {",a,\n", []outcome{ok(2, "a", "", "")}},
		"few fields":      {"1,a\n2,b,y\n", []outcome{bad(2, "", "1,a", csv.ErrFieldCount), good}},
		"many fields":     {"1,a,x,\n2,b,y\n", []outcome{bad(2, "", "1,a,x,", csv.ErrFieldCount), good}},
		"empty path":      {"1,,x\n2,b,y\n", []outcome{bad(2, "path", "1,,x", ErrEmptyPath), good}},
		"bare quote":      {"1,a\"b,x\n2,b,y\n", []outcome{bad(2, "", "1,a\"b,x", csv.ErrBareQuote), good}},
		"after quote":     {"1,\"a\"b,x\n2,b,y\n", []outcome{bad(2, "", "1,\"a\"b,x", csv.ErrQuote), good}},
		"after 2 lines":   {"1,\"a\nb\"c,x\n3,c,z\n", []outcome{bad(3, "", "1,\"a\nb\"c,x", csv.ErrQuote), ok(4, "c", "3", "z")}},
		"invalid utf-8":   {"1,caf\xe9,x\n2,b,y\n", []outcome{bad(2, "path", "1,caf\uFFFD,x", formats.ErrNotUTF8), good}},
		"nul":             {"1,a,x\x00\n2,b,y\n", []outcome{bad(2, "label", "1,a,x\x00", formats.ErrNUL), good}},
		"no rows":         {"", nil},
	} {
		for _, r := range []io.Reader{strings.NewReader(header + c.body), iotest.OneByteReader(strings.NewReader(header + c.body))} {
			if diff := cmp.Diff(c.want, readAll(t, r, options), sameError); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	}
}

// TestOpenQuote checks that a quote that never closes is one error, which names its line.
func TestOpenQuote(t *testing.T) {
	for _, c := range []struct {
		body  string
		first int64
		quote string
	}{
		{"1,a,x\n2,\"b,y\n3,c,z\n4,d,w\n", 3, "line 3 "},
		{"1,a,x\n\"2\nb\",b,\"y\n3,c,z\n", 3, "line 4 "},
		{"1,a,x\n2,\"b\",\"y", 3, "line 3 "},
	} {
		got := readAll(t, strings.NewReader(header+c.body), options)
		if len(got) != 2 || got[0].Err != nil || got[1].Err == nil {
			t.Fatalf("%q: %+v", c.body, got)
		}
		last := int64(strings.Count(strings.TrimSuffix(c.body, "\n"), "\n") + 2)
		if e := got[1]; e.Line != c.first || e.Last != last || !strings.Contains(e.Err.Error(), c.quote) {
			t.Errorf("%q: lines %d to %d, %v; want %d to %d, %s", c.body, e.Line, e.Last, e.Err, c.first, last, c.quote)
		}
	}
}

// TestLongRecords checks the bound, inside quotes and out, and that reading goes on.
func TestLongRecords(t *testing.T) {
	fits := strings.Repeat("p", maxRecord-len("1,,x\n"))
	big := strings.Repeat("line\n", maxRecord)
	in := header + "1," + fits + ",x\n1," + fits + "p,x\n2,\"" + big + "\",y\n3,c,z\n"
	got := readAll(t, strings.NewReader(in), options)
	if len(got) != 4 {
		t.Fatalf("%d outcomes", len(got))
	}
	if got[0].Err != nil || got[0].Row.Path != fits {
		t.Errorf("a record of the greatest length: %v", got[0].Err)
	}
	if !errors.Is(got[1].Err, formats.ErrTooLong) || len(got[1].Raw) != maxRaw {
		t.Errorf("one byte more: %v, %d bytes kept", got[1].Err, len(got[1].Raw))
	}
	if e := got[2]; !errors.Is(e.Err, formats.ErrTooLong) || e.Line != 4 || e.Last != 4+maxRecord {
		t.Errorf("many lines in quotes: %d to %d, %v", e.Line, e.Last, e.Err)
	}
	if got[3].Row.Path != "c" || got[3].Row.Line != 5+maxRecord {
		t.Errorf("the record after: %+v", got[3].Row)
	}
}

// TestOpenQuoteIsNotHeld reads a file that is all inside one quote: memory must not grow with it.
func TestOpenQuoteIsNotHeld(t *testing.T) {
	const size = 64 << 20
	r := io.MultiReader(strings.NewReader(header+"1,\""), io.LimitReader(noise{}, size))
	m, err := NewReader(r, "m.csv", options)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var row *RowError
	if err := m.Read(new(Row)); !errors.As(err, &row) {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 16*maxRecord {
		t.Errorf("%d bytes were allocated for a record of %d", got, size)
	}
}

type noise struct{}

func (noise) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "abcdefg\n"[i%8]
	}
	return len(p), nil
}

func TestCarried(t *testing.T) {
	in := "\ufeffcamera,file,taken,class\nK1,a.jpg,2001,x\n,b.jpg,,\n"
	m, err := NewReader(strings.NewReader(in), "m.csv", Options{PathCol: "file", LabelCol: "class"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"camera", "taken"}, m.Carried()); diff != "" {
		t.Error(diff)
	}
	want := []outcome{ok(2, "a.jpg", "", "x", "K1", "2001"), ok(3, "b.jpg", "", "", "", "")}
	if diff := cmp.Diff(want, drain(t, m)); diff != "" {
		t.Error(diff)
	}
	// The path may be the id too, and there may be nothing else.
	got := readAll(t, strings.NewReader("path\na\n"), Options{IDCol: "path"})
	if diff := cmp.Diff([]outcome{ok(2, "a", "a", "")}, got); diff != "" {
		t.Error(diff)
	}
}

func TestHeaderErrors(t *testing.T) {
	for _, c := range []struct {
		in     string
		column string
		err    error
		text   []string
	}{
		{"", "", ErrNoHeader, []string{"m.csv", "header is needed"}},
		{"\n\r\n", "", ErrNoHeader, nil},
		{"id;path;label\n", "path", ErrMissing, []string{`"path"`, `"id;path;label"`}},
		{"path,label\n", "id", ErrMissing, []string{`"id"`, `["path" "label"]`}},
		{"Path,id,label\n", "path", ErrMissing, nil},
		{"id,path,label,path\n", "path", ErrDuplicate, []string{"twice"}},
		{"id,path,label,x,x\n", "x", ErrDuplicate, nil},
		{",id,path,label\n", "", ErrUnnamed, []string{"number 1"}},
		{"id,path,\"label\n", "", nil, []string{"line 1", "never closed"}},
		{"id,pa\"th,label\n", "", csv.ErrBareQuote, nil},
		{"\xff\xfei\x00d\x00", "", formats.ErrUTF16, []string{"UTF-16"}},
		{"i\x00d\x00,\x00", "", formats.ErrNUL, nil},
		{"id,path,\xff\n", "", formats.ErrNotUTF8, nil},
		{strings.Repeat("x", maxRecord+1), "", formats.ErrTooLong, nil},
	} {
		_, err := NewReader(strings.NewReader(c.in), "m.csv", options)
		var h *HeaderError
		if !errors.As(err, &h) || h.File != "m.csv" || h.Column != c.column || c.err != nil && !errors.Is(err, c.err) {
			t.Errorf("%.30q: %v", c.in, err)
			continue
		}
		for _, text := range c.text {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%.30q: %q lacks %q", c.in, err, text)
			}
		}
	}
}

func TestHeader(t *testing.T) {
	got, err := Header(strings.NewReader("\ufeff\n\"a,b\",c\r\n1,2\n"), "m.csv")
	if diff := cmp.Diff([]string{"a,b", "c"}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func TestInputErrors(t *testing.T) {
	broken := errors.New("broken")
	if _, err := NewReader(iotest.ErrReader(broken), "m.csv", options); !errors.Is(err, broken) {
		t.Errorf("in the header: %v", err)
	}
	m, err := NewReader(io.MultiReader(strings.NewReader(header+"1,a,x\n2,\"b"), iotest.ErrReader(broken)), "m.csv", options)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Read(new(Row)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var row *RowError
		if err := m.Read(new(Row)); !errors.Is(err, broken) || errors.As(err, &row) || !strings.Contains(err.Error(), "m.csv") {
			t.Errorf("in a row: %v", err)
		}
	}
}

// TestRealFiles reads dirty CSV files that other programs wrote.
func TestRealFiles(t *testing.T) {
	dir := formattest.SharedData(t)
	files, err := filepath.Glob(filepath.Join(dir, "interactions", "online-retail-by-day", "*.csv"))
	if err != nil || len(files) == 0 {
		t.Skipf("no online-retail-by-day files in %s", dir)
	}
	for _, path := range files[:min(len(files), 20)] {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := Header(strings.NewReader(string(data)), path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(data), "\ufeff"))).ReadAll()
		if err != nil {
			t.Fatalf("%s: encoding/csv: %v", path, err)
		}
		got := readAll(t, strings.NewReader(string(data)), Options{PathCol: columns[0]})
		if len(got) != len(want)-1 {
			t.Fatalf("%s: %d rows, want %d", path, len(got), len(want)-1)
		}
		for i, o := range got {
			if diff := cmp.Diff(want[i+1], append([]string{o.Row.Path}, o.Row.Carried...)); o.Err != nil || diff != "" {
				t.Fatalf("%s: row %d: %v %s", path, i, o.Err, diff)
			}
		}
	}
}

func BenchmarkRead(b *testing.B) {
	in := header + strings.Repeat("img-000123,photos/2024/05/img-000123.jpg,\"tench, Tinca tinca\"\n", 20000)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		m, err := NewReader(strings.NewReader(in), "m.csv", options)
		if err != nil {
			b.Fatal(err)
		}
		for row := (Row{}); err == nil; {
			err = m.Read(&row)
		}
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
	}
}
