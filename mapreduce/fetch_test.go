package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
	"github.com/shardmill/shardmill/mapreduce/internal/worker"
)

// storage is a mapper whose rows are fetched with a latency, and take time to prepare and to map.
type storage struct {
	recorder
	latency, prepare, work time.Duration // of a row
	holds                  int64
	fail                   func(row int) error

	mu            sync.Mutex
	fetching, all int // now, and fetched but not prepared
	mostFetching  int
	mostAll       int
	fetched       atomic.Int64
}

func (s *storage) Fetch(ctx context.Context, row *int) (int64, error) {
	s.count(1, 1)
	defer s.count(-1, 0)
	select {
	case <-time.After(s.latency):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	s.fetched.Add(1)
	if s.fail != nil {
		return s.holds, s.fail(*row)
	}
	return s.holds, nil
}

func (s *storage) count(fetching, all int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetching += fetching
	s.all += all
	s.mostFetching, s.mostAll = max(s.mostFetching, s.fetching), max(s.mostAll, s.all)
}

func (s *storage) Prepare(_ context.Context, row *int) (int64, error) {
	time.Sleep(s.prepare)
	s.count(0, -1)
	s.prepared.Add(1)
	return 1, nil
}

func (s *storage) Map(ctx context.Context, batch []int, out *Out) error {
	time.Sleep(time.Duration(len(batch)) * s.work)
	return s.recorder.Map(ctx, batch, out)
}

// fetchRun maps rows 0 to n-1 of which each is expected to hold so many bytes.
func fetchRun(ctx context.Context, s *storage, n, batch int, size int64, as task.Assignment) (*taskRun, error) {
	tr := &taskRun{env: &Env{}, stage: &Stage{}, as: as, cell: worker.NewCell()}
	src := &Source[int]{Size: func(*int) int64 { return size }, Read: func(_ context.Context, _ *Env, _ Range, rows *Rows[int]) error {
		for i := range n {
			if err := rows.Row(i); err != nil {
				return err
			}
		}
		return nil
	}}
	run := &mapperRun[int]{m: s, prepare: s, fetch: s, feed: src, batch: batch}
	return tr, run.runRanges(ctx, tr, make([]Range, 1))
}

// However fetches end, rows come in order, in batches cut at the same ordinals, whether more or fewer than are fetched at a time.
func TestFetchOrder(t *testing.T) {
	for _, n := range []int{0, 1, 3, 40} {
		for _, batch := range []int{1, 3, 8, 100} {
			s := &storage{fail: func(row int) error {
				time.Sleep(time.Duration(row*7%5) * time.Millisecond)
				return nil
			}}
			tr, err := fetchRun(t.Context(), s, n, batch, 1, task.Assignment{})
			want := slices.Collect(slices.Chunk(upTo(n), batch))
			if err != nil || fmt.Sprint(s.batches) != fmt.Sprint(want) || tr.counts.Mapped != int64(n) {
				t.Errorf("%d rows: batches %v, counts %+v, %v", n, s.batches, tr.counts, err)
			}
		}
	}
}

// Fetches overlap, bounded by number and by bytes: those expected and, where a row holds more, those that it holds.
func TestFetchIsBounded(t *testing.T) {
	for _, c := range []struct {
		size, holds int64
		serial      bool
		min, max    int
	}{
		{1, 1, false, fetchRows / 2, fetchRows},
		{fetchBytes / 4, fetchBytes / 4, false, 2, 4},
		{fetchBytes, fetchBytes, false, 1, 1},
		{2 * fetchBytes, 2 * fetchBytes, false, 1, 1},
		{fetchBytes / 2, 1, false, 2, fetchRows}, // rows that hold less make room
		{1, 1, true, 1, 1},
	} {
		s := &storage{latency: 3 * time.Millisecond, prepare: time.Millisecond, holds: c.holds}
		if _, err := fetchRun(t.Context(), s, 60, 4, c.size, task.Assignment{Serial: c.serial}); err != nil {
			t.Fatal(err)
		}
		// A row counts until Prepare returns, and the next may be sent then.
		if got := s.mostAll; got < c.min || got > c.max {
			t.Errorf("%+v: %d rows fetched ahead, %d at a time", c, got, s.mostFetching)
		}
	}
	s := &storage{latency: time.Millisecond, prepare: 5 * time.Millisecond, holds: fetchBytes}
	if _, err := fetchRun(t.Context(), s, 60, 4, 0, task.Assignment{}); err != nil || s.mostAll > fetchRows {
		t.Errorf("rows of an unknown size: %d ahead, %v", s.mostAll, err)
	}
}

// Rows that Map waits for bound how far fetching runs ahead too.
func TestFetchWaitsForMap(t *testing.T) {
	s := &storage{recorder: recorder{slow: 100 * time.Millisecond}}
	var most int64
	s.fail = func(int) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		most = max(most, s.fetched.Load()-s.mapped.Load())
		return nil
	}
	if _, err := fetchRun(t.Context(), s, 200, 1, 1, task.Assignment{}); err != nil {
		t.Fatal(err)
	}
	if limit := int64(aheadBatches + fetchRows + 3); most < fetchRows || most > limit {
		t.Errorf("%d rows ahead of Map, at most %d expected", most, limit)
	}
}

// An error rejects its row, in order, or ends the attempt with the first row's; others were fetched in vain.
func TestFetchErrors(t *testing.T) {
	bad := errors.New("bad")
	s := &storage{fail: func(row int) error {
		if row%3 == 1 {
			return bad
		}
		return nil
	}}
	tr := &taskRun{env: &Env{stage: "01-s"}, stage: &Stage{}, folder: tempDir(t), rejects: jsonRejects()}
	tr.as.Task = task.ID{Stage: "01-s", Kind: task.Map}
	run := &mapperRun[int]{m: s, prepare: s, fetch: s, feed: numbers{20}, batch: 4}
	if err := errors.Join(run.run(t.Context(), tr, ""), tr.closeWrites()); err != nil {
		t.Fatal(err)
	}
	rejects, err := readRejects(tr)
	if err != nil || len(rejects) != 7 || tr.counts.Rejected != 7 || s.prepared.Load() != 13 {
		t.Fatalf("rejects %+v, counts %+v, %d prepared, %v", rejects, tr.counts, s.prepared.Load(), err)
	}
	for i, r := range rejects {
		if r.Ordinal != int64(3*i+1) || r.Reason != "bad" || r.Class != "bad-record" {
			t.Errorf("reject %d: %+v", i, r)
		}
	}
	for _, fatal := range []func(error) error{BadInput, Retry} {
		s := &storage{latency: time.Millisecond, fail: func(row int) error {
			if row >= 7 {
				return fatal(fmt.Errorf("of row %d", row))
			}
			return nil
		}}
		_, err := fetchRun(t.Context(), s, 500, 4, 1, task.Assignment{})
		if err == nil || !strings.Contains(err.Error(), "of row 7") || s.fetched.Load() > 7+fetchRows+1 {
			t.Errorf("%v, %d fetched", err, s.fetched.Load())
		}
	}
}

// A cancel ends fetches that wait, and no goroutine is left behind.
func TestFetchCanceled(t *testing.T) {
	for _, as := range []task.Assignment{{}, {Serial: true}} {
		ctx, cancel := context.WithCancel(t.Context())
		s := &storage{latency: time.Hour}
		time.AfterFunc(20*time.Millisecond, cancel)
		start := time.Now()
		if _, err := fetchRun(ctx, s, 100, 4, 1, as); ClassOf(err) != task.Canceled || time.Since(start) > 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if s.fetching != 0 || len(s.batches) > 0 {
			t.Errorf("%d still fetching, batches %v", s.fetching, s.batches)
		}
	}
}

// A mapper that fails ends fetching, whatever waits for whatever.
func TestFetchEndsWithMap(t *testing.T) {
	for _, latency := range []time.Duration{0, time.Millisecond} {
		s := &storage{latency: latency}
		run := &mapperRun[int]{m: failingMapper{}, prepare: s, fetch: s, feed: numbers{300}, batch: 2}
		err := run.run(t.Context(), &taskRun{env: &Env{}, stage: &Stage{}}, "")
		if !errors.Is(err, errFailing) || s.fetching != 0 {
			t.Errorf("%v, %d still fetching", err, s.fetching)
		}
	}
}

var errFailing = errors.New("failing")

type failingMapper struct{}

func (failingMapper) Map(context.Context, []int, *Out) error { return errFailing }

func (failingMapper) Close() error { return nil }

// A reader that fails does so behind the rows that it gave.
func TestFetchReadError(t *testing.T) {
	broken := errors.New("broken")
	s := &storage{latency: time.Millisecond}
	src := &Source[int]{Read: func(_ context.Context, _ *Env, _ Range, rows *Rows[int]) error {
		return errors.Join(rows.Row(1), rows.Row(2), rows.Row(3), broken)
	}}
	run := &mapperRun[int]{m: s, prepare: s, fetch: s, feed: src, batch: 2}
	err := run.runRanges(t.Context(), &taskRun{env: &Env{}, stage: &Stage{}}, make([]Range, 1))
	if !errors.Is(err, broken) || s.prepared.Load() != 3 || len(s.batches) != 1 {
		t.Errorf("%v, %d prepared, batches %v", err, s.prepared.Load(), s.batches)
	}
}

// All rows that are being fetched are suspect, from before they are touched; one by one where the attempt is serial.
func TestFetchSuspects(t *testing.T) {
	for _, serial := range []bool{false, true} {
		var tr *taskRun
		var mu sync.Mutex
		s := &storage{latency: time.Millisecond}
		cell := worker.NewCell()
		s.fail = func(row int) error {
			mu.Lock()
			defer mu.Unlock()
			span := cell.Span()
			if !span.Contains(int64(row)) || serial && span.Hi != int64(row)+1 {
				return fmt.Errorf("row %d: suspects %v", row, span)
			}
			return nil
		}
		tr = &taskRun{env: &Env{}, stage: &Stage{}, as: task.Assignment{Serial: serial}, cell: cell, folder: tempDir(t), rejects: jsonRejects()}
		run := &mapperRun[int]{m: s, prepare: s, fetch: s, feed: numbers{50}, batch: 4}
		if err := run.run(t.Context(), tr, ""); err != nil || tr.counts.Rejected > 0 {
			rejects, _ := readRejects(tr)
			t.Errorf("serial %v: %v, %+v", serial, err, rejects)
		}
	}
}

// BenchmarkSlowStorage maps rows of 3 ms to prepare and 10 ms to map, with and without 20 ms of latency, and without a
// Fetcher for comparison.
func BenchmarkSlowStorage(b *testing.B) {
	const rows = 200
	for _, c := range []struct {
		name    string
		latency time.Duration
		plain   bool
	}{{"none", 0, false}, {"20ms", 20 * time.Millisecond, false}, {"20ms-without-Fetcher", 20 * time.Millisecond, true}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				s := &storage{latency: c.latency, prepare: 3 * time.Millisecond, work: 10 * time.Millisecond}
				run := &mapperRun[int]{m: s, prepare: s, fetch: s, feed: numbers{rows}, batch: 8}
				if c.plain {
					run.prepare, run.fetch = both{s}, nil
				}
				if err := run.run(b.Context(), &taskRun{env: &Env{}, stage: &Stage{}}, ""); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N*rows), "ms/row")
		})
	}
}

// both fetches in Prepare.
type both struct{ *storage }

func (p both) Prepare(ctx context.Context, row *int) (int64, error) {
	if _, err := p.Fetch(ctx, row); err != nil {
		return 0, err
	}
	return p.storage.Prepare(ctx, row)
}

// The goroutine that reads is woken when a few rows may be fetched, not for each, and always goes on in the end.
func TestFetchRefill(t *testing.T) {
	w := newWindow(&taskRun{cell: worker.NewCell()})
	for range fetchRows {
		w.reserve(1)
	}
	through := make(chan bool, 1)
	go func() { through <- w.reserve(1) }()
	time.Sleep(10 * time.Millisecond) // so that it waits
	for range fetchRefill - 1 {
		w.release(1)
	}
	select {
	case <-through:
		t.Error("woken for a single row")
	case <-time.After(20 * time.Millisecond):
	}
	w.release(1)
	if !<-through {
		t.Error("the attempt has not ended")
	}
}
