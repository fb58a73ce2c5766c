package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/shardmill/shardmill/jobs"
)

// writeTable writes a table with its columns below each other: numbers to the right, columns without any text left out.
// Where width is not 0, the widest columns are shortened until a row fits.
func writeTable(w io.Writer, t jobs.Table, width int) error {
	cells := [][]string{t.Header}
	for _, r := range t.Rows {
		row := r.Cells()
		for i := range row {
			row[i] = oneLine(row[i])
		}
		cells = append(cells, row)
	}
	cells = withoutEmpty(cells)
	widths := columnWidths(cells, width)
	right := numeric(cells)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", oneLine(t.Title))
	for _, row := range cells {
		line := ""
		for i, c := range row {
			line += "  " + fit(c, widths[i], right[i])
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// withoutEmpty leaves out columns that have a header only. A table without rows keeps all.
func withoutEmpty(cells [][]string) [][]string {
	out := make([][]string, len(cells))
	for i := range cells[0] {
		used := len(cells) == 1
		for _, row := range cells[1:] {
			used = used || row[i] != ""
		}
		for k := range cells {
			if used {
				out[k] = append(out[k], cells[k][i])
			}
		}
	}
	return out
}

// leastWidth is the width that a column is shortened to at most.
const leastWidth = 8

func columnWidths(cells [][]string, width int) []int {
	widths := make([]int, len(cells[0]))
	sum := 0
	for i := range widths {
		for _, row := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
		sum += widths[i] + 2
	}
	for ; width > 0 && sum > width; sum-- {
		widest := 0
		for i := range widths {
			if widths[i] > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= leastWidth {
			break
		}
		widths[widest]--
	}
	return widths
}

// numeric tells which columns have numbers only.
func numeric(cells [][]string) []bool {
	right := make([]bool, len(cells[0]))
	for i := range right {
		right[i] = len(cells) > 1
		for _, row := range cells[1:] {
			if _, err := strconv.ParseFloat(row[i], 64); err != nil {
				right[i] = false
			}
		}
	}
	return right
}

// fit pads a cell to a width, or shortens it in front: the end of a path tells more.
func fit(s string, width int, right bool) string {
	n := utf8.RuneCountInString(s)
	pad := strings.Repeat(" ", max(width-n, 0))
	switch {
	case n > width:
		r := []rune(s)
		return "..." + string(r[n-width+3:])
	case right:
		return pad + s
	}
	return s + pad
}
