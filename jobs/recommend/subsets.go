package recommend

import (
	"context"
	"fmt"
	"iter"

	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/mapreduce"
)

// partsStream takes pieces of the rows by user, and makes the matrices of the parts.
func (e *evaluation) partsStream() *rowStream {
	return &rowStream{
		Name: "by_user", Key: rowCodec{}, Value: mapreduce.Bytes{}, BytesPerRow: bytesPerPair, Partition: byRow(e.counts(e.userIDs)),
		Reduce: func(_ context.Context, env *mapreduce.Env) (mapreduce.Reducer[uint32, []byte], error) {
			d, err := e.names(env)
			if err != nil {
				return nil, err
			}
			c, err := e.params.cutter()
			if err != nil {
				return nil, err
			}
			if e.params.Validation == "" && c.test.kind == byTime {
				c.valid = c.test.before(max(d.users.Newest(), d.items.Newest()))
			}
			return e.newPartsReducer(c, d), nil
		},
		Writes: []mapreduce.Port{e.fit, e.valid, e.known, e.test},
	}
}

// partsReducer cuts the pairs of users into parts.
type partsReducer struct {
	to          *evaluation
	cutter      cutter
	users       *ids.IDs
	input, file merger // of the inputs to learn from, and of the test file
	pairs       pairs
	values      []float32 // of the user's pairs; empty: all are 1
	fitRow      matrix.Row
	validRow    matrix.Row
	knownRow    matrix.Row
	testRow     matrix.Row
}

func (e *evaluation) newPartsReducer(c cutter, d names) *partsReducer {
	// The time of a pair is that of its newest interaction.
	merge := merging(e.params.Duplicates)
	timed := func(into *weight, w weight) {
		newest := max(into.time, w.time)
		merge(into, w)
		into.time = newest
	}
	r := &partsReducer{to: e, cutter: c, users: d.users, input: newMerger(timed), file: newMerger(timed)}
	r.pairs.time = func(i int) int64 { return r.input.all.weight(i).time }
	r.pairs.itemID = func(dst []byte, item uint32) []byte { return d.items.AppendText(dst, int(item)) }
	return r
}

// Reduce implements mapreduce.Reducer.
func (r *partsReducer) Reduce(_ context.Context, user uint32, pieces iter.Seq2[uint32, []byte], out *mapreduce.Out) (err error) {
	if err := r.merge(pieces); err != nil {
		return err
	}
	if r.values, err = r.input.appendValues(r.values[:0]); err != nil {
		return err
	}
	for _, row := range []*matrix.Row{&r.fitRow, &r.validRow, &r.knownRow, &r.testRow} {
		row.Reset()
		row.Index = user
	}
	r.pairs.user = r.users.AppendText(r.pairs.user[:0], int(user))
	r.pairs.items = r.input.all.columns
	for i, s := range r.cutter.cut(&r.pairs) {
		r.sort(i, s)
	}
	r.addTest()
	r.write(r.to.fit, &r.fitRow, out)
	r.write(r.to.valid, &r.validRow, out)
	r.write(r.to.known, &r.knownRow, out)
	r.write(r.to.test, &r.testRow, out)
	return nil
}

// merge makes pairs of the pieces, those of the test file apart.
func (r *partsReducer) merge(pieces iter.Seq2[uint32, []byte]) error {
	r.input.begin()
	r.file.begin()
	for _, b := range pieces {
		m := &r.input
		if isTest(b) {
			m = &r.file
		}
		if err := m.take(b); err != nil {
			return err
		}
	}
	r.input.mergeColumns()
	r.file.mergeColumns()
	return nil
}

// sort adds a pair to the rows that it is in.
func (r *partsReducer) sort(i int, s subset) {
	switch s {
	case inTest:
		r.testRow.Columns = append(r.testRow.Columns, r.pairs.items[i])
		return
	case inValid:
		r.validRow.Columns = append(r.validRow.Columns, r.pairs.items[i])
	case inFit:
		r.addTo(&r.fitRow, i)
	}
	r.addTo(&r.knownRow, i)
}

// addTo adds a pair to a row, with its value.
func (r *partsReducer) addTo(row *matrix.Row, i int) {
	row.Columns = append(row.Columns, r.pairs.items[i])
	if len(r.values) > 0 {
		row.Values = append(row.Values, r.values[i])
	}
}

// addTest adds the pairs of the test file that are not among those to learn from. There is no other test part then.
func (r *partsReducer) addTest() {
	known := r.pairs.items
	for _, item := range r.file.all.columns {
		for len(known) > 0 && known[0] < item {
			known = known[1:]
		}
		if len(known) == 0 || known[0] != item {
			r.testRow.Columns = append(r.testRow.Columns, item)
		}
	}
}

// write writes a row that has an entry.
func (r *partsReducer) write(to *mapreduce.Dataset[matrix.Row], row *matrix.Row, out *mapreduce.Out) {
	if len(row.Columns) > 0 {
		to.Write(out, 0, *row)
	}
}

// Close implements mapreduce.Reducer.
func (*partsReducer) Close() error { return nil }

// someStream sees to it, in its one reduce task, that the parts have what an evaluation needs. Nothing is sent into it.
func (e *evaluation) someStream() *mapreduce.Stream[uint32, int64] {
	return &mapreduce.Stream[uint32, int64]{
		Name: "some", Key: rowCodec{}, Value: mapreduce.Int64{}, Partitions: 1,
		Reduce: func(_ context.Context, env *mapreduce.Env) (mapreduce.Reducer[uint32, int64], error) {
			return &someReducer{e, env}, nil
		},
	}
}

// someReducer looks whether users can be measured.
type someReducer struct {
	*evaluation
	env *mapreduce.Env
}

// Reduce implements mapreduce.Reducer.
func (*someReducer) Reduce(context.Context, uint32, iter.Seq2[uint32, int64], *mapreduce.Out) error {
	return nil
}

// Close implements mapreduce.Reducer.
func (r *someReducer) Close() error {
	d, err := r.names(r.env)
	if err != nil {
		return err
	}
	var parts [4]*matrix.Matrix
	for i, of := range []mapreduce.Port{r.fit, r.valid, r.known, r.test} {
		if parts[i], err = r.library.matrix(r.env, of, d.users.Len(), d.items.Len()); err != nil {
			return err
		}
	}
	if what := r.params.lacks(parts[0], parts[1], parts[2], parts[3]); what != "" {
		return mapreduce.BadInput(fmt.Errorf("%s, and give another --out", what))
	}
	return nil
}

// lacks tells what parts lack so that nothing can be measured, and what to do; "" if they lack nothing.
func (p EvaluationParams) lacks(fit, valid, known, test *matrix.Matrix) string {
	split, validation := "--split "+p.split(), "--validation "+p.validation()
	if p.Test != "" {
		split = "--test " + p.Test
	}
	if p.Validation == "" && p.Test == "" {
		validation = split
	}
	switch {
	case test.Entries() == 0 && p.Test != "":
		return fmt.Sprintf("%s: no pair of the test part is left: all that the file has are in the other inputs too, or were rejected or dropped; give a file of other pairs", split)
	case known.Entries() == 0:
		return fmt.Sprintf("%s: all pairs are in the test part, and none is left to learn from; cut off less", split)
	case test.Entries() == 0:
		return fmt.Sprintf("%s: no pair is in the test part; %s", split, more(p.split()))
	case valid.Entries() == 0:
		return fmt.Sprintf("%s: no pair is in the validation part, by which is chosen; %s", validation, more(p.validation()))
	case fit.Entries() == 0:
		return fmt.Sprintf("%s: all pairs that are not in the test part are in the validation part, and none is left to learn from; cut off less by --validation", validation)
	case !shareUser(known, test):
		return fmt.Sprintf("%s: no user of the test part has a pair to learn from, so nobody can be measured; cut in another way", split)
	case !shareUser(fit, valid):
		return fmt.Sprintf("%s: no user of the validation part has another pair to learn from, so nobody can be measured; cut in another way by --validation", validation)
	}
	return ""
}

// more tells how to cut off something.
func more(cut string) string {
	c, _ := parseCutting(cut) // that check has found good
	switch c.kind {
	case byTime:
		return "give an earlier date"
	case byLast:
		return "no user has enough items: cut by hash:0.2, or take more interactions"
	}
	return "take a larger share, or more interactions"
}

// shareUser tells whether there is a user with entries in both parts.
func shareUser(a, b *matrix.Matrix) bool {
	for u := range a.Rows() {
		if a.Count(u) > 0 && b.Count(u) > 0 {
			return true
		}
	}
	return false
}
