package webdataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/shardmill/shardmill/formats"
)

// group is what is known of a sample while its members are read.
type group struct {
	key           string
	members       int64
	exact, dotted images
	class, object []byte // nil for none
	used          bool   // there is a class, an object, or a member that cannot be read
	err           error  // the first
}

// images are the image members of a sample.
type images struct {
	n     int64
	first Member
	last  Member
}

func (i *images) add(m Member) {
	if i.n++; i.n == 1 {
		i.first = m
	}
	i.last = m
}

func (g *group) fail(err error) {
	if g.err == nil {
		g.err = err
	}
}

// empty tells whether all members are to be ignored.
func (g *group) empty() bool { return g.exact.n == 0 && g.dotted.n == 0 && !g.used }

// finish makes the sample of the members.
func (g *group) finish(s *Sample) error {
	*s = Sample{Key: g.key, HasClass: g.class != nil}
	var err error
	if s.Image, err = g.image(); err != nil {
		g.fail(err)
	}
	if !utf8.Valid(g.class) {
		g.fail(fmt.Errorf("%s.cls: %w", g.key, formats.ErrNotUTF8))
	}
	s.Class = string(bytes.TrimSpace(g.class))
	if g.object != nil {
		if s.Attributes, err = parse(g.object); err != nil {
			g.fail(fmt.Errorf("%s.json: %w", g.key, err))
		}
	}
	if g.err != nil {
		return &SampleError{Key: clean(g.key), Err: g.err}
	}
	return nil
}

func (g *group) image() (Member, error) {
	found := g.exact
	if found.n == 0 {
		found = g.dotted
	}
	switch found.n {
	case 0:
		return Member{}, errors.New("the sample has no image")
	case 1:
		return found.first, nil
	}
	return Member{}, fmt.Errorf("the sample has %d images, %s and %s", found.n, found.first.Name, found.last.Name)
}

func clean(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// Attribute is one name of a json object. A name that comes twice is there twice; the last one counts.
type Attribute struct {
	Name   string
	Value  string // a string's text, or a number or truth value as it is written; "" for others
	Scalar bool   // it has a Value: it is neither null nor an object or array
	Nested bool   // it is an object or array
}

var errNotObject = errors.New("it is no JSON object")

// parse reads the names and values of an object.
func parse(data []byte) ([]Attribute, error) {
	if !utf8.Valid(data) {
		return nil, formats.ErrNotUTF8
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil {
		return nil, noJSON(err)
	} else if t != json.Delim('{') {
		return nil, errNotObject
	}
	var out []Attribute
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, noJSON(err)
		}
		a, err := value(d)
		if err != nil {
			return nil, noJSON(err)
		}
		a.Name = fmt.Sprint(name)
		out = append(out, a)
	}
	if _, err := d.Token(); err != nil {
		return nil, noJSON(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more behind its JSON object")
	}
	return out, nil
}

func value(d *json.Decoder) (a Attribute, err error) {
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return a, err
	}
	switch raw[0] {
	case '{', '[':
		a.Nested = true
	case 'n':
	case '"':
		a.Scalar, err = true, json.Unmarshal(raw, &a.Value)
	default:
		a.Scalar, a.Value = true, string(raw)
	}
	return a, err
}

func noJSON(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("not JSON: it is cut short")
	}
	return fmt.Errorf("not JSON: %w", err)
}
