package interactions_test

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/internal/bench"
	"github.com/shardmill/shardmill/jobs/internal/interactions"
	"github.com/shardmill/shardmill/mapreduce"
)

// splitOnly scans inputs, splits them into shards, and reads these to drop all rows.
func splitOnly() mapreduce.Job {
	return mapreduce.New("split", 1, interactions.Defaults(), func(o interactions.Options) ([]mapreduce.Stage, error) {
		drop := mapreduce.MapFunc[interactions.Row](func(context.Context, int, *interactions.Row, *mapreduce.Out) error { return nil })
		none := &mapreduce.Dataset[row]{Name: "none", Ext: "x", Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[row], error) {
			return parquetfile.Create(w, columns())
		}}
		src := interactions.NewSource(o, mapreduce.Target{Rows: 1e6, Bytes: 64 << 20})
		return []mapreduce.Stage{mapreduce.NewStage("drop", src, 512, drop.Mapper, none)}, nil
	})
}

// BenchmarkSplit tells the CPU time of a row from the file to a shard and back, scan included.
func BenchmarkSplit(b *testing.B) {
	const rows = 2_000_000
	for _, c := range []struct {
		name, separator, header string
		change                  func(o *interactions.Options)
	}{
		{"csv", ",", "user,item,value\n", func(o *interactions.Options) { o.ValueCol = "value" }},
		{"csv-no-value", ",", "user,item,value\n", func(*interactions.Options) {}},
		{"colons", "::", "user::item::value\n", func(o *interactions.Options) { o.Separator, o.ValueCol = "::", "value" }},
		{"lines", " ", "", func(o *interactions.Options) { o.Format = interactions.Lines }},
	} {
		b.Run(c.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "a.csv")
			if err := os.WriteFile(path, generate(rows, c.header, c.separator), 0o600); err != nil {
				b.Fatal(err)
			}
			least := 0.0
			for b.Loop() {
				cfg := configOf(b, options(c.change), path)
				before := bench.CPU()
				s, err := mapreduce.Run(b.Context(), jobs.Standard(), splitOnly(), cfg)
				if cpu := bench.CPU() - before; least == 0 || cpu < least {
					least = cpu
				}
				if err != nil || s.Rows.Read != rows {
					b.Fatalf("%+v, %v", s.Rows, err)
				}
			}
			b.ReportMetric(least*1e9/rows, "least-cpu-ns/row")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// generate makes rows of a user, an item and a value; without a header lines of a user and ten items.
func generate(rows int, header, separator string) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString(header)
	for i := range rows {
		if header == "" && i%10 == 0 {
			b.WriteString(strconv.Itoa(r.IntN(53_424)))
		}
		if header != "" {
			b.WriteString(strconv.Itoa(r.IntN(53_424)))
		}
		b.WriteString(separator)
		b.WriteString(strconv.Itoa(r.IntN(10_000)))
		if header != "" {
			b.WriteString(separator + strconv.FormatFloat(float64(r.IntN(10))/2, 'f', 1, 64) + "\n")
		} else if i%10 == 9 {
			b.WriteByte('\n')
		}
	}
	return []byte(b.String())
}
