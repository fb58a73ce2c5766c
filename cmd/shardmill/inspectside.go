package main

import (
	"fmt"
	"time"

	"github.com/shardmill/shardmill/jobs"
)

// sideLines are the lines of what a job keeps beside its data: dictionaries, matrices and models.
func sideLines(i jobs.Inspection) []pair {
	switch {
	case i.IDs != nil:
		return []pair{
			{"ids", fmt.Sprintf("%d, %s", i.IDs.IDs, i.IDs.Type)},
			{"table", i.IDs.Table},
			{"newest", timeText(i.IDs.Newest)},
		}
	case i.Matrix != nil:
		return matrixLines(i.Matrix)
	case i.Factors != nil:
		return factorLines(i.Factors)
	case i.Inverse != nil:
		v := i.Inverse
		return []pair{
			{"users", fmt.Sprint(v.Users)},
			{"items", fmt.Sprint(v.Items)},
			{"inverse", fmt.Sprintf("of %d %s", v.Inverted, v.Of)},
			{"lambda", fmt.Sprint(v.Lambda)},
			{"residual", fmt.Sprintf("%.3g", v.Residual)},
		}
	}
	return nil
}

func factorLines(f *jobs.InspectedFactors) []pair {
	rows := "none"
	if f.First != nil && f.Last != nil {
		rows = fmt.Sprintf("%d to %d", *f.First, *f.Last)
	}
	return []pair{{"rows", rows}, {"factors", fmt.Sprint(f.Factors)}}
}

func matrixLines(m *jobs.InspectedMatrix) []pair {
	rows, column := "none", "none"
	if m.First != nil && m.Last != nil {
		rows = fmt.Sprintf("%d to %d, %d written, %d with values", *m.First, *m.Last, m.Written, m.Valued)
	}
	if m.Column != nil {
		column = fmt.Sprint(*m.Column)
	}
	return []pair{
		{"rows", rows},
		{"entries", fmt.Sprint(m.Entries)},
		{"longest row", fmt.Sprint(m.Longest)},
		{"last column", column},
	}
}

// timeText is a time in seconds of Unix time.
func timeText(seconds *int64) string {
	const most = 253402300799 // the end of the year 9999
	switch {
	case seconds == nil:
		return "no times"
	case *seconds < 0 || *seconds > most:
		return fmt.Sprint(*seconds)
	}
	return fmt.Sprintf("%d, %s", *seconds, time.Unix(*seconds, 0).UTC().Format("2006-01-02 15:04:05 UTC"))
}
