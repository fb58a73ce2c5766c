package shuffle

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// goldenFiles are files of format version 1, written once and never again. That
// with raw blocks must also be written as it is; the encoding of compressed ones
// is the business of the s2 package and may change with it.
var goldenFiles = []struct {
	name    string
	rewrite bool
	streams []Stream
	fill    func(addFunc)
}{
	{"v1-raw.run", true, []Stream{{"by-id", 3, 8, 8}, {"by-label", 2, 0, 0}}, fillRaw},
	{"v1-s2.run", false, []Stream{{"words", 2, 0, 8}, {"none", 1, 1, 1}}, fillS2},
}

func fillRaw(add addFunc) {
	for i := range 20 {
		add(0, i%2, noise(uint64(i), 8), noise(uint64(i)+100, 8))
		add(1, i%2, noise(uint64(i), i), noise(uint64(i)+100, i*10))
	}
	add(1, 1, []byte("last"), nil)
}

func fillS2(add addFunc) {
	for i := range 2000 {
		add(0, i%2, fmt.Appendf(nil, "word %d", i%7), []byte{0, 0, 0, 0, 0, 0, 0, byte(i)})
	}
}

func TestGolden(t *testing.T) {
	for _, g := range goldenFiles {
		path := filepath.Join("testdata", g.name)
		if err := Verify(path); err != nil {
			t.Error(err)
			continue
		}
		want := map[[2]int][]record{}
		g.fill(func(stream, partition int, key, value []byte) {
			at := [2]int{stream, partition}
			want[at] = append(want[at], record{string(key), string(value), partition})
		})
		for i, s := range g.streams {
			for p := range s.Partitions {
				checkGolden(t, path, s, [2]int{i, p}, want[[2]int{i, p}])
			}
		}
		if !g.rewrite {
			continue
		}
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := encode(t, g.streams, g.fill); !bytes.Equal(b, golden) {
			t.Errorf("%s: the format has changed; it needs a new version", g.name)
		}
	}
}

func checkGolden(t *testing.T, path string, want Stream, at [2]int, records []record) {
	t.Helper()
	s, err := Open(path, at[0], at[1])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if s.Stream() != want {
		t.Errorf("%s: stream %v, want %v", path, s.Stream(), want)
	}
	if got, err := readSegment(s); err != nil || !slices.Equal(got, records) {
		t.Errorf("%s: partition %v has %d records, want %d: %v", path, at, len(got), len(records), err)
	}
}

// The golden files hold what their names say.
func TestGoldenCodecs(t *testing.T) {
	for name, want := range map[string]uint32{"v1-raw.run": codecRaw, "v1-s2.run": codecS2} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if got := le.Uint32(b[headerSize:]); got != want {
			t.Errorf("%s: first block has codec %d, want %d", name, got, want)
		}
	}
}
