package mapreduce

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/xxh3"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

func writeFile(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// However much is read, and in whatever pieces: the digest is that of the range.
func TestRangeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	rapid.Check(t, func(r *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(r, "bytes")
		writeFile(t, path, b)
		size := int64(len(b))
		rg := Range{Name: "f", Path: path, Size: size}
		if size > 0 && rapid.Bool().Draw(r, "part") {
			rg.Lo = rapid.Int64Range(0, size-1).Draw(r, "lo")
			rg.Hi = rapid.Int64Range(rg.Lo+1, size).Draw(r, "hi")
		}
		f, err := openRangeFile(t.Context(), rg, func() {})
		if err != nil {
			r.Fatal(err)
		}
		want := b
		if rg.Hi > 0 {
			want = b[rg.Lo:rg.Hi]
		}
		piece := make([]byte, rapid.IntRange(1, 400).Draw(r, "piece"))
		var got []byte
		for range rapid.IntRange(0, 10).Draw(r, "reads") {
			n, err := f.Read(piece)
			got = append(got, piece[:n]...)
			if errors.Is(err, io.EOF) {
				break
			}
		}
		sum, err := f.digest()
		if err := errors.Join(err, f.close()); err != nil || string(got) != string(want[:len(got)]) {
			r.Fatalf("%q, %v, expected %q", got, err, want)
		}
		expected := xxh3.Hash128(want).Bytes()
		if sum != rangeSum+hexOf(expected[:]) {
			r.Fatalf("digest %s of %q", sum, want)
		}
	})
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for _, c := range b {
		s.WriteByte(digits[c>>4])
		s.WriteByte(digits[c&15])
	}
	return s.String()
}

func TestRangeFileErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if _, err := openRangeFile(t.Context(), Range{Path: path}, nil); ClassOf(err) != Input || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	writeFile(t, path, []byte("0123456789"))
	if _, err := openRangeFile(t.Context(), Range{Name: "f", Path: path, Hi: 5, Size: 9}, nil); ClassOf(err) != Input || !strings.Contains(err.Error(), "f changed") {
		t.Errorf("another size: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	f, err := openRangeFile(ctx, Range{Path: path, Size: 10}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := f.digest(); ClassOf(err) != task.Canceled {
		t.Errorf("canceled: %v", err)
	}
	if err := os.Truncate(path, 4); err != nil {
		t.Fatal(err)
	}
	f.stopped = t.Context().Err
	if _, err := f.digest(); !errors.Is(err, io.ErrUnexpectedEOF) || f.still() {
		t.Errorf("truncated: %v, still %v", err, f.still())
	}
	if err := f.close(); err != nil {
		t.Error(err)
	}
}

// scanningRun is a task whose source scans with a function.
func scanningRun(scan func(rg Range, in *Scan) (any, error)) *taskRun {
	src := &Source[int]{Scan: func(_ context.Context, _ *Env, rg Range, in *Scan) (any, error) { return scan(rg, in) }}
	return &taskRun{env: &Env{}, stage: &Stage{src: src}}
}

// Whether the source opens the range, how far it reads and whether it closes it: the whole range is digested.
func TestScanRange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	writeFile(t, path, []byte("0123456789"))
	expected := xxh3.Hash128([]byte("3456")).Bytes()
	for name, scan := range map[string]func(rg Range, in *Scan) (any, error){
		"not opened": func(Range, *Scan) (any, error) { return 1, nil },
		"not read": func(_ Range, in *Scan) (any, error) {
			r, err := in.Open()
			return 1, errors.Join(err, r.Close(), r.Close())
		},
		"not closed": func(_ Range, in *Scan) (any, error) {
			r, err := in.Open()
			_, err2 := r.Read(make([]byte, 2))
			return 1, errors.Join(err, err2)
		},
		"twice": func(_ Range, in *Scan) (any, error) {
			for range 2 {
				r, err := in.Open()
				if err != nil {
					return nil, err
				}
				if b, err := io.ReadAll(r); err != nil || string(b) != "3456" {
					return nil, errors.New("read " + string(b))
				}
				if err := r.Close(); err != nil {
					return nil, err
				}
			}
			return 1, nil
		},
	} {
		tr := scanningRun(scan)
		rg := Range{Name: "f", Path: path, Lo: 3, Hi: 7, Size: 10}
		if err := tr.scan(t.Context(), []Range{rg}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s := tr.scanned[0]; s.Sum != rangeSum+hexOf(expected[:]) || string(s.Value) != "1" || s.ModTime == 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestScanRangeFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for name, c := range map[string]struct {
		scan  func(rg Range, in *Scan) (any, error)
		class Class
		says  string
	}{
		"error": {func(_ Range, in *Scan) (any, error) {
			_, err := in.Open()
			return nil, errors.Join(err, errors.New("no header"))
		}, Permanent, "no header"},
		"opened twice": {func(_ Range, in *Scan) (any, error) {
			_, err := in.Open()
			_, err2 := in.Open()
			return nil, errors.Join(err, err2)
		}, Permanent, "open already"},
		"no JSON": {func(Range, *Scan) (any, error) { return math.NaN(), nil }, Permanent, "f: what was found"},
		"changed while it is open": {func(_ Range, in *Scan) (any, error) {
			r, err := in.Open()
			return 1, errors.Join(err, os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)), r.Close())
		}, Input, "f changed"},
		"changed before it is opened": {func(_ Range, in *Scan) (any, error) {
			return 1, os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour))
		}, Input, "f changed"},
		"other bytes the second time": {func(_ Range, in *Scan) (any, error) {
			info, err := os.Stat(path)
			for _, text := range []string{"0123456789", "01234x6789"} {
				err = errors.Join(err, os.WriteFile(path, []byte(text), 0o644), os.Chtimes(path, time.Time{}, info.ModTime()))
				r, err2 := in.Open()
				if err = errors.Join(err, err2); err != nil {
					return nil, err
				}
				err = r.Close()
			}
			return 1, err
		}, Input, "f changed"},
	} {
		writeFile(t, path, []byte("0123456789"))
		tr := scanningRun(c.scan)
		err := tr.scan(t.Context(), []Range{{Name: "f", Path: path, Size: 10}})
		if err == nil || ClassOf(err) != c.class || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, expected class %v and %q", name, err, c.class, c.says)
		}
	}
	tr := scanningRun(nil)
	if err := tr.scan(t.Context(), []Range{{Path: path + "x"}}); ClassOf(err) != Input {
		t.Errorf("no file: %v", err)
	}
}

// A cutter takes what stands in the scan from there, whatever the source says.
func TestCutter(t *testing.T) {
	part := Scanned{Range: Range{Name: "f", Path: "/f", Bytes: 10, Lo: 10, Hi: 20, Size: 30, Sum: "s", ModTime: 7}}
	whole := Scanned{Range: Range{Name: "g", Path: "/g", Bytes: 30, Size: 30, Sum: "t", ModTime: 7}}
	for _, c := range []struct {
		of        Scanned
		give, get Range
	}{
		{part, Range{Offset: 12, Line: 3, Row: 2, Rows: 4}, Range{Name: "f", Path: "/f", Bytes: 10, Lo: 10, Hi: 20, Offset: 12, Line: 3, Row: 2, Rows: 4, Sum: "s", Size: 30}},
		{part, part.Range, Range{Name: "f", Path: "/f", Bytes: 10, Lo: 10, Hi: 20, Sum: "s", Size: 30}},
		{part, Range{Lo: 10, Hi: 20, Name: "x", Path: "/x", Sum: "x", Size: 1, Whole: "x"}, Range{Name: "f", Path: "/f", Bytes: 10, Lo: 10, Hi: 20, Sum: "s", Size: 30}},
		{whole, Range{Rows: -1}, Range{Name: "g", Path: "/g", Bytes: 30, Rows: -1, Sum: "t", Size: 30}},
		{whole, Range{Lo: 1, Hi: 3, Rows: 5, Bytes: 9, Sum: "x"}, Range{Name: "g", Path: "/g", Bytes: 9, Lo: 1, Hi: 3, Rows: 5, Whole: "t", ModTime: 7, Size: 30}},
	} {
		cut := &Cutter{}
		if err := cut.Range(c.of, c.give); err != nil || !slices.Equal(cut.ranges, []Range{c.get}) {
			t.Errorf("%+v: %+v, %v", c.give, cut.ranges, err)
		}
	}
	cut := &Cutter{}
	if err := cut.Range(part, Range{Lo: 10, Hi: 15}); err == nil || len(cut.ranges) > 0 {
		t.Error("a piece of what was scanned in one has no digest, and is taken")
	}
	if err := cut.Meta(math.NaN()); err == nil {
		t.Error("a NaN is no meta")
	}
	var v int
	if err := (Scanned{value: json.RawMessage(`"a"`)}).Decode(&v); err == nil {
		t.Error("text is read as a number")
	}
}

// Sources whose fields do not go together are refused.
func TestSourceIsRefused(t *testing.T) {
	scan := func(context.Context, *Env, Range, *Scan) (any, error) { return nil, nil }
	cut := func(*Env, iter.Seq[[]Scanned], *Cutter) error { return nil }
	d := testData("d")
	for name, s := range map[string]sourcePort{
		"no Cut":           &Source[int]{Scan: scan},
		"no Scan":          &Source[int]{Cut: cut},
		"in place only":    &Source[int]{InPlace: true},
		"emits in place":   &Source[int]{InPlace: true, Scan: scan, Cut: cut, Emit: func(*int, *Out) {}},
		"writes in place":  &Source[int]{InPlace: true, Scan: scan, Cut: cut, Writes: []Port{&d}},
		"names other file": &Source[changing]{InPlace: true, Scan: scan, Cut: cut},
	} {
		if _, err := link([]Stage{{Name: "x", src: s, kind: task.Map, input: shardsName}}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

type changing struct{}

func (*changing) Changed() (string, bool) { return "", false }

// Only a source that scans lists parts, and it lists no entries.
func TestListerOfScans(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	writeFile(t, path, make([]byte, 10))
	l := newLister(nil, "", io.Discard)
	if err := l.Parts("f", path); err == nil {
		t.Error("parts that nobody scans")
	}
	l.scans, l.target = true, 4
	if err := l.Entry(Entry{Name: "f", Path: path}); err == nil {
		t.Error("an entry to be scanned")
	}
	if err := errors.Join(l.Parts("f", path), l.File("g", path)); err != nil {
		t.Fatal(err)
	}
	want := []Range{
		{Name: "f", Path: path, Bytes: 4, Hi: 4, Size: 10},
		{Name: "f", Path: path, Bytes: 3, Lo: 4, Hi: 7, Size: 10},
		{Name: "f", Path: path, Bytes: 3, Lo: 7, Hi: 10, Size: 10},
		{Name: "g", Path: path, Bytes: 10, Size: 10},
	}
	if !slices.Equal(l.ranges, want) {
		t.Errorf("ranges %+v", l.ranges)
	}
	if err := l.Parts("n", path+"x"); ClassOf(err) != Input {
		t.Errorf("no file: %v", err)
	}
}
