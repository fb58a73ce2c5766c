package formats

import (
	"errors"
	"fmt"
	"testing"
)

func TestErrorText(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&RowError{File: "a.csv", Line: 3, Last: 3, Err: ErrNUL}, `a.csv:3: text has a NUL character`},
		{&RowError{File: "a.csv", Line: 3, Last: 9, Err: ErrTooLong}, `a.csv:3-9: longer than the limit`},
		{&RowError{File: "a.csv", Line: 3, Last: 3, Column: "path", Err: ErrNotUTF8}, `a.csv:3: column "path": not valid UTF-8`},
		{&VersionError{File: "x.arrow", Format: "arrow", Got: 2, Want: 1}, `x.arrow: arrow format version 2, this program reads version 1`},
		{&RowsError{File: "x.parquet", Footer: 7, Read: 5}, `x.parquet: the footer states 7 rows, the data holds 5`},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestErrorsUnwrap(t *testing.T) {
	err := fmt.Errorf("split: %w", &RowError{File: "a", Line: 1, Err: ErrNUL})
	var row *RowError
	if !errors.As(err, &row) || !errors.Is(err, ErrNUL) || errors.Is(err, ErrTooLong) {
		t.Errorf("RowError does not unwrap to its cause alone: %v", err)
	}
	if !errors.Is(&RowsError{}, ErrDamaged) || errors.Is(&RowsError{}, ErrForeign) {
		t.Error("RowsError must count as damage, and only as that")
	}
}
