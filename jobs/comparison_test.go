package jobs

import (
	"slices"
	"testing"

	"github.com/shardmill/shardmill/jobs/recommend"
)

func of(metric string, value float64) recommend.Measured {
	low, high := value-.1, value+.1
	return recommend.Measured{Metric: metric, K: 5, Value: &value, Low: &low, High: &high}
}

func TestComparisonTables(t *testing.T) {
	c := &recommend.Comparison{
		Pick: "recall@5", Cutoff: 5,
		Configurations: []recommend.Configuration{
			{Rank: 1, Algorithm: "ease", Share: 1, Metrics: []recommend.Measured{of("recall", .5), of("ndcg", .25)}, Cost: recommend.Cost{CPUSeconds: 1.234, PeakRSS: 3 << 20}},
			{Rank: 2, Algorithm: "als", Share: .125, Metrics: []recommend.Measured{of("recall", .75), {Metric: "coverage", K: 5}}},
			{Algorithm: "llr", Share: 1, Reason: "too large"},
		},
		Winner: &recommend.Winner{Algorithm: "ease", Users: 7, Metrics: []recommend.Measured{of("recall", .4)}},
	}
	for rows, want := range map[int][][]string{
		1: {{"1", "ease", "0.5000", "0.4000 to 0.6000", "0.2500", "", "", "1.23", "3", ""}},
		9: {
			{"1", "ease", "0.5000", "0.4000 to 0.6000", "0.2500", "", "", "1.23", "3", ""},
			{"2", "als", "0.7500", "0.6500 to 0.8500", "", "", "", "0.00", "0", "of 12.5 % of the users"},
			{"", "llr", "", "", "", "", "", "0.00", "0", "too large"},
		},
	} {
		tables := comparisonTables(c, rows)
		if len(tables) != 2 || tables[1].Title != "ease on the test part, of 7 users" || len(tables[1].Rows) != 1 {
			t.Fatalf("tables %+v", tables)
		}
		if got := tables[1].Rows[0].Cells(); !slices.Equal(got, []string{"recall@5", "0.4000", "0.3000 to 0.5000"}) {
			t.Errorf("test: %q", got)
		}
		header := []string{"rank", "algorithm", "recall@5", "95 %", "ndcg@5", "map@5", "coverage@5", "CPU s", "MiB", "note"}
		if !slices.Equal(tables[0].Header, header) || len(tables[0].Rows) != len(want) {
			t.Fatalf("header %q, %d rows", tables[0].Header, len(tables[0].Rows))
		}
		for i, r := range tables[0].Rows {
			if !slices.Equal(r.Cells(), want[i]) {
				t.Errorf("row %d: %q, want %q", i, r.Cells(), want[i])
			}
		}
	}
	c.Winner = nil
	if tables := comparisonTables(c, 9); len(tables) != 1 {
		t.Errorf("%d tables without a winner", len(tables))
	}
	if _, _, err := ShowComparison("recommend", View{}); err == nil {
		t.Error("another job is shown")
	}
}
