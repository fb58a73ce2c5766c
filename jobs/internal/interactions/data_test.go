package interactions_test

import (
	"path/filepath"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
	"github.com/shardmill/shardmill/jobs/internal/interactions"
)

// Real files have as many rows as those who publish them say.
func TestRealData(t *testing.T) {
	cases := []struct {
		name                   string
		change                 func(o *interactions.Options)
		rows, users, items     int
		rejected, notAboveZero int
	}{
		{"online-retail-by-day", func(o *interactions.Options) {
			o.UserCol, o.ItemCol, o.ValueCol, o.TimeCol = "CustomerID", "StockCode", "Quantity", "InvoiceDate"
		}, 406_829, 4372, 3684, 135_080, 8_905},
		{"gowalla/train.txt", func(o *interactions.Options) { o.Format = interactions.Lines }, 810_128, 29_858, 40_981, 0, 0},
		{"retail-fimi/retail.dat", func(o *interactions.Options) { o.Format = interactions.Baskets }, 908_576, 88_162, 16_470, 0, 0},
		{"ml-latest-small/ratings.csv", func(o *interactions.Options) {
			o.UserCol, o.ItemCol, o.ValueCol, o.TimeCol = "userId", "movieId", "rating", "timestamp"
		}, 100_836, 610, 9_724, 0, 0},
		{"lastfm-hetrec-2k/user_artists.dat", func(o *interactions.Options) {
			o.Format, o.UserCol, o.ItemCol, o.ValueCol = "tsv", "userID", "artistID", "weight"
		}, 92_834, 1_892, 17_632, 0, 0},
		{"splits/lastfm-hash80/train.csv", func(*interactions.Options) {}, 74_174, 1_890, 15_429, 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := read(t, largeParts, options(c.change), datasets.Path(t, filepath.FromSlash(c.name)))
			users, items, low := map[string]bool{}, map[string]bool{}, 0
			for _, r := range got.rows {
				users[r.User], items[r.Item] = true, true
				if r.Value <= 0 {
					low++
				}
			}
			t.Logf("%d rows, %d users, %d items, %d rejects, %d with a value of 0 or less", len(got.rows), len(users), len(items), len(got.rejects), low)
			if len(got.rows) != c.rows || c.users > 0 && (len(users) != c.users || len(items) != c.items) || len(got.rejects) != c.rejected || low != c.notAboveZero {
				t.Errorf("expected %+v", c)
			}
		})
	}
}
