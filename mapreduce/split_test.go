package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/mapreduce/internal/worker"
)

// splitGiven runs a split over a source that passes rows, and gives the rows of each shard.
func splitGiven(t *testing.T, src *Source[seenRow], all []given, limit int64) (*taskRun, [][]int) {
	t.Helper()
	return splitTo(t, src, all, limit, func(s shardSink) Sink[seenRow] { return s })
}

func splitTo(t *testing.T, src *Source[seenRow], all []given, limit int64, sink func(shardSink) Sink[seenRow]) (*taskRun, [][]int) {
	t.Helper()
	tr := &taskRun{
		env: &Env{stage: "00-split"}, stage: &Stage{}, folder: t.TempDir(), cell: worker.NewCell(), rejects: jsonRejects(),
	}
	var shards [][]int
	src.Read = givenSource(all).Read
	src.Shards = Dataset[seenRow]{Name: shardsName, Ext: "x", Create: func(*Env, io.Writer) (Sink[seenRow], error) {
		shards = append(shards, nil)
		return sink(shardSink{&shards}), nil
	}}
	tr.stage.datasets = []datasetPort{&src.Shards}
	tr.out.writers = []datasetWriter{src.Shards.newWriter(tr, true)}
	err := src.split(t.Context(), tr, []Range{{Lo: 0, Hi: 7}, {Lo: 7, Hi: int64(len(all))}}, limit)
	if err = errors.Join(err, tr.closeWrites()); err != nil {
		t.Fatal(err)
	}
	return tr, shards
}

type shardSink struct{ shards *[][]int }

func (s shardSink) Write(r seenRow) error {
	last := &(*s.shards)[len(*s.shards)-1]
	*last = append(*last, r.n)
	return nil
}

func (shardSink) Close() error { return nil }

// batchSink notes how many rows come at a time.
type batchSink struct {
	shardSink
	groups *[]int
}

func (s batchSink) WriteRows(rows []seenRow) error {
	*s.groups = append(*s.groups, len(rows))
	for _, r := range rows {
		if string(r.text) != fmt.Sprint("row ", r.n) {
			return fmt.Errorf("row %d holds %q", r.n, r.text)
		}
		if err := s.Write(r); err != nil {
			return err
		}
	}
	return nil
}

// Rows are written together, up to so many or so many bytes, and never across shards.
func TestSplitBatches(t *testing.T) {
	for _, c := range []struct {
		size   int64
		rows   int64
		groups string
	}{
		{1, 1000, "[64 64 42]"},
		{1, 100, "[64 36 64 6]"},
		{shardBatchBytes / 3, 100, "[4 4"},
		{0, 1000, "[1 1"},
	} {
		var groups []int
		all := make([]given, 170)
		for i := range all {
			all[i] = given{n: i + 1, how: i % 3}
		}
		src := &Source[seenRow]{Target: Target{Rows: c.rows}}
		if c.size > 0 {
			src.Size = func(*seenRow) int64 { return c.size }
		}
		tr, shards := splitTo(t, src, all, 0, func(s shardSink) Sink[seenRow] { return batchSink{s, &groups} })
		n := 0
		for _, r := range slices.Concat(shards...) {
			if n++; r != n {
				t.Fatalf("row %d is %d", n, r)
			}
		}
		if !strings.HasPrefix(fmt.Sprint(groups), c.groups) || n != 170 || int64(len(shards)) != (169+c.rows)/c.rows {
			t.Errorf("size %d: %d rows in %d shards, groups %v", c.size, n, len(shards), groups)
		}
		rows := int64(0)
		for _, o := range tr.outputs {
			rows += o.Rows
		}
		if rows != 170 {
			t.Errorf("the outputs count %d rows", rows)
		}
	}
}

// Shards end at their targets, rejects of the reader and of Emit have their ordinals, and a limit ends all.
func TestSplitRows(t *testing.T) {
	src := &Source[seenRow]{Target: Target{Rows: 4, Bytes: 20}, Size: func(r *seenRow) int64 { return int64(r.n) }}
	tr, shards := splitGiven(t, src, givens(14), 0)
	if fmt.Sprint(shards) != "[[1 2 3 5] [6 7 8] [10 11] [12 13]]" || tr.counts.Read != 14 || tr.counts.Mapped != 11 {
		t.Errorf("shards %v, counts %+v", shards, tr.counts)
	}
	src.Emit = func(r *seenRow, out *Out) {
		if r.n == 7 {
			out.Reject(0, errors.New("seven"))
		}
	}
	tr, shards = splitGiven(t, src, givens(14), 9)
	if fmt.Sprint(shards) != "[[1 2 3 5] [6 8]]" || tr.counts.Read != 9 || tr.counts.Mapped != 6 || tr.counts.Rejected != 3 {
		t.Errorf("shards %v, counts %+v", shards, tr.counts)
	}
	var ordinals []int64
	rejected, err := readRejects(tr)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range rejected {
		ordinals = append(ordinals, j.Ordinal)
	}
	if fmt.Sprint(ordinals) != "[3 6 8]" {
		t.Errorf("rejects %v", ordinals)
	}
}

// BenchmarkSplitRow is what a row costs in a split besides its format.
func BenchmarkSplitRow(b *testing.B) {
	src := &Source[benchRow]{Target: Target{Rows: 1 << 20}, Size: func(*benchRow) int64 { return 20 }}
	src.Shards = Dataset[benchRow]{Name: shardsName, Ext: "x", Create: func(*Env, io.Writer) (Sink[benchRow], error) {
		return nullSink{}, nil
	}}
	src.Read = func(_ context.Context, _ *Env, _ Range, rows *Rows[benchRow]) error {
		for i := range b.N {
			r := rows.Next()
			r.key = uint64(i)
			if err := rows.Add(); err != nil {
				return err
			}
		}
		return nil
	}
	t := &taskRun{env: &Env{}, stage: &Stage{datasets: []datasetPort{&src.Shards}}, folder: b.TempDir()}
	t.out.writers = []datasetWriter{src.Shards.newWriter(t, true)}
	b.ReportAllocs()
	b.ResetTimer()
	defer reportCPU(b, cpuSeconds())
	if err := src.split(b.Context(), t, make([]Range, 1), 0); err != nil {
		b.Fatal(err)
	}
}

type nullSink struct{}

func (nullSink) Write(benchRow) error { return nil }

func (nullSink) Close() error { return nil }
