package mapreduce

import (
	"context"
	"fmt"
	"io/fs"
	"os"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// checkedFile is a file that was what it had been when the job started.
type checkedFile struct {
	File
	info fs.FileInfo // of when it was compared
}

// checkFiles compares the files that a stage reads besides its input, such as a model, with what they were when the
// job started: a worker that starts later opens them by name. Mappers keep what they have opened; reducers open files for each task, and
// so they are compared again, but not read while nothing has touched them.
func (c *child) checkFiles(ctx context.Context, s *Stage, kind task.Kind) error {
	files, known := c.checked[s.folder]
	switch {
	case known && kind != task.Reduce:
		return nil
	case !known:
		list, err := s.files()
		if err != nil {
			return BadInput(err)
		}
		for _, f := range list {
			files = append(files, checkedFile{File: f})
		}
	}
	for i := range files {
		if err := c.checkFile(ctx, &files[i]); err != nil {
			return err
		}
	}
	c.checked[s.folder] = files
	return nil
}

func (c *child) checkFile(ctx context.Context, f *checkedFile) error {
	info, err := os.Stat(f.Path)
	if err == nil && f.info != nil && (f.Content != nil || untouched(f.info, info)) {
		return nil
	}
	sum, err := f.digest(ctx)
	if err != nil {
		return BadInput(fmt.Errorf("%s: %w", f.Role, err))
	}
	if c.dir.Job().Identity[contentOf(f.File)] != sum {
		return BadInput(fmt.Errorf("the %s %s changed since this job started: put the old file back, or give another --out", f.Role, f.Path))
	}
	f.info = info
	return nil
}

// untouched tells whether nothing has touched a file.
func untouched(old, now fs.FileInfo) bool {
	return os.SameFile(old, now) && old.Size() == now.Size() && old.ModTime().Equal(now.ModTime())
}
