package ids

import (
	"bytes"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/mapped/mappedtest"
)

func entry(id string) Entry { return Entry{ID: []byte(id), Rows: 1, Newest: math.MinInt64} }

// TestTypes: only canonical decimals are numbers, and one id that is none makes texts of all.
func TestTypes(t *testing.T) {
	for _, id := range []string{"0", "7", "-1", "1234567890123", "9223372036854775807", "-9223372036854775808"} {
		for _, typ := range []Type{Auto, Int64, String, ""} {
			d := dictionary(t, Options{typ}, entry(id))
			if d.Numeric() != (typ != String) {
				t.Errorf("%s as %q: numeric is %v", id, typ, d.Numeric())
			}
		}
	}
	for _, id := range []string{
		"", "-", "-0", "+1", "01", "-01", "00", "1.0", "1e3", " 1", "1 ", "0x1", "1_0", "a", "\xff",
		"9223372036854775808", "-9223372036854775809", "18446744073709551617", "99999999999999999999999",
	} {
		all := []Entry{entry(id), entry("12"), entry("9")}
		slices.SortFunc(all, func(a, b Entry) int { return bytes.Compare(a.ID, b.ID) })
		d := dictionary(t, Options{}, all...)
		if d.Numeric() {
			t.Errorf("%q is a number", id)
		}
		checkIDs(t, d, all, false)

		err := write(&bytes.Buffer{}, Options{Int64}, all)
		if !errors.Is(err, ErrNotInt64) || !strings.Contains(err.Error(), strconv.Quote(id)) {
			t.Errorf("%q as int64: %v", id, err)
		}
	}
}

func TestTypeCheck(t *testing.T) {
	for _, typ := range []Type{"", Auto, String, Int64} {
		if err := typ.Check(); err != nil {
			t.Error(err)
		}
	}
	const want = `id type "float": must be auto, string or int64`
	d := NewWriter(&bytes.Buffer{}, Options{"float"})
	for _, err := range []error{Type("float").Check(), d.Write(entry("1")), d.Close()} {
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestRefusedIDs(t *testing.T) {
	for _, tt := range []struct {
		name string
		ids  []string
		want string
	}{
		{"twice", []string{"7", "7"}, `id "7": ids must come once each, in the order of their bytes: comes after "7"`},
		{"twice, empty", []string{"", ""}, `id "": ids must come once each, in the order of their bytes: comes after ""`},
		{"not in order", []string{"10", "9", "8"}, `id "8": ids must come once each, in the order of their bytes: comes after "9"`},
		{"not in order, text", []string{"b", "a"}, `id "a": ids must come once each, in the order of their bytes: comes after "b"`},
	} {
		var all []Entry
		for _, id := range tt.ids {
			all = append(all, entry(id))
		}
		if err := write(&bytes.Buffer{}, Options{}, all); !errors.Is(err, errOrder) || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestTooMany(t *testing.T) {
	d := NewWriter(&bytes.Buffer{}, Options{})
	d.limit = 2
	for _, id := range []string{"1", "2"} {
		if err := d.Write(entry(id)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Write(entry("3")); !errors.Is(err, ErrTooMany) {
		t.Errorf("got %v", err)
	}
	if maxIDs != math.MaxUint32-1 || !strings.Contains(ErrTooMany.Error(), strconv.Itoa(maxIDs)) {
		t.Errorf("%v for %d", ErrTooMany, maxIDs)
	}
}

func TestTooLong(t *testing.T) {
	long := bytes.Repeat([]byte{'x'}, maxLength+1)
	d := dictionary(t, Options{}, Entry{ID: long[1:]})
	if i, ok := d.Find(long[1:]); !ok || i != 0 {
		t.Errorf("an id of %d bytes: %d, %v", maxLength, i, ok)
	}
	err := write(&bytes.Buffer{}, Options{}, []Entry{{ID: long}})
	if !errors.Is(err, ErrTooLong) || len(err.Error()) > 300 {
		t.Errorf("got %v", err)
	}
	w := NewWriter(&bytes.Buffer{}, Options{})
	w.length = maxText - 1
	if err := w.Write(entry("xy")); !errors.Is(err, ErrTooLong) {
		t.Errorf("got %v", err)
	}
}

// TestCallersMemory uses the memory of an id again once Add has returned.
func TestCallersMemory(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file, Options{})
	var want []Entry
	e := Entry{Newest: 5}
	for i := range 300 {
		e.ID = strconv.AppendInt(e.ID[:0], int64(100+i), 10)
		if i == 299 {
			e.ID[0] = 'z' // the rest were numbers
		}
		if err := w.Add(&e); err != nil {
			t.Fatal(err)
		}
		want = append(want, Entry{ID: bytes.Clone(e.ID), Newest: 5})
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	checkIDs(t, openBytes(t, file.Bytes()), want, false)
}

// TestSameBytes: numbers that are asked for are as those that are found out.
func TestSameBytes(t *testing.T) {
	all := []Entry{entry("-5"), entry("12"), entry("7")}
	var a, b bytes.Buffer
	if err := errors.Join(write(&a, Options{Auto}, all), write(&b, Options{Int64}, all)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Errorf("%x and %x", a.Bytes(), b.Bytes())
	}
}

// TestWriteErrors writes to what takes so many bytes and then fails.
func TestWriteErrors(t *testing.T) {
	for _, all := range [][]Entry{
		{entry("1"), entry("2"), entry("9")},
		{entry("1"), entry("1000000000")},
		{entry("1"), entry("a"), entry("b")},
	} {
		var file bytes.Buffer
		if err := write(&file, Options{}, all); err != nil {
			t.Fatal(err)
		}
		mappedtest.Full(t, file.Len(), func(w io.Writer) error { return write(w, Options{}, all) })
	}
}
