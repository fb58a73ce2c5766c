package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/shardmill/shardmill/mapreduce/internal/shuffle"
)

// hexKey is a key that lies in memory of the engine, and has a text.
type hexKey []byte

func (k hexKey) String() string { return fmt.Sprintf("%x", []byte(k)) }

// hexKeys passes keys on without a copy.
type hexKeys struct{}

func (hexKeys) Append(b []byte, k hexKey) []byte { return append(b, k...) }

func (hexKeys) Decode(b []byte) (hexKey, error) { return b, nil }

// A group that is rejected has its own key in the rejects, even if its records come from files on disk, of which
// blocks replace each other while what is left of the group is read.
func TestRejectedKeyOfSpills(t *testing.T) {
	const groups, each = 4000, 5
	s := &Stream[hexKey, []byte]{Name: "s", Key: hexKeys{}, Value: Bytes{}}
	s.Reduce = ReduceFunc[hexKey, []byte](func(context.Context, hexKey, iter.Seq2[hexKey, []byte], *Out) error {
		return &Error{Class: BadRecord, Err: errTaken}
	}).Reducer
	path := emitFile(t, s, func(o *Out) {
		for i := range groups * each {
			s.Emit(o, 0, fmt.Appendf(nil, "%09d", i%groups), make([]byte, 30))
		}
	})
	paths := []string{path}
	in, err := shuffle.NewInput(shuffle.Config{Budget: 256 << 10, TempDir: t.TempDir()}, func() (string, bool) {
		more := len(paths) > 0
		paths = nil
		return path, more
	})
	if err != nil {
		t.Fatal(err)
	}
	tr := benchTask(t, s)
	tr.rejects, tr.out.direct = jsonRejects(), true
	if err := errors.Join(s.reduceAll(t.Context(), tr, sorted{in}), in.Close(), tr.closeWrites()); err != nil {
		t.Fatal(err)
	}
	rejected, err := readRejects(tr)
	if err != nil || len(rejected) != groups {
		t.Fatalf("%d rejects, %v", len(rejected), err)
	}
	for i, r := range rejected {
		if want := fmt.Sprintf("%x", fmt.Sprintf("%09d", i)); r.ID != want || r.Ordinal != int64(i) {
			t.Fatalf("reject %d is called %s, expected %s", i, r.ID, want)
		}
	}
}
