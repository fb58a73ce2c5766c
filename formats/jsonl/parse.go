package jsonl

const (
	maxNames = 64  // members of an object whose names are remembered
	maxName  = 256 // bytes of such a name
)

// parser takes the values of some names from the object in a line.
type parser struct {
	columns []string
	values  []Value
	text    []byte // strings that are not in the line as they are
	key     []byte // a name that is not in the line as it is
	names   []name // that the members of the last object had, by their place in it
}

// name is the name of a member.
type name struct {
	text   []byte // all that is written before the value
	column int    // -1 if it is none
}

func newParser(columns []string) parser {
	return parser{columns: columns, values: make([]Value, len(columns))}
}

// parse sets values to those of the object in b, which is valid UTF-8.
func (p *parser) parse(b []byte) error {
	clear(p.values)
	p.text = p.text[:0]
	i := skipSpace(b, 0)
	isObject := at(b, i) == '{'
	var err error
	if isObject {
		i, err = p.object(b, i)
	} else {
		_, _, i, err = value(b, i, 0)
	}
	if err != nil {
		return err
	}
	if i = skipSpace(b, i); i < len(b) {
		return syntaxError(b, i)
	}
	if !isObject {
		return ErrNotObject
	}
	return nil
}

// object reads the outer object from its brace on, and returns the index after it.
func (p *parser) object(b []byte, i int) (int, error) {
	i, more := enter(b, i)
	for n := 0; more; n++ {
		c, next, err := p.name(b, i, n)
		if err != nil {
			return next, err
		}
		kind, from, end, err := value(b, next, 1)
		if err != nil {
			return end, err
		}
		if c >= 0 {
			p.values[c] = p.resolve(kind, b[from:end:end])
		}
		if i, more, err = after(b, end, '}'); err != nil {
			return i, err
		}
	}
	return i, nil
}

// name reads the name of member n at i, and returns its column and where its value is. Most objects have the same names
// at the same places, written in the same way, and then nothing has to be parsed.
func (p *parser) name(b []byte, i, n int) (column, next int, err error) {
	if n < len(p.names) {
		last := &p.names[n]
		if next = i + len(last.text); next <= len(b) && string(b[i:next]) == string(last.text) {
			return last.column, next, nil
		}
	}
	kind, from, end, next, err := member(b, i)
	if err != nil {
		return 0, next, err
	}
	column = p.column(kind, b[from:end])
	if n == len(p.names) && n < maxNames {
		p.names = append(p.names, name{})
	}
	if n < len(p.names) && next-i <= maxName {
		p.names[n] = name{append(p.names[n].text[:0], b[i:next]...), column}
	}
	return column, next, nil
}

// column returns the number of the column with the name that is written as text, or -1.
func (p *parser) column(kind Kind, text []byte) int {
	text = unquote(text)
	if kind == escaped {
		p.key = unescape(p.key[:0], text)
		text = p.key
	}
	for i, c := range p.columns {
		if string(text) == c {
			return i
		}
	}
	return -1
}

// resolve returns the value that is written as text.
func (p *parser) resolve(kind Kind, text []byte) Value {
	switch kind {
	case Null:
		return Value{Kind: Null}
	case String:
		return Value{Kind: String, Text: unquote(text)}
	case escaped:
		from := len(p.text)
		p.text = unescape(p.text, unquote(text))
		return Value{Kind: String, Text: p.text[from:len(p.text):len(p.text)]}
	default:
		return Value{Kind: kind, Text: text}
	}
}

func unquote(text []byte) []byte { return text[1 : len(text)-1 : len(text)-1] }
