package shuffle

import (
	"errors"
	"fmt"
	"testing"
)

var errStop = errors.New("stop")

// Whenever it is asked to, the reading of a partition ends, with that error and without a file left: between files, between
// the blocks of one, while it spills, merges and yields.
func TestStopped(t *testing.T) {
	s := Stream{Name: "s", Partitions: 1}
	maps := manyRecords(40_000, 3, func(i int) string { return fmt.Sprint(i * 7919 % 1000) })
	dir := t.TempDir()
	paths := writeMaps(t, dir, s, maps)
	reads := map[string]func(Config) error{
		"input": func(cfg Config) error {
			in, err := NewInput(cfg, each(paths))
			if err != nil {
				return err
			}
			for in.NextGroup() {
				in.Next()
			}
			return errors.Join(in.Err(), in.Close())
		},
		"each": func(cfg Config) error {
			_, err := Each(cfg, each(paths), func([]byte, []Record) error { return nil })
			return err
		},
	}
	for name, read := range reads {
		for _, budget := range []int64{1 << 30, 100_000} {
			asked, limit := 0, int(1e9)
			cfg := Config{Budget: budget, MaxFan: 3, TempDir: t.TempDir(), Stopped: func() error {
				if asked++; asked > limit {
					return errStop
				}
				return nil
			}}
			if err := read(cfg); err != nil {
				t.Fatal(err)
			}
			all := asked
			if all < 3+40_000/beatRecords {
				t.Errorf("%s, budget %d: asked %d times", name, budget, all)
			}
			for limit = range all {
				asked = 0
				if err := read(cfg); !errors.Is(err, errStop) || asked != limit+1 {
					t.Fatalf("%s, budget %d: asked %d times and stopped the %dth, %v", name, budget, asked, limit+1, err)
				}
			}
			emptyDir(t, cfg.TempDir)
		}
	}
}

// A file of many blocks is not read to its end.
func TestStoppedBetweenBlocks(t *testing.T) {
	s := Stream{Name: "s", Partitions: 1, KeyWidth: 8, ValueWidth: 100}
	records := make([]record, 50_000)
	for i := range records {
		records[i] = record{string(noise(uint64(i), 8)), string(noise(uint64(i), 100)), 0}
	}
	paths := writeMaps(t, t.TempDir(), s, [][]record{records})
	asked := 0
	cfg := Config{KeyWidth: 8, ValueWidth: 100, Budget: 1 << 30, Stopped: func() error { asked++; return nil }}
	in, err := NewInput(cfg, each(paths))
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil || asked < 2+10 { // the survey, the file, and its blocks
		t.Errorf("asked %d times while a file of %d bytes was loaded, %v", asked, in.total.bytes, err)
	}
}
