package rank

import (
	"slices"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/mapreduce"
)

// rankedOut is a row of the dataset ranked.
type rankedOut struct {
	key, by value
	rank    int64 // from 1
	carried []note
}

// columns are those of ranked: the key, rank, the value that ranks, and what is carried.
func (r ranking) columns(env *mapreduce.Env) (table.Columns[rankedOut], error) {
	var m meta
	if err := env.Meta(&m); err != nil {
		return nil, err
	}
	type row = rankedOut
	names := renamed([]string{"rank"}, append([]string{r.params.Key, r.column}, m.Carried...))
	cols := table.Columns[row]{
		column(r.key, names[0], func(r *row) *value { return &r.key }),
		table.Int64("rank", func(r *row) int64 { return r.rank }, func(r *row, n int64) { r.rank = n }),
		column(r.by, names[1], func(r *row) *value { return &r.by }),
	}
	for i, name := range names[2:] {
		cols = append(cols, table.NullString(name, func(r *row) (string, bool) { return r.carried[i].text, r.carried[i].ok },
			func(r *row, v string, ok bool) { r.carried = append(r.carried[:i], note{v, ok}) }))
	}
	return cols, nil
}

// renamed puts "in_" before names of the input that are ours, until all names differ.
func renamed(ours, theirs []string) []string {
	names := slices.Clone(theirs)
	for i, n := range names {
		for slices.Contains(ours, n) || slices.Contains(names[:i], n) || n != theirs[i] && slices.Contains(theirs, n) {
			n = "in_" + n
		}
		names[i] = n
	}
	return names
}
