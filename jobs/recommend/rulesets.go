package recommend

import (
	"io"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/mapreduce"
)

// ruleSets are what one task makes of the files of the rules, for all scorers.
type ruleSets struct {
	// allowed has in row 0 the items that may be listed, and in row 1+i how many items the i-th rule that picks items has taken.
	allowed *mapreduce.Dataset[matrix.Row]
	// groups has for each item a number for each limit of whose column it has a value: that of the value times the limits, plus the limit's.
	groups  *mapreduce.Dataset[matrix.Row]
	blocked *mapreduce.Dataset[matrix.Row] // items by user; behind the users of the data the others
	asked   *mapreduce.Dataset[matrix.Row] // row 0: users who have lists
	others  *mapreduce.Dataset[ids.Entry]  // users who are asked for, and are not in the data
	report  *mapreduce.Dataset[ruleRow]
}

// ruleRow is a row of rules.
type ruleRow struct {
	rule          string
	rows, unknown int64 // of its file, and those of them whose user or item is not in the data
	items         int64 // that may be listed after it
}

func ruleColumns(names) table.Columns[ruleRow] {
	type row = ruleRow
	return table.Columns[row]{
		table.String("rule", func(r *row) string { return r.rule }, nil),
		table.Int64("rows", func(r *row) int64 { return r.rows }, nil),
		table.Int64("unknown", func(r *row) int64 { return r.unknown }, nil),
		table.Int64("items", func(r *row) int64 { return r.items }, nil),
	}
}

func (j *recommendation) newRuleSets() *ruleSets {
	return &ruleSets{
		allowed: rowsOf("allowed_items"), groups: rowsOf("item_groups"), blocked: rowsOf("blocked_items"), asked: rowsOf("asked_users"),
		others: &mapreduce.Dataset[ids.Entry]{
			Name: "other_users", Ext: "ids", Side: true,
			Create: func(env *mapreduce.Env, w io.Writer) (mapreduce.Sink[ids.Entry], error) {
				d, err := j.library.dictionary(env, j.userIDs)
				if err != nil {
					return nil, err
				}
				return ids.NewWriter(w, ids.Options{Type: d.Type()}), nil
			},
		},
		report: result("rules", j.names, ruleColumns),
	}
}

// ports are the datasets that the parameters ask for, without the report.
func (s *ruleSets) ports(p *Params) (ports []mapreduce.Port) {
	for _, d := range []struct {
		wanted bool
		port   mapreduce.Port
	}{
		{p.picks(), s.allowed},
		{len(p.limits()) > 0, s.groups},
		{p.BlockPairs != "", s.blocked},
		{p.Users != "", s.asked},
		{p.Users != "", s.others},
	} {
		if d.wanted {
			ports = append(ports, d.port)
		}
	}
	return ports
}
