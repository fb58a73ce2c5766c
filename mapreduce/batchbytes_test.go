package mapreduce

import (
	"context"
	"fmt"
	"io"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// seenReader reads a list from a shard; as a manyReader, some rows at once.
type seenReader struct {
	all  []given
	some int
}

func (r *seenReader) Read(row *seenRow) error {
	if len(r.all) == 0 {
		return io.EOF
	}
	if row.n != 0 || len(row.text) > 0 {
		return fmt.Errorf("a row that is not reset: %+v", *row)
	}
	row.n, row.text = r.all[0].n, fmt.Append(row.text, "row ", r.all[0].n)
	r.all = r.all[1:]
	return nil
}

func (*seenReader) Close() error { return nil }

type seenManyReader struct{ seenReader }

func (r *seenManyReader) ReadRows(rows []seenRow) (n int, err error) {
	for ; n < min(len(rows), r.some) && (n == 0 || len(r.all) > 0); n++ {
		if err := r.Read(&rows[n]); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// sizedSource is a source of the list, whose rows stand for so many bytes each.
func sizedSource(all []given, sizes []int64, open func() Reader[seenRow]) *Source[seenRow] {
	src := givenSource(all)
	src.Size = func(r *seenRow) int64 { return sizes[r.n-1] }
	src.Shards.Open = func(*Env, string) (Reader[seenRow], error) { return open(), nil }
	return src
}

// wantSized cuts batches of at most so many rows, and behind a row with which they reach batchBytes. Those of no
// good row are not mapped.
func wantSized(all []given, sizes []int64, batch int, as task.Assignment) (spans []task.Span) {
	first, live, sum := 0, false, int64(0)
	for i, g := range all {
		live = live || !g.bad && (len(as.Exclude) == 0 || as.Exclude[0].Ordinal != int64(i))
		if !g.bad {
			sum += sizes[i]
		}
		if i+1-first < batch && sum < batchBytes && i < len(all)-1 {
			continue
		}
		if live {
			spans = append(spans, task.Span{Lo: int64(first), Hi: int64(i + 1)})
		}
		first, live, sum = i+1, false, 0
	}
	return spans
}

// However rows come, and whichever are known to be bad, batches end at the same rows: by their number and by the bytes
// they stand for. What a Preparer holds is bounded otherwise.
func TestBatchBytes(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		sizes := rapid.SliceOfN(rapid.SampledFrom([]int64{0, 1, batchBytes / 3, batchBytes - 1, 3 * batchBytes}), 1, 30).Draw(r, "sizes")
		batch := rapid.IntRange(1, 7).Draw(r, "batch")
		how := rapid.SampledFrom([]string{"in place", "one by one", "many", "prepared", "fetched"}).Draw(r, "how")
		all := make([]given, len(sizes))
		for i := range all {
			all[i] = given{n: i + 1, bad: how == "in place" && i%4 == 2, how: 3 * (i / 8 % 2)}
		}
		var as task.Assignment
		if rapid.Bool().Draw(r, "exclude") {
			as.Exclude = []task.Exclusion{{Ordinal: int64(rapid.IntRange(0, len(all)-1).Draw(r, "excluded")), Class: task.Crash}}
		}
		spans := sizedRun(r, t, how, all, sizes, batch, as)
		want := wantSized(all, sizes, batch, as)
		if how == "prepared" || how == "fetched" {
			want = wantSized(all, make([]int64, len(all)), batch, as)
		}
		if !slices.Equal(spans, want) {
			r.Errorf("%s: batches %v, expected %v", how, spans, want)
		}
	})
}

// sizedRun maps a list and returns the rows of each batch.
func sizedRun(r *rapid.T, t *testing.T, how string, all []given, sizes []int64, batch int, as task.Assignment) (spans []task.Span) {
	as.Task = task.ID{Stage: "01-s", Kind: task.Map}
	tr := &taskRun{env: &Env{stage: "01-s"}, stage: &Stage{}, as: as, folder: tempDir(t), rejects: jsonRejects()}
	m := spansMapper(func(rows []seenRow) {
		first := tr.counts.Read
		for i := range rows {
			if g := all[first+int64(i)]; !g.bad && (rows[i].n != g.n || string(rows[i].text) != fmt.Sprint("row ", g.n)) {
				r.Errorf("row %d is %+v", first+int64(i), rows[i])
			}
		}
		spans = append(spans, task.Span{Lo: first, Hi: first + int64(len(rows))})
	})
	reader := seenReader{all, 1 + len(all)%5}
	open := func() Reader[seenRow] { return &seenManyReader{reader} }
	if how == "one by one" {
		open = func() Reader[seenRow] { return &reader }
	}
	run := &mapperRun[seenRow]{m: m, feed: sizedSource(all, sizes, open), batch: batch}
	var err error
	switch how {
	case "fetched":
		run.fetch = fetchingSeer{}
		fallthrough
	case "prepared":
		run.prepare = preparingSeer{}
		fallthrough
	default:
		err = run.run(t.Context(), tr, "")
	case "in place":
		err = run.runRanges(t.Context(), tr, []Range{{Lo: 0, Hi: int64(len(all))}})
	}
	if err != nil || tr.counts.Read != int64(len(all)) {
		r.Fatalf("%d of %d rows read, %v", tr.counts.Read, len(all), err)
	}
	return spans
}

type spansMapper func(rows []seenRow)

func (f spansMapper) Map(_ context.Context, rows []seenRow, _ *Out) error {
	f(rows)
	return nil
}

func (spansMapper) Close() error { return nil }
