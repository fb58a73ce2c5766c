package jobs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/jobs/recommend"
)

type suggestionRow struct{ recommend.Suggestion }

// Cells implements Row.
func (r suggestionRow) Cells() []string {
	cells := []string{strconv.Itoa(int(r.Rank)), r.Item, score(r.Score)}
	for _, of := range r.Ranks {
		if of.Rank == 0 {
			cells = append(cells, "-")
		} else {
			cells = append(cells, strconv.Itoa(int(of.Rank)))
		}
	}
	return append(cells, strings.Join(r.Because, ", "))
}

// suggestionHeader is that of suggestionRow: the ranks in the lists of several algorithms have columns too.
func suggestionHeader(list []recommend.Suggestion) []string {
	header := []string{"rank", "item", "score"}
	if len(list) > 0 {
		for _, of := range list[0].Ranks {
			header = append(header, of.Algorithm)
		}
	}
	return append(header, "because of")
}

type neighbourRow struct{ recommend.Neighbour }

// Cells implements Row.
func (r neighbourRow) Cells() []string {
	return []string{strconv.Itoa(int(r.Rank)), r.Item, score(r.Similarity)}
}

func score(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// showRecommended shows the list of a user, the nearest items of an item, or the first rows of both.
func showRecommended(v View) ([]Table, error) {
	switch {
	case v.User != "":
		o, list, err := recommend.ShowUser(v.Out, v.User)
		t := Table{Name: "recommendations", Title: ownerTitle("user", o, "recommended", "item"), Header: suggestionHeader(list)}
		for _, s := range list[:min(len(list), v.Rows)] {
			t.Rows = append(t.Rows, suggestionRow{s})
		}
		return []Table{t}, err
	case v.Item != "":
		o, list, err := recommend.ShowItem(v.Out, v.Item)
		t := Table{Name: "similar_items", Title: ownerTitle("item", o, "near", "user"), Header: []string{"rank", "neighbour", "similarity"}}
		for _, n := range list[:min(len(list), v.Rows)] {
			t.Rows = append(t.Rows, neighbourRow{n})
		}
		return []Table{t}, err
	}
	var tables []Table
	for _, name := range []string{"recommendations", "similar_items"} {
		t, err := firstRows(v, name)
		if err != nil {
			return nil, err
		}
		if t.Header != nil {
			tables = append(tables, legible(t))
		}
	}
	return tables, nil
}

// legible has the first rows of lists fit into a terminal, as those of a user do: JSON has all digits.
func legible(t Table) Table {
	header := make([]string, len(t.Header))
	for i, name := range t.Header {
		header[i] = strings.TrimSuffix(name, "_rank") // of an algorithm
	}
	t.Header = header
	for i, r := range t.Rows {
		if text, ok := r.(textRow); ok {
			t.Rows[i] = listedRow{text}
		}
	}
	return t
}

// listedRow is a row of a list.
type listedRow struct{ textRow }

// Cells implements Row.
func (r listedRow) Cells() []string {
	cells := slices.Clone(r.cells)
	for i, name := range r.names {
		switch name {
		case "score", "similarity":
			if v, err := strconv.ParseFloat(cells[i], 64); err == nil {
				cells[i] = score(v)
			}
		case "fallback":
			if cells[i] == "false" {
				cells[i] = ""
			}
		}
	}
	return cells
}

// ownerTitle says whose list a table is, and why it is short.
func ownerTitle(noun string, o recommend.Owner, listed, counted string) string {
	s := fmt.Sprintf("%s %s: %s, %d %s", noun, o.ID, countedOf(o.Count, counted), o.Listed, listed)
	if o.Fallback {
		s += ", the most popular"
	}
	if o.Reason != "" {
		s += " (" + o.Reason + ")"
	}
	return s
}

// countedOf is a number of things: "1 user", "2 users".
func countedOf(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
