package ids

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/jobs/internal/mapped"
)

// kind is the kind of file. Its sections are text, keys, rows, table and about.
func kind() mapped.Kind {
	return mapped.Kind{Name: "ids", Magic: "shardmill-ids\r\n\x1a", Version: 1, Sections: 5}
}

// Is tells whether a file begins as dictionaries do.
func Is(head []byte) bool { return kind().Is(head) }

const (
	maxIDs     = 1<<32 - 2 // so that one more than an index is never 0
	lengthBits = 24
	maxLength  = 1<<lengthBits - 1
	maxText    = 1 << (64 - lengthBits)

	// aboutSize is the length of section about.
	aboutSize = 5 * 8
)

// span is where an id is in the text, shifted by lengthBits, and its length.
type span = uint64

// IDs is a dictionary. It can be used by several goroutines.
type IDs struct {
	file   *mapped.File
	n      int
	ints   []int64 // by index; nil if not numeric
	spans  []span  // by index; nil if numeric
	text   []byte
	rows   []int64
	table  table
	newest int64
}

// Open opens a dictionary and checks it. A file that is not one of a Writer is formats.ErrForeign or a
// formats.VersionError, one whose bytes are not what was written is formats.ErrDamaged.
func Open(path string) (*IDs, error) {
	f, err := mapped.Open(path)
	if err != nil {
		return nil, err
	}
	sections, err := f.Sections(kind(), false)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	d := &IDs{file: f}
	if what := d.set(sections); what != "" {
		return nil, errors.Join(fmt.Errorf("%s: %w: %s", path, formats.ErrDamaged, what), f.Close())
	}
	return d, nil
}

// set sets the fields from the sections of a file, and returns what is wrong with them.
func (d *IDs) set(sections [][]byte) string {
	text, keys, rows, slots := sections[0], sections[1], sections[2], sections[3]
	if len(sections[4]) != aboutSize {
		return "length of section about"
	}
	about := mapped.View[uint64](sections[4])
	n := about[0]
	if n > maxIDs || uint64(len(keys)) != 8*n || uint64(len(rows)) != 8*n || about[1] > 1 || about[2] > about[1] {
		return "numbers that do not fit the file"
	}
	d.n, d.text, d.rows, d.newest = int(n), text, mapped.View[int64](rows), int64(about[4])
	if about[1] == 1 {
		d.ints = mapped.View[int64](keys)
	} else {
		d.spans = mapped.View[span](keys)
	}
	if what := d.checkKeys(); what != "" {
		return what
	}
	d.table = table{text: text, numeric: about[1] == 1, lines: about[3]}
	if about[2] == 1 {
		d.table.direct = mapped.View[uint32](slots)
		if n > 0 {
			d.table.least = d.ints[0]
		}
	} else {
		d.table.slots = mapped.View[uint64](slots)
	}
	return d.table.check(d.n)
}

// checkKeys returns what is wrong with the keys, of which no one may lead out of the text.
func (d *IDs) checkKeys() string {
	for i := 1; i < len(d.ints); i++ {
		if d.ints[i-1] >= d.ints[i] {
			return fmt.Sprintf("id of index %d", i)
		}
	}
	at := uint64(0)
	for i, s := range d.spans {
		if s>>lengthBits != at {
			return fmt.Sprintf("id of index %d", i)
		}
		at += s & maxLength
	}
	if at != uint64(len(d.text)) {
		return "ids do not fill their section"
	}
	return ""
}

// Len is the number of ids.
func (d *IDs) Len() int { return d.n }

// Numeric tells whether all ids are canonical decimals, and in the order of the numbers.
func (d *IDs) Numeric() bool { return d.table.numeric }

// Type is what the ids are: Int64 if the dictionary is numeric, String if not.
func (d *IDs) Type() Type {
	if d.Numeric() {
		return Int64
	}
	return String
}

// Direct tells whether ids are found in a direct table and not in a hashed one.
func (d *IDs) Direct() bool { return len(d.table.direct) > 0 }

// Version is the version of the file's format.
func (d *IDs) Version() int { return int(kind().Version) }

// Find returns the index of an id.
func (d *IDs) Find(id []byte) (index uint32, ok bool) { return d.table.find(id) }

// Int returns the id of index i of a numeric dictionary. Another one has none: 0.
func (d *IDs) Int(i int) int64 {
	if !d.table.numeric {
		return 0
	}
	return d.ints[i]
}

// Text returns the id of index i as text, which must not be written to, nor used after Close. That of a numeric dictionary is allocated.
func (d *IDs) Text(i int) []byte {
	if d.table.numeric {
		return d.AppendText(nil, i)
	}
	return at(d.text, d.spans[i])
}

// AppendText appends the id of index i to dst.
func (d *IDs) AppendText(dst []byte, i int) []byte {
	if d.table.numeric {
		return strconv.AppendInt(dst, d.ints[i], 10)
	}
	return append(dst, at(d.text, d.spans[i])...)
}

// Rows is the number of interactions of the id of index i.
func (d *IDs) Rows(i int) int64 { return d.rows[i] }

// Newest is the latest time of any interaction, math.MinInt64 if none has one.
func (d *IDs) Newest() int64 { return d.newest }

// Close lets go of the file.
func (d *IDs) Close() error { return d.file.Close() }

// at returns the bytes of a span.
func at(text []byte, s span) []byte {
	from := s >> lengthBits
	to := from + s&maxLength
	return text[from:to:to]
}
