package mapreduce

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/shardmill/shardmill/mapreduce/internal/shuffle"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// benchRow is a row such as rank maps: a key, an order and a short text.
type benchRow struct {
	key, by uint64
	text    []byte
}

func (r *benchRow) Reset() { r.key, r.by, r.text = 0, 0, r.text[:0] }

type benchKey struct{ group, order uint64 }

type benchKeys struct{}

func (benchKeys) Width() int { return 16 }

func (benchKeys) Append(b []byte, k benchKey) []byte {
	b = binary.BigEndian.AppendUint64(b, k.group)
	return binary.BigEndian.AppendUint64(b, k.order)
}

func (benchKeys) Decode(b []byte) (k benchKey, err error) {
	if len(b) != 16 {
		return k, ErrShort
	}
	return benchKey{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}, nil
}

func prefix8([]byte) int { return 8 }

// rankStream has the shape of rank's: a key of 16 bytes, of which 8 group, and a short value.
func rankStream(reduce func(group benchKey, values iter.Seq2[benchKey, string], out *Out)) *Stream[benchKey, string] {
	return &Stream[benchKey, string]{
		Name: "s", Key: benchKeys{}, Value: String{}, Group: prefix8,
		Reduce: func(context.Context, *Env) (Reducer[benchKey, string], error) {
			return ReduceFunc[benchKey, string](func(_ context.Context, k benchKey, v iter.Seq2[benchKey, string], out *Out) error {
				reduce(k, v, out)
				return nil
			}), nil
		},
	}
}

// benchSize is the number of rows of a batch.
const benchSize = 512

// benchOut is an Out that emits into a run file of 2 partitions.
func benchOut(tb testing.TB, s streamPort) *Out {
	k, v := s.widths()
	w, err := shuffle.NewWriter(io.Discard, []shuffle.Stream{{Name: "s", Partitions: 2, KeyWidth: k, ValueWidth: v}})
	if err != nil {
		tb.Fatal(err)
	}
	return &Out{emitters: []emitter{s.newEmitter(w, nil)}}
}

func benchRows(n int) []benchRow {
	r := rand.New(rand.NewPCG(1, 2))
	rows := make([]benchRow, n)
	for i := range rows {
		rows[i] = benchRow{r.Uint64N(50_000), r.Uint64(), []byte("12345678")}
	}
	return rows
}

// reportCPU adds the CPU time of an operation, which the load of the machine disturbs less.
func reportCPU(b *testing.B, before float64) {
	b.ReportMetric((cpuSeconds()-before)*1e9/float64(b.N), "cpu-ns/op")
}

// benchEmit measures a record's way from Emit into the run file.
func benchEmit(b *testing.B, s streamPort, emit func(o *Out, i int, r *benchRow)) {
	o, rows := benchOut(b, s), benchRows(1<<17)
	var c task.Counts
	b.ReportAllocs()
	b.ResetTimer()
	defer reportCPU(b, cpuSeconds())
	for n := 0; n < b.N; n += benchSize {
		o.begin(benchSize)
		batch := rows[n%len(rows):][:benchSize]
		for i := range batch {
			emit(o, i, &batch[i])
		}
		if err := o.flush(&c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEmit(b *testing.B) {
	s := rankStream(nil)
	b.Run("variable", func(b *testing.B) {
		benchEmit(b, s, func(o *Out, i int, r *benchRow) { s.Emit(o, i, benchKey{r.key, r.by}, "1234567") })
	})
	f := &Stream[benchKey, uint64]{Name: "s", Key: benchKeys{}, Value: Uint64{}, Group: prefix8}
	b.Run("fixed", func(b *testing.B) {
		benchEmit(b, f, func(o *Out, i int, r *benchRow) { f.Emit(o, i, benchKey{r.key, r.by}, r.by) })
	})
	b.Run("encoded", func(b *testing.B) {
		key, value := make([]byte, 16), []byte("12345678")
		benchEmit(b, f, func(o *Out, i int, r *benchRow) {
			binary.BigEndian.PutUint64(key, r.key)
			binary.BigEndian.PutUint64(key[8:], r.by)
			f.EmitEncoded(o, i, key, value)
		})
	})
	first := rankStream(nil)
	first.First = 10
	b.Run("first", func(b *testing.B) {
		key := make([]byte, 16)
		benchEmit(b, first, func(o *Out, i int, r *benchRow) {
			binary.BigEndian.PutUint64(key, r.key)
			binary.BigEndian.PutUint64(key[8:], r.by)
			first.EmitEncoded(o, i, key, r.text[:2+r.by%5])
		})
	})
	c := &Stream[uint64, int64]{
		Name: "s", Key: Uint64{}, Value: Int64{}, Combine: func(a, b int64) int64 { return a + b },
	}
	b.Run("combined", func(b *testing.B) {
		benchEmit(b, c, func(o *Out, i int, r *benchRow) { c.Emit(o, i, r.key, 1) })
	})
}

// benchTask is an attempt that writes into a folder of its own.
func benchTask(tb testing.TB, s streamPort) *taskRun {
	tb.Helper()
	return &taskRun{
		env: &Env{}, stage: &Stage{streams: []streamPort{s}}, folder: tb.TempDir(),
		as: task.Assignment{Attempt: task.Attempt{Task: task.ID{Stage: "01-s", Kind: task.Map}}},
	}
}

// benchFeed is a feed of n rows in memory.
type benchFeed struct {
	rows []benchRow
	n    int
}

func (benchFeed) feed() (sourcePort, string) { return nil, "" }

func (f benchFeed) open(*Env, string) (Reader[benchRow], error) {
	return &benchReader{benchFeed: f}, nil
}

type benchReader struct {
	benchFeed
	at int
}

func (r *benchReader) Read(row *benchRow) error {
	if r.at == r.n {
		return io.EOF
	}
	from := &r.rows[r.at%len(r.rows)]
	row.key, row.by, row.text = from.key, from.by, append(row.text, from.text...)
	r.at++
	return nil
}

func (*benchReader) Close() error { return nil }

type benchMapper struct{ s *Stream[benchKey, string] }

func (m benchMapper) Map(_ context.Context, rows []benchRow, out *Out) error {
	for i := range rows {
		if r := &rows[i]; !out.Rejected(i) {
			m.s.Emit(out, i, benchKey{r.key, r.by}, "1234567")
		}
	}
	return nil
}

func (benchMapper) Close() error { return nil }

// mapFeed maps rows from memory into a run file, and gives its path.
func mapFeed(tb testing.TB, s streamPort, m Mapper[benchRow], feed benchFeed, partitions int) string {
	tb.Helper()
	t := benchTask(tb, s)
	if err := t.openMapWrites([]partitioning{{n: partitions}}); err != nil {
		tb.Fatal(err)
	}
	r := &mapperRun[benchRow]{m: m, feed: feed, batch: benchSize}
	if err := errors.Join(r.run(tb.Context(), t, ""), t.closeWrites()); err != nil {
		tb.Fatal(err)
	}
	return filepath.Join(t.folder, t.outputs[0].File)
}

// BenchmarkMapShard maps rows from memory into a run file.
func BenchmarkMapShard(b *testing.B) {
	s, rows := rankStream(nil), benchRows(1<<17)
	b.ReportAllocs()
	b.ResetTimer()
	defer reportCPU(b, cpuSeconds())
	mapFeed(b, s, benchMapper{s}, benchFeed{rows, b.N}, 30)
}

// idler takes rows and makes nothing of them.
type idler struct{}

func (idler) Map(context.Context, []benchRow, *Out) error { return nil }

func (idler) Close() error { return nil }

// BenchmarkRows takes rows of a Source in place and maps them to nothing.
func BenchmarkRows(b *testing.B) {
	src := &Source[benchRow]{Read: func(_ context.Context, _ *Env, _ Range, rows *Rows[benchRow]) error {
		for i := range b.N {
			r := rows.Next()
			r.key = uint64(i)
			if err := rows.Add(); err != nil {
				return err
			}
		}
		return nil
	}}
	t := benchTask(b, rankStream(nil))
	r := &mapperRun[benchRow]{m: idler{}, feed: src, batch: 512}
	b.ReportAllocs()
	b.ResetTimer()
	defer reportCPU(b, cpuSeconds())
	if err := r.runRanges(b.Context(), t, make([]Range, 1)); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkReduce sorts and reads one partition.
func BenchmarkReduce(b *testing.B) {
	read := 0
	s := rankStream(func(_ benchKey, values iter.Seq2[benchKey, string], _ *Out) {
		for range values {
			read++
		}
	})
	path := mapFeed(b, s, benchMapper{s}, benchFeed{benchRows(1 << 20), b.N}, 1)
	b.ReportAllocs()
	b.ResetTimer()
	defer reportCPU(b, cpuSeconds())
	reduceFile(b, s, path)
	if read != b.N {
		b.Errorf("%d records read", read)
	}
	if err := os.Remove(path); err != nil {
		b.Fatal(err)
	}
}

func reduceFile(tb testing.TB, s streamPort, path string) {
	tb.Helper()
	reduceInto(tb, benchTask(tb, s), s, path)
}

func reduceInto(tb testing.TB, t *taskRun, s streamPort, path string) {
	tb.Helper()
	t.out.direct = true
	in := openRun(tb, s, path)
	if err := errors.Join(s.reduceAll(tb.Context(), t, sorted{in}), in.Close(), t.closeWrites()); err != nil {
		tb.Fatal(err)
	}
}

// openRun opens partition 0 of a run file.
func openRun(tb testing.TB, s streamPort, path string) *shuffle.Input {
	tb.Helper()
	k, v := s.widths()
	paths := []string{path}
	in, err := shuffle.NewInput(shuffle.Config{KeyWidth: k, ValueWidth: v, Group: s.prefix(), Budget: 1 << 30}, func() (string, bool) {
		if len(paths) == 0 {
			return "", false
		}
		paths = nil
		return path, true
	})
	if err != nil {
		tb.Fatal(err)
	}
	return in
}
