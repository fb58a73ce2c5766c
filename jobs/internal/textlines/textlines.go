// Package textlines reads files of text line by line, for sources of rows that are made of lines: plain files in parts, and
// those that are compressed by gzip or zstd as a whole. Its functions are those of a mapreduce.Source, or what these have in common.
package textlines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/compressed"
	"github.com/shardmill/shardmill/formats/text"
	"github.com/shardmill/shardmill/mapreduce"
)

// Look tells how a file is compressed, and whether it is taken at all. Its errors are the input's fault.
type Look func(e mapreduce.Entry) (kind compressed.Kind, taken bool, err error)

// List plans the inputs, each of which must have a file that is taken.
func List(ctx context.Context, l *mapreduce.Lister, look Look) error {
	for _, in := range l.Inputs() {
		some := false
		err := l.Walk(ctx, in, func(e mapreduce.Entry) error {
			kind, taken, err := look(e)
			switch {
			case err != nil:
				return mapreduce.BadInput(err)
			case !taken:
				l.Pass()
				return nil
			}
			some = true
			if kind != compressed.Plain {
				return l.File(e.Name, e.Path)
			}
			return l.Parts(e.Name, e.Path)
		})
		if err != nil {
			return err
		}
		if !some {
			return mapreduce.BadInput(fmt.Errorf("%s: no file in this folder: is it the right one, and mounted?", in.Name))
		}
	}
	return nil
}

// IsPart tells whether a range is a part of a text. Others are whole files: compressed ones, and empty ones.
func IsPart(rg mapreduce.Range) bool { return rg.Hi > 0 }

// Scan counts the lines of a part. What it returns is for Starts.
func Scan(_ context.Context, _ *mapreduce.Env, rg mapreduce.Range, in *mapreduce.Scan) (any, error) {
	if !IsPart(rg) {
		return text.Scanned{}, nil
	}
	part, err := in.Open()
	if err != nil {
		return nil, err
	}
	scanned, err := text.ScanReader(part)
	return scanned, errors.Join(err, part.Close())
}

// Starts returns what Scan has found in the parts of a file, and where the first line of each begins; last, where the file ends.
func Starts(file []mapreduce.Scanned) (parts []text.Scanned, starts []text.Position, err error) {
	parts = make([]text.Scanned, len(file))
	for i := range file {
		if err := file[i].Decode(&parts[i]); err != nil {
			return nil, nil, err
		}
	}
	return parts, text.Starts(text.Position{Line: 1}, parts), nil
}

// Rows is a *mapreduce.Rows.
type Rows interface {
	OpenRange(rg mapreduce.Range) (io.ReadCloser, error)
	Reject(o mapreduce.Origin, reason error) error
}

// Read passes the lines of a range, each valid during the call. Lines that are longer than most bytes, 0 for 1 MiB, or no UTF-8 are rejects.
func Read(rg mapreduce.Range, rows Rows, most int, pass func(line []byte, number int64) error) (err error) {
	in, from, hi, err := open(rg, rows)
	if err != nil {
		return asInput(err)
	}
	defer func() { err = asInput(errors.Join(err, in.Close())) }()
	r := text.NewPartReader(in, rg.Name, from, hi, most)
	for {
		line, number, err := r.ReadBytes()
		var bad *formats.RowError
		switch {
		case err == nil:
			err = pass(line, number)
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			err = rows.Reject(mapreduce.Origin{Input: rg.Name, Line: bad.Line, Record: bad.Raw}, bad.Err)
		}
		if err != nil {
			return err
		}
	}
}

// open opens the text of a range.
func open(rg mapreduce.Range, rows Rows) (in io.ReadCloser, from text.Position, hi int64, err error) {
	file, err := rows.OpenRange(rg) // so that the file is known to be the one that was scanned
	if err != nil || IsPart(rg) {
		return file, text.Position{Offset: rg.Offset, Line: rg.Line}, rg.Hi, err
	}
	plain, _, err := compressed.NewReader(file, rg.Name)
	if err != nil {
		return nil, from, 0, errors.Join(err, file.Close())
	}
	return plain, text.Position{Line: 1}, math.MaxInt64, nil
}

// asInput marks damaged data as what is wrong with the input. Its error names the file, as those around it do.
func asInput(err error) error {
	if data := (*compressed.DataError)(nil); errors.As(err, &data) {
		return mapreduce.BadInput(data)
	}
	if errors.Is(err, formats.ErrUTF16) {
		return mapreduce.BadInput(err)
	}
	return err
}
