package mapreduce

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// memorySink is a Sink that holds its rows.
type memorySink struct{ rows []int }

func (s *memorySink) Write(r int) error {
	s.rows = append(s.rows, r)
	return nil
}

func (*memorySink) Close() error { return nil }

// manySink is a memorySink that takes several rows at once.
type manySink struct{ memorySink }

func (s *manySink) WriteRows(rows []int) error {
	s.rows = append(s.rows, rows...)
	return nil
}

// TestWriteRows writes rows one by one and several at once, and rejects some rows of the batch before or after.
func TestWriteRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, one, many := &Dataset[int]{Name: "d"}, &memorySink{}, &manySink{}
		w := &rowWriter[int]{d: d, sink: one, file: new(outputFile)}
		held := &one.rows
		if rapid.Bool().Draw(t, "many") {
			w.sink, held = many, &many.rows
		}
		direct := rapid.Bool().Draw(t, "direct")
		out := &Out{writers: []datasetWriter{w}, direct: direct}
		var want []int
		for range rapid.IntRange(1, 3).Draw(t, "batches") {
			n := rapid.IntRange(1, 6).Draw(t, "rows")
			out.begin(n)
			bad := rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "bad")
			next := 0
			for range rapid.IntRange(0, 12).Draw(t, "writes") {
				i := rapid.IntRange(0, n-1).Draw(t, "i")
				rows := make([]int, rapid.IntRange(0, 3).Draw(t, "len"))
				for k := range rows {
					next++
					rows[k] = next
				}
				if direct || !bad[i] {
					want = append(want, rows...)
				}
				if len(rows) == 1 {
					d.Write(out, i, rows[0])
				} else {
					d.WriteRows(out, i, rows)
				}
				clear(rows) // it does not keep them
			}
			for i, bad := range bad {
				if bad && !direct {
					out.Reject(i, errNoRows)
				}
			}
			if err := w.flush(out); err != nil || out.err != nil {
				t.Fatal(err, out.err)
			}
		}
		if !slices.Equal(*held, want) || w.count.Rows != int64(len(want)) || w.file.out.Rows != int64(len(want)) {
			t.Fatalf("%d, counted %d; want %d", *held, w.count.Rows, want)
		}
	})
}

func TestWriteRowsElsewhere(t *testing.T) {
	out := &Out{}
	(&Dataset[int]{Name: "d"}).WriteRows(out, 0, []int{1})
	if out.err == nil {
		t.Error("a dataset that is not among the task's is written to")
	}
}
