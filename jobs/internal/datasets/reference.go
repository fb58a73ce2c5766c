package datasets

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Reference is what the lists of a model of another implementation are worth: Figures, rounded to five digits and coverage to four.
func (s *Split) Reference(t testing.TB, model string) map[string]float64 {
	t.Helper()
	for _, file := range []string{"metrics_extra.json", "metrics_pop_knn_rp3_als.json"} {
		for _, row := range models(t, Path(t, "splits", s.Name, file)) {
			if row["model"] == model {
				return figures(row)
			}
		}
	}
	t.Fatalf("%s has no model %q", s.Name, model)
	return nil
}

// models reads a list of models, or an object that has one.
func models(t testing.TB, path string) (rows []map[string]any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Metrics []map[string]any `json:"metrics"`
	}
	if json.Unmarshal(data, &rows) == nil {
		return rows
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Metrics
}

// figures gives the numbers of a model their names.
func figures(row map[string]any) map[string]float64 {
	long := map[string]string{"P": "precision", "R": "recall", "NDCG": "NDCG", "MAP": "MAP", "coverage": "coverage"}
	found := map[string]float64{}
	for key, value := range row {
		v, ok := value.(float64)
		short, cutoff, _ := strings.Cut(key, "@")
		switch name := long[short]; {
		case ok && key == "users":
			found[key] = v
		case ok && name != "":
			found[name+"@"+cutoff] = v
		}
	}
	return found
}

// Compare fails the test where a figure that a model of another implementation has is not that of ours.
func (s *Split) Compare(t testing.TB, model string, got map[string]float64, within float64) {
	t.Helper()
	want := s.Reference(t, model)
	for name, w := range want {
		if v, some := got[name]; !some || math.IsNaN(v) || math.Abs(v-w) > within {
			t.Errorf("%s, %s: %s is %.5f, want %.5f", s.Name, model, name, v, w)
		}
	}
	t.Logf("%s, %s: NDCG@10 %.5f, recall@20 %.5f, NDCG@20 %.5f", s.Name, model, got["NDCG@10"], got["recall@20"], got["NDCG@20"])
	if len(want) < 10 {
		t.Errorf("%s, %s: only %d figures", s.Name, model, len(want))
	}
}

// Listed is an item of a list, by its id.
type Listed struct {
	Item  int
	Score float64
}

// Lists reads lists of another implementation by the id of a user, or of the item whose neighbours they are.
func (s *Split) Lists(t testing.TB, file string) map[int][]Listed {
	t.Helper()
	lists := map[int][]Listed{}
	for _, cells := range cellsOf(t, Path(t, "splits", s.Name, file)) {
		score, err := strconv.ParseFloat(cells[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		of, rank := whole(t, cells[0]), whole(t, cells[1])
		lists[of] = append(lists[of], Listed{whole(t, cells[2]), score})
		if list := lists[of]; rank != len(list) {
			t.Fatalf("%s: rank %d of %d is its row number %d", file, rank, of, len(list))
		}
	}
	return lists
}
