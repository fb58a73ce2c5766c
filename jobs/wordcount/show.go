package wordcount

import (
	"cmp"
	"errors"
	"io"
	"path/filepath"
	"strings"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/top"
)

// Show reads the results in the folder out and returns the n most frequent words: by count down, then by the
// bytes of the word.
func Show(out string, n int) ([]Count, error) {
	files, err := filepath.Glob(filepath.Join(out, "counts", "*.parquet"))
	if err != nil {
		return nil, err
	}
	best := top.New(n, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Word, b.Word))
	})
	for _, f := range files {
		if err := readCounts(f, best); err != nil {
			return nil, err
		}
	}
	return best.Sorted(), nil
}

func readCounts(path string, best *top.Rows[Count]) (err error) {
	r, err := parquetfile.Open(path, table.Columns[Count]{
		table.String("word", nil, func(c *Count, v string) { c.Word = v }),
		table.Int64("count", nil, func(c *Count, v int64) { c.Count = v }),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for {
		var c Count
		if err := r.Read(&c); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		best.Add(c)
	}
}
