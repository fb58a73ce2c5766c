package classify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"

	"github.com/shardmill/shardmill/formats/arrowfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/mapreduce"
)

// place is where a row with an id stands, for the message about an id that stands twice.
type place struct {
	Input string
	Line  int64
	ordinal
}

func (p place) String() string {
	if p.Line == 0 {
		return p.Input
	}
	return fmt.Sprintf("%s line %d", p.Input, p.Line)
}

// ordinal tells rows apart: where one stands among all rows of the input. It is known only where
// --duplicate-ids is reject.
type ordinal struct {
	Task int64 `json:",omitzero"` // that splits the input
	Row  int64 `json:",omitzero"` // of that task, from 0
}

func (o ordinal) compare(b ordinal) int {
	return cmp.Or(cmp.Compare(o.Task, b.Task), cmp.Compare(o.Row, b.Row))
}

// uniqueIDs is a stream whose reduce stops the job when an id stands twice.
func uniqueIDs(column string) *mapreduce.Stream[string, place] {
	return &mapreduce.Stream[string, place]{
		Name: "ids", Key: mapreduce.String{}, Value: mapreduce.JSON[place]{},
		Reduce: func(context.Context, *mapreduce.Env) (mapreduce.Reducer[string, place], error) {
			return unique{column}, nil
		},
	}
}

type unique struct{ column string }

// Reduce implements mapreduce.Reducer.
func (u unique) Reduce(_ context.Context, id string, places iter.Seq2[string, place], _ *mapreduce.Out) error {
	var first place
	n := 0
	for _, at := range places {
		if n++; n == 1 {
			first = at
			continue
		}
		return mapreduce.BadInput(fmt.Errorf(
			"id %q of column %q stands twice: in %s and in %s; mend that and start again with another --out, or leave --id-col out and the path is the id",
			id, u.column, first, at))
	}
	return nil
}

// Close implements mapreduce.Reducer.
func (unique) Close() error { return nil }

// duplicateIDs finds the rows whose id has stood before: all but the first in the order of the input. The stage that
// splits the input writes them down, and the one that classifies rejects them.
type duplicateIDs struct {
	ids  *mapreduce.Stream[string, place]
	rows *mapreduce.Dataset[duplicate]
}

// duplicate is a row to reject, and where the first row with its id stands.
type duplicate struct {
	ordinal
	input string
	line  int64
}

func (p Params) rejectsDuplicates() bool { return p.DuplicateIDs == duplicatesReject }

// newDuplicateIDs is empty unless --duplicate-ids is reject.
func newDuplicateIDs(p Params) duplicateIDs {
	if !p.rejectsDuplicates() {
		return duplicateIDs{}
	}
	rows := &mapreduce.Dataset[duplicate]{
		Name: "duplicates", Ext: "arrow", Side: true,
		Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[duplicate], error) {
			return arrowfile.Create(w, duplicateColumns())
		},
	}
	return duplicateIDs{rows: rows, ids: &mapreduce.Stream[string, place]{
		Name: "ids", Key: mapreduce.String{}, Value: mapreduce.JSON[place]{}, Writes: []mapreduce.Port{rows},
		Reduce: mapreduce.ReduceFunc[string, place](func(_ context.Context, _ string, places iter.Seq2[string, place], out *mapreduce.Out) error {
			var first *place
			for _, at := range places {
				if first == nil {
					first = &at
					continue
				}
				rows.Write(out, 0, duplicate{at.ordinal, first.Input, first.Line})
			}
			return nil
		}).Reducer,
	}}
}

func duplicateColumns() table.Columns[duplicate] {
	type row = duplicate
	return table.Columns[row]{
		table.Int64("task", func(r *row) int64 { return r.Task }, func(r *row, v int64) { r.Task = v }),
		table.Int64("row", func(r *row) int64 { return r.Row }, func(r *row, v int64) { r.Row = v }),
		table.String("first_input", func(r *row) string { return r.input }, func(r *row, v string) { r.input = v }),
		table.Int64("first_line", func(r *row) int64 { return r.line }, func(r *row, v int64) { r.line = v }),
	}
}

// reads is what the stage that classifies needs.
func (d duplicateIDs) reads() []mapreduce.Port {
	if d.rows == nil {
		return nil
	}
	return []mapreduce.Port{d.rows}
}

// duplicates tells of a row whether it is a duplicate. It holds 56 bytes for each that there is, and the names
// of the inputs with first rows. The methods may be called from several goroutines.
type duplicates struct {
	env   *mapreduce.Env
	of    duplicateIDs
	mu    sync.Mutex
	ready bool
	rows  []duplicate // in the order of the input
}

func newDuplicates(env *mapreduce.Env, of duplicateIDs) *duplicates {
	return &duplicates{env: env, of: of}
}

// check is an error for a duplicate.
func (d *duplicates) check(im *image) error {
	if d.of.rows == nil {
		return nil
	}
	if err := d.load(); err != nil {
		return nil //nolint:nilerr // load tells it again in Map, where it does not reject the row
	}
	i, found := slices.BinarySearchFunc(d.rows, im.ordinal, func(r duplicate, o ordinal) int { return r.compare(o) })
	if !found {
		return nil
	}
	return fmt.Errorf("duplicate id %q: it stands first in %s", im.id, place{Input: d.rows[i].input, Line: d.rows[i].line})
}

// load reads the duplicates, unless they have been read. They are not there yet when the mapper is made for a probe.
func (d *duplicates) load() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ready || d.of.rows == nil {
		return nil
	}
	files, err := d.env.Files(d.of.rows)
	if err != nil {
		return err
	}
	d.rows = d.rows[:0]
	names := map[string]string{}
	for _, f := range files {
		if err := d.read(f, names); err != nil {
			return err
		}
	}
	slices.SortFunc(d.rows, func(a, b duplicate) int { return a.compare(b.ordinal) })
	d.ready = true
	return nil
}

// read appends the rows of a file. Names holds each name once.
func (d *duplicates) read(path string, names map[string]string) error {
	in, err := arrowfile.Open(path, duplicateColumns())
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read
	for {
		var r duplicate
		if err := in.Read(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if _, ok := names[r.input]; !ok {
			names[r.input] = r.input
		}
		r.input = names[r.input]
		d.rows = append(d.rows, r)
	}
}
