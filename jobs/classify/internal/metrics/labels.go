package metrics

import "strconv"

// Labels finds the label that a text names.
type Labels struct {
	ids     map[string]int // lowest id of each name
	first   []int          // lowest id with the name of this one
	numbers bool           // no name is an integer, so that an integer is a label id
}

// NewLabels makes Labels of the names of a model, the name of id i at index i.
func NewLabels(names []string) *Labels {
	l := &Labels{ids: make(map[string]int, len(names)), first: make([]int, len(names)), numbers: true}
	for id, name := range names {
		if _, ok := l.ids[name]; !ok {
			l.ids[name] = id
		}
		l.first[id] = l.ids[name]
		if _, ok := integer(name); ok {
			l.numbers = false
		}
	}
	return l
}

// integer reads an integer in the one way in which it is usually written: no plus, no leading zero, no space.
func integer(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && strconv.Itoa(n) == s
}

// Truth is the label that a text names.
type Truth struct {
	ID   int  // label id: of labels of one name the lowest
	name bool // it is not a label id that the text is
}

// Truth finds the label with a text as its name, exactly, or, where no name is an integer, as its label id. It is not ok where
// there is none.
func (l *Labels) Truth(text string) (t Truth, ok bool) {
	if id, ok := l.ids[text]; ok {
		return Truth{id, true}, true
	}
	id, ok := integer(text)
	return Truth{ID: id}, ok && l.numbers && id >= 0 && id < len(l.first)
}

// Predicted is the label id that a predicted label counts as beside a truth: labels of one name are one label, that of the
// lowest id, where the truth is a name. The prediction is right if it is the truth's ID.
func (l *Labels) Predicted(t Truth, id int) int {
	if t.name {
		return l.first[id]
	}
	return id
}
