package recommend

import (
	"io"
	"sync"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/mapreduce"
)

// names are the ids of users and items.
type names struct {
	users, items *ids.IDs
	others       *ids.IDs // users who are not in the data, behind those who are; nil without any
}

// result is a dataset of results, whose columns depend on the dictionaries.
func result[R any](name string, dictionaries func(env *mapreduce.Env) (names, error), columns func(names) table.Columns[R]) *mapreduce.Dataset[R] {
	var mu sync.Mutex
	files := map[names]*parquetfile.Files[R]{} // the library opens each dictionary once
	return &mapreduce.Dataset[R]{
		Name: name, Ext: "parquet",
		Create: func(env *mapreduce.Env, w io.Writer) (mapreduce.Sink[R], error) {
			d, err := dictionaries(env)
			if err != nil {
				return nil, err
			}
			mu.Lock()
			defer mu.Unlock()
			if files[d] == nil {
				files[d] = parquetfile.NewFiles(func() table.Columns[R] { return columns(d) })
			}
			return files[d].CreateSpilling(w, spill(env))
		},
	}
}

// pagesShare is the part of the heap that the pages of a result may take while they wait.
const pagesShare = 8

// spill is where the others wait.
func spill(env *mapreduce.Env) parquetfile.Spill {
	return parquetfile.Spill{Folder: env.Scratch(), Above: memoryLimit() / pagesShare}
}

// idColumn is a column of ids, as int64 or as text.
func idColumn[R any](name string, d *ids.IDs, get func(*R) uint32) table.Column[R] {
	if d.Numeric() {
		return table.Int64(name, func(r *R) int64 { return d.Int(int(get(r))) }, nil)
	}
	return table.Text(name, func(r *R) []byte { return d.Text(int(get(r))) }, nil)
}

// idsColumn is a column of lists of ids.
func idsColumn[R any](name string, d *ids.IDs, get func(*R) []uint32) table.Column[R] {
	if d.Numeric() {
		var list []int64
		return table.Int64s(name, func(r *R) []int64 {
			list = list[:0]
			for _, n := range get(r) {
				list = append(list, d.Int(int(n)))
			}
			return list
		}, nil)
	}
	var list [][]byte
	return table.Texts(name, func(r *R) [][]byte {
		list = list[:0]
		for _, n := range get(r) {
			list = append(list, d.Text(int(n)))
		}
		return list
	}, nil)
}

// reasonColumn is null where there is no reason.
func reasonColumn[R any](get func(*R) string) table.Column[R] {
	return table.NullString("reason", func(r *R) (string, bool) { return get(r), get(r) != "" }, nil)
}

// listColumns are those of lists: of a blend, with the rank in the list of each algorithm by its label.
func listColumns(labels []string) func(names) table.Columns[recommended] {
	type row = recommended
	return func(d names) table.Columns[row] {
		columns := plainListColumns(d)
		for q, label := range labels {
			columns = append(columns, table.Int32(label+rankSuffix, func(r *row) int32 { return r.ranks[q] }, nil).Coded())
		}
		return columns
	}
}

// rankSuffix ends the names of columns of ranks.
const rankSuffix = "_rank"

func plainListColumns(d names) table.Columns[recommended] {
	type row = recommended
	return table.Columns[row]{
		userColumn(d, func(r *row) uint32 { return r.user }).Coded(),
		table.Int32("rank", func(r *row) int32 { return r.rank }, nil).Coded(),
		idColumn("item", d.items, func(r *row) uint32 { return r.item }).Coded(),
		table.Float64("score", func(r *row) float64 { return r.score }, nil),
		idsColumn("because", d.items, func(r *row) []uint32 { return r.because }).Coded(),
	}
}

func userColumns(d names) table.Columns[userRow] {
	type row = userRow
	return table.Columns[row]{
		userColumn(d, func(r *row) uint32 { return r.user }),
		table.Int64("items", func(r *row) int64 { return r.items }, nil),
		table.Int32("recommended", func(r *row) int32 { return r.length }, nil),
		reasonColumn(func(r *row) string { return r.reason }),
	}
}

func similarColumns(d names) table.Columns[similarRow] {
	type row = similarRow
	return table.Columns[row]{
		idColumn("item", d.items, func(r *row) uint32 { return r.item }).Coded(),
		table.Int32("rank", func(r *row) int32 { return r.rank }, nil).Coded(),
		idColumn("neighbour", d.items, func(r *row) uint32 { return r.neighbour }).Coded(),
		table.Float64("similarity", func(r *row) float64 { return r.similarity }, nil),
	}
}

func itemColumns(d names) table.Columns[itemRow] {
	type row = itemRow
	return table.Columns[row]{
		idColumn("item", d.items, func(r *row) uint32 { return r.item }),
		table.Int64("users", func(r *row) int64 { return r.users }, nil),
		table.Int32("similar", func(r *row) int32 { return r.length }, nil),
		reasonColumn(func(r *row) string { return r.reason }),
	}
}
