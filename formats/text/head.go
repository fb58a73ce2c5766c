package text

import (
	"errors"
	"io"

	"github.com/shardmill/shardmill/formats"
)

// blankLines is how many lines HasLine looks at.
const blankLines = 1000

// HasLine tells whether r has a line that is not empty, good or bad. Behind 1,000 empty lines it takes one for granted.
// name stands in errors, which are those of Read but for bad lines.
func HasLine(r io.Reader, name string) (bool, error) {
	lines := NewReader(r, name, 0)
	for range blankLines {
		text, _, err := lines.ReadBytes()
		var bad *formats.RowError
		switch {
		case errors.Is(err, io.EOF):
			return false, nil
		case errors.As(err, &bad) || err == nil && len(text) > 0:
			return true, nil
		case err != nil:
			return false, err
		}
	}
	return true, nil
}
