package mapreduce

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
	"github.com/shardmill/shardmill/mapreduce/internal/worker"
)

// seenRow is a row that keeps the memory of its text.
type seenRow struct {
	n    int
	text []byte
}

func (r *seenRow) Reset() { r.n, r.text = 0, r.text[:0] }

func (r *seenRow) Origin() Origin { return Origin{ID: string(r.text)} }

// given is what a source passes: a row, or a reject of the input's own.
type given struct {
	n   int
	bad bool
	how int // 0 Row, 1 Next and Add, 2 a row that was begun and left first, 3 with those behind it that are so
}

// givenSource passes a list of rows; a range is [Lo, Hi) of it.
func givenSource(all []given) *Source[seenRow] {
	return &Source[seenRow]{Read: func(_ context.Context, _ *Env, rg Range, rows *Rows[seenRow]) error {
		for all := all[rg.Lo:rg.Hi]; len(all) > 0; {
			n, err := passMany(all, rows)
			if n == 0 && err == nil {
				n, err = 1, pass(all[0], rows)
			}
			if err != nil {
				return err
			}
			all = all[n:]
		}
		return nil
	}}
}

// passMany passes the first rows of a list together, or none if these come one by one, and begins one more.
func passMany(all []given, rows *Rows[seenRow]) (n int, err error) {
	for n < len(all) && all[n].how == 3 && !all[n].bad {
		n++
	}
	if n == 0 {
		return 0, nil
	}
	many := rows.NextRows(n + 1)
	n = min(n, len(many))
	for i := range many {
		if many[i].n != 0 || len(many[i].text) != 0 {
			return 0, fmt.Errorf("a row that is not reset: %+v", many[i])
		}
		if many[i].n, many[i].text = -1, append(many[i].text, "left behind"...); i < n {
			many[i].n, many[i].text = all[i].n, fmt.Append(many[i].text[:0], "row ", all[i].n)
		}
	}
	return n, rows.AddRows(n)
}

func pass(g given, rows *Rows[seenRow]) error {
	text := fmt.Sprint("row ", g.n)
	if g.how == 0 && !g.bad {
		return rows.Row(seenRow{g.n, []byte(text)})
	}
	if g.how == 2 {
		r := rows.Next()
		r.n, r.text = -1, append(r.text, "left behind"...)
	}
	if g.bad {
		return rows.Reject(Origin{Input: "in", Line: int64(g.n)}, fmt.Errorf("bad %d", g.n))
	}
	r := rows.Next()
	if r.n != 0 || len(r.text) != 0 {
		return fmt.Errorf("a row that is not reset: %+v", *r)
	}
	r.n, r.text = g.n, append(r.text, text...)
	return rows.Add()
}

// seer is a mapper that notes what it gets, and rejects what is divisible by seven.
type seer struct {
	t       *taskRun
	batches [][]string
	spans   []task.Span // in flight while a batch is mapped
	err     error
}

func (s *seer) Map(_ context.Context, rows []seenRow, out *Out) error {
	var batch []string
	for i := range rows {
		switch {
		case out.Rejected(i) && (rows[i].n != 0 || len(rows[i].text) > 0):
			batch = append(batch, "touched "+string(rows[i].text))
		case out.Rejected(i):
			batch = append(batch, "-")
		default:
			batch = append(batch, string(rows[i].text))
			if rows[i].n%7 == 0 {
				out.Reject(i, errors.New("seven"))
			}
		}
	}
	s.batches = append(s.batches, batch)
	s.spans = append(s.spans, s.t.cell.Span())
	return s.err
}

func (*seer) Close() error { return nil }

type preparingSeer struct{ *seer }

func (preparingSeer) Prepare(context.Context, *seenRow) (int64, error) { return 1, nil }

// fetchingSeer fetches in an order that is not that of the rows.
type fetchingSeer struct{ preparingSeer }

func (fetchingSeer) Fetch(_ context.Context, r *seenRow) (int64, error) {
	if r.n%3 == 0 {
		runtime.Gosched()
	}
	return int64(r.n), nil
}

// How a mapper looks ahead, in tests.
const (
	noAhead = iota
	preparesAhead
	fetchesAhead
	aheads // how many there are
)

// powers gives a run of the seer the powers to look ahead.
func (s *seer) powers(r *mapperRun[seenRow], ahead int) {
	p := preparingSeer{s}
	switch ahead {
	case preparesAhead:
		r.m, r.prepare = p, p
	case fetchesAhead:
		r.m, r.prepare, r.fetch = p, p, fetchingSeer{p}
	}
}

// seenRun maps ranges of a list in place.
func seenRun(tb testing.TB, all []given, ranges []Range, batch, ahead int, as task.Assignment, limit int64) (*seer, *taskRun, error) {
	as.Task = task.ID{Stage: "01-s", Kind: task.Map}
	t := &taskRun{
		env: &Env{stage: "01-s"}, stage: &Stage{}, as: as, folder: tempDir(tb), limit: limit, cell: worker.NewCell(),
		rejects: jsonRejects(),
	}
	s := &seer{t: t}
	r := &mapperRun[seenRow]{m: s, feed: givenSource(all), batch: batch}
	s.powers(r, ahead)
	err := r.runRanges(context.Background(), t, ranges)
	if err == nil {
		err = t.closeWrites()
	}
	return s, t, err
}

// tempDir is for checks of rapid too, whose T has no TempDir.
func tempDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "shardmill-test-")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func jsonRejects() Dataset[Reject] {
	return Dataset[Reject]{Ext: "jsonl", Create: func(_ *Env, w io.Writer) (Sink[Reject], error) {
		return rejectSink{json.NewEncoder(w)}, nil
	}}
}

type rejectSink struct{ e *json.Encoder }

func (s rejectSink) Write(r Reject) error { return s.e.Encode(r) }

func (rejectSink) Close() error { return nil }

func readRejects(t *taskRun) (all []Reject, err error) {
	for _, o := range t.outputs {
		if o.Kind != task.RejectFile {
			continue
		}
		b, err := os.ReadFile(filepath.Join(t.folder, o.File))
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(b) {
			var r Reject
			if err := json.Unmarshal(line, &r); err != nil {
				return nil, err
			}
			all = append(all, r)
		}
	}
	return all, nil
}

// wantSeen is what a mapper is to see of all rows, and the ordinals of rejects.
func wantSeen(all []given, batch int, as task.Assignment) (batches [][]string, rejects []int64) {
	for lo := 0; lo < len(all); lo += batch {
		var b []string
		live := false
		for i := lo; i < min(lo+batch, len(all)); i++ {
			g, n := all[i], int64(i)
			excluded := slices.ContainsFunc(as.Exclude, func(e task.Exclusion) bool { return e.Ordinal == n })
			probed := as.Probe == nil || as.Probe.Contains(n)
			switch {
			case g.bad:
				b = append(b, "-")
			case excluded || !probed:
				b = append(b, "touched "+fmt.Sprint("row ", g.n))
			default:
				b = append(b, fmt.Sprint("row ", g.n))
				live = true
			}
			if g.bad || excluded || probed && g.n%7 == 0 {
				rejects = append(rejects, n)
			}
		}
		if live {
			batches = append(batches, b)
		}
	}
	return batches, rejects
}

// However a source passes its rows, and whatever it, the mapper or an exclusion rejects: slots, batches, counts and
// rejects follow from the ordinals, with and without a Preparer and a Fetcher.
func TestInPlace(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) given {
			return given{bad: rapid.IntRange(0, 3).Draw(r, "bad") == 0, how: rapid.IntRange(0, 3).Draw(r, "how")}
		}), 0, 30).Draw(r, "rows")
		for i := range all {
			all[i].n = i + 1
		}
		var ranges []Range
		for lo := 0; lo < len(all); {
			hi := rapid.IntRange(lo, len(all)).Draw(r, "hi")
			ranges = append(ranges, Range{Lo: int64(lo), Hi: int64(hi)})
			lo = max(hi, lo)
			if hi == lo && rapid.Bool().Draw(r, "rest") {
				ranges, lo = append(ranges, Range{Lo: int64(lo), Hi: int64(len(all))}), len(all)
			}
		}
		var as task.Assignment
		if len(all) > 0 && rapid.Bool().Draw(r, "exclude") {
			n := int64(rapid.IntRange(0, len(all)-1).Draw(r, "excluded"))
			as.Exclude = []task.Exclusion{{Ordinal: n, Class: task.Crash, Reason: "it crashed"}}
		}
		batch := rapid.IntRange(1, 7).Draw(r, "batch")
		s, tr, err := seenRun(t, all, ranges, batch, rapid.IntRange(0, aheads-1).Draw(r, "ahead"), as, 0)
		if err != nil {
			r.Fatal(err)
		}
		checkSeen(r, s, tr, all, batch, as)
	})
}

func checkSeen(r *rapid.T, s *seer, tr *taskRun, all []given, batch int, as task.Assignment) {
	batches, ordinals := wantSeen(all, batch, as)
	if fmt.Sprint(s.batches) != fmt.Sprint(batches) {
		r.Errorf("batches %v, expected %v", s.batches, batches)
	}
	c := tr.counts
	if c.Read != int64(len(all)) || c.Rejected != int64(len(ordinals)) || c.Mapped != c.Read-c.Rejected {
		r.Errorf("counts %+v of %d rows, %d rejected", c, len(all), len(ordinals))
	}
	var got []int64
	rejected, err := readRejects(tr)
	if err != nil {
		r.Fatal(err)
	}
	for _, j := range rejected {
		got = append(got, j.Ordinal)
		g := all[j.Ordinal]
		if g.bad && j.Class == "bad-record" && (j.Line != int64(g.n) || j.Input != "in" || j.Reason != fmt.Sprint("bad ", g.n)) ||
			!g.bad && j.ID != fmt.Sprint("row ", g.n) {
			r.Errorf("reject %+v of %+v", j, g)
		}
	}
	if !slices.Equal(got, ordinals) {
		r.Errorf("rejects %v, expected %v", got, ordinals)
	}
}

func givens(n int) []given {
	all := make([]given, n)
	for i := range all {
		all[i] = given{n: i + 1, how: min(i%6, 3), bad: i%5 == 3}
	}
	return all
}

// A probe in place touches its rows only, and reading ends behind them.
func TestInPlaceProbe(t *testing.T) {
	for ahead := range aheads {
		as := task.Assignment{Probe: &task.Span{Lo: 9, Hi: 11}}
		s, tr, err := seenRun(t, givens(40), []Range{{Lo: 0, Hi: 10}, {Lo: 10, Hi: 40}}, 4, ahead, as, 0)
		if err != nil || fmt.Sprint(s.batches) != "[[- row 10 row 11]]" || tr.counts.Read != 11 {
			t.Errorf("ahead %v: batches %v, %d rows read, %v", ahead, s.batches, tr.counts.Read, err)
		}
	}
}

// A limit counts the rows that a source passes, good or not.
func TestInPlaceLimit(t *testing.T) {
	for _, limit := range []int64{1, 4, 11, 30, 31} {
		for ahead := range aheads {
			_, tr, err := seenRun(t, givens(30), []Range{{Lo: 0, Hi: 10}, {Lo: 10, Hi: 30}}, 4, ahead, task.Assignment{}, limit)
			if err != nil || tr.counts.Read != min(limit, 30) {
				t.Errorf("limit %d: read %d, %v", limit, tr.counts.Read, err)
			}
		}
	}
}

// While a batch is mapped its rows are suspect, without a Preparer no others are, and none when it is done.
func TestSuspects(t *testing.T) {
	for ahead := range aheads {
		s, tr, err := seenRun(t, givens(10), []Range{{Lo: 0, Hi: 10}}, 4, ahead, task.Assignment{}, 0)
		if err != nil {
			t.Fatal(err)
		}
		for n, span := range s.spans {
			lo, hi := int64(4*n), min(int64(4*n+4), 10)
			if span.Lo != lo || ahead == noAhead && span.Hi != hi || span.Hi < hi {
				t.Errorf("ahead %v: batch %d: suspects %v", ahead, n, span)
			}
		}
		if len(s.spans) != 3 || tr.cell.Span().Len() > 0 {
			t.Errorf("ahead %v: %d batches, suspects left %v", ahead, len(s.spans), tr.cell.Span())
		}
	}
}

// The suspects of a batch whose mapper failed or panicked stay.
func TestSuspectsStay(t *testing.T) {
	tr := &taskRun{env: &Env{}, stage: &Stage{}, cell: worker.NewCell()}
	s := &seer{t: tr, err: io.ErrUnexpectedEOF}
	r := &mapperRun[seenRow]{m: s, feed: givenSource(givens(3)), batch: 2}
	err := r.runRanges(t.Context(), tr, []Range{{Lo: 0, Hi: 3}})
	if !errors.Is(err, io.ErrUnexpectedEOF) || tr.cell.Span() != (task.Span{Lo: 0, Hi: 2}) {
		t.Errorf("suspects %v, %v", tr.cell.Span(), err)
	}
}

// A source cannot hide or disguise what ended the attempt.
func TestSourceCannotHideErrors(t *testing.T) {
	boom := errors.New("boom")
	for name, read := range map[string]func(rows *Rows[seenRow]) error{
		"swallows": func(rows *Rows[seenRow]) error {
			for range 9 {
				_ = rows.Row(seenRow{n: 1})
			}
			return nil
		},
		"renames": func(rows *Rows[seenRow]) error {
			for range 9 {
				if err := rows.Row(seenRow{n: 1}); err != nil {
					return BadInput(err)
				}
			}
			return nil
		},
		"takes for the limit": func(rows *Rows[seenRow]) error {
			for range 9 {
				if err := rows.Row(seenRow{n: 1}); err != nil {
					return ErrLimit
				}
			}
			return nil
		},
	} {
		tr := &taskRun{env: &Env{}, stage: &Stage{}, cell: worker.NewCell()}
		src := &Source[seenRow]{Read: func(_ context.Context, _ *Env, _ Range, rows *Rows[seenRow]) error { return read(rows) }}
		r := &mapperRun[seenRow]{m: &seer{t: tr, err: boom}, feed: src, batch: 2}
		err := r.runRanges(t.Context(), tr, make([]Range, 2))
		if !errors.Is(err, boom) || ClassOf(err) != Permanent || tr.counts.Read > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A canceled attempt ends soon, whatever its source does, and says why.
func TestInPlaceCanceled(t *testing.T) {
	for ahead := range aheads {
		ctx, cancel := context.WithCancel(t.Context())
		tr := &taskRun{env: &Env{}, stage: &Stage{}, cell: worker.NewCell()}
		src := &Source[seenRow]{Read: func(_ context.Context, _ *Env, _ Range, rows *Rows[seenRow]) error {
			for n := 1; ; n++ {
				if n == 5000 {
					cancel()
				}
				if err := rows.Row(seenRow{n: 1}); err != nil {
					return err
				}
			}
		}}
		s := &seer{t: tr}
		r := &mapperRun[seenRow]{m: s, feed: src, batch: 100}
		s.powers(r, ahead)
		if err := r.runRanges(ctx, tr, make([]Range, 1)); ClassOf(err) != task.Canceled {
			t.Errorf("error %v", err)
		}
	}
}

// A reject without a reason is one nevertheless.
func TestRejectWithoutReason(t *testing.T) {
	tr := &taskRun{env: &Env{}, stage: &Stage{}, folder: t.TempDir(), rejects: jsonRejects()}
	src := &Source[seenRow]{Read: func(_ context.Context, _ *Env, _ Range, rows *Rows[seenRow]) error {
		return errors.Join(rows.Reject(Origin{}, nil), rows.Row(seenRow{n: 1}))
	}}
	r := &mapperRun[seenRow]{m: &seer{t: tr}, feed: src, batch: 2}
	if err := r.runRanges(t.Context(), tr, make([]Range, 1)); err != nil || tr.counts.Rejected != 1 || tr.counts.Mapped != 1 {
		t.Errorf("counts %+v, %v", tr.counts, err)
	}
}

// A dataset has no ranges.
func TestRangesOfDataset(t *testing.T) {
	r := &mapperRun[int]{m: &recorder{}, feed: numbers{3}, batch: 1}
	if err := r.runRanges(t.Context(), &taskRun{env: &Env{stage: "01-s"}}, nil); err == nil {
		t.Error("no error")
	}
}

// Rows without a Reset are zero when they are filled again, and those with one keep their memory.
func TestReset(t *testing.T) {
	n := slots[int]{rows: []int{7, 8, 9}}
	if n.reset(1, 2); !slices.Equal(n.rows, []int{7, 0, 9}) {
		t.Errorf("%v is left", n.rows)
	}
	r := newSlots[seenRow](3)
	for i := range r.rows {
		r.rows[i] = seenRow{i + 1, []byte("abc")}
	}
	r.reset(1, 2)
	if p := r.rows[1]; p.n != 0 || len(p.text) != 0 || cap(p.text) < 3 || r.rows[0].n != 1 || r.rows[2].n != 3 {
		t.Errorf("%+v", r.rows)
	}
}

// sloppyFeed has files of rows, and touches the row behind the last one. A row must come reset.
type sloppyFeed struct{ rows, at int }

func (*sloppyFeed) feed() (sourcePort, string) { return nil, "" }

func (f *sloppyFeed) open(*Env, string) (Reader[seenRow], error) {
	f.at = 0
	return f, nil
}

func (f *sloppyFeed) Read(r *seenRow) error {
	if r.n != 0 || len(r.text) != 0 {
		return fmt.Errorf("row %d is not reset: %+v", f.at, *r)
	}
	r.n, r.text = f.at, append(r.text, "text"...)
	if f.at++; f.at > f.rows {
		return io.EOF
	}
	return nil
}

func (*sloppyFeed) Close() error { return nil }

// The rows of a batch are reset in every task, whatever the tasks before left in them.
func TestRowsAreResetBetweenTasks(t *testing.T) {
	feed := &sloppyFeed{}
	r := &mapperRun[seenRow]{m: MapFunc[seenRow](func(context.Context, int, *seenRow, *Out) error { return nil }), feed: feed, batch: 4}
	for _, feed.rows = range []int{0, 1, 3, 4, 0, 5, 2, 8, 11, 3, 4} {
		at := &taskRun{env: &Env{stage: "01-s"}}
		if err := r.run(t.Context(), at, ""); err != nil || at.counts.Read != int64(feed.rows) {
			t.Errorf("%d rows, expected %d: %v", at.counts.Read, feed.rows, err)
		}
		if r.spare == nil {
			t.Error("no batch is kept")
		}
	}
}
