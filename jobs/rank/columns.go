package rank

import (
	"slices"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/tabular"
	"github.com/shardmill/shardmill/mapreduce"
)

// rankedOut is a row of the dataset ranked.
type rankedOut struct {
	key, by value
	rank    int64  // from 1
	carried []note // valid until the next row
}

// set makes a row of what was shuffled, which must stay as long as the row.
func (r *rankedOut) set(k orderKey, packed []byte) (err error) {
	if err := k.order.decode(k.bytes, &r.key, &r.by); err != nil {
		return err
	}
	r.carried, err = unpack(r.carried[:0], packed)
	return err
}

// columns are those of ranked: the key, rank, the value that ranks, and what is carried.
func (r *ranking) columns(env *mapreduce.Env) (table.Columns[rankedOut], error) {
	carried, err := tabular.Carried(env)
	if err != nil {
		return nil, err
	}
	type row = rankedOut
	names := renamed([]string{"rank"}, append([]string{r.params.Key, r.column}, carried...))
	cols := table.Columns[row]{
		column(r.order.key, names[0], func(r *row) *value { return &r.key }),
		table.Int64("rank", func(r *row) int64 { return r.rank }, func(r *row, n int64) { r.rank = n }),
		column(r.order.by, names[1], func(r *row) *value { return &r.by }),
	}
	for i, name := range names[2:] {
		cols = append(cols, table.NullText(name, func(r *row) ([]byte, bool) { return r.carried[i].text, r.carried[i].ok }, nil))
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
