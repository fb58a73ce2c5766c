package mapreduce

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/plan"
)

// Range is a piece of input that one task reads: a file or a part of it, or entries of the listing.
type Range = plan.Range

// entriesPerSplit is the number of listing entries that one split task reads: at a stat of some
// 3 us each, a task of 20,000 is short, and a listing of a hundred million makes 5,000 tasks.
const entriesPerSplit = 20000

// Lister collects the ranges of a job's inputs while the driver plans it.
//
// Folders and glob patterns are listed once, into the file "listing" of the first stage: one
// line an entry, its name and its absolute path, each in Go's quoted form, separated by a tab.
type Lister struct {
	inputs  []InputFile
	own     string // the job directory, absolute
	scans   bool   // for scan tasks
	target  int64  // bytes of a range that is scanned
	ranges  []Range
	meta    json.RawMessage
	w       *bufio.Writer
	sum     hash.Hash
	entries int64
	open    int64 // first entry of the range being collected
	openAt  int64 // where it begins in the file
	bytes   int64 // of the file so far
	passed  int64

	stdin    io.Reader // Config.Stdin
	stdinSum string
}

func newLister(inputs []InputFile, own string, w io.Writer) *Lister {
	sum := sha256.New()
	return &Lister{inputs: inputs, own: own, w: bufio.NewWriter(io.MultiWriter(w, sum)), sum: sum}
}

// Inputs are the job's inputs in the order given.
func (l *Lister) Inputs() []InputFile { return l.inputs }

// File adds a file that is read as a whole by one task, or scanned as a whole.
func (l *Lister) File(name, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return BadInput(err)
	}
	l.cut()
	rg := Range{Name: name, Path: path, Bytes: info.Size()}
	if l.scans {
		rg.Size = rg.Bytes
	}
	l.ranges = append(l.ranges, rg)
	return nil
}

// Parts adds a file that is scanned in ranges of about the source's Target.Bytes, bytes [Lo, Hi) of it each. The source
// has Scan.
func (l *Lister) Parts(name, path string) error {
	if !l.scans {
		return errors.New("parts of files have to be scanned, and the source has no Scan")
	}
	info, err := os.Stat(path)
	if err != nil {
		return BadInput(err)
	}
	l.ranges = append(l.ranges, plan.Cut(Range{Name: name, Path: path}, info.Size(), l.target)...)
	return nil
}

// Entry adds a line to the listing. Entries are read in runs by split tasks, and cannot be scanned.
func (l *Lister) Entry(e Entry) error {
	if l.scans {
		return errors.New("entries cannot be scanned: a source with Scan lists files")
	}
	if l.entries-l.open == entriesPerSplit {
		l.cut()
	}
	l.entries++
	n, err := l.w.WriteString(strconv.Quote(e.Name) + "\t" + strconv.Quote(e.Path) + "\n")
	l.bytes += int64(n)
	return err
}

// Meta leaves a value for later stages, which read it by Env.Meta.
func (l *Lister) Meta(v any) (err error) {
	l.meta, err = metaOf(v)
	return err
}

// Pass counts a file that was seen and not taken.
func (l *Lister) Pass() { l.passed++ }

// cut ends the run of entries being collected.
func (l *Lister) cut() {
	if l.entries > l.open {
		l.ranges = append(l.ranges, Range{Lo: l.open, Hi: l.entries, Offset: l.openAt})
	}
	l.open, l.openAt = l.entries, l.bytes
}

// finish ends the listing and describes it.
func (l *Lister) finish() (*plan.Listing, error) {
	l.cut()
	if err := l.w.Flush(); err != nil {
		return nil, fmt.Errorf("listing: %w", err)
	}
	return &plan.Listing{
		Entries: l.entries, Passed: l.passed, SHA256: hex.EncodeToString(l.sum.Sum(nil)), Stdin: l.stdinSum,
	}, nil
}

// Walk visits the files of an input: a file itself, the files that a glob pattern matches, or all files below a
// folder, which must not be a job directory: logs and work space are no input. The order is that of the bytes of their names,
// whatever the file system says.
func (l *Lister) Walk(ctx context.Context, in InputFile, visit func(e Entry) error) error {
	info, err := os.Stat(in.Path)
	if err == nil && info.IsDir() {
		if jobdir.Is(fsx.OS{}, in.Path) {
			return BadInput(fmt.Errorf("%s is a job directory: name what is to be read of it, such as %s",
				in.Name, filepath.Join(in.Name, ResultsOut, "DATASET")))
		}
		return l.walkDir(ctx, Entry{Name: in.Name, Path: in.Path}, visit)
	}
	if err == nil {
		return visit(Entry{Name: in.Name, Path: in.Path})
	}
	if !strings.ContainsAny(in.Name, "*?[") || !errors.Is(err, fs.ErrNotExist) {
		return BadInput(err)
	}
	return l.glob(ctx, in, visit)
}

func (l *Lister) glob(ctx context.Context, in InputFile, visit func(e Entry) error) error {
	// The pattern is what the user wrote: special characters in the folders above are none.
	at := strings.LastIndexByte(in.Name[:strings.IndexAny(in.Name, "*?[")], '/') + 1
	pattern := filepath.Clean(in.Name[at:])
	folder := strings.TrimSuffix(in.Path, pattern)
	paths, err := filepath.Glob(escapePattern(folder) + pattern)
	if err != nil {
		return BadInput(fmt.Errorf("%s: %w", in.Name, err))
	}
	if len(paths) == 0 {
		return BadInput(fmt.Errorf("%s: no file matches", in.Name))
	}
	sortPaths(paths)
	for _, p := range paths {
		if jobdir.Is(fsx.OS{}, p) {
			l.Pass()
			continue
		}
		match := InputFile{Name: in.Name[:at] + strings.TrimPrefix(p, folder), Path: p}
		if err := l.Walk(ctx, match, visit); err != nil {
			return err
		}
	}
	return nil
}

// escapePattern makes a pattern that matches a path only.
func escapePattern(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// sortPaths puts paths in the byte order of the files that they stand for: a folder as if its name ended in a slash.
func sortPaths(paths []string) {
	keys := make(map[string]string, len(paths))
	for _, p := range paths {
		keys[p] = p
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			keys[p] = p + "/"
		}
	}
	sort.Slice(paths, func(i, j int) bool { return keys[paths[i]] < keys[paths[j]] })
}

// walkDir visits the files below a folder so that full names come in byte order: for this a
// folder's name compares as if it ended in a slash. Symbolic links to files are followed; those to folders, and what
// is no file, are passed over and counted. So are job directories: what an earlier job has left is input only if it is
// named.
func (l *Lister) walkDir(ctx context.Context, dir Entry, visit func(e Entry) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	list, err := os.ReadDir(dir.Path)
	if err != nil {
		return BadInput(err)
	}
	sort.Slice(list, func(i, j int) bool { return sortName(list[i]) < sortName(list[j]) })
	for _, d := range list {
		e := Entry{Name: filepath.Join(dir.Name, d.Name()), Path: filepath.Join(dir.Path, d.Name()), Found: true}
		switch {
		case e.Path == l.own:
		case d.IsDir() && jobdir.Is(fsx.OS{}, e.Path):
			l.Pass()
		case d.IsDir():
			err = l.walkDir(ctx, e, visit)
		case d.Type().IsRegular() || linksToFile(d, e.Path):
			err = visit(e)
		default:
			l.Pass()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func sortName(d fs.DirEntry) string {
	if d.IsDir() {
		return d.Name() + "/"
	}
	return d.Name()
}

func linksToFile(d fs.DirEntry, path string) bool {
	if d.Type()&fs.ModeSymlink == 0 {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// readListing passes the entries of a range of the listing.
func readListing(path string, rg Range, yield func(Entry) error) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("listing: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	if _, err := f.Seek(rg.Offset, io.SeekStart); err != nil {
		return fmt.Errorf("listing: %w", err)
	}
	r := bufio.NewReaderSize(f, listingLine)
	for n := rg.Lo; n < rg.Hi; n++ {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("listing: entry %d: %w", n, err)
		}
		e, err := parseEntry(string(line))
		if err != nil {
			return fmt.Errorf("listing: entry %d: %w", n, err)
		}
		if err := yield(e); err != nil {
			return err
		}
	}
	return nil
}

// listingLine is longer than any line: two paths of 4 KiB, of which each byte may take four.
const listingLine = 1 << 16

func parseEntry(line string) (Entry, error) {
	name, path, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
	n, err := strconv.Unquote(name)
	p, err2 := strconv.Unquote(path)
	return Entry{Name: n, Path: p}, errors.Join(err, err2)
}
