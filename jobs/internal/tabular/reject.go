package tabular

import (
	"encoding/csv"
	"fmt"
	"strings"

	"github.com/shardmill/shardmill/formats"
)

// reason is what is wrong with a row, without its place.
func reason(bad *formats.RowError) error {
	if bad.Column == "" {
		return bad.Err
	}
	return fmt.Errorf("column %q: %w", bad.Column, bad.Err)
}

// asText writes the cells of a bad row as a line of CSV, cut where it is long.
func asText(cells []Cell) string {
	const most = 4096
	texts := make([]string, len(cells))
	for i := range cells {
		text := cells[i].AppendText(nil)
		texts[i] = string(text[:min(len(text), most)])
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	if err := w.Write(texts); err != nil {
		return ""
	}
	w.Flush()
	line := strings.TrimSuffix(b.String(), "\n")
	return strings.ToValidUTF8(line[:min(len(line), most)], "\uFFFD")
}
