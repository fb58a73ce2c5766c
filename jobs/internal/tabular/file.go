package tabular

import (
	"errors"
	"io"
	"os"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/mapreduce"
)

// LineError says on which line of a file, or in which row of a Parquet file, a row is bad. Lines count from 1.
type LineError struct {
	Line int64
	Err  error
}

// Error implements error.
func (e *LineError) Error() string { return e.Err.Error() }

// Unwrap implements errors.
func (e *LineError) Unwrap() error { return e.Err }

// EachRow passes the rows of a file that is no input of the job, such as a list that all workers need, with the cells of the
// columns; a file that has not got one has no cells of it, and in Parquet it must be there. It ends with the first bad row, which is a *LineError, as is
// an error of each. Errors that the file is to blame for are of class Input.
func EachRow(path, name string, columns []string, each func(*Record) error) (err error) {
	f, err := formatOf(name)
	if err != nil {
		return mapreduce.BadInput(err)
	}
	in, err := f.open(ownFiles{}, mapreduce.Range{Name: name, Path: path}, columns, len(columns))
	if err != nil {
		return asInput(err)
	}
	defer func() { err = errors.Join(err, in.close()) }()
	var rec Record
	for {
		err := in.read(&rec)
		var bad *formats.RowError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			return mapreduce.BadInput(&LineError{bad.Line, reason(bad)})
		case err != nil:
			return asInput(err)
		}
		if err := each(&rec); err != nil {
			return mapreduce.BadInput(&LineError{rec.Line, err})
		}
	}
}

// ownFiles opens files without a digest.
type ownFiles struct{}

func (ownFiles) Open(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, mapreduce.BadInput(err)
	}
	return f, nil
}

func (o ownFiles) OpenRange(rg mapreduce.Range) (io.ReadCloser, error) { return o.Open(rg.Path) }
