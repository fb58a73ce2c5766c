package tabular

import (
	"fmt"
	"iter"
	"slices"

	"github.com/shardmill/shardmill/formats/delimited"
	"github.com/shardmill/shardmill/formats/rowgroup"
	"github.com/shardmill/shardmill/formats/text"
	"github.com/shardmill/shardmill/mapreduce"
)

// cutAll turns what was scanned into the ranges to be read.
func (t Table[R]) cutAll(files iter.Seq[[]mapreduce.Scanned], c *mapreduce.Cutter) error {
	var m meta
	for file := range files {
		parts, scans := make([]mapreduce.Range, len(file)), make([]scanned, len(file))
		for i, s := range file {
			parts[i] = s.Range
			if err := s.Decode(&scans[i]); err != nil {
				return err
			}
		}
		ranges, err := t.cut(&m, parts, scans, t.Target.Bytes)
		if err != nil {
			return err
		}
		for i, rg := range ranges {
			if err := c.Range(file[min(i, len(file)-1)], rg); err != nil {
				return err
			}
		}
	}
	return c.Meta(m)
}

// cut turns the parts of one file, in order, and what was scanned of each into the ranges to be read, and
// notes in m the columns that the file adds to those carried. Files come in the order of the input. target is
// how many bytes of Parquet one range has, about.
func (t Table[R]) cut(m *meta, parts []mapreduce.Range, scans []scanned, target int64) ([]mapreduce.Range, error) {
	if len(parts) == 0 || len(parts) != len(scans) {
		return nil, fmt.Errorf("%d parts and %d scans of a file", len(parts), len(scans))
	}
	first := &scans[0]
	if first.Groups != nil {
		if err := t.carryTyped(m, parts[0].Name, *first.Groups); err != nil {
			return nil, mapreduce.BadInput(err)
		}
		return cutGroups(parts[0], first.Groups.Groups, target), nil
	}
	if err := t.carry(m, parts[0].Name, first.Names); err != nil {
		return nil, mapreduce.BadInput(err)
	}
	parts = slices.Clone(parts)
	switch {
	case first.Fields != nil:
		return parts, cutFields(parts, scans)
	case first.Lines != nil:
		return parts, cutLines(parts, scans)
	}
	for i := range parts { // compressed
		parts[i].Rows = -1
	}
	return parts, nil
}

// carryTyped is carry for a file whose columns have types, which must be such as can be read.
func (t Table[R]) carryTyped(m *meta, file string, info rowgroup.Info) error {
	names := namesOf(info)
	if err := t.carry(m, file, names); err != nil {
		return err
	}
	wanted := names
	if !t.all() {
		var err error
		if wanted, err = t.Form.resolve(file, names, slices.Concat(t.Needs, t.Columns)); err != nil {
			return err
		}
	}
	return hasColumns(info, file, wanted)
}

// cutFields finds where the first record of each part of CSV or TSV begins. The header is no row.
func cutFields(parts []mapreduce.Range, scans []scanned) error {
	fields := make([]delimited.Scanned, len(scans))
	for i, s := range scans {
		if s.Fields == nil {
			return fmt.Errorf("%s: part %d was not scanned", parts[i].Name, i)
		}
		fields[i] = *s.Fields
	}
	base := scans[0].Rows
	starts := delimited.Starts(base, fields)
	for i := range parts {
		p := &parts[i]
		p.Offset, p.Line = starts[i].Offset, starts[i].Line
		p.Row, p.Rows = starts[i].Row-base.Row, starts[i+1].Row-starts[i].Row
	}
	return nil
}

// cutLines finds where the first line of each part begins. How many of the lines are blank, nobody knows.
func cutLines(parts []mapreduce.Range, scans []scanned) error {
	lines := make([]text.Scanned, len(scans))
	for i, s := range scans {
		if s.Lines == nil {
			return fmt.Errorf("%s: part %d was not scanned", parts[i].Name, i)
		}
		lines[i] = *s.Lines
	}
	base := scans[0].Rows
	starts := text.Starts(text.Position{Offset: base.Offset, Line: max(base.Line, 1)}, lines)
	for i := range parts {
		parts[i].Offset, parts[i].Line, parts[i].Rows = starts[i].Offset, starts[i].Line, -1
	}
	return nil
}

// cutGroups makes ranges of row groups of about target bytes.
func cutGroups(file mapreduce.Range, groups []rowgroup.Group, target int64) (ranges []mapreduce.Range) {
	var rows int64
	for i, g := range groups {
		last := len(ranges) - 1
		if last < 0 || ranges[last].Bytes >= target {
			next := file
			next.Lo, next.Bytes, next.Row, next.Line, next.Rows = int64(i), 0, rows, rows+1, 0
			ranges, last = append(ranges, next), last+1
		}
		r := &ranges[last]
		r.Hi, r.Bytes, r.Rows = int64(i)+1, r.Bytes+g.Bytes, r.Rows+g.Rows
		rows += g.Rows
	}
	return ranges
}
