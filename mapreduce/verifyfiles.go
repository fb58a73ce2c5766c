package mapreduce

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// checkOutputs compares the committed files of all tasks with their records. Shards and run files may be gone: they are
// removed when nobody needs them any more.
func (v *verifier) checkOutputs(ctx context.Context) error {
	f := Finding{Check: "files of tasks"}
	n, size := 0, int64(0)
	for i := range v.stages {
		for rec := range v.records(i) {
			for _, o := range rec.Outputs {
				if err := checkCanceled(ctx); err != nil {
					return err
				}
				err := v.dir.VerifyOutput(rec.Attempt, o)
				if errors.Is(err, fs.ErrNotExist) && !v.stays(i, o) {
					continue
				}
				n++
				size += o.Bytes
				if err != nil {
					f.Add(v.text(err))
					v.damaged[v.dir.OutputPath(rec.Attempt, o)] = true
				}
			}
		}
	}
	f.Looked = fmt.Sprintf("size and CRC-32C of %s, %d bytes", number(n, "file"), size)
	v.pass(f)
	return nil
}

// stays tells whether an output must be there.
func (v *verifier) stays(i int, o task.Output) bool {
	switch o.Kind {
	case task.RejectFile:
		return true
	case task.RunFile:
		return false
	case task.DataFile:
	}
	for _, d := range v.stages[i].datasets {
		if d.portName() == o.Dataset {
			return !d.side()
		}
	}
	return false
}

// checkResults compares out/ or held/ with what finish lays out there.
func (v *verifier) checkResults(ctx context.Context) error {
	folder := results(v.dir)
	if !v.known || folder == "" && !v.isThere(ResultsOut) {
		return nil
	}
	if folder == "" {
		folder = ResultsOut
	}
	f := Finding{Check: "results in " + folder + "/"}
	v.expect(&f)
	n, err := v.walkResults(ctx, folder, &f)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(v.files)) {
		f.Add(filepath.Join(folder, name) + ": missing")
	}
	f.Looked = number(n, "file") + " against the records: size, CRC-32C, rows"
	v.pass(f)
	return nil
}

func (v *verifier) isThere(name string) bool {
	_, err := os.Lstat(v.dir.Path(name))
	return err == nil
}

// expect lists the results that the records name.
func (v *verifier) expect(f *Finding) {
	for i := range v.stages {
		if v.plans[i] == nil {
			continue
		}
		for rec := range v.records(i) {
			for _, o := range rec.Outputs {
				if o.Kind != task.DataFile || !v.stays(i, o) {
					continue
				}
				from := v.dir.OutputPath(rec.Attempt, o)
				part, err := v.part(i, resultFile{rec.Attempt, o, from})
				if err != nil {
					f.Add(v.text(err))
					continue
				}
				v.files[filepath.FromSlash(part.To)] = resultRef{from, o}
			}
		}
	}
}

// walkResults compares each file of a folder and takes it out of those expected.
func (v *verifier) walkResults(ctx context.Context, folder string, f *Finding) (n int, err error) {
	root := v.dir.Path(folder)
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			f.Add(v.text(err))
			return nil
		}
		name, err := filepath.Rel(root, path)
		if err != nil || e.IsDir() {
			return err
		}
		want, ours := v.files[name]
		delete(v.files, name)
		switch {
		case ours:
			n++
			f.Add(v.compare(path, want)...)
		case name == "_SUCCESS":
			if info, err := e.Info(); err != nil || info.Size() != 0 {
				f.Add(v.rel(path) + ": it is not empty")
			}
		default:
			f.Add(v.rel(path) + ": not a file of the job: no record names it")
		}
		return checkCanceled(ctx)
	})
	return n, err
}

// compare compares a result with its record. One that is a link to the committed file has been read already.
func (v *verifier) compare(path string, want resultRef) []string {
	if sameFile(path, want.from) {
		if v.damaged[want.from] {
			return []string{fmt.Sprintf("%s: damaged: it is the same file as %s", v.rel(path), v.rel(want.from))}
		}
	} else if err := v.dir.VerifyFile(path, want.out); err != nil {
		return []string{v.text(err)}
	}
	count := v.opts.Count[want.out.Ext]
	if count == nil {
		return nil
	}
	switch rows, err := count(path); {
	case err != nil:
		return []string{v.rel(path) + ": its rows cannot be read"}
	case rows != want.out.Rows:
		return []string{fmt.Sprintf("%s: %d rows, and its record says %d", v.rel(path), rows, want.out.Rows)}
	}
	return nil
}

func sameFile(a, b string) bool {
	x, err := os.Lstat(a)
	y, err2 := os.Lstat(b)
	return err == nil && err2 == nil && os.SameFile(x, y)
}

// checkRejects makes the files of rejects/ again from those of the tasks, and compares the bytes.
func (v *verifier) checkRejects(ctx context.Context) error {
	if results(v.dir) == "" && !v.isThere(ResultsOut) || v.opts.RejectParts.Create == nil {
		return nil
	}
	f := Finding{Check: "rejects"}
	want := map[string]bool{}
	for _, part := range v.rejectParts() {
		if err := checkCanceled(ctx); err != nil {
			return err
		}
		want[part.Name] = true
		path := v.dir.Path("rejects", part.Name)
		if same, err := sameBytes(path, part.Write); err != nil {
			f.Add(v.text(err))
		} else if !same {
			f.Add(v.rel(path) + ": it is not what the rejects of the tasks give")
		}
	}
	entries, err := os.ReadDir(v.dir.Path("rejects"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.Add(v.text(err))
	}
	for _, e := range entries {
		if !want[e.Name()] {
			f.Add(filepath.Join("rejects", e.Name()) + ": not a file of the job")
		}
	}
	f.Looked = fmt.Sprintf("%s of %s, made again", number(len(want), "file"), number(int(v.rejects()), "reject"))
	v.pass(f)
	return nil
}

// sameBytes tells whether a file has the bytes that write writes.
func sameBytes(path string, write func(io.Writer) error) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	is, want := sha256.New(), sha256.New()
	_, err = io.Copy(is, file)
	_ = file.Close() // only read
	if err = errors.Join(err, write(want)); err != nil {
		return false, err
	}
	return string(is.Sum(nil)) == string(want.Sum(nil)), nil
}
