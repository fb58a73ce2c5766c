// Package labels reads label files, which name the classes of a model.
//
// # Format
//
// Lines of UTF-8 text, as package text reads them: line i, counted from 0, is the
// label of class i. Labels may repeat, and are taken as they are, inner and outer
// spaces included. The last line may lack its line end, and one blank line may
// follow it. Any other line that is blank or only space is an error: nearly always
// it is damage, which would shift all labels after it.
package labels

import (
	"errors"
	"io"
	"os"
	"strings"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/text"
)

// maxLabel bounds one label, in bytes.
const maxLabel = 64 << 10

var (
	// ErrBlank reports a blank line that is not the last.
	ErrBlank = errors.New("the line is blank; a label is needed")
	// ErrEmpty reports a file without any label.
	ErrEmpty = errors.New("the file has no labels")
)

// Labels holds the label of class i at index i.
type Labels []string

// Read reads a label file. A line that is no label is a *formats.RowError; a file
// without labels is an ErrEmpty.
func Read(path string) (Labels, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	labels, err := parse(f, path)
	return labels, errors.Join(err, f.Close())
}

func parse(r io.Reader, name string) (Labels, error) {
	var labels Labels
	var blank error // of the line before
	lines := text.NewReader(r, name, maxLabel)
	for {
		var l text.Line
		switch err := lines.Read(&l); {
		case errors.Is(err, io.EOF):
			return labels, checkEmpty(labels, name, blank)
		case err != nil:
			return nil, err
		case blank != nil:
			return nil, blank
		case strings.TrimSpace(l.Text) == "":
			blank = &formats.RowError{File: name, Line: l.Number, Last: l.Number, Raw: l.Text, Err: ErrBlank}
		default:
			labels = append(labels, l.Text)
		}
	}
}

// checkEmpty accepts a blank last line only after a label.
func checkEmpty(labels Labels, name string, blank error) error {
	if len(labels) > 0 {
		return nil
	}
	if blank != nil {
		return blank
	}
	return &formats.RowError{File: name, Line: 1, Last: 1, Err: ErrEmpty}
}
