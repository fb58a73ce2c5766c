package classify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/shardmill/shardmill/formats"
	lines "github.com/shardmill/shardmill/formats/text"
	"github.com/shardmill/shardmill/mapreduce"
)

// maxPath bounds a path on standard input, in bytes: Linux opens no longer one.
const maxPath = 4096

// errNoList reports standard input without a line.
var errNoList = errors.New("standard input is empty: give the paths of images there, one a line, as find prints them")

// listStdin lists the images that standard input names, one path a line. Relative paths are under --root, or else in
// the current folder. A line that cannot be a path is an entry whose own path says why, and is no absolute one.
func listStdin(ctx context.Context, p Params, l *mapreduce.Lister) error {
	root, err := filepath.Abs(p.Root)
	if err != nil {
		return err
	}
	return l.Stdin(ctx, func(r io.Reader) error {
		in, n := lines.NewReader(r, mapreduce.StdinName, maxPath), 0
		for {
			e, err := stdinEntry(in, root)
			switch {
			case errors.Is(err, io.EOF) && n == 0:
				return mapreduce.BadInput(errNoList)
			case errors.Is(err, io.EOF):
				return nil
			case errors.Is(err, formats.ErrUTF16):
				return mapreduce.BadInput(err)
			case err != nil:
				return fmt.Errorf("standard input: %w", err)
			}
			if n++; e.Name != "" {
				if err := l.Entry(e); err != nil {
					return err
				}
			}
		}
	})
}

// stdinEntry reads a line. One without text gives no name.
func stdinEntry(in *lines.Reader, root string) (mapreduce.Entry, error) {
	line, _, err := in.ReadBytes()
	if bad := (*formats.RowError)(nil); errors.As(err, &bad) {
		return mapreduce.Entry{Name: bad.Raw, Path: fmt.Sprintf("line %d of standard input: %v", bad.Line, bad.Err)}, nil
	}
	if err != nil || len(line) == 0 {
		return mapreduce.Entry{}, err
	}
	name := string(line)
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(root, path)
	}
	return mapreduce.Entry{Name: name, Path: path}, nil
}
