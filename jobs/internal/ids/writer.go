package ids

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/zeebo/xxh3"

	"github.com/shardmill/shardmill/formats/delimited"
	"github.com/shardmill/shardmill/jobs/internal/mapped"
)

// Entry is an id and what was seen of it.
type Entry struct {
	ID     []byte
	Rows   int64 // interactions
	Newest int64 // the latest time of one, math.MinInt64 if none has one
}

// Type is what ids are.
type Type string

const (
	// Auto makes ids numbers if every one is a canonical decimal that fits an int64. It is the default.
	Auto Type = "auto"
	// String leaves ids texts.
	String Type = "string"
	// Int64 wants ids that are canonical decimals.
	Int64 Type = "int64"
)

// Check returns an error for a type that there is not.
func (t Type) Check() error {
	switch t {
	case Auto, String, Int64, "":
		return nil
	}
	return fmt.Errorf("id type %q: must be %s, %s or %s", string(t), Auto, String, Int64)
}

// Options say how a dictionary is made.
type Options struct {
	Type Type
}

var (
	// ErrTooMany reports more ids than a dictionary can have.
	ErrTooMany = errors.New("more than 4294967294 ids")
	// ErrTooLong reports an id, or ids together, too long for a dictionary.
	ErrTooLong = errors.New("too long: an id may have 16 MiB, all together 1 TiB")
	// ErrNotInt64 reports an id that is not a canonical decimal where Int64 is wanted.
	ErrNotInt64 = errors.New("not a 64-bit integer in its shortest form")
)

// Writer writes a dictionary. It is a mapreduce.Sink[Entry].
type Writer struct {
	w      *mapped.Writer
	o      Options
	texts  bool   // some id is not a number, or the type is String
	ids    []held // in the order of their bytes
	spans  []span // of texts
	length uint64 // of section text
	last   []byte // id
	newest int64
	limit  int // ids
	direct bool
	lines  uint64 // of a hashed table
}

// NewWriter begins a dictionary. The Writer buffers.
func NewWriter(w io.Writer, o Options) *Writer {
	return &Writer{w: mapped.NewWriter(w, kind()), o: o, texts: o.Type == String, newest: math.MinInt64, limit: maxIDs}
}

// Write adds an id, as Add does.
func (w *Writer) Write(e Entry) error { return w.Add(&e) }

// Add adds an id. Ids come once each, in the order of their bytes. One that is not what Options.Type says is ErrNotInt64; no dictionary
// holds what is ErrTooMany or ErrTooLong.
func (w *Writer) Add(e *Entry) error {
	if err := w.check(e.ID); err != nil {
		return err
	}
	w.last = append(w.last[:0], e.ID...)
	w.newest = max(w.newest, e.Newest)
	if !w.texts {
		v, ok := delimited.CanonicalInt(e.ID)
		if ok {
			w.ids = append(w.ids, held{uint64(v), e.Rows})
			return nil
		}
		if w.o.Type == Int64 {
			return idError(e.ID, ErrNotInt64)
		}
		if err := w.turn(); err != nil {
			return err
		}
	}
	w.ids = append(w.ids, held{xxh3.Hash(e.ID), e.Rows})
	return w.addText(e.ID)
}

func (w *Writer) check(id []byte) error {
	switch {
	case len(w.ids) >= w.limit:
		return ErrTooMany
	case len(id) > maxLength || w.length+uint64(len(id)) > maxText:
		return idError(id, ErrTooLong)
	case len(w.ids) > 0 && bytes.Compare(w.last, id) >= 0:
		return fmt.Errorf("%w: comes after %s", idError(id, errOrder), quote(w.last))
	case len(w.ids) == 0:
		return w.o.Type.Check()
	}
	return nil
}

// turn makes texts of the numbers so far: now there is an id that is none.
func (w *Writer) turn() error {
	w.texts = true
	w.spans = make([]span, 0, max(len(w.ids), 1024))
	var b []byte
	for i := range w.ids {
		id := &w.ids[i]
		b = strconv.AppendInt(b[:0], int64(id.key), 10)
		id.key = xxh3.Hash(b)
		if err := w.addText(b); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) addText(id []byte) error {
	w.spans = append(w.spans, w.length<<lengthBits|uint64(len(id)))
	w.length += uint64(len(id))
	_, err := w.w.Write(id)
	return err
}

// Close ends the dictionary, but does not close what it is written to.
func (w *Writer) Close() error {
	if err := w.o.Type.Check(); err != nil {
		return err
	}
	if !w.texts {
		slices.SortFunc(w.ids, func(a, b held) int { return cmp.Compare(int64(a.key), int64(b.key)) })
	}
	if err := w.w.End(); err != nil { // the text is written
		return err
	}
	for _, write := range []func() error{w.writeKeys, w.writeRows, w.writeTable, w.writeAbout} {
		if err := write(); err != nil {
			return err
		}
		if err := w.w.End(); err != nil {
			return err
		}
	}
	return w.w.Close()
}

func (w *Writer) writeKeys() error {
	if w.texts {
		_, err := w.w.Write(mapped.Bytes(w.spans))
		return err
	}
	for i := range w.ids {
		if err := w.w.Uint64s(w.ids[i].key); err != nil {
			return err
		}
	}
	return nil
}

// writeRows writes numbers of interactions, and puts indexes in their place.
func (w *Writer) writeRows() error {
	for i := range w.ids {
		if err := w.w.Uint64s(uint64(w.ids[i].n)); err != nil {
			return err
		}
		w.ids[i].n = int64(i)
	}
	return nil
}

func (w *Writer) writeTable() (err error) {
	w.direct = !w.texts && isDirect(w.ids)
	if w.direct {
		return writeDirect(w.w, w.ids)
	}
	w.lines, err = writeHashed(w.w, w.ids, w.spans)
	return err
}

func (w *Writer) writeAbout() error {
	return w.w.Uint64s(uint64(len(w.ids)), number(!w.texts), number(w.direct), w.lines, uint64(w.newest))
}

func number(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// errOrder reports ids that do not ascend. Whoever writes them is wrong, not the ids.
var errOrder = errors.New("ids must come once each, in the order of their bytes")

func idError(id []byte, err error) error { return fmt.Errorf("id %s: %w", quote(id), err) }

// quote quotes an id, of a long one the beginning.
func quote(id []byte) string {
	if len(id) > 100 {
		return strconv.Quote(string(id[:100])) + "..."
	}
	return strconv.Quote(string(id))
}
