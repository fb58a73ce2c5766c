package jobs

import (
	"fmt"
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
			{Rank: 2, Algorithm: "als", Share: .125, Metrics: []recommend.Measured{of("recall", .95), {Metric: "ndcg", K: 5}}, Cost: recommend.Cost{CPUSeconds: 12.3}},
			{Algorithm: "llr", Share: 1, Reason: "too large"},
		},
		Winner: &recommend.Winner{Algorithm: "ease", Users: 7, Metrics: []recommend.Measured{of("ndcg", .4)}},
	}
	measured := [][]string{
		{"1", "ease", ".500 .400-.600", ".250", "1.23", "3", ""},
		{"2", "als", ".950 .850-1.05", "", "12", "0", "12.5%"},
	}
	for rows, want := range map[int]int{1: 1, 2: 2, 9: 2} {
		tables := comparisonTables(c, rows)
		tested := tables[len(tables)-1]
		if tested.Title != "ease on the test part, of 7 users" || len(tested.Rows) != 1 {
			t.Fatalf("tables %+v", tables)
		}
		if got := tested.Rows[0].Cells(); !slices.Equal(got, []string{"NDCG@5", "0.4000", "0.3000 to 0.5000"}) {
			t.Errorf("test: %q", got)
		}
		header := []string{"#", "algorithm", "recall@5 (95 %)", "NDCG", "CPU s", "MiB", "users"}
		if !slices.Equal(tables[0].Header, header) || len(tables[0].Rows) != want {
			t.Fatalf("header %q, %d rows", tables[0].Header, len(tables[0].Rows))
		}
		for i, r := range tables[0].Rows {
			if !slices.Equal(r.Cells(), measured[i]) {
				t.Errorf("row %d: %q, want %q", i, r.Cells(), measured[i])
			}
		}
		title := "configurations by recall@5 on the validation part"
		if rows < 3 {
			title = fmt.Sprintf("the first %d of 3 %s", rows, title)
		}
		if tables[0].Title != title {
			t.Errorf("%d rows: title %q", rows, tables[0].Title)
		}
		if (len(tables) == 3) != (rows > 2) {
			t.Fatalf("%d tables of %d rows", len(tables), rows)
		}
		if rows > 2 && !slices.Equal(tables[1].Rows[0].Cells(), []string{"llr", "too large"}) {
			t.Errorf("what could not be measured: %q", tables[1].Rows[0].Cells())
		}
	}
	c.Winner.Users = 1
	if tables := comparisonTables(c, 9); tables[2].Title != "ease on the test part, of 1 user" {
		t.Errorf("title %q", tables[2].Title)
	}
	c.Winner = nil
	if tables := comparisonTables(c, 9); len(tables) != 2 {
		t.Errorf("%d tables without a winner", len(tables))
	}
	if _, _, err := ShowComparison("recommend", View{}); err == nil {
		t.Error("another job is shown")
	}
}

// TestComparisonWidth: the columns of the usual algorithms fit into a terminal of 80 columns, with a budget too.
func TestComparisonWidth(t *testing.T) {
	c := &recommend.Comparison{Pick: "NDCG@10", Cutoff: 10, Configurations: []recommend.Configuration{{
		Rank: 10, Algorithm: "als:alpha=10:regularization=50", Share: .0635, Cost: recommend.Cost{CPUSeconds: 1.234, PeakRSS: 900 << 20},
	}}}
	for name, v := range map[string]float64{"ndcg": .4, "recall": 1} {
		m := of(name, v)
		m.K = 10
		c.Configurations[0].Metrics = append(c.Configurations[0].Metrics, m)
	}
	table, width := comparisonTables(c, 9)[0], 0
	for i, cell := range table.Rows[0].Cells() {
		width += 2 + max(len(cell), len(table.Header[i]))
	}
	if width > 80 {
		t.Errorf("%d columns: %q %q", width, table.Header, table.Rows[0].Cells())
	}
}

func TestShort(t *testing.T) {
	for v, want := range map[float64]string{0: ".000", .0004: ".000", .38549: ".385", .9994: ".999", .9996: "1.00", 1: "1.00"} {
		if got := short(&v); got != want {
			t.Errorf("%v: %s, expected %s", v, got, want)
		}
	}
}
