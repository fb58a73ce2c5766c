package shuffle

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// limited fails once it has taken limit bytes.
type limited struct {
	limit int
	err   error
}

func (w *limited) Write(b []byte) (int, error) {
	if len(b) > w.limit {
		n := w.limit
		w.limit = 0
		return n, w.err
	}
	w.limit -= len(b)
	return len(b), nil
}

func TestWriterRefusesStreams(t *testing.T) {
	many := make([]Stream, maxStreams+1)
	for i := range many {
		many[i].Partitions = 1
	}
	for name, streams := range map[string][]Stream{
		"no partitions":       {{Name: "s"}},
		"negative partitions": {{Name: "s", Partitions: -1}},
		"partitions":          {{Name: "s", Partitions: maxPartitions + 1}},
		"partitions in all":   {{Partitions: maxPartitions}, {Partitions: 1}},
		"key width":           {{Name: "s", Partitions: 1, KeyWidth: -1}},
		"value width":         {{Name: "s", Partitions: 1, ValueWidth: -1}},
		"widths":              {{Name: "s", Partitions: 1, KeyWidth: maxRecord, ValueWidth: 1}},
		"name":                {{Name: strings.Repeat("n", maxName+1), Partitions: 1}},
		"streams":             many,
	} {
		if _, err := NewWriter(io.Discard, streams); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestAddRefuses(t *testing.T) {
	w, err := NewWriter(io.Discard, []Stream{{"a", 2, 4, 0}, {"b", 1, 0, 2}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		stream, partition int
		key, value        string
		ok                bool
	}{
		{0, 0, "1234", "", true},
		{0, 1, "1234", "v", true},
		{1, 0, "", "12", true},
		{-1, 0, "1234", "", false},
		{2, 0, "1234", "", false},
		{0, -1, "1234", "", false},
		{0, 2, "1234", "", false},
		{0, 0, "123", "", false},
		{0, 0, "12345", "", false},
		{1, 0, "", "1", false},
	} {
		if err := w.Add(c.stream, c.partition, []byte(c.key), []byte(c.value)); (err == nil) != c.ok {
			t.Errorf("Add(%d, %d, %q, %q) = %v, want ok %v", c.stream, c.partition, c.key, c.value, err, c.ok)
		}
	}
	stats, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if got := stats.Partitions; got[0][0] != (PartitionStats{1, 5}) || got[0][1] != (PartitionStats{1, 6}) || got[1][0] != (PartitionStats{1, 3}) {
		t.Errorf("refused records count: %v", got)
	}
}

func TestAddRefusesHugeRecord(t *testing.T) {
	if testing.Short() {
		t.Skip("allocates 1 GiB of address space")
	}
	w, err := NewWriter(io.Discard, []Stream{{"s", 1, 0, 0}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add(0, 0, nil, make([]byte, maxRecord)); !errors.Is(err, ErrRecordTooLarge) {
		t.Errorf("got %v, want ErrRecordTooLarge", err)
	}
	if err := w.Add(0, 0, []byte("k"), []byte("v")); err != nil {
		t.Error("the writer is unusable after it: ", err)
	}
	if _, err := w.Close(); err != nil {
		t.Error(err)
	}
}

// Whatever write fails, Close reports it.
func TestWriterReportsEveryFailure(t *testing.T) {
	streams := []Stream{{"a", 3, 8, 8}, {"b", 2, 0, 0}}
	fill := func(w *Writer) {
		for i := range 200 {
			_ = w.Add(0, i%3, noise(uint64(i), 8), noise(uint64(i), 8))
			_ = w.Add(1, i%2, noise(uint64(i), i), noise(uint64(i), 3*i))
		}
	}
	var whole bytes.Buffer
	w, err := NewWriter(&whole, streams)
	if err != nil {
		t.Fatal(err)
	}
	fill(w)
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	for limit := 0; limit < whole.Len(); limit += 97 {
		w, err := NewWriter(&limited{limit, full}, streams)
		if err != nil {
			t.Fatal(err)
		}
		fill(w)
		if _, err := w.Close(); !errors.Is(err, full) {
			t.Fatalf("after %d of %d bytes: Close = %v", limit, whole.Len(), err)
		}
	}
	w, err = NewWriter(&limited{whole.Len(), full}, streams)
	if err != nil {
		t.Fatal(err)
	}
	fill(w)
	if _, err := w.Close(); err != nil {
		t.Errorf("with exactly enough room: %v", err)
	}
}

func TestAddAfterClose(t *testing.T) {
	w, err := NewWriter(io.Discard, []Stream{{"s", 1, 8, 8}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add(0, 0, noise(1, 8), noise(1, 8)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Add(0, 0, noise(1, 8), noise(1, 8)); err == nil {
		t.Error("Add after Close succeeds")
	}
	if _, err := w.Close(); err == nil {
		t.Error("second Close succeeds")
	}
}

func TestAddDoesNotAllocate(t *testing.T) {
	for _, s := range []Stream{{"fixed", 4, 8, 8}, {"variable", 4, 0, 0}} {
		w, err := NewWriter(io.Discard, []Stream{s})
		if err != nil {
			t.Fatal(err)
		}
		key, value := noise(1, 8), noise(2, 8)
		add := func() {
			for p := range 4 {
				if err := w.Add(0, p, key, value); err != nil {
					t.Fatal(err)
				}
			}
		}
		for range 100_000 {
			add() // until all blocks have been full
		}
		if n := testing.AllocsPerRun(1000, add); n != 0 {
			t.Errorf("%s: %v allocations a call", s.Name, n)
		}
	}
}

func TestBlockTarget(t *testing.T) {
	for _, c := range [][2]int{{0, 64 << 10}, {1, 64 << 10}, {1024, 64 << 10}, {2048, 32 << 10}, {16384, 4 << 10}, {1 << 20, 4 << 10}} {
		if got := blockTarget(c[0]); got != c[1] {
			t.Errorf("blockTarget(%d) = %d, want %d", c[0], got, c[1])
		}
	}
}

// The blocks of a file never exceed the target but for a single record, and the
// writer's buffers never exceed it at all.
func TestWriterKeepsToTarget(t *testing.T) {
	const target = 4 << 10
	for _, width := range []int{1, 7, target - 4, target - 3, target - 2, target, 3 * target} {
		var b bytes.Buffer
		w := newWriter(&b, []Stream{{"s", 1, 0, 0}}, target)
		for i := range 40 {
			if err := w.Add(0, 0, noise(uint64(i), width), nil); err != nil {
				t.Fatal(err)
			}
			if cap(w.parts[0][0].buf) > blockHeaderSize+target {
				t.Fatalf("width %d: buffer of %d", width, cap(w.parts[0][0].buf))
			}
		}
		if _, err := w.Close(); err != nil {
			t.Fatal(err)
		}
		s, err := attach(b.Bytes(), 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		for err = s.nextBlock(); err == nil; err = s.nextBlock() {
			if len(s.raw) > target && s.inBlock > 1 {
				t.Errorf("width %d: block of %d bytes with %d records", width, len(s.raw), s.inBlock)
			}
			s.raw = nil
		}
		if !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	}
}

// Shape: what is framed is read back, and size says how long it is.
func TestShapeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "key")
		value := rapid.SliceOfN(rapid.Byte(), 0, 20_000).Draw(t, "value")
		var s shape
		if rapid.Bool().Draw(t, "fixed key") {
			s.key = len(key)
		}
		if rapid.Bool().Draw(t, "fixed value") {
			s.value = len(value)
		}
		b := s.append(nil, key, value)
		if len(b) != s.size(len(key), len(value)) {
			t.Fatalf("size %d, framed %d", s.size(len(key), len(value)), len(b))
		}
		k, v, n := s.split(append(b, "more"...))
		if n != len(b) || !bytes.Equal(k, key) || !bytes.Equal(v, value) {
			t.Fatalf("split: %d of %d", n, len(b))
		}
		for cut := range min(len(b), 50) {
			if _, _, n := s.split(b[:cut]); n != 0 {
				t.Fatalf("a record cut to %d of %d bytes is accepted", cut, len(b))
			}
		}
	})
}

// Records that shrink to a quarter are compressed, others stay raw, by each block.
func TestWriterCodec(t *testing.T) {
	for name, c := range map[string]struct {
		value func(i int) []byte
		codec uint32
	}{
		"zeros": {func(int) []byte { return make([]byte, 100) }, codecS2},
		"noise": {func(i int) []byte { return noise(uint64(i), 100) }, codecRaw},
		"half":  {func(i int) []byte { return append(noise(uint64(i), 50), make([]byte, 50)...) }, codecRaw},
		"noise after the sample": {func(i int) []byte {
			if i < 20 {
				return make([]byte, 100)
			}
			return noise(uint64(i), 100)
		}, codecRaw},
	} {
		b, _ := encode(t, []Stream{{"s", 1, 8, 100}}, func(add addFunc) {
			for i := range 200 {
				add(0, 0, make([]byte, 8), c.value(i))
			}
		})
		if got := le.Uint32(b[headerSize:]); got != c.codec {
			t.Errorf("%s: codec %d, want %d", name, got, c.codec)
		}
	}
}

// Adding allocates nothing once the blocks have grown, whatever the widths.
func TestAddShapesDoNotAllocate(t *testing.T) {
	for _, s := range []Stream{{"s", 4, 16, 0}, {"s", 4, 8, 24}, {"s", 4, 0, 0}} {
		w, err := NewWriter(io.Discard, []Stream{s})
		if err != nil {
			t.Fatal(err)
		}
		key, value := make([]byte, max(s.KeyWidth, 5)), make([]byte, max(s.ValueWidth, 7))
		n := 0
		add := func() {
			if n++; w.Add(0, n%4, key, value) != nil {
				t.Fatal("add fails")
			}
		}
		for range 200_000 {
			add()
		}
		if allocs := testing.AllocsPerRun(50_000, add); allocs != 0 {
			t.Errorf("%v: %v allocations a record", s, allocs)
		}
	}
}
