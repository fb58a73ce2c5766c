package recommend

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/rowgroup"
	"github.com/shardmill/shardmill/formats/table"
)

// Suggestion is an item of a user's list.
type Suggestion struct {
	Rank    int32    `json:"rank"`
	Item    string   `json:"item"`
	Score   float64  `json:"score"`
	Because []string `json:"because"` // items of the user
	// Ranks are those in the lists of several algorithms, in their order; nil of one.
	Ranks []PartRank `json:"ranks,omitempty"`
}

// PartRank is the rank of an item in the list of one of several algorithms.
type PartRank struct {
	Algorithm string `json:"algorithm"` // with a number for a second one of that name
	Rank      int32  `json:"rank"`      // 0 where the list does not have the item
}

// Neighbour is an item of an item's list.
type Neighbour struct {
	Rank       int32   `json:"rank"`
	Item       string  `json:"neighbour"`
	Similarity float64 `json:"similarity"`
}

// Owner is whose list it is: a user or an item.
type Owner struct {
	ID     string `json:"id"`
	Count  int64  `json:"count"`            // items of the user, or users of the item
	Listed int32  `json:"listed"`           // length of the list
	Reason string `json:"reason,omitempty"` // why it is not longer
	// Fallback tells that the list is of the most popular items, because the user has too few.
	Fallback bool `json:"fallback,omitempty"`
}

// UnknownIDError says that a user or item is not among the results.
type UnknownIDError struct{ Noun, ID string }

// Error implements error.
func (e *UnknownIDError) Error() string { return fmt.Sprintf("no such %s: %q", e.Noun, e.ID) }

// ShowUser reads the list of a user from the folder out of a job: from the row groups that may hold it. One without a row
// is an *UnknownIDError.
func ShowUser(out, user string) (o Owner, list []Suggestion, err error) {
	o, err = showOwner(out, "user", user, "users", "items", "recommended")
	if err != nil {
		return o, nil, err
	}
	err = find(filepath.Join(out, "recommendations"), "user", user, func(s shape) table.Columns[Suggestion] {
		return append(table.Columns[Suggestion]{
			table.Int32("rank", nil, func(r *Suggestion, v int32) { r.Rank = v }),
			idText("item", s, func(r *Suggestion) *string { return &r.Item }),
			table.Float64("score", nil, func(r *Suggestion, v float64) { r.Score = v }),
			idTexts("because", s.numeric("item"), func(r *Suggestion) *[]string { return &r.Because }),
		}, s.ranks()...)
	}, func(r *Suggestion) { list = append(list, *r) })
	return o, list, err
}

// ShowItem reads the nearest items of an item, as ShowUser does.
func ShowItem(out, item string) (o Owner, list []Neighbour, err error) {
	o, err = showOwner(out, "item", item, "items", "users", "similar")
	if err != nil {
		return o, nil, err
	}
	err = find(filepath.Join(out, "similar_items"), "item", item, func(s shape) table.Columns[Neighbour] {
		return table.Columns[Neighbour]{
			table.Int32("rank", nil, func(r *Neighbour, v int32) { r.Rank = v }),
			idText("neighbour", s, func(r *Neighbour) *string { return &r.Item }),
			table.Float64("similarity", nil, func(r *Neighbour, v float64) { r.Similarity = v }),
		}
	}, func(r *Neighbour) { list = append(list, *r) })
	return o, list, err
}

func showOwner(out, noun, id, dataset, count, listed string) (o Owner, err error) {
	found := false
	err = find(filepath.Join(out, dataset), noun, id, func(s shape) table.Columns[Owner] {
		columns := table.Columns[Owner]{
			idText(noun, s, func(r *Owner) *string { return &r.ID }),
			table.Int64(count, nil, func(r *Owner, v int64) { r.Count = v }),
			table.Int32(listed, nil, func(r *Owner, v int32) { r.Listed = v }),
			table.NullString("reason", nil, func(r *Owner, v string, _ bool) { r.Reason = v }),
		}
		if s.has(fallbackColumn) {
			columns = append(columns, table.Bool(fallbackColumn, nil, func(r *Owner, v bool) { r.Fallback = v }))
		}
		return columns
	}, func(r *Owner) { o, found = *r, true })
	if err == nil && !found {
		err = &UnknownIDError{noun, id}
	}
	return o, err
}

// shape tells which columns of a file are numbers.
type shape []rowgroup.Column

func (s shape) has(column string) bool {
	return slices.ContainsFunc(s, func(c rowgroup.Column) bool { return c.Name == column })
}

func (s shape) numeric(column string) bool {
	i := slices.IndexFunc(s, func(c rowgroup.Column) bool { return c.Name == column })
	return i >= 0 && s[i].Kind == rowgroup.Int
}

// ranks are the columns of the ranks in the lists of several algorithms.
func (s shape) ranks() (columns table.Columns[Suggestion]) {
	var none []PartRank
	for _, c := range s {
		if label, ok := strings.CutSuffix(c.Name, rankSuffix); ok {
			none = append(none, PartRank{Algorithm: label})
		}
	}
	for q, of := range none {
		columns = append(columns, table.Int32(of.Algorithm+rankSuffix, nil, func(r *Suggestion, v int32) {
			if q == 0 {
				r.Ranks = slices.Clone(none)
			}
			r.Ranks[q].Rank = v
		}))
	}
	return columns
}

func idText[R any](name string, s shape, of func(*R) *string) table.Column[R] {
	if s.numeric(name) {
		return table.Int64(name, nil, func(r *R, v int64) { *of(r) = strconv.FormatInt(v, 10) })
	}
	return table.String(name, nil, func(r *R, v string) { *of(r) = v })
}

func idTexts[R any](name string, numeric bool, of func(*R) *[]string) table.Column[R] {
	if numeric {
		return table.Int64s(name, nil, func(r *R, list []int64) {
			*of(r) = nil
			for _, v := range list {
				*of(r) = append(*of(r), strconv.FormatInt(v, 10))
			}
		})
	}
	return table.Texts(name, nil, func(r *R, list [][]byte) {
		*of(r) = nil
		for _, v := range list {
			*of(r) = append(*of(r), string(v))
		}
	})
}

// find reads the rows of a dataset whose column holds an id: they follow one another in one file.
func find[R any](folder, column, id string, columns func(shape) table.Columns[R], visit func(*R)) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.parquet"))
	for _, f := range files {
		found, err := findIn(f, column, id, columns, visit)
		if found || err != nil {
			return err
		}
	}
	return err
}

func findIn[R any](path, column, id string, columns func(shape) table.Columns[R], visit func(*R)) (found bool, err error) {
	s, err := shapeOf(path)
	if err != nil {
		return false, err
	}
	each := func(r *R) bool {
		found = true
		visit(r)
		return true
	}
	if !s.numeric(column) {
		err := parquetfile.Find(path, columns(s), column, id, each)
		return found, err
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != id {
		return false, nil //nolint:nilerr // no number is no id of this file
	}
	err = parquetfile.Find(path, columns(s), column, n, each)
	return found, err
}

// shapeOf reads the footer of a file.
func shapeOf(path string) (shape, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	of, err := rowgroup.Inspect(f, info.Size(), path)
	return of.Columns, err
}
