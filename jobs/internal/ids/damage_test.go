package ids

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/jobs/internal/mapped"
	"github.com/shardmill/shardmill/jobs/internal/mapped/mappedtest"
)

// goldenFiles were written once, and are never written again.
var goldenFiles = []struct {
	name string
	ids  []Entry // in the order of their bytes
}{
	{"v1-direct.ids", []Entry{{[]byte("-1"), 4, 1_700_000_000}, {[]byte("0"), 1, math.MinInt64}, {[]byte("10"), 2, 1_600_000_000}, {[]byte("9"), 1 << 40, 0}}},
	{"v1-int64.ids", []Entry{{[]byte("-9223372036854775808"), 4, -3}, {[]byte("0"), 0, -2}, {[]byte("7"), 1, -1}, {[]byte("9223372036854775807"), 2, math.MinInt64}}},
	{"v1-text.ids", []Entry{{nil, 4, math.MinInt64}, {[]byte("01"), 3, math.MinInt64}, {[]byte("7"), 5, math.MinInt64}, {[]byte("Zürich"), 1, math.MinInt64}, {[]byte("a\x00\xff"), 1, math.MinInt64}}},
	{"v1-empty.ids", nil},
}

func TestGolden(t *testing.T) {
	for _, g := range goldenFiles {
		path := filepath.Join("testdata", g.name)
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := write(&file, Options{}, g.ids); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(file.Bytes(), golden) {
			t.Errorf("%s: written now:\n%x\nonce:\n%x", g.name, file.Bytes(), golden)
		}
		d, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		sorted, numeric := inOrder(g.ids, Auto)
		checkIDs(t, d, sorted, numeric)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestDamage changes each byte of files, and cuts them at each length: no such file is opened.
func TestDamage(t *testing.T) {
	for _, g := range goldenFiles {
		data, err := os.ReadFile(filepath.Join("testdata", g.name))
		if err != nil {
			t.Fatal(err)
		}
		mappedtest.Damage(t, data, func(path string) error {
			_, err := Open(path)
			return err
		})
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func uint64s(v ...uint64) []byte { return mapped.Bytes(v) }

// TestSealed opens files that are wrong behind right checksums. Each changes one section of a good one.
func TestSealed(t *testing.T) {
	const text, keys, rows, slots, about = 0, 1, 2, 3, 4
	free := make([]uint64, 6)
	texts := [][]byte{[]byte("abcde"), uint64s(2, 2<<lengthBits|3), uint64s(1, 1), uint64s(append([]uint64{2, 1}, free...)...), uint64s(2, 0, 0, 1, 0)}
	hashed := [][]byte{nil, uint64s(2, 3), uint64s(1, 1), uint64s(append([]uint64{2, 1}, free...)...), uint64s(2, 1, 0, 1, 0)}
	direct := [][]byte{nil, uint64s(2, 3), uint64s(1, 1), mapped.Bytes([]uint32{1, 2}), uint64s(2, 1, 1, 0, 0)}
	for i, good := range [][][]byte{texts, hashed, direct} {
		if d := openBytes(t, mappedtest.Seal(t, kind(), good...)); d.Len() != 2 {
			t.Fatalf("file %d: %d ids", i, d.Len())
		}
	}
	for _, tt := range []struct {
		name    string
		file    [][]byte
		section int
		data    []byte
	}{
		{"more text", texts, text, []byte("abcdef")},
		{"less text", texts, text, []byte("abcd")},
		{"a gap in the text", texts, keys, uint64s(2, 3<<lengthBits|2)},
		{"text twice", texts, keys, uint64s(3, 2<<lengthBits|3)},
		{"fewer keys", texts, keys, uint64s(5)},
		{"part of a key", texts, keys, uint64s(2, 2<<lengthBits|3)[:15]},
		{"fewer rows", texts, rows, uint64s(1)},
		{"more rows", direct, rows, uint64s(1, 1, 1)},
		{"part of a line", texts, slots, uint64s(2, 1)},
		{"no line", texts, slots, nil},
		{"a slot behind the text", texts, slots, uint64s(append([]uint64{5<<lengthBits | 1, 1}, free...)...)},
		{"a slot behind the ids", texts, slots, uint64s(append([]uint64{2, 7<<32 | 3}, free...)...)},
		{"a number behind the ids", hashed, slots, uint64s(append([]uint64{2, math.MaxUint32}, free...)...)},
		{"a direct number behind the ids", direct, slots, mapped.Bytes([]uint32{1, 3})},
		{"numbers that descend", direct, keys, uint64s(3, 2)},
		{"numbers that do not ascend", hashed, keys, uint64s(3, 3)},
		{"more lines", hashed, about, uint64s(2, 1, 0, 2, 0)},
		{"a number that is too large", hashed, about, uint64s(1<<61+2, 1, 0, 1, 0)},
		{"another kind of ids", hashed, about, uint64s(2, 2, 0, 1, 0)},
		{"another kind of table", hashed, about, uint64s(2, 1, 2, 1, 0)},
		{"a direct table of texts", texts, about, uint64s(2, 0, 1, 0, 0)},
		{"short about", texts, about, uint64s(2, 0, 0, 1)},
		{"long about", texts, about, uint64s(2, 0, 0, 1, 0, 0)},
	} {
		sections := slices.Clone(tt.file)
		sections[tt.section] = tt.data
		path := writeFile(t, mappedtest.Seal(t, kind(), sections...))
		if _, err := Open(path); !errors.Is(err, formats.ErrDamaged) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// FuzzOpen opens any bytes: there is a dictionary that can be asked, or an error that says what is wrong.
func FuzzOpen(f *testing.F) {
	for _, g := range goldenFiles {
		var file bytes.Buffer
		if err := write(&file, Options{}, g.ids); err != nil {
			f.Fatal(err)
		}
		f.Add(file.Bytes(), []byte("7"))
	}
	f.Add([]byte(kind().Magic), []byte(nil))
	f.Fuzz(func(t *testing.T, data, id []byte) { openAny(t, data, id) })
}

// FuzzSealed opens files of any sections, with right checksums.
func FuzzSealed(f *testing.F) {
	line := uint64s(2, 1, 0, 0, 0, 0, 0, 0)
	f.Add([]byte("ab"), uint64s(2), uint64s(1), line, uint64s(1, 0, 0, 1, 0), []byte("ab"))
	f.Add([]byte(nil), uint64s(2), uint64s(1), line, uint64s(1, 1, 0, 1, 0), []byte("2"))
	f.Add([]byte(nil), uint64s(2, 4), uint64s(1, 1), mapped.Bytes([]uint32{1, 0, 2}), uint64s(2, 1, 1, 0, 0), []byte("4"))
	f.Fuzz(func(t *testing.T, text, keys, rows, table, about, id []byte) {
		openAny(t, mappedtest.Seal(t, kind(), text, keys, rows, table, about), id)
	})
}

func openAny(t *testing.T, data, id []byte) {
	d, err := Open(writeFile(t, data))
	if err != nil {
		if !mappedtest.Refused(err) {
			t.Fatal(err)
		}
		return
	}
	ask := [][]byte{id}
	for i := range d.Len() {
		if text := d.Text(i); !bytes.Equal(text, d.AppendText(nil, i)) || d.Numeric() != (d.ints != nil) {
			t.Fatalf("index %d is %q", i, text)
		}
		_, _ = d.Rows(i), d.Int(i)
		ask = append(ask, bytes.Clone(d.Text(i)))
	}
	for _, id := range ask {
		if i, ok := d.Find(id); ok && int(i) >= d.Len() {
			t.Fatalf("%q has index %d of %d", id, i, d.Len())
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}
