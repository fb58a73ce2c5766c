package datasets

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// TestReadSplit reads the same split from files of both kinds.
func TestReadSplit(t *testing.T) {
	for name, files := range map[string][2]string{
		"x.csv": {"user,item\n7,30\n7,10\n9,20\n", "user,item\n9,40\n8,10\n"},
		"x.txt": {"7 30 10\n9 20\n", "9 40\n8 10\n"},
	} {
		var paths [2]string
		for i, text := range files {
			paths[i] = filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(paths[i], []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got := readSplit(t, "x", paths[0], paths[1])
		want := &Split{
			Name: "x", UserIDs: []int{7, 8, 9}, ItemIDs: []int{10, 20, 30, 40},
			Train: Compress(3, 4, Entries{{0, 2}: 1, {0, 0}: 1, {2, 1}: 1}, true),
			Test:  Compress(3, 4, Entries{{2, 3}: 1, {1, 0}: 1}, true),
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
		// The user 8 has nothing to learn from and does not count; 9 gets its item at rank 2.
		figures := got.Measure([][]uint32{{1}, {3}, {0, 3}})
		if figures["users"] != 1 || figures["recall@10"] != 1 || figures["precision@10"] != .1 || figures["MAP@20"] != .5 {
			t.Errorf("%s: %v", name, figures)
		}
	}
}

// TestPublished: the published splits are as large as those who publish them say, and have references for the metrics of ours.
func TestPublished(t *testing.T) {
	for _, c := range []struct {
		split               *Split
		users, train, items int
	}{{LastFM(t), 1_892, 74_174, 17_632}, {Gowalla(t), 29_858, 810_128, 40_981}} {
		s := c.split
		if len(s.UserIDs) != c.users || len(s.ItemIDs) != c.items || len(s.Train.Index) != c.train {
			t.Errorf("%s: %d users, %d items, %d entries to learn from", s.Name, len(s.UserIDs), len(s.ItemIDs), len(s.Train.Index))
		}
		want, ours := s.Reference(t, "popularity"), s.Measure(make([][]uint32, c.users))
		for name := range want {
			if _, some := ours[name]; !some {
				t.Errorf("%s: nothing is measured as %s", s.Name, name)
			}
		}
		if len(want) != 10 {
			t.Errorf("%s: %v", s.Name, want)
		}
	}
}
