package rank

import (
	"path/filepath"

	"github.com/shardmill/shardmill/formats/parquetfile"
)

// Shown is the beginning of the results: columns and rows as text.
type Shown struct {
	Dataset string // ranked or groups
	Names   []string
	Rows    [][]string
}

// Show reads the first n rows of the results in the folder out, part by part.
func Show(out string, n int) (Shown, error) {
	s := Shown{Dataset: "ranked"}
	files, err := filepath.Glob(filepath.Join(out, "ranked", "*.parquet"))
	if err == nil && len(files) == 0 {
		s.Dataset = "groups"
		files, err = filepath.Glob(filepath.Join(out, "groups", "*.parquet"))
	}
	if err != nil {
		return s, err
	}
	for _, f := range files {
		names, rows, err := parquetfile.Head(f, n-len(s.Rows))
		if err != nil {
			return s, err
		}
		s.Names, s.Rows = names, append(s.Rows, rows...)
	}
	return s, nil
}
