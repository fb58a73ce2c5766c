package manifest

import (
	"bytes"
	"errors"
	"io"

	"github.com/shardmill/shardmill/formats/internal/lines"
)

// maxRecord bounds the text of one record, in bytes.
const maxRecord = 1 << 20

// record is the text of one record, cut out but not parsed.
type record struct {
	first, last int64  // its physical lines, 1-based
	text        []byte // its lines, each with "\n"; valid until the next record is cut
	long        bool   // the text goes on beyond what was kept
	open        int64  // line of a quote that the input never closes, 0 if there is none
}

// cutter cuts records out of physical lines.
type cutter struct {
	lines *lines.Reader
	line  int64 // lines read so far
	text  []byte
}

// next returns the next record that is not blank, or io.EOF.
func (c *cutter) next() (record, error) {
	for {
		rec, err := c.cut()
		if err != nil || len(rec.text) > len("\n") {
			return rec, err
		}
	}
}

func (c *cutter) cut() (record, error) {
	rec := record{first: c.line + 1}
	c.text = c.text[:0]
	var q quotes
	for {
		opens := q.opens
		err := c.readLine(&rec, &q)
		if errors.Is(err, io.EOF) && c.line >= rec.first {
			return c.done(rec), nil // inside quotes: rec.open says where
		}
		if err != nil {
			return record{}, err
		}
		if q.state != quoted {
			rec.open = 0
			return c.done(rec), nil
		}
		if q.opens > opens {
			rec.open = c.line
		}
	}
}

func (c *cutter) done(rec record) record {
	rec.last = c.line
	rec.text = c.text
	return rec
}

// readLine reads one physical line to the end, and keeps what has room.
func (c *cutter) readLine(rec *record, q *quotes) error {
	for {
		piece, end, err := c.lines.Next()
		if err != nil {
			return err
		}
		q.scan(piece)
		c.keep(rec, piece)
		if end {
			c.line++
			c.keep(rec, lineEnd(c.text))
			return nil
		}
	}
}

// lineEnd returns the end for a line of text: after a '\r' that belongs to the line, one
// that keeps encoding/csv from taking it for a part of the line end.
func lineEnd(text []byte) []byte {
	if bytes.HasSuffix(text, []byte{'\r'}) {
		return []byte("\r\n")
	}
	return []byte{'\n'}
}

func (c *cutter) keep(rec *record, piece []byte) {
	if room := maxRecord - len(c.text); len(piece) > room {
		piece, rec.long = piece[:room], true
	}
	c.text = append(c.text, piece...)
}
