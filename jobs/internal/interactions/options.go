package interactions

import (
	"errors"
	"fmt"

	"github.com/shardmill/shardmill/jobs/internal/tabular"
)

// Formats of Options.Format besides those of tables.
const (
	Lines   = "lines"
	Baskets = "baskets"
)

// Options say how inputs are read. The JSON names are those of the flags.
type Options struct {
	UserCol   string `json:"user-col"`     // "user" stands for 1 in files without a header
	ItemCol   string `json:"item-col"`     // "item" stands for 2 in files without a header
	ValueCol  string `json:"value-col"`    // "" for none
	TimeCol   string `json:"time-col"`     // "" for none
	Format    string `json:"input-format"` // auto, csv, tsv, jsonl, parquet, lines or baskets
	Separator string `json:"separator"`    // between fields of text; "" for what the format says
	NoHeader  bool   `json:"no-header"`

	// Test names the last of the inputs, a file whose rows have Row.Test; "" for none. A job says by a parameter of its own
	// whether there is one.
	Test string `json:"-"`
}

// The columns that are asked for where nothing else is said.
const (
	userCol = "user"
	itemCol = "item"
)

// Defaults are the options that a command line need not give.
func Defaults() Options {
	return Options{UserCol: userCol, ItemCol: itemCol, Format: tabular.Auto}
}

// Check finds options that no input can have.
func (o Options) Check() error {
	if o.isLines() {
		return o.checkLines()
	}
	switch {
	case o.UserCol == "":
		return errors.New("--user-col is needed")
	case o.ItemCol == "":
		return errors.New("--item-col is needed")
	}
	return o.form().Check()
}

func (o Options) checkLines() error {
	switch {
	case o.Format == Baskets && o.Test != "":
		return fmt.Errorf("--test %s: --input-format baskets has no users that could be in two files", o.Test)
	case o.ValueCol != "":
		return fmt.Errorf("--value-col: --input-format %s has no values", o.Format)
	case o.TimeCol != "":
		return fmt.Errorf("--time-col: --input-format %s has no times", o.Format)
	case o.NoHeader:
		return fmt.Errorf("--no-header: --input-format %s never has a header", o.Format)
	}
	return tabular.CheckSeparator(o.Separator)
}

func (o Options) isLines() bool { return o.Format == Lines || o.Format == Baskets }

func (o Options) form() *tabular.Form {
	return &tabular.Form{Format: o.Format, Separator: o.Separator, NoHeader: o.NoHeader}
}

// checkColumns finds a column that is asked for twice.
func (o Options) checkColumns() error {
	flags := [...]struct{ flag, column string }{
		{"--user-col", o.UserCol}, {"--item-col", o.ItemCol}, {"--value-col", o.ValueCol}, {"--time-col", o.TimeCol},
	}
	for i, f := range flags {
		for _, g := range flags[:i] {
			if f.column != "" && f.column == g.column {
				return fmt.Errorf("%s and %s are both %q", g.flag, f.flag, f.column)
			}
		}
	}
	return nil
}

// columns are those asked for: of users, items and, where they are asked for, values and times.
func (o Options) columns() []string {
	if o.NoHeader && o.UserCol == userCol {
		o.UserCol = "1"
	}
	if o.NoHeader && o.ItemCol == itemCol {
		o.ItemCol = "2"
	}
	columns := []string{o.UserCol, o.ItemCol}
	for _, c := range []string{o.ValueCol, o.TimeCol} {
		if c != "" {
			columns = append(columns, c)
		}
	}
	return columns
}
