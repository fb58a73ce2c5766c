package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/mapreduce"
)

const inspectText = `
Describes a file: a Parquet file of any program, or any file of a job directory
(Parquet results and rejects, Arrow shards, run files, dictionaries of ids,
matrices, task records, plans, job.json, DONE.json, summary.json, FORMAT). It
prints format and version, which checksums are right, columns with their least
and greatest values and nulls as far as the file says them, row groups or
batches, and the first rows. Of a dictionary (.ids) these are index, id and
number of rows; of a matrix (.matrix) row, entries and the first columns, as
column=value where a row has values, and the column alone where all are 1; of
vectors (.factors) row and the first factors. Of a model of EASE (.ease) it
prints what was inverted.

The exit code is 0, or 1 if a file of ours is damaged, 4 if it is of no kind
that is known, cannot be read or is damaged and not ours, and 12 if it has a
version that this program does not know. With --json: one object.

Examples:
  shardmill inspect job/out/ranked/part-000000.parquet
  shardmill inspect --rows 3 job/stages/01-classify/tasks/map-000000.json
`

func (p *program) inspectCommand() *cli.Command {
	return &cli.Command{
		Name: "inspect", Usage: "describe a file: columns, statistics, first rows",
		ArgsUsage: "FILE", Description: inspectText,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "rows", Aliases: []string{"n"}, Value: 5, Usage: "`N`rows at most, also -n (default: 5)"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object"},
		},
		Action: func(c *cli.Context) error {
			args, err := arguments(c)
			switch {
			case err != nil:
				return err
			case len(args) != 1:
				return badUsage("inspect", "name one file after the flags, not %d", len(args))
			case c.Int("rows") < 0:
				return badUsage("inspect", "--rows: at least 0 is needed")
			}
			return p.inspect(args[0], c.Int("rows"), c.Bool("json"))
		},
	}
}

func (p *program) inspect(path string, n int, asJSON bool) error {
	i, err := jobs.Inspect(path, n)
	switch {
	case err != nil:
		return inspectError(i, err)
	case asJSON:
		return writeIndented(p.stdout, i)
	}
	width := max(terminalWidth(p.stdout), columns)
	if err := writeLines(p.stdout, inspectLines(i)); err != nil {
		return err
	}
	tables := inspectTables(i)
	if len(i.Content) > 0 {
		lines, more := contentLines(i.Content, n)
		tables = append(tables, more...)
		if err := writeFacts(p.stdout, lines, width); err != nil {
			return err
		}
	}
	for _, t := range tables {
		if err := writeTable(p.stdout, t, width); err != nil {
			return err
		}
	}
	return nil
}

// inspectError gives the error of a file its exit code.
func inspectError(i jobs.Inspection, err error) error {
	var version *formats.VersionError
	code := mapreduce.ExitInput
	switch {
	case mapreduce.IsFormat(err) || errors.As(err, &version):
		code = mapreduce.ExitFormat
	case i.Ours || mapreduce.IsDamage(err):
		code = mapreduce.ExitFailed
	}
	return &exitError{code: code, err: err}
}

func inspectLines(i jobs.Inspection) []pair {
	kind := i.Kind
	if i.Format != "" {
		kind += ", " + i.Format
	}
	if !i.Ours {
		kind += ", not of shardmill"
	}
	lines := []pair{{"file", i.File}, {"kind", kind}, {"size", sized(i.Bytes)}}
	if i.Run != nil {
		lines = append(lines, pair{"records", fmt.Sprint(i.Rows)})
	} else if i.Columns != nil {
		lines = append(lines, pair{"rows", fmt.Sprint(i.Rows)})
	}
	if i.By != "" {
		lines = append(lines, pair{"written by", i.By})
	}
	if i.Checked != "" {
		lines = append(lines, pair{"right", i.Checked})
	}
	if i.Run != nil {
		for _, s := range i.Run.Streams {
			lines = append(lines, pair{"stream", fmt.Sprintf("%s: %s", s.Name, s)})
		}
	}
	return append(lines, sideLines(i)...)
}

// cellsRow is a row for people only.
type cellsRow []string

// Cells implements jobs.Row.
func (r cellsRow) Cells() []string { return r }

func inspectTables(i jobs.Inspection) (tables []jobs.Table) {
	if i.Run != nil {
		return []jobs.Table{runTable(i.Run)}
	}
	if i.Columns == nil && len(i.First) > 0 { // of a dictionary or matrix
		return []jobs.Table{firstTable(i)}
	}
	if i.Columns == nil {
		return nil
	}
	t := jobs.Table{Title: counted(int64(len(i.Columns)), "column"), Header: []string{"column", "type", "nulls", "min", "max", "bytes"}}
	for _, c := range i.Columns {
		row := cellsRow{c.Name, shortType(c.Type), "", shortValue(c.Least), shortValue(c.Greatest), ""}
		if c.Nulls >= 0 {
			row[2] = fmt.Sprint(c.Nulls)
		}
		if c.Bytes > 0 {
			row[5] = fmt.Sprint(c.Bytes)
		}
		t.Rows = append(t.Rows, row)
	}
	tables = append(tables, t, partsTable(i))
	if len(i.First) > 0 {
		tables = append(tables, fitting(firstTable(i), columns))
	}
	return tables
}

func firstTable(i jobs.Inspection) jobs.Table {
	noun := "row"
	if i.IDs != nil {
		noun = "id"
	}
	return jobs.Table{Title: fmt.Sprintf("the first %d of %s", len(i.First), counted(i.Rows, noun)), Header: i.Names, Rows: i.First}
}

// fitting is a table as it is, or turned, with a line for each column, where it is wider than that.
func fitting(t jobs.Table, width int) jobs.Table {
	cells := [][]string{t.Header}
	turned := jobs.Table{Title: t.Title, Header: []string{"column"}}
	for k, r := range t.Rows {
		cells = append(cells, r.Cells())
		turned.Header = append(turned.Header, fmt.Sprintf("row %d", k+1))
	}
	sum := 0
	for _, w := range columnWidths(cells, 0) {
		sum += w + 2
	}
	if sum <= width {
		return t
	}
	for i := range t.Header {
		row := cellsRow{}
		for _, line := range cells {
			row = append(row, line[i])
		}
		turned.Rows = append(turned.Rows, row)
	}
	return turned
}

// shortType leaves out of a type of Parquet what follows from the rest of it.
func shortType(s string) string {
	s, _, _ = strings.Cut(s, " Int(bitWidth=")
	if text, ok := strings.CutPrefix(s, "BYTE_ARRAY "); ok {
		return text
	}
	return s
}

// shortValue is a value of statistics, of which the beginning tells most.
func shortValue(v any) string {
	const most = 16
	if v == nil {
		return ""
	}
	text := []rune(oneLine(fmt.Sprint(v)))
	if len(text) > most {
		return string(text[:most-3]) + "..."
	}
	return string(text)
}

// partsShown bounds the list of row groups and batches.
const partsShown = 10

func partsTable(i jobs.Inspection) jobs.Table {
	noun := "row group"
	if i.Kind != "Parquet file" {
		noun = "record batch"
	}
	title := fmt.Sprintf("%d x %s", len(i.Parts), noun)
	if len(i.Parts) > partsShown {
		title += fmt.Sprintf(", the first %d", partsShown)
	}
	t := jobs.Table{Title: title, Header: []string{"number", "rows", "bytes"}}
	for k, g := range i.Parts[:min(len(i.Parts), partsShown)] {
		row := cellsRow{fmt.Sprint(k), fmt.Sprint(g.Rows), ""}
		if g.Bytes > 0 {
			row[2] = fmt.Sprint(g.Bytes)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func runTable(run *mapreduce.RunFile) jobs.Table {
	t := jobs.Table{Title: "partitions", Header: []string{"stream", "partition", "records", "bytes", "stored", "blocks", "codec"}}
	for _, s := range run.Streams {
		for k, p := range s.Partitions {
			codec := "raw"
			switch {
			case p.Blocks == 0:
				codec = ""
			case p.Compressed == p.Blocks:
				codec = "s2"
			case p.Compressed > 0:
				codec = fmt.Sprintf("s2 in %d", p.Compressed)
			}
			t.Rows = append(t.Rows, cellsRow{s.Name, fmt.Sprint(k), fmt.Sprint(p.Records), fmt.Sprint(p.Bytes), fmt.Sprint(p.Stored), fmt.Sprint(p.Blocks), codec})
		}
	}
	return t
}

// contentLines are the members of a JSON object: lists of objects become tables of n rows.
func contentLines(content json.RawMessage, n int) (lines []pair, tables []jobs.Table) {
	var members map[string]json.RawMessage
	if json.Unmarshal(content, &members) != nil {
		return nil, nil // it was read before
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		var list []map[string]json.RawMessage
		if json.Unmarshal(members[name], &list) == nil && len(list) > 0 {
			tables = append(tables, objectTable(name, list, n))
			continue
		}
		if name != "version" && name != "crc32c" {
			lines = append(lines, pair{name, jsonText(members[name])})
		}
	}
	return lines, tables
}

func objectTable(name string, list []map[string]json.RawMessage, n int) jobs.Table {
	shown := list[:min(len(list), max(n, 1))]
	title := fmt.Sprintf("%s: %d", name, len(list))
	if len(shown) < len(list) {
		title += fmt.Sprintf(", the first %d", len(shown))
	}
	t := jobs.Table{Title: title}
	for _, o := range shown {
		for _, member := range slices.Sorted(maps.Keys(o)) {
			if !slices.Contains(t.Header, member) {
				t.Header = append(t.Header, member)
			}
		}
	}
	for _, o := range shown {
		row := cellsRow{}
		for _, member := range t.Header {
			row = append(row, jsonText(o[member]))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// jsonText is a text as it is, and any other JSON value in one line.
func jsonText(v json.RawMessage) string {
	var text string
	if len(v) == 0 || json.Unmarshal(v, &text) == nil {
		return text
	}
	var b bytes.Buffer
	if json.Compact(&b, v) != nil {
		return string(v)
	}
	return b.String()
}

// writeFacts writes names with texts, wrapped.
func writeFacts(w io.Writer, lines []pair, width int) error {
	var b strings.Builder
	for _, l := range lines {
		text := strings.NewReplacer(`,"`, `, "`, "},{", "}, {").Replace(l.text)
		writeWrapped(&b, fmt.Sprintf("%-*s ", nameWidth, oneLine(l.name)), text, width, nameWidth+2)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
