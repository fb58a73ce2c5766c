package mapreduce

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// emitFile is a run file with what one row emits.
func emitFile(t *testing.T, s streamPort, emit func(o *Out)) string {
	t.Helper()
	m := benchTask(t, s)
	if err := m.openMapWrites([]partitioning{{n: 1}}); err != nil {
		t.Fatal(err)
	}
	m.out.begin(1)
	emit(&m.out)
	if err := errors.Join(m.out.flush(&m.counts), m.closeWrites()); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(m.folder, m.outputs[0].File)
}

// A reducer with First gets no more values of a group than that, however often it asks.
func TestFirstInReduce(t *testing.T) {
	all := testStream("s")
	all.Group = func([]byte) int { return 1 }
	path := emitFile(t, all, func(o *Out) { // the mapper leaves nothing out
		for _, k := range []string{"b7", "a3", "a1", "a5", "b6", "a4", "a2"} {
			all.Emit(o, 0, k, k[1:])
		}
	})
	for first, want := range map[int64]string{
		0: "[a:12345 b:67]", 1: "[a:1 b:6]", 3: "[a:123 b:67]", 5: "[a:12345 b:67]", math.MaxInt64: "[a:12345 b:67]",
	} {
		s, got := *all, []string{}
		s.First = first
		s.Reduce = ReduceFunc[string, string](func(_ context.Context, k string, values iter.Seq2[string, string], _ *Out) error {
			line := k[:1] + ":"
			for range 2 {
				for key, v := range values {
					if line += v; key[1:] != v {
						t.Errorf("key %q of value %q", key, v)
					}
				}
			}
			got = append(got, line)
			return nil
		}).Reducer
		tr := benchTask(t, &s)
		reduceInto(t, tr, &s, path)
		if fmt.Sprint(got) != want || tr.counts.Streams["s"].Reduced != 7 || tr.counts.Groups != 2 {
			t.Errorf("First %d: got %v, counts %+v", first, got, tr.counts)
		}
	}
}

// Of a rejected group with First as many records are counted as a reducer would have got, so that the number does
// not depend on what was left out before.
func TestRejectedGroupWithFirst(t *testing.T) {
	s := testStream("s")
	s.First = 2
	s.Reduce = ReduceFunc[string, string](func(_ context.Context, k string, _ iter.Seq2[string, string], _ *Out) error {
		if k == "bad" {
			return &Error{Class: BadRecord, Err: errTaken}
		}
		return nil
	}).Reducer
	emit := func(o *Out) {
		for _, k := range []string{"bad", "good", "bad", "bad", "bad", "excluded", "excluded", "excluded"} {
			s.Emit(o, 0, k, "v")
		}
	}
	path := emitFile(t, s, emit)
	tr := benchTask(t, s)
	tr.rejects, tr.as.Exclude = jsonRejects(), []task.Exclusion{{Ordinal: 1, Class: task.Crash, Reason: "crash"}}
	reduceInto(t, tr, s, path)
	c := tr.counts
	if c.Groups != 3 || c.RejectedGroups != 2 || c.RejectedRecords != 4 || c.Streams["s"].Rejected != 4 {
		t.Errorf("counts %+v", c)
	}
	rejected, err := readRejects(tr)
	if err != nil || len(rejected) != 2 || !strings.HasPrefix(rejected[0].Reason, "group of 2 records") || rejected[1].ID != "excluded" {
		t.Errorf("rejects %+v, %v", rejected, err)
	}
}

// A group of the codec Bytes stays what it is while its values come, and each of these is right at its time.
func TestBytes(t *testing.T) {
	s := &Stream[[]byte, []byte]{Name: "s", Key: Bytes{}, Value: Bytes{}, Group: func([]byte) int { return 1 }}
	var got []string
	s.Reduce = ReduceFunc[[]byte, []byte](func(_ context.Context, k []byte, values iter.Seq2[[]byte, []byte], _ *Out) error {
		first := string(k)
		for key, v := range values {
			got = append(got, first+" "+string(key)+" "+string(v))
		}
		if string(k) != first {
			return fmt.Errorf("the group became %q", k)
		}
		return nil
	}).Reducer
	path := emitFile(t, s, func(o *Out) {
		b := []byte("??")
		for _, k := range []string{"a2", "b1", "a1", "a3"} {
			copy(b, k)
			s.Emit(o, 0, b, b[1:])
		}
	})
	reduceFile(t, s, path)
	if want := []string{"a1 a1 1", "a1 a2 2", "a1 a3 3", "b1 b1 1"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if b := (Bytes{}).Append([]byte("x"), []byte("y")); !bytes.Equal(b, []byte("xy")) {
		t.Errorf("%q", b)
	}
}

// A key that cannot be decoded, or a value, fails the attempt.
func TestReduceOfDamagedRecords(t *testing.T) {
	text := testStream("s")
	path := emitFile(t, text, func(o *Out) { text.Emit(o, 0, "short", "too") })
	key := &Stream[uint64, string]{Name: "s", Key: Uint64{}, Value: String{}}
	key.Reduce = ReduceFunc[uint64, string](func(context.Context, uint64, iter.Seq2[uint64, string], *Out) error { return nil }).Reducer
	value := &Stream[string, uint64]{Name: "s", Key: String{}, Value: Uint64{}}
	value.Reduce = ReduceFunc[string, uint64](func(context.Context, string, iter.Seq2[string, uint64], *Out) error { return nil }).Reducer
	for what, s := range map[string]streamPort{"key": key, "value": value} {
		in := openRun(t, loose{s}, path)
		err := errors.Join(s.reduceAll(t.Context(), benchTask(t, s), sorted{in}), in.Close())
		if !errors.Is(err, ErrShort) || !strings.Contains(err.Error(), "stream s: "+what) {
			t.Errorf("%s: error %v", what, err)
		}
	}
}

// loose is a stream that does not tell its widths.
type loose struct{ streamPort }

func (loose) widths() (int, int) { return 0, 0 }

// A cancel ends the loading of a partition, in whichever way it is loaded.
func TestCancelWhileLoading(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	plain, combines := testStream("s"), joined(2, 0)
	combines.Combine = func(a, _ string) string { return a }
	for _, s := range []*Stream[string, string]{plain, combines} {
		path := emitFile(t, s, func(o *Out) { s.Emit(o, 0, "ab", "cd") })
		tr := benchTask(t, s)
		tr.as.Number = 1
		cfg := (&child{}).inputConfig(ctx, tr, s, 0, 0)
		runs := func() func() (string, bool) {
			return func() (string, bool) { return path, true } // without an end, but for the cancel
		}
		if _, err := s.open(tr, cfg, runs); ClassOf(err) != task.Canceled {
			t.Errorf("combines %v: %v", s.combines(), err)
		}
	}
}
