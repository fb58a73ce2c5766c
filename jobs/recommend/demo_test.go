package recommend_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// TestPlantedGroups: the groups that the demo's data has are found, by every algorithm that knows of neighbours.
func TestPlantedGroups(t *testing.T) {
	type row struct{ user, item string }
	cols := table.Columns[row]{
		table.String("user", nil, func(r *row, v string) { r.user = v }),
		table.String("item", nil, func(r *row, v string) { r.item = v }),
	}
	share := func(algorithm string) float64 {
		cfg := config(t, func(p *recommend.Params) { p.Algorithm, p.Top, p.ValueCol = algorithm, 4, "plays" },
			filepath.Join("..", "..", "testdata", "demo", "plays.csv"))
		mrtest.Run(t, jobs.Standard(), recommend.Job(), cfg, mapreduce.ExitComplete)
		own, all := 0, rows(t, cfg.Dir, "recommendations", cols)
		if len(all) == 0 {
			t.Fatalf("%s recommends nothing", algorithm)
		}
		for _, r := range all {
			if genre, _, _ := strings.Cut(r.user, "-"); strings.HasPrefix(r.item, genre+"-") {
				own++
			}
		}
		return float64(own) / float64(len(all))
	}
	for _, algorithm := range recommend.Algorithms() {
		if algorithm == recommend.Popularity {
			continue
		}
		if got := share(algorithm); got < .85 {
			t.Errorf("%s: %.3f of what is recommended is of the user's genre", algorithm, got)
		}
	}
	if got := share(recommend.Popularity); got > .5 {
		t.Errorf("popularity finds groups (%.3f), so it is too easy", got)
	}
}
