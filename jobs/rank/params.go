package rank

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Params are the parameters of a ranking. The JSON names are those of the flags.
type Params struct {
	Key       string   `json:"key"`
	KeyType   string   `json:"key-type"` // string, int or float
	By        string   `json:"by"`       // column, and ":asc" or ":desc"; without it, descending
	ByType    string   `json:"by-type"`  // of By, or of the columns of Agg: string, int or float
	Top       int64    `json:"top"`      // rows of a key
	Columns   []string `json:"columns"`  // carried besides Key and By; nil for all
	Agg       []string `json:"agg"`      // "count", "sum:COL", "min:COL", "max:COL", "mean:COL"; instead of By and Top
	ShardRows int64    `json:"shard-rows"`
	Shards    string   `json:"shards"` // disk or in-place
}

// Where rows rest between the input and the mappers.
const (
	onDisk  = "disk"
	inPlace = "in-place"
)

// Defaults are the parameters that a command line need not give.
func Defaults() Params {
	return Params{KeyType: text.String(), ByType: float.String(), ShardRows: 4e6, Shards: onDisk}
}

// check finds parameters that no run can use, without opening a file.
func (p Params) check() error {
	_, err := kindOf(p.KeyType)
	if err != nil {
		return fmt.Errorf("--key-type %w", err)
	}
	if _, err = kindOf(p.ByType); err != nil {
		return fmt.Errorf("--by-type %w", err)
	}
	switch {
	case p.Key == "":
		return errors.New("--key is needed: the column that groups the rows")
	case p.Shards != onDisk && p.Shards != inPlace:
		return fmt.Errorf("--shards %q: %s or %s", p.Shards, onDisk, inPlace)
	case p.ShardRows < 1:
		return fmt.Errorf("--shard-rows %d: at least 1", p.ShardRows)
	case len(p.Agg) > 0:
		return p.checkAgg()
	case p.By == "":
		return errors.New("--by is needed: the column that ranks the rows; or --agg")
	}
	return p.checkBy()
}

func (p Params) checkAgg() error {
	switch {
	case p.By != "":
		return errors.New("--agg and --by: give one of them")
	case p.Top != 0:
		return errors.New("--top is for --by: --agg writes every group")
	case p.Columns != nil:
		return errors.New("--columns is for --by: --agg carries no columns")
	}
	_, err := p.aggregates()
	return err
}

func (p Params) checkBy() error {
	by, _ := p.order()
	switch {
	case by == "":
		return fmt.Errorf("--by %q: write COL, COL:asc or COL:desc", p.By)
	case by == p.Key:
		return fmt.Errorf("--by %s: it is the key, so all rows of a key are equal", by)
	case p.Top < 1:
		return fmt.Errorf("--top %d: at least 1", p.Top)
	}
	for i, c := range p.Columns {
		switch {
		case c == "":
			return errors.New("--columns: a name is empty")
		case c == p.Key || c == by:
			return fmt.Errorf("--columns: %s is written anyway", c)
		case slices.Contains(p.Columns[:i], c):
			return fmt.Errorf("--columns: %s stands twice", c)
		}
	}
	return nil
}

// order is the column of --by and its direction.
func (p Params) order() (column string, descending bool) {
	if c, ok := strings.CutSuffix(p.By, ":asc"); ok {
		return c, false
	}
	return strings.TrimSuffix(p.By, ":desc"), true
}
