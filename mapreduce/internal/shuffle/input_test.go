package shuffle

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawMaps draws what map tasks emit for a stream.
func drawMaps(t *rapid.T, s Stream) [][]record {
	pool := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return drawBytes(t, s.KeyWidth, 30) }), 1, 40).Draw(t, "keys")
	maps := make([][]record, rapid.IntRange(0, 12).Draw(t, "maps"))
	n := 0
	for m := range maps {
		for range rapid.IntRange(0, 150).Draw(t, "records") {
			key := rapid.SampledFrom(pool).Draw(t, "key")
			value := fmt.Sprint(n)
			if s.ValueWidth > 0 {
				value = string(noise(uint64(n), s.ValueWidth))
			}
			maps[m] = append(maps[m], record{key, value, Partition([]byte(key), s.Partitions)})
			n++
		}
	}
	return maps
}

// Input yields what the oracle sorts, for any budget and fan, in the groups that
// its keys have, and the first of these. Memory of the Input before does not show.
func TestInputMatchesOracle(t *testing.T) {
	root := t.TempDir()
	spilled, cut, topped := 0, 0, 0
	var buffers Buffers
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(root, "case")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		temp := filepath.Join(dir, "tmp")
		if err := os.Mkdir(temp, 0o700); err != nil {
			t.Fatal(err)
		}
		s := Stream{
			"s", rapid.IntRange(1, 50).Draw(t, "partitions"),
			rapid.SampledFrom([]int{0, 0, 0, 1, 3, 8, 9, 16}).Draw(t, "key width"), rapid.SampledFrom([]int{0, 0, 4, 8, 12}).Draw(t, "value width"),
		}
		maps := drawMaps(t, s)
		paths := drawFiles(t, dir, s, maps)
		cfg := Config{
			KeyWidth: s.KeyWidth, ValueWidth: s.ValueWidth, TempDir: temp,
			Budget: rapid.SampledFrom([]int64{0, 100, 400, 3000, 1 << 20}).Draw(t, "budget"),
			MaxFan: rapid.IntRange(2, 6).Draw(t, "fan"),
			First:  rapid.SampledFrom([]int{0, 0, 1, 2, 5, smallRun + 1}).Draw(t, "first"),
		}
		if rapid.Bool().Draw(t, "buffers") {
			cfg.Buffers = &buffers
		}
		if rapid.Bool().Draw(t, "group") {
			n := rapid.SampledFrom([]int{0, 1, 2, 3, 5, 8, 9}).Draw(t, "prefix")
			cfg.Group = func(key []byte) int { return min(n, len(key)) }
		}
		// Files and oracle cover all partitions; a few of them are read.
		for cfg.Partition = 0; cfg.Partition < s.Partitions; cfg.Partition += 1 + s.Partitions/8 {
			want := oracle(maps, cfg.Partition)
			in, err := NewInput(cfg, each(paths))
			if err != nil {
				t.Fatal(err)
			}
			checkInput(t, in, int64(len(want)), firstRecords(want, cfg.Group, cfg.First), cfg.Group)
			spilled += boolInt(in.Spilled() > 0)
			cut += boolInt(in.Cut() > 0)
			topped += boolInt(newTops(&in.cfg, &in.cutter) != nil)
			if err := in.Close(); err != nil {
				t.Fatal(err)
			}
			if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
				t.Fatalf("%d spills left, %v", len(left), err)
			}
		}
	})
	if spilled == 0 || cut == 0 || topped == 0 {
		t.Errorf("%d cases spilled, %d cut, %d had tops", spilled, cut, topped)
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// drawFiles writes the run files of maps, in blocks of a drawn size.
func drawFiles(t *rapid.T, dir string, s Stream, maps [][]record) (paths []string) {
	target := rapid.IntRange(1, 500).Draw(t, "target")
	for m, records := range maps {
		var b bytes.Buffer
		w := newWriter(&b, []Stream{s}, target)
		for _, r := range records {
			if err := w.Add(0, r.partition, []byte(r.key), []byte(r.value)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, fmt.Sprint("map-", m))
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// checkInput compares an input with the records wanted.
func checkInput(t *rapid.T, in *Input, records int64, want []record, group func([]byte) int) {
	var last []byte
	n := 0
	for in.NextGroup() {
		if n > 0 && bytes.Equal(last, in.GroupKey()) {
			t.Fatalf("group %x comes twice", last)
		}
		last = bytes.Clone(in.GroupKey())
		start := n
		for key, value, ok := in.Next(); ok; key, value, ok = in.Next() {
			if n == len(want) || string(key) != want[n].key || string(value) != want[n].value {
				t.Fatalf("record %d is %x: %x", n, key, value)
			}
			prefix := len(key)
			if group != nil {
				prefix = group(key)
			}
			if !bytes.Equal(key[:prefix], last) {
				t.Fatalf("record %x in group %x", key, last)
			}
			n++
		}
		if n == start {
			t.Fatalf("group %x is empty", last)
		}
	}
	if in.Err() != nil || n != len(want) || in.Records() != records {
		t.Fatalf("%d records of %d, want %d of %d: %v", n, in.Records(), len(want), records, in.Err())
	}
	if in.Delivered() != int64(n) || in.Cut() != records-int64(n) {
		t.Fatalf("delivered %d, cut %d; were %d of %d", in.Delivered(), in.Cut(), n, records)
	}
	if _, _, ok := in.Next(); ok || in.NextGroup() {
		t.Fatal("more behind the end")
	}
}

// testInput opens an input over maps, with its folder for spills.
func testInput(t *testing.T, cfg Config, s Stream, maps [][]record) *Input {
	t.Helper()
	cfg.KeyWidth, cfg.ValueWidth = s.KeyWidth, s.ValueWidth
	if cfg.TempDir == "" {
		cfg.TempDir = t.TempDir()
	}
	in, err := NewInput(cfg, each(writeMaps(t, t.TempDir(), s, maps)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		emptyDir(t, cfg.TempDir)
	})
	return in
}

// manyRecords returns n records spread over maps.
func manyRecords(n, maps int, key func(i int) string) [][]record {
	out := make([][]record, maps)
	for i := range n {
		m := i * maps / n
		out[m] = append(out[m], record{key(i), fmt.Sprint("value ", i), 0})
	}
	return out
}

func TestInputMultiPass(t *testing.T) {
	maps := manyRecords(20_000, 5, func(i int) string { return fmt.Sprint("key ", i*7919%5000) })
	for _, fan := range []int{2, 3, 16} {
		in := testInput(t, Config{Budget: 16 << 10, MaxFan: fan}, Stream{Name: "s", Partitions: 1}, maps)
		groups, got := drain(t, in)
		if !slices.Equal(got, oracle(maps, 0)) || len(groups) != 5000 {
			t.Errorf("fan %d: wrong records or %d groups", fan, len(groups))
		}
		if last, ok := in.source.(*merger); !ok || len(last.ways) > fan {
			t.Errorf("fan %d: last merge is wider", fan)
		}
	}
}

func TestInputLongKeys(t *testing.T) {
	maps := manyRecords(60, 4, func(i int) string {
		return strings.Repeat("long", 25_000) + fmt.Sprint(i*31%20) + strings.Repeat("x", i%3*5000)
	})
	for _, budget := range []int64{1 << 30, 500_000, 1} {
		in := testInput(t, Config{Budget: budget, MaxFan: 3}, Stream{Name: "s", Partitions: 1}, maps)
		if _, got := drain(t, in); !slices.Equal(got, oracle(maps, 0)) {
			t.Errorf("budget %d: wrong records", budget)
		}
		if spills := budget < 1<<30; spills != (in.Spilled() > 0) {
			t.Errorf("budget %d: %d bytes spilled", budget, in.Spilled())
		}
	}
}

// One group exceeds the budget many times over, with small ones around.
func TestInputSkew(t *testing.T) {
	maps := manyRecords(50_000, 3, func(i int) string {
		if i%100 == 0 {
			return fmt.Sprint("rare ", i)
		}
		return "often"
	})
	in := testInput(t, Config{Budget: 64 << 10}, Stream{Name: "s", Partitions: 1}, maps)
	if !in.NextGroup() || string(in.GroupKey()) != "often" {
		t.Fatalf("first group %q", in.GroupKey())
	}
	n := 0
	for _, _, ok := in.Next(); ok; _, _, ok = in.Next() {
		n++
	}
	if n != 49_500 {
		t.Errorf("%d records, want 49500", n)
	}
	if groups, _ := drain(t, in); len(groups) != 500 {
		t.Errorf("%d more groups, want 500", len(groups))
	}
}

// A consumer may leave a group early, or not look at it.
func TestInputSkipsRest(t *testing.T) {
	maps := manyRecords(1000, 2, func(i int) string { return fmt.Sprintf("%02d", i%10) })
	for _, budget := range []int64{1 << 20, 1000} {
		in := testInput(t, Config{Budget: budget}, Stream{Name: "s", Partitions: 1}, maps)
		if _, _, ok := in.Next(); ok {
			t.Error("a record before the first group")
		}
		var seen []string
		for n := 0; in.NextGroup(); n++ {
			for range n % 3 {
				key, _, ok := in.Next()
				if !ok || !bytes.Equal(key, in.GroupKey()) {
					t.Fatalf("group %s yields %s, %v", in.GroupKey(), key, ok)
				}
			}
			seen = append(seen, string(in.GroupKey()))
		}
		if len(seen) != 10 || !slices.IsSorted(seen) || in.Err() != nil {
			t.Errorf("groups %v, %v", seen, in.Err())
		}
	}
}

// Close in the middle leaves nothing behind, and ends the iteration.
func TestInputCloseEarly(t *testing.T) {
	temp := t.TempDir()
	maps := manyRecords(5000, 2, func(i int) string { return fmt.Sprint(i) })
	in := testInput(t, Config{Budget: 10_000, TempDir: temp}, Stream{Name: "s", Partitions: 1}, maps)
	if !in.NextGroup() {
		t.Fatal(in.Err())
	}
	if err := errors.Join(in.Close(), in.Close()); err != nil {
		t.Fatal(err)
	}
	emptyDir(t, temp)
	for range 3 {
		in.NextGroup()
	}
	if in.NextGroup() || in.Err() != nil {
		t.Errorf("goes on after Close: %v", in.Err())
	}
}

func TestInputBeats(t *testing.T) {
	maps := manyRecords(40_000, 3, func(i int) string { return fmt.Sprint(i * 7919 % 1000) })
	for _, budget := range []int64{1 << 30, 100_000} {
		beats := 0
		cfg := Config{Budget: budget, Beat: func() { beats++ }}
		in := testInput(t, cfg, Stream{Name: "s", Partitions: 1}, maps)
		loaded := beats
		if loaded < 2*3 {
			t.Errorf("budget %d: %d beats while loading", budget, loaded)
		}
		drain(t, in)
		if beats-loaded < 40_000/beatRecords {
			t.Errorf("budget %d: %d beats while iterating", budget, beats-loaded)
		}
	}
}

func TestInputRefuses(t *testing.T) {
	dir := t.TempDir()
	paths := writeMaps(t, dir, Stream{Name: "s", Partitions: 2, KeyWidth: 4}, [][]record{{{"1234", "v", 0}}, nil})
	cfg := Config{KeyWidth: 4, Budget: 1 << 20, TempDir: dir}
	var damaged *DamagedError
	for name, c := range map[string]struct {
		change func(*Config)
		paths  []string
		want   func(error) bool
	}{
		"fan":       {func(c *Config) { c.MaxFan = 1 }, paths, func(err error) bool { return !isReported(err) }},
		"width":     {func(c *Config) { c.KeyWidth = -1 }, paths, func(err error) bool { return !isReported(err) }},
		"widths":    {func(c *Config) { c.KeyWidth = 8 }, paths, func(err error) bool { return errors.As(err, &damaged) && damaged.Path == paths[0] }},
		"partition": {func(c *Config) { c.Partition = 2 }, paths, func(err error) bool { return errors.As(err, &damaged) }},
		"stream":    {func(c *Config) { c.Stream = 1 }, paths, func(err error) bool { return errors.As(err, &damaged) }},
		"missing":   {func(*Config) {}, append(slices.Clone(paths), filepath.Join(dir, "none")), func(err error) bool { return errors.Is(err, fs.ErrNotExist) }},
		"no folder": {func(c *Config) { c.TempDir = filepath.Join(dir, "none"); c.Budget = 1 }, append(slices.Clone(paths), paths...), func(err error) bool {
			return errors.As(err, &damaged) && damaged.Spill && !errors.Is(err, fs.ErrNotExist) // no run file is missing
		}},
	} {
		cfg := cfg
		c.change(&cfg)
		if in, err := NewInput(cfg, each(c.paths)); err == nil || !c.want(err) || in != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	in, err := NewInput(Config{KeyWidth: 4, Budget: 1 << 20, Group: func([]byte) int { return 5 }}, each(paths))
	if err != nil {
		t.Fatal(err)
	}
	if in.NextGroup() || in.Err() == nil {
		t.Error("a group prefix longer than the key is accepted")
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
}

func TestInputOfNothing(t *testing.T) {
	for _, maps := range [][][]record{nil, {nil, nil}} {
		in := testInput(t, Config{Budget: 1}, Stream{Name: "s", Partitions: 3}, maps)
		if groups, _ := drain(t, in); len(groups) > 0 || in.Records() != 0 {
			t.Errorf("%d groups", len(groups))
		}
	}
}

// Damage to a spill is told from damage to a run file, and never yields wrong
// records unnoticed.
func TestInputDamagedSpill(t *testing.T) {
	maps := manyRecords(4000, 2, func(i int) string { return fmt.Sprint(i) })
	paths := writeMaps(t, t.TempDir(), Stream{Name: "s", Partitions: 1}, maps)
	for name, spoil := range map[string]func(path string, b []byte) error{
		"flip":     func(path string, b []byte) error { b[len(b)/2] ^= 1; return os.WriteFile(path, b, 0o600) },
		"truncate": func(path string, b []byte) error { return os.Truncate(path, int64(len(b)/2)) },
	} {
		temp := t.TempDir()
		in, err := NewInput(Config{Budget: 20_000, TempDir: temp}, each(paths))
		if err != nil {
			t.Fatal(err)
		}
		spills, err := os.ReadDir(temp)
		if err != nil || len(spills) < 2 {
			t.Fatalf("%d spills, %v", len(spills), err)
		}
		path := filepath.Join(temp, spills[1].Name())
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := spoil(path, b); err != nil {
			t.Fatal(err)
		}
		for in.NextGroup() {
			in.Next()
		}
		var damaged *DamagedError
		if !errors.As(in.Err(), &damaged) || !damaged.Spill || damaged.Path != path {
			t.Errorf("%s: %v", name, in.Err())
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		emptyDir(t, temp)
	}
}

// A damaged run file is reported by its path, not as a spill, and nothing stays.
func TestInputDamagedRunFile(t *testing.T) {
	maps := manyRecords(4000, 3, func(i int) string { return fmt.Sprint(i) })
	paths := writeMaps(t, t.TempDir(), Stream{Name: "s", Partitions: 1}, maps)
	b, err := os.ReadFile(paths[2])
	if err != nil {
		t.Fatal(err)
	}
	b[headerSize+blockHeaderSize+100] ^= 1
	if err := os.WriteFile(paths[2], b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, budget := range []int64{1 << 30, 20_000} {
		temp := t.TempDir()
		_, err := NewInput(Config{Budget: budget, TempDir: temp}, each(paths))
		var damaged *DamagedError
		if !errors.As(err, &damaged) || damaged.Spill || damaged.Path != paths[2] {
			t.Errorf("got %v", err)
		}
		emptyDir(t, temp)
	}
}

func TestInputDoesNotAllocate(t *testing.T) {
	maps := make([][]record, 2)
	for i := range 100_000 {
		maps[i%2] = append(maps[i%2], record{string(noise(uint64(i%5000), 8)), string(noise(uint64(i), 8)), 0})
	}
	for _, budget := range []int64{1 << 30, 1 << 20} {
		in := testInput(t, Config{Budget: budget}, Stream{Name: "s", Partitions: 1, KeyWidth: 8, ValueWidth: 8}, maps)
		next := func() {
			for range 5 {
				if _, _, ok := in.Next(); !ok {
					in.NextGroup()
				}
			}
		}
		for range 5000 {
			next()
		}
		if n := testing.AllocsPerRun(5000, next); n != 0 {
			t.Errorf("budget %d: %v allocations for five records", budget, n)
		}
	}
}
