package jsonl

import (
	"errors"
	"io"
	"slices"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/text"
)

// maxHeadNames bounds how many names are collected: an object whose names are data, not columns, ends there.
const maxHeadNames = 1000

// ErrManyNames reports objects with more different names than columns can be.
var ErrManyNames = errors.New("the first lines have more than 1,000 different names: these are no columns")

// Names returns the names of the members of the objects in the first most lines of r, in the order in which they appear,
// and how many such objects there are. Lines that cannot be used are passed over: to read them says what is wrong. name stands in
// errors, which are ErrManyNames, formats.ErrUTF16 or those of r.
func Names(r io.Reader, name string, most int) (names []string, rows int, err error) {
	lines := text.NewReader(r, name, 0)
	for range most {
		line, _, err := lines.ReadBytes()
		var bad *formats.RowError
		switch {
		case errors.Is(err, io.EOF):
			return names, rows, nil
		case errors.As(err, &bad):
			continue
		case err != nil:
			return nil, 0, err
		}
		p := newParser(nil)
		if isBlank(line) || p.parse(line) != nil {
			continue
		}
		rows++
		if names = appendNames(names, line); len(names) > maxHeadNames {
			return nil, 0, ErrManyNames
		}
	}
	return names, rows, nil
}

// appendNames appends the names that the object in b has and names has not. The object is valid.
func appendNames(names []string, b []byte) []string {
	i, more := enter(b, skipSpace(b, 0))
	for more {
		kind, from, end, next, err := member(b, i)
		if err != nil {
			break
		}
		text := unquote(b[from:end])
		if kind == escaped {
			text = unescape(nil, text)
		}
		if n := string(text); !slices.Contains(names, n) {
			names = append(names, n)
		}
		if _, _, next, err = value(b, next, 1); err == nil {
			i, more, err = after(b, next, '}')
		}
		if err != nil {
			break
		}
	}
	return names
}
