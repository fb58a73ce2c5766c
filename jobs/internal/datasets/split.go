package datasets

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/rankmetrics"
)

// Split is a dataset cut into what to learn from and what users took of the rest. Users and items of both parts together are
// numbered by ascending id; a row is a user.
type Split struct {
	Name             string // of the folder with what others made of it
	UserIDs, ItemIDs []int
	Train, Test      *Matrix
}

// LastFM is the split hash80 of Last.fm: 1,890 users.
func LastFM(t testing.TB) *Split {
	t.Helper()
	return readSplit(t, "lastfm-hash80", Path(t, "splits", "lastfm-hash80", "train.csv"), Path(t, "splits", "lastfm-hash80", "test.csv"))
}

// Gowalla is the split of Gowalla that was published: 29,858 users.
func Gowalla(t testing.TB) *Split {
	t.Helper()
	return readSplit(t, "gowalla-published", Path(t, "gowalla", "train.txt"), Path(t, "gowalla", "test.txt"))
}

// readSplit reads files of lines "user item item ...", or such with commas below a header.
func readSplit(t testing.TB, name, train, test string) *Split {
	t.Helper()
	s := &Split{Name: name}
	parts := [2][][]int{lines(t, train), lines(t, test)}
	for _, line := range slices.Concat(parts[0], parts[1]) {
		s.UserIDs, s.ItemIDs = append(s.UserIDs, line[0]), append(s.ItemIDs, line[1:]...)
	}
	for _, ids := range []*[]int{&s.UserIDs, &s.ItemIDs} {
		slices.Sort(*ids)
		*ids = slices.Compact(*ids)
	}
	s.Train, s.Test = s.matrix(parts[0]), s.matrix(parts[1])
	return s
}

// lines reads numbers, line by line. A header is left out.
func lines(t testing.TB, path string) (all [][]int) {
	t.Helper()
	for i, cells := range cellsOf(t, path) {
		numbers := make([]int, len(cells))
		for c, cell := range cells {
			numbers[c] = whole(t, cell)
		}
		if len(numbers) == 0 {
			t.Fatalf("%s: line %d is empty", path, i+1)
		}
		all = append(all, numbers)
	}
	return all
}

// cellsOf reads a file of cells with commas or spaces between them, line by line. The header of one that ends in .csv is left out.
func cellsOf(t testing.TB, path string) (all [][]string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		all = append(all, strings.FieldsFunc(line, func(r rune) bool { return r <= ' ' || r == ',' }))
	}
	if filepath.Ext(path) == ".csv" {
		return all[1:]
	}
	return all
}

func whole(t testing.TB, cell string) int {
	t.Helper()
	n, err := strconv.Atoi(cell)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (s *Split) matrix(lines [][]int) *Matrix {
	entries := Entries{}
	for _, line := range lines {
		for _, item := range line[1:] {
			entries[[2]uint32{number(s.UserIDs, line[0]), number(s.ItemIDs, item)}] = 1
		}
	}
	return Compress(len(s.UserIDs), len(s.ItemIDs), entries, true)
}

func number(ids []int, id int) uint32 {
	at, _ := slices.BinarySearch(ids, id)
	return uint32(at)
}

// Measure is what lists are worth, best first and one for each user, at 10 and 20. Users without a row to learn from do not
// count.
func (s *Split) Measure(lists [][]uint32) map[string]float64 {
	sums := rankmetrics.New(rankmetrics.Options{Items: len(s.ItemIDs), Cutoffs: []int{10, 20}})
	for u, list := range lists {
		if had, _ := s.Train.Row(u); len(had) > 0 {
			relevant, _ := s.Test.Row(u)
			sums.Add(uint32(u), list, relevant)
		}
	}
	return Figures(sums)
}

// Figures are the values of metrics by their names, such as "NDCG@10", and the number of "users".
func Figures(sums *rankmetrics.Sums) map[string]float64 {
	figures := map[string]float64{"users": float64(sums.Users())}
	for _, v := range sums.Values() {
		figures[v.Metric.At(v.K)] = v.Value
	}
	return figures
}
