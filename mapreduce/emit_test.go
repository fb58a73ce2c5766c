package mapreduce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce/internal/shuffle"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// fate is what becomes of a row that emits pairs.
type fate struct {
	pairs  []emitted
	reject int // how many of its pairs were emitted when it was rejected, or -1
	drop   bool
}

type emitted struct {
	key, value string
	encoded    bool
}

// fates are those of rows with that many pairs.
func fates(least, most int) *rapid.Generator[fate] {
	return rapid.Custom(func(r *rapid.T) fate {
		f := fate{reject: -1}
		for range rapid.IntRange(least, most).Draw(r, "pairs") {
			f.pairs = append(f.pairs, emitted{
				key:     rapid.StringMatching("[ab]{1,2}").Draw(r, "key"),
				value:   rapid.StringMatching("[x-z]{0,3}").Draw(r, "value"),
				encoded: rapid.Bool().Draw(r, "encoded"),
			})
		}
		switch rapid.IntRange(0, 4).Draw(r, "fate") {
		case 0:
			f.reject = rapid.IntRange(0, len(f.pairs)).Draw(r, "reject")
		case 1:
			f.drop = true
		}
		return f
	})
}

// padded is a codec of strings of two bytes.
type padded struct{ String }

func (padded) Width() int { return 2 }

func (padded) Append(b []byte, s string) []byte { return append(b, (s + "..")[:2]...) }

// joined are streams of all shapes, with nothing but the types of their values alike.
func joined(shape, first int) *Stream[string, string] {
	s := testStream("s")
	s.First = int64(first)
	switch shape {
	case 1:
		s.Key = padded{}
	case 2:
		s.Key, s.Value = padded{}, padded{}
	case 3:
		s.First = 0
		s.Combine = func(a, b string) string { return a + "," + b }
	case 4:
		s.First = 0
		s.Merge = func(into *string, v string) { *into += "," + v }
	}
	if s.First > 0 {
		s.Group = func([]byte) int { return 1 }
	}
	return s
}

// emitAll sends the rows through batches and gives what reaches the reducers, and the counts.
func emitAll(s *Stream[string, string], rows []fate, batch, partitions int, by shuffle.Partitioner, folder string) ([]emitted, *taskRun, error) {
	t := &taskRun{
		env: &Env{}, stage: &Stage{streams: []streamPort{s}}, folder: folder,
		as: task.Assignment{Attempt: task.Attempt{Task: task.ID{Stage: "01-s", Kind: task.Map}}},
	}
	if err := t.openMapWrites([]partitioning{{partitions, by}}); err != nil {
		return nil, t, err
	}
	for b := range slices.Chunk(rows, batch) {
		t.out.begin(len(b))
		emitRows(s, &t.out, b)
		if err := t.out.flush(&t.counts); err != nil {
			return nil, t, err
		}
	}
	if err := t.closeWrites(); err != nil {
		return nil, t, err
	}
	all, err := readRun(s, filepath.Join(folder, t.outputs[0].File), partitions)
	return all, t, err
}

// emitRows emits row by row or, where each row has one pair, all at once.
func emitRows(s *Stream[string, string], out *Out, rows []fate) {
	if slices.ContainsFunc(rows, func(f fate) bool { return len(f.pairs) != 1 }) {
		for i, f := range rows {
			emitRow(s, out, i, f)
		}
		return
	}
	var keys []byte
	var ends []uint32
	var values []string
	for i, f := range rows {
		if f.reject < 0 { // others have no key
			keys = s.Key.Append(keys, f.pairs[0].key)
		}
		ends, values = append(ends, uint32(len(keys))), append(values, f.pairs[0].value)
		switch {
		case f.reject == 0:
			out.Reject(i, errTaken)
		case f.drop:
			out.Drop(i, "rule")
		}
	}
	s.EmitAll(out, keys, ends, values)
	clear(keys) // they are copied
	clear(values)
	for i, f := range rows {
		if f.reject == 1 {
			out.Reject(i, errTaken)
		}
	}
}

func emitRow(s *Stream[string, string], out *Out, i int, f fate) {
	for n, p := range f.pairs {
		if n == f.reject {
			out.Reject(i, errTaken)
		}
		if p.encoded {
			key, value := s.Key.Append(nil, p.key), s.Value.Append(nil, p.value)
			s.EmitEncoded(out, i, key, value)
			clear(key) // the bytes are copied
			clear(value)
		} else {
			s.Emit(out, i, p.key, p.value)
		}
	}
	if f.reject == len(f.pairs) {
		out.Reject(i, errTaken)
	}
	if f.drop {
		out.Drop(i, "rule")
	}
}

var errTaken = errors.New("taken back")

func readRun(s streamPort, path string, partitions int) (all []emitted, err error) {
	k, v := s.widths()
	for p := range partitions {
		files := []string{path}
		in, err := shuffle.NewInput(shuffle.Config{
			Partition: p, KeyWidth: k, ValueWidth: v, Group: s.prefix(), Budget: 1 << 20,
		}, func() (string, bool) {
			if len(files) == 0 {
				return "", false
			}
			files = nil
			return path, true
		})
		if err != nil {
			return nil, err
		}
		for in.NextGroup() {
			for key, value, ok := in.Next(); ok; key, value, ok = in.Next() {
				all = append(all, emitted{key: string(key), value: string(value)})
			}
		}
		if err := errors.Join(in.Err(), in.Close()); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(all, func(a, b emitted) int { return cmp.Compare(a.key, b.key) }) // across partitions
	return all, nil
}

// wantEmitted is what the rows that were not rejected emit, in order, and how many that was before the combiner.
func wantEmitted(s *Stream[string, string], rows []fate) (all []emitted, count int64) {
	at := map[string]int{}
	for _, f := range rows {
		if f.reject >= 0 {
			continue
		}
		for _, p := range f.pairs {
			count++
			e := emitted{key: string(s.Key.Append(nil, p.key)), value: string(s.Value.Append(nil, p.value))}
			if n, ok := at[e.key]; ok && s.merging() != nil {
				all[n].value += "," + e.value
				continue
			}
			at[e.key] = len(all)
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b emitted) int { return cmp.Compare(a.key, b.key) })
	return all, count
}

// cutTo leaves the first records of each group.
func cutTo(s *Stream[string, string], all []emitted) (kept []emitted) {
	counts := map[string]int64{}
	for _, e := range all {
		group := e.key
		if s.Group != nil {
			group = e.key[:s.Group([]byte(e.key))]
		}
		if counts[group]++; s.First == 0 || counts[group] <= s.First {
			kept = append(kept, e)
		}
	}
	return kept
}

// lastByte partitions by what of a group no hash would.
func lastByte(group []byte, n int) int {
	if len(group) == 0 {
		return 0
	}
	return int(group[len(group)-1]) % n
}

// What live rows emit arrives, each pair once and in order; of a rejected row nothing does, whatever the widths, with a
// combiner, with First and with a partitioner.
func TestEmitAllOrNone(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		s := joined(rapid.IntRange(0, 4).Draw(r, "shape"), rapid.IntRange(0, 2).Draw(r, "first"))
		rows := rapid.SliceOfN(rapid.SampledFrom([]*rapid.Generator[fate]{fates(0, 3), fates(1, 1)}).Draw(r, "fates"), 0, 40).Draw(r, "rows")
		folder := filepath.Join(dir, fmt.Sprint(n))
		if err := os.Mkdir(folder, 0o755); err != nil {
			r.Fatal(err)
		}
		by := rapid.SampledFrom([]shuffle.Partitioner{nil, lastByte}).Draw(r, "partitioner")
		got, tr, err := emitAll(s, rows, rapid.IntRange(1, 9).Draw(r, "batch"), rapid.IntRange(1, 3).Draw(r, "partitions"), by, folder)
		if err != nil {
			r.Fatal(err)
		}
		want, count := wantEmitted(s, rows)
		if fmt.Sprint(cutTo(s, got)) != fmt.Sprint(cutTo(s, want)) {
			r.Errorf("got %v, expected %v", got, want)
		}
		if s.First == 0 && len(got) != len(want) {
			r.Errorf("%d records, expected %d", len(got), len(want))
		}
		if c := tr.counts.Streams["s"]; c.Emitted != count || c.Written != int64(len(got)) {
			r.Errorf("counts %+v, %d emitted, %d in the file", c, count, len(got))
		}
		var c task.Counts
		for _, f := range rows {
			switch {
			case f.reject >= 0:
				c.Rejected++
			case f.drop:
				c.Drop("rule", 1)
			default:
				c.Mapped++
			}
		}
		if got := tr.counts; got.Rejected != c.Rejected || got.Mapped != c.Mapped || got.DroppedRows() != c.DroppedRows() {
			r.Errorf("counts %+v, expected %+v", got, c)
		}
	})
}

// A filter leaves out records, and is the attempt's own: the next attempt writes the same bytes.
func TestFirstLeavesOut(t *testing.T) {
	s := joined(2, 2)
	rows := make([]fate, 500)
	for i := range rows {
		rows[i] = fate{pairs: []emitted{{key: fmt.Sprintf("a%c", 'a'+(i*7)%26), value: "v"}}, reject: -1}
	}
	got, tr, err := emitAll(s, rows, 10, 3, nil, t.TempDir())
	if err != nil || len(got) > 100 {
		t.Errorf("%d of 500 records are written, %v", len(got), err)
	}
	_, again, err := emitAll(s, rows, 10, 3, nil, t.TempDir())
	if err != nil || tr.outputs[0].CRC32C != again.outputs[0].CRC32C {
		t.Errorf("another attempt writes other bytes, %v", err)
	}
}

// The table of a combiner is kept from one map to the next, empty, and let go with the mapper.
func TestCombinerTableIsKept(t *testing.T) {
	s := joined(3, 0)
	rows := []fate{{pairs: []emitted{{key: "a", value: "x"}, {key: "b", value: "y"}, {key: "a", value: "z"}}, reject: -1}}
	for range 2 {
		got, _, err := emitAll(s, rows, 1, 1, nil, t.TempDir())
		if err != nil || fmt.Sprint(got) != "[{a x,z false} {b y false}]" {
			t.Errorf("got %v, %v", got, err)
		}
		if s.spare == nil || s.spare.Len() > 0 {
			t.Error("no empty table is kept")
		}
	}
	e, ok := benchOut(t, s).emitters[0].(*pairEmitter[string, string])
	if !ok || e.table == nil || s.spare != nil {
		t.Error("two emitters share a table")
	}
	s.spare = e.table
	c := &child{stages: []Stage{{streams: []streamPort{s}}}}
	if err := c.Close(); err != nil || s.spare != nil {
		t.Errorf("the table is still held, %v", err)
	}
}

// A pair that does not fit the stream fails the attempt.
func TestEmitEncodedRefuses(t *testing.T) {
	fixed := joined(2, 0)
	counted := &Stream[string, int64]{
		Name: "s", Key: String{}, Value: Int64{}, Combine: func(a, b int64) int64 { return a + b },
		Reduce: func(context.Context, *Env) (Reducer[string, int64], error) { return nil, nil },
	}
	for name, c := range map[string]struct {
		s    streamPort
		emit func(o *Out)
		want string
	}{
		"key":   {fixed, func(o *Out) { fixed.EmitEncoded(o, 0, []byte("abc"), []byte("xy")) }, "declared 2 and 2"},
		"value": {fixed, func(o *Out) { fixed.EmitEncoded(o, 0, []byte("ab"), nil) }, "declared 2 and 2"},
		"combined value": {
			counted, func(o *Out) { counted.EmitEncoded(o, 0, []byte("a"), []byte("1234567")) },
			"stream s: value: encoded value is too short",
		},
	} {
		o := benchOut(t, c.s)
		o.begin(1)
		c.emit(o)
		if err := o.flush(&task.Counts{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// Keys that do not end where EmitAll is told fail the attempt.
func TestEmitAllRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		ends   []uint32
		values []string
	}{
		"no values":       {[]uint32{1, 2}, nil},
		"too many values": {[]uint32{2}, []string{"x", "y"}},
		"no ends":         {nil, []string{"x"}},
		"keys go on":      {[]uint32{1}, []string{"x"}},
		"keys end before": {[]uint32{1, 3}, []string{"x", "y"}},
	} {
		for shape := range 5 {
			s := joined(shape, 0)
			o := benchOut(t, s)
			o.begin(2)
			s.EmitAll(o, []byte("ab"), c.ends, c.values)
			if err := o.flush(&task.Counts{}); !errors.Is(err, errEnds) || !strings.Contains(err.Error(), "stream s") {
				t.Errorf("%s, shape %d: error %v", name, shape, err)
			}
		}
	}
}

// Reject without a reason does nothing, and the marks of a batch do not reach the next.
func TestMarksEndWithTheirBatch(t *testing.T) {
	var o Out
	var c task.Counts
	for _, n := range []int{5, 3, 8, 0, 2} {
		o.begin(n)
		o.Reject(0, nil)
		for i := range n {
			if o.Rejected(i) || o.rows[i] != (rowState{}) {
				t.Fatalf("row %d of %d is marked", i, n)
			}
		}
		o.Reject(n-1, errTaken)
		o.Drop(n-2, "rule")
		if err := o.flush(&c); err != nil {
			t.Fatal(err)
		}
	}
	if c.Rejected != 4 || c.DroppedRows() != 4 || c.Mapped != 18-8 {
		t.Errorf("counts %+v", c)
	}
}

// The mapper's and reducer's sides of the engine allocate nothing for a record of fixed widths.
func TestNoAllocations(t *testing.T) {
	s := &Stream[benchKey, uint64]{Name: "s", Key: benchKeys{}, Value: Uint64{}, Group: prefix8}
	o, rows := benchOut(t, s), benchRows(benchSize)
	var c task.Counts
	batch := func() {
		o.begin(len(rows))
		for i := range rows {
			s.Emit(o, i, benchKey{rows[i].key, rows[i].by}, rows[i].by)
		}
		if err := o.flush(&c); err != nil {
			t.Error(err)
		}
	}
	for range 400 { // until the blocks of all partitions have grown
		batch()
	}
	if n := testing.AllocsPerRun(50, batch); n > 10 { // lists of blocks grow
		t.Errorf("%v allocations for a batch of %d records", n, len(rows))
	}
	encoded := func() {
		key, value := [16]byte{7}, [8]byte{}
		o.begin(len(rows))
		for i := range rows {
			s.EmitEncoded(o, i, key[:], value[:])
		}
		if err := o.flush(&c); err != nil {
			t.Error(err)
		}
	}
	if n := testing.AllocsPerRun(50, encoded); n > 10 {
		t.Errorf("%v allocations for a batch of %d encoded records", n, len(rows))
	}
}

// A whole map and a whole reduce of 200,000 records allocate what a task does, and nothing for rows, records and groups.
func TestNoAllocationsInTasks(t *testing.T) {
	const rows = 200_000
	groups := 0
	s := &Stream[benchKey, []byte]{
		Name: "s", Key: benchKeys{}, Value: Bytes{}, Group: prefix8,
		Reduce: func(context.Context, *Env) (Reducer[benchKey, []byte], error) {
			return ReduceFunc[benchKey, []byte](func(_ context.Context, _ benchKey, v iter.Seq2[benchKey, []byte], _ *Out) error {
				groups++
				v(func(benchKey, []byte) bool { return true })
				return nil
			}), nil
		},
	}
	feed := benchFeed{benchRows(1 << 14), rows}
	path := ""
	if n := testing.AllocsPerRun(1, func() { path = mapFeed(t, s, bytesMapper{s}, feed, 3) }); n > benchSize+rows/100 { // a text for each slot
		t.Errorf("%v allocations in a map of %d rows", n, rows)
	}
	if n := testing.AllocsPerRun(1, func() { reduceFile(t, s, path) }); n > rows/100 {
		t.Errorf("%v allocations in a reduce of %d records", n, rows/3)
	}
	if groups < 9_000 {
		t.Errorf("%d groups: too few to tell", groups)
	}
}

type bytesMapper struct{ s *Stream[benchKey, []byte] }

func (m bytesMapper) Map(_ context.Context, rows []benchRow, out *Out) error {
	for i := range rows {
		m.s.Emit(out, i, benchKey{rows[i].key, rows[i].by}, rows[i].text)
	}
	return nil
}

func (bytesMapper) Close() error { return nil }
