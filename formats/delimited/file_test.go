package delimited_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/shardmill/shardmill/formats/delimited"
	"github.com/shardmill/shardmill/formats/internal/formattest"
)

// Example reads a file in three parts, of which one begins inside quotes.
func Example() {
	file := strings.NewReader("user,note\n1,\"one\n2,two\"\n3,three\n4,\"four\"\n")
	head, err := delimited.NewReader(file, "a.csv", delimited.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	var header delimited.Record
	if err := head.Read(&header); err != nil {
		fmt.Println(err)
		return
	}
	base := head.Position()
	cuts := []int64{base.Offset, 18, 30, file.Size()}
	scans := make([]delimited.Scanned, len(cuts)-1)
	for i := range scans {
		if scans[i], err = delimited.ScanRange(file, "a.csv", cuts[i], cuts[i+1], ','); err != nil {
			fmt.Println(err)
			return
		}
	}
	starts := delimited.Starts(base, scans)
	for i := range scans {
		r, err := delimited.NewRangeReader(file, "a.csv", starts[i], cuts[i+1], delimited.Options{Columns: []string{"user", "note"}})
		for rec := (delimited.Record{}); err == nil; {
			if err = r.Read(&rec); err == nil {
				fmt.Printf("part %d, line %d: %q\n", i, rec.Line, [][]byte{rec.Field(0), rec.Field(1)})
			}
		}
		if !errors.Is(err, io.EOF) {
			fmt.Println(err)
		}
	}
	// Output:
	// part 0, line 2: ["1" "one\n2,two"]
	// part 1, line 4: ["3" "three"]
	// part 2, line 5: ["4" "four"]
}

// row is a record as both readers give it.
type row struct {
	line   int64
	fields []string
}

func withCSV(t *testing.T, r io.Reader, comma byte) []row {
	t.Helper()
	c := csv.NewReader(r)
	c.Comma = rune(comma)
	var all []row
	for {
		fields, err := c.Read()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		line, _ := c.FieldPos(0)
		all = append(all, row{int64(line), fields})
	}
}

func drain(r *delimited.Reader) ([]row, error) {
	var all []row
	var rec delimited.Record
	for {
		if err := r.Read(&rec); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return all, err
		}
		next := row{line: rec.Line, fields: make([]string, rec.Len())}
		for i := range next.fields {
			next.fields[i] = string(rec.Field(i))
		}
		all = append(all, next)
	}
}

// inParts scans and reads parts of size bytes, all at the same time.
func inParts(t *testing.T, file *bytes.Reader, size int64, o delimited.Options) []row {
	t.Helper()
	n := int((file.Size() + size - 1) / size)
	scans, rows, errs := make([]delimited.Scanned, n), make([][]row, n), make([]error, n)
	end := func(i int) int64 { return min(int64(i+1)*size, file.Size()) }
	each := func(work func(i int) error) {
		var group sync.WaitGroup
		for i := range n {
			group.Go(func() { errs[i] = work(i) })
		}
		group.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	each(func(i int) (err error) {
		scans[i], err = delimited.ScanRange(file, "a", int64(i)*size, end(i), o.Comma)
		return err
	})
	starts := delimited.Starts(delimited.Position{Line: 1}, scans)
	each(func(i int) error {
		r, err := delimited.NewRangeReader(file, "a", starts[i], end(i), o)
		if err != nil {
			return err
		}
		if rows[i], err = drain(r); err == nil && r.Position() != starts[i+1] {
			err = fmt.Errorf("part %d ends at %+v, not %+v", i, r.Position(), starts[i+1])
		}
		return err
	})
	return slices.Concat(rows...)
}

func compare(t *testing.T, data []byte, o delimited.Options, sizes ...int64) {
	t.Helper()
	want := withCSV(t, bytes.NewReader(data), o.Comma)
	r, err := delimited.NewReader(bytes.NewReader(data), "a", o)
	if err != nil {
		t.Fatal(err)
	}
	got, err := drain(r)
	if err != nil || !slices.EqualFunc(got, want, equal) {
		t.Fatalf("%d rows, want %d, %v", len(got), len(want), err)
	}
	for _, size := range sizes {
		if got := inParts(t, bytes.NewReader(data), size, o); !slices.EqualFunc(got, want, equal) {
			t.Fatalf("parts of %d bytes: %d rows, want %d", size, len(got), len(want))
		}
	}
}

func equal(a, b row) bool { return a.line == b.line && slices.Equal(a.fields, b.fields) }

// TestLargeFile reads what encoding/csv wrote, over many windows.
func TestLargeFile(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	pieces := []string{"a", "words, and more", "\"", "\n", "\r\n", "é", "", " ", strings.Repeat("long ", 300)}
	for _, crlf := range []bool{false, true} {
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.UseCRLF = crlf
		fields := make([]string, 4)
		for range 6000 {
			for i := range fields {
				fields[i] = pieces[rng.IntN(len(pieces))] + pieces[rng.IntN(len(pieces))]
			}
			if err := w.Write(fields); err != nil {
				t.Fatal(err)
			}
		}
		if w.Flush(); w.Error() != nil {
			t.Fatal(w.Error())
		}
		compare(t, b.Bytes(), delimited.Options{Comma: ',', Columns: []string{"a", "b", "c", "d"}}, 100_000, 1_000_003)
	}
}

// TestRealFiles reads files as people have them.
func TestRealFiles(t *testing.T) {
	for name, c := range map[string]struct {
		path  []string
		comma byte
	}{
		"ratings": {[]string{"ml-latest-small", "ratings.csv"}, ','},
		"movies":  {[]string{"ml-latest-small", "movies.csv"}, ','},
		"artists": {[]string{"lastfm-hetrec-2k", "user_artists.dat"}, '\t'},
		"retail":  {[]string{"online-retail-by-day", "2010-12-01.csv"}, ','},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(formattest.SharedData(t, append([]string{"interactions"}, c.path...)...))
			if err != nil {
				t.Fatal(err)
			}
			columns := strings.Split(string(data[:bytes.IndexByte(data, '\n')]), string(c.comma))
			compare(t, data, delimited.Options{Comma: c.comma, Columns: columns}, 10_007, int64(len(data)/3+1))
		})
	}
}
