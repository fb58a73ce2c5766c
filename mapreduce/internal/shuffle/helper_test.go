package shuffle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/zeebo/xxh3"
)

type addFunc func(stream, partition int, key, value []byte)

// record is a record of a test, and where it belongs.
type record struct {
	key, value string
	partition  int
}

// encode returns a run file with what fill adds.
func encode(t testing.TB, streams []Stream, fill func(addFunc)) ([]byte, Stats) {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, streams)
	if err != nil {
		t.Fatal(err)
	}
	fill(func(stream, partition int, key, value []byte) {
		t.Helper()
		if err := w.Add(stream, partition, key, value); err != nil {
			t.Fatal(err)
		}
	})
	stats, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if stats.Bytes != int64(b.Len()) {
		t.Fatalf("Stats.Bytes = %d, file has %d", stats.Bytes, b.Len())
	}
	return b.Bytes(), stats
}

// writeFile writes a run file with what fill adds.
func writeFile(t testing.TB, path string, streams []Stream, fill func(addFunc)) Stats {
	t.Helper()
	b, stats := encode(t, streams, fill)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return stats
}

// each returns an iterator over paths as [NewInput] wants it.
func each(paths []string) func() (string, bool) {
	return func() (string, bool) {
		if len(paths) == 0 {
			return "", false
		}
		p := paths[0]
		paths = paths[1:]
		return p, true
	}
}

// attach opens a partition of a run file held in memory.
func attach(b []byte, stream, partition int) (*Segment, error) {
	s := &Segment{}
	return s, s.attach("mem.run", bytes.NewReader(b), int64(len(b)), stream, partition)
}

// readSegment reads records until the end or an error.
func readSegment(s *Segment) (records []record, err error) {
	for {
		key, value, err := s.Next()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return records, err
		}
		records = append(records, record{string(key), string(value), s.index[1]})
	}
}

// readBytes reads a partition of a run file held in memory.
func readBytes(b []byte, stream, partition int) ([]record, error) {
	s, err := attach(b, stream, partition)
	if err != nil {
		return nil, err
	}
	return readSegment(s)
}

// drain returns the records of an input, group by group.
func drain(t testing.TB, in *Input) (groups []string, records []record) {
	t.Helper()
	for in.NextGroup() {
		groups = append(groups, string(in.GroupKey()))
		for key, value, ok := in.Next(); ok; key, value, ok = in.Next() {
			records = append(records, record{string(key), string(value), in.cfg.Partition})
		}
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	return groups, records
}

// noise returns n bytes that do not compress, the same in every run.
func noise(seed uint64, n int) []byte {
	var b []byte
	for i := uint64(0); len(b) < n; i++ {
		b = binary.BigEndian.AppendUint64(b, xxh3.HashSeed(binary.BigEndian.AppendUint64(nil, i), seed))
	}
	return b[:n]
}

// writeMaps writes a run file of one stream for each map task.
func writeMaps(t testing.TB, dir string, s Stream, maps [][]record) (paths []string) {
	t.Helper()
	for m, records := range maps {
		path := filepath.Join(dir, fmt.Sprintf("map-%06d.a1.run", m))
		writeFile(t, path, []Stream{s}, func(add addFunc) {
			for _, r := range records {
				add(0, r.partition, []byte(r.key), []byte(r.value))
			}
		})
		paths = append(paths, path)
	}
	return paths
}

// oracle returns the records of a partition in the order that [Input] promises.
func oracle(maps [][]record, partition int) (want []record) {
	for _, records := range maps {
		for _, r := range records {
			if r.partition == partition {
				want = append(want, r)
			}
		}
	}
	slices.SortStableFunc(want, func(a, b record) int { return bytes.Compare([]byte(a.key), []byte(b.key)) })
	return want
}

// firstRecords returns the first records of each group of want, 0 meaning all.
func firstRecords(want []record, group func([]byte) int, first int) (cut []record) {
	last, count := "", 0
	for _, r := range want {
		if g := r.key[:groupLen(group, []byte(r.key))]; count == 0 || g != last {
			last, count = g, 0
		}
		if count++; first == 0 || count <= first {
			cut = append(cut, r)
		}
	}
	return cut
}

func emptyDir(t testing.TB, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("%d files left in the folder for spills, first %s", len(left), left[0].Name())
	}
}

// roomyBatch returns a batch with that much room that cuts nothing.
func roomyBatch(s shape, records, bytes int) *batch {
	b := newBatch(s, func() {}, &cutter{})
	b.resize(int64(records), int64(bytes))
	return b
}
