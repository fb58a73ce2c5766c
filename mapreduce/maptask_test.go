package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// numbers is a feed of the rows 0 to n-1.
type numbers struct{ n int }

func (numbers) feed() (sourcePort, string) { return nil, "" }

func (f numbers) open(*Env, string) (Reader[int], error) { return &numberReader{n: f.n}, nil }

// manyNumbers is a feed of the same rows, by readers that give some at once.
type manyNumbers struct {
	numbers
	some int
	errs error // what they give at the end
}

func (f manyNumbers) open(*Env, string) (Reader[int], error) {
	return &manyReader{numberReader{n: f.n}, f}, nil
}

type manyReader struct {
	numberReader
	of manyNumbers
}

func (r *manyReader) ReadRows(rows []int) (n int, err error) {
	for n < min(r.of.some, len(rows)) && r.at < r.n {
		rows[n] += r.at // to a row that is reset
		r.at++
		n++
	}
	if n == 0 {
		return 0, r.of.errs
	}
	return n, nil
}

type numberReader struct{ at, n int }

func (r *numberReader) Read(v *int) error {
	if r.at == r.n {
		return io.EOF
	}
	*v = r.at
	r.at++
	return nil
}

func (*numberReader) Close() error { return nil }

// recorder is a mapper that notes the batches it gets.
type recorder struct {
	batches  [][]int
	slow     time.Duration // of the first batch
	prepared atomic.Int64
	mapped   atomic.Int64
	ahead    atomic.Int64 // most rows prepared and not yet mapped
	holds    int64        // what a prepared row holds, in bytes
}

func (r *recorder) Map(_ context.Context, batch []int, _ *Out) error {
	if len(r.batches) == 0 {
		time.Sleep(r.slow)
	}
	r.batches = append(r.batches, slices.Clone(batch))
	r.mapped.Add(int64(len(batch)))
	return nil
}

func (*recorder) Close() error { return nil }

type preparing struct{ *recorder }

func (p preparing) Prepare(_ context.Context, row *int) (int64, error) {
	p.ahead.Store(max(p.ahead.Load(), p.prepared.Add(1)-p.mapped.Load()))
	if *row < 0 {
		return 0, errors.New("negative")
	}
	return p.holds, nil
}

// mapNumbers runs n rows through a mapper in batches, within a time.
func mapNumbers(t *testing.T, m Mapper[int], n, batch int, as task.Assignment) task.Counts {
	t.Helper()
	run := &mapperRun[int]{m: m, feed: numbers{n}, batch: batch}
	run.prepare, _ = m.(Preparer[int])
	tr := &taskRun{env: &Env{}, stage: &Stage{}, as: as}
	done := make(chan error, 1)
	go func() { done <- run.run(t.Context(), tr, "") }()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("%d rows in batches of %d: no end", n, batch)
	}
	return tr.counts
}

// However the reader runs ahead and wherever the shard ends, all rows come, in batches cut at the same ordinals.
func TestAhead(t *testing.T) {
	for n := range 12 {
		for _, batch := range []int{1, 2, 3} {
			r := &recorder{slow: 2 * time.Millisecond}
			c := mapNumbers(t, r, n, batch, task.Assignment{})
			var want [][]int
			for b := range slices.Chunk(upTo(n), batch) {
				want = append(want, b)
			}
			if fmt.Sprint(r.batches) != fmt.Sprint(want) || c.Read != int64(n) || c.Mapped != int64(n) {
				t.Errorf("%d rows: batches %v, counts %+v", n, r.batches, c)
			}
		}
	}
}

// Rows that are read many at a time come in the same batches as single ones.
func TestReadRows(t *testing.T) {
	for n := range 12 {
		for some := 1; some < 5; some++ {
			r := &recorder{}
			run := &mapperRun[int]{m: r, feed: manyNumbers{numbers{n}, some, io.EOF}, batch: 3}
			tr := &taskRun{env: &Env{}, stage: &Stage{}}
			if err := run.run(t.Context(), tr, ""); err != nil {
				t.Fatal(err)
			}
			if got, want := fmt.Sprint(r.batches), fmt.Sprint(slices.Collect(slices.Chunk(upTo(n), 3))); got != want || tr.counts.Read != int64(n) {
				t.Errorf("%d rows, %d at a time: batches %v, want %v", n, some, got, want)
			}
		}
	}
	broken := errors.New("broken")
	run := &mapperRun[int]{m: &recorder{}, feed: manyNumbers{numbers{7}, 2, broken}, batch: 3}
	err := run.run(t.Context(), &taskRun{env: &Env{}, stage: &Stage{}}, "")
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "shard row 7") {
		t.Error(err)
	}
}

func upTo(n int) []int {
	v := make([]int, n)
	for i := range v {
		v[i] = i
	}
	return v
}

// How far Prepare runs ahead is bounded by batches and by bytes; serially not at all.
func TestAheadIsBounded(t *testing.T) {
	for _, c := range []struct {
		holds    int64
		serial   bool
		min, max int64
	}{
		{1, false, 5, aheadBatches + 2},
		{aheadBytes / 2, false, 1, 3},
		{2 * aheadBytes, false, 1, 2},
		{1, true, 1, 1},
	} {
		r := preparing{&recorder{slow: 50 * time.Millisecond, holds: c.holds}}
		mapNumbers(t, r, 40, 1, task.Assignment{Serial: c.serial})
		if got := r.ahead.Load(); got < c.min || got > c.max {
			t.Errorf("%+v: %d rows ahead", c, got)
		}
	}
}

// A probe touches its rows only, in the batches that they always have.
func TestProbe(t *testing.T) {
	r := preparing{&recorder{}}
	mapNumbers(t, r, 40, 4, task.Assignment{Probe: &task.Span{Lo: 9, Hi: 11}})
	if fmt.Sprint(r.batches) != "[[8 9 10]]" || r.prepared.Load() != 2 {
		t.Errorf("batches %v, %d prepared", r.batches, r.prepared.Load())
	}
}
