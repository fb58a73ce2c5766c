package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
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
	shards, err := runSplit(tr, src, all, limit, sink)
	if err != nil {
		t.Fatal(err)
	}
	return tr, shards
}

func runSplit(tr *taskRun, src *Source[seenRow], all []given, limit int64, sink func(shardSink) Sink[seenRow]) (shards [][]int, err error) {
	src.Read = givenSource(all).Read
	src.Shards = Dataset[seenRow]{Name: shardsName, Ext: "x", Create: func(*Env, io.Writer) (Sink[seenRow], error) {
		shards = append(shards, nil)
		return sink(shardSink{&shards}), nil
	}}
	tr.stage.datasets = []datasetPort{&src.Shards}
	tr.out.writers = []datasetWriter{src.Shards.newWriter(tr, true)}
	first := min(7, int64(len(all)))
	err = src.split(context.Background(), tr, []Range{{Lo: 0, Hi: first}, {Lo: first, Hi: int64(len(all))}}, limit)
	return shards, errors.Join(err, tr.closeWrites())
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
			all[i] = given{n: i + 1, how: min(i%20, 3)}
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

// emitFate is what Emit does with a row: it emits so many pairs, and rejects, drops or keeps it.
type emitFate struct {
	given
	size, pairs int
	end         string // "reject", "drop" or ""
}

func emitFates() *rapid.Generator[emitFate] {
	return rapid.Custom(func(r *rapid.T) emitFate {
		return emitFate{
			given: given{bad: rapid.IntRange(0, 9).Draw(r, "bad") == 0, how: rapid.IntRange(0, 2).Draw(r, "how")},
			size:  rapid.SampledFrom([]int{1, 1, 1, 100, shardBatchBytes / 2}).Draw(r, "size"),
			pairs: rapid.IntRange(0, 2).Draw(r, "pairs"),
			end:   rapid.SampledFrom([]string{"", "", "reject", "drop"}).Draw(r, "end"),
		}
	})
}

// emitting makes a source of rows that emit.
func emitting(rows []emitFate, sized bool, s *Stream[string, string]) (*Source[seenRow], []given) {
	src := &Source[seenRow]{Target: Target{Rows: 5, Bytes: 3 * shardBatchBytes}}
	if sized {
		src.Size = func(r *seenRow) int64 { return int64(rows[r.n-1].size) }
	}
	src.Emit = func(r *seenRow, out *Out) {
		f := rows[r.n-1]
		for range f.pairs {
			s.Emit(out, 0, fmt.Sprint(r.n%10), fmt.Sprint(r.n))
		}
		switch f.end {
		case "reject":
			out.Reject(0, errTaken)
			if !out.Rejected(0) {
				out.fail(errors.New("the row is not rejected"))
			}
		case "drop":
			out.Drop(0, "rule")
		}
		if f.end != "reject" && out.Rejected(0) {
			out.fail(errors.New("a row is rejected with the one before"))
		}
	}
	all := make([]given, len(rows))
	for i, f := range rows {
		all[i] = f.given
		all[i].n = i + 1
	}
	return src, all
}

// What each row of a split emits, and how it ends, is exact, however many rows are emitted together: pairs of rejected rows
// are taken back, those of dropped ones stay, and the shards have the rest, cut as if there were no others.
func TestSplitEmits(t *testing.T) {
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		rows := rapid.SliceOfN(emitFates(), 0, 700).Draw(r, "rows")
		s := joined(rapid.SampledFrom([]int{0, 3}).Draw(r, "shape"), 0)
		src, all := emitting(rows, rapid.Bool().Draw(r, "sized"), s)
		limit := rapid.SampledFrom([]int64{0, 0, 1, 256, 300}).Draw(r, "limit")
		tr := &taskRun{
			env: &Env{stage: "00-split"}, stage: &Stage{streams: []streamPort{s}}, folder: filepath.Join(dir, fmt.Sprint(n)),
			cell: worker.NewCell(), rejects: jsonRejects(),
		}
		if err := errors.Join(os.Mkdir(tr.folder, 0o755), tr.openMapWrites([]partitioning{{n: 1}})); err != nil {
			r.Fatal(err)
		}
		shards, err := runSplit(tr, src, all, limit, func(s shardSink) Sink[seenRow] { return s })
		if err != nil {
			r.Fatal(err)
		}
		checkSplit(r, tr, shards, src, rows, limit)
		var emits []fate
		for i, f := range rows {
			if limit > 0 && int64(i) == limit {
				break
			}
			e := fate{reject: -1}
			if f.end == "reject" || f.bad {
				e.reject = 0
			}
			e.pairs = slices.Repeat([]emitted{{key: fmt.Sprint((i + 1) % 10), value: fmt.Sprint(i + 1)}}, f.pairs)
			emits = append(emits, e)
		}
		want, count := wantEmitted(s, emits)
		got, err := readRun(s, filepath.Join(tr.folder, tr.outputs[0].File), 1)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) || tr.counts.Streams["s"].Emitted != count {
			r.Errorf("got %v, expected %v, counts %+v: %v", got, want, tr.counts.Streams, err)
		}
	})
}

// checkSplit compares shards, rejects and counts with what the rows are to give.
func checkSplit(r *rapid.T, tr *taskRun, shards [][]int, src *Source[seenRow], rows []emitFate, limit int64) {
	var want [][]int
	var rejects []int64
	var c task.Counts
	var size int64
	fresh := true
	for i, f := range rows {
		if limit > 0 && int64(i) == limit {
			break
		}
		c.Read++
		switch {
		case f.bad || f.end == "reject":
			c.Rejected++
			rejects = append(rejects, int64(i))
			continue
		case f.end == "drop":
			c.Drop("rule", 1)
			continue
		}
		c.Mapped++
		if fresh {
			want, size = append(want, nil), 0
		}
		last := &want[len(want)-1]
		*last = append(*last, i+1)
		if src.Size != nil {
			size += int64(f.size)
		}
		fresh = len(*last) == 5 || size >= src.Target.Bytes
	}
	if fmt.Sprint(shards) != fmt.Sprint(want) {
		r.Errorf("shards %v, expected %v", shards, want)
	}
	got := tr.counts
	if got.Streams, got.Datasets = nil, nil; !reflect.DeepEqual(got, c) {
		r.Errorf("counts %+v, expected %+v", got, c)
	}
	rejected, err := readRejects(tr)
	var ordinals []int64
	for _, j := range rejected {
		ordinals = append(ordinals, j.Ordinal)
	}
	if fmt.Sprint(ordinals) != fmt.Sprint(rejects) || err != nil {
		r.Errorf("rejects %v, expected %v: %v", ordinals, rejects, err)
	}
}

// BenchmarkSplitRow is what a row costs in a split besides its format: without Emit, and with one into combined streams of
// 8-byte keys, such as those that make dictionaries.
func BenchmarkSplitRow(b *testing.B) {
	for n, name := range []string{"plain", "one stream", "two streams"} {
		b.Run(name, func(b *testing.B) { benchSplit(b, n) })
	}
}

// countStreams count rows by a key.
func countStreams(n int) (streams []*Stream[uint64, int64], ports []streamPort) {
	for i := range n {
		s := &Stream[uint64, int64]{
			Name: fmt.Sprint("s", i), Key: Uint64{}, Value: Int64{}, index: i, Combine: func(a, b int64) int64 { return a + b },
		}
		streams, ports = append(streams, s), append(ports, s)
	}
	return streams, ports
}

func benchSplit(b *testing.B, emits int) {
	src := &Source[benchRow]{Target: Target{Rows: 1 << 20}, Size: func(*benchRow) int64 { return 20 }}
	streams, ports := countStreams(emits)
	if emits > 0 {
		src.Emit = func(r *benchRow, out *Out) {
			for i, s := range streams {
				s.Emit(out, 0, r.key>>(32*i)&0xffff, 1)
			}
		}
	}
	keys := make([]uint64, 1<<16)
	for i := range keys {
		keys[i] = rand.Uint64()
	}
	src.Shards = Dataset[benchRow]{Name: shardsName, Ext: "x", Create: func(*Env, io.Writer) (Sink[benchRow], error) {
		return nullSink{}, nil
	}}
	src.Read = func(_ context.Context, _ *Env, _ Range, rows *Rows[benchRow]) error {
		for i := range b.N {
			r := rows.Next()
			r.key = keys[i&(len(keys)-1)]
			if err := rows.Add(); err != nil {
				return err
			}
		}
		return nil
	}
	t := &taskRun{env: &Env{}, stage: &Stage{datasets: []datasetPort{&src.Shards}, streams: ports}, folder: b.TempDir()}
	if err := t.openMapWrites(slices.Repeat([]partitioning{{n: 1}}, emits)); err != nil {
		b.Fatal(err)
	}
	t.out.writers = []datasetWriter{src.Shards.newWriter(t, true)}
	b.ReportAllocs()
	b.ResetTimer()
	defer reportCPU(b, cpuSeconds())
	if err := errors.Join(src.split(b.Context(), t, make([]Range, 1), 0), t.closeWrites()); err != nil {
		b.Fatal(err)
	}
}

type nullSink struct{}

func (nullSink) Write(benchRow) error { return nil }

func (nullSink) Close() error { return nil }
