package tabular

import (
	"errors"
	"fmt"
	"io"

	"github.com/shardmill/shardmill/formats/delimited"
	"github.com/shardmill/shardmill/formats/rowgroup"
	"github.com/shardmill/shardmill/formats/text"
	"github.com/shardmill/shardmill/mapreduce"
)

// scanned is what a scan finds in a file or a part of it. It is kept as JSON until all parts are scanned.
type scanned struct {
	Names  []string           `json:"names,omitempty"`  // columns, where this part or file lists them
	Rows   delimited.Position `json:"rows,omitzero"`    // of text with a header: where the rows of the file begin
	Fields *delimited.Scanned `json:"fields,omitempty"` // of CSV and TSV: the bytes of the part that are not the header's
	Lines  *text.Scanned      `json:"lines,omitempty"`  // of JSON lines and plain text
	Groups *rowgroup.Info     `json:"groups,omitempty"` // of Parquet
}

// scanFile opens the bytes of the range that is scanned: a *mapreduce.Scan.
type scanFile interface{ Open() (io.ReadCloser, error) }

// scan looks at one range: a part of text, or a whole file.
func (f format) scan(in scanFile, rg mapreduce.Range) (s scanned, err error) {
	switch f.layout {
	case rowGroups:
		err = s.scanGroups(rg)
	case separated:
		err = s.scanFields(in, rg, f)
	case plain:
		err = s.scanPlain(in, rg, f)
	default:
		err = s.scanLines(in, rg, 0)
	}
	return s, asInput(err)
}

// scanFields scans the bytes of a part that lie behind the header.
func (s *scanned) scanFields(in scanFile, rg mapreduce.Range, f format) error {
	h, err := f.readHeader(rg.Path, rg.Name)
	if err != nil {
		return err
	}
	if rg.Lo == 0 {
		s.Names, s.Rows = h.names, h.end
	}
	if !isPart(rg) {
		return nil
	}
	rg.Offset = min(max(h.end.Offset, rg.Lo), rg.Hi)
	return within(in, rg, func(r io.Reader) (int64, error) {
		fields, err := delimited.ScanReader(r, rg.Offset, f.comma)
		s.Fields = &fields
		return fields.Size, err
	})
}

// scanLines scans the lines of a part that lie behind the first from bytes of the file.
func (s *scanned) scanLines(in scanFile, rg mapreduce.Range, from int64) error {
	if !isPart(rg) {
		return nil
	}
	rg.Offset = min(max(from, rg.Lo), rg.Hi)
	return within(in, rg, func(r io.Reader) (int64, error) {
		lines, err := text.ScanReader(r)
		s.Lines = &lines
		return lines.Size, err
	})
}

func (s *scanned) scanGroups(rg mapreduce.Range) error {
	file, size, err := openSized(rg.Path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // only read
	info, err := rowgroup.Inspect(file, size, rg.Name)
	s.Names, s.Groups = namesOf(info), &info
	return err
}

// errShort reports a file that ends before a part that it had when it was listed.
var errShort = errors.New("the file has become shorter")

// within passes the bytes from rg.Offset to rg.Hi to look, which returns how many there are.
func within(in scanFile, rg mapreduce.Range, look func(r io.Reader) (int64, error)) error {
	file, err := in.Open()
	if err != nil {
		return err
	}
	skipped, err := io.CopyN(io.Discard, file, rg.Offset-rg.Lo)
	var n int64
	if err == nil {
		n, err = look(io.LimitReader(file, rg.Hi-rg.Offset))
	}
	if skipped+n < rg.Hi-rg.Lo && (err == nil || errors.Is(err, io.EOF)) {
		err = mapreduce.BadInput(fmt.Errorf("%s: %w: it ends at byte %d", rg.Name, errShort, rg.Lo+skipped+n))
	}
	return errors.Join(err, file.Close())
}
