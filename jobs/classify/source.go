package classify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/shardmill/shardmill/formats/manifest"
	"github.com/shardmill/shardmill/mapreduce"
)

// shardBytes bounds the image files of one shard, in bytes.
const shardBytes = 256 << 20

// place is where a row with an id stands, for the message about an id that stands twice.
type place struct {
	Input string
	Line  int64
}

func (p place) String() string {
	if p.Line == 0 {
		return p.Input
	}
	return fmt.Sprintf("%s line %d", p.Input, p.Line)
}

// source reads manifests, folders and single files of images.
func source(p Params) *mapreduce.Source[image] {
	src := &mapreduce.Source[image]{
		Shards: shards(),
		Target: mapreduce.Target{Rows: p.ShardRows, Bytes: shardBytes},
		Size:   func(r *image) int64 { return r.bytes },
		List:   func(ctx context.Context, l *mapreduce.Lister) error { return list(ctx, p, l) },
		Read: func(ctx context.Context, env *mapreduce.Env, rg mapreduce.Range, rows *mapreduce.Rows[image]) error {
			if rg.Path == "" {
				return readListed(ctx, rg, rows)
			}
			if ok, err := readPacked(ctx, p, env, rg, rows); ok || err != nil {
				return err
			}
			return readManifest(ctx, p, env, rg, rows)
		},
	}
	if p.IDCol != "" {
		ids := uniqueIDs(p.IDCol)
		src.Emit = func(r *image, out *mapreduce.Out) { ids.Emit(out, 0, r.id, place{r.input, r.line}) }
		src.Writes = []mapreduce.Port{ids}
	}
	return src
}

// uniqueIDs is a stream whose reduce stops the job when an id stands twice.
func uniqueIDs(column string) *mapreduce.Stream[string, place] {
	return &mapreduce.Stream[string, place]{
		Name: "ids", Key: mapreduce.String{}, Value: mapreduce.JSON[place]{},
		Reduce: func(context.Context, *mapreduce.Env) (mapreduce.Reducer[string, place], error) {
			return unique{column}, nil
		},
	}
}

type unique struct{ column string }

// Reduce implements mapreduce.Reducer.
func (u unique) Reduce(_ context.Context, id string, places iter.Seq2[string, place], _ *mapreduce.Out) error {
	var first place
	n := 0
	for _, at := range places {
		if n++; n == 1 {
			first = at
			continue
		}
		return mapreduce.BadInput(fmt.Errorf(
			"id %q of column %q stands twice: in %s and in %s; mend that and start again with another --out, or leave --id-col out and the path is the id",
			id, u.column, first, at))
	}
	return nil
}

// Close implements mapreduce.Reducer.
func (unique) Close() error { return nil }

// extensions are the names of files that a folder is searched for.
func extensions() []string {
	return []string{".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff"}
}

func isManifest(name string) bool { return strings.EqualFold(filepath.Ext(name), ".csv") }

// list plans the inputs: a manifest is read by a task of its own, images are listed.
func list(ctx context.Context, p Params, l *mapreduce.Lister) error {
	if p.Root != "" {
		if info, err := os.Stat(p.Root); err != nil {
			return mapreduce.BadInput(fmt.Errorf("--root: %w", err))
		} else if !info.IsDir() {
			return mapreduce.BadInput(fmt.Errorf("--root: %s is not a folder", p.Root))
		}
	}
	meta := Meta{}
	kinds := append(extensions(), ".tar")
	for _, in := range l.Inputs() {
		taken := 0
		err := l.Walk(ctx, in, func(e mapreduce.Entry) error {
			if e.Found && !slices.Contains(kinds, strings.ToLower(filepath.Ext(e.Name))) {
				l.Pass()
				return nil
			}
			taken++
			if ok, err := listPacked(p, l, &meta, e); ok || err != nil {
				return err
			}
			if !e.Found && isManifest(e.Name) {
				return listManifest(p, l, &meta, e)
			}
			return l.Entry(e)
		})
		if err != nil {
			return err
		}
		if taken == 0 {
			return mapreduce.BadInput(fmt.Errorf("%s: no image in this folder: is it the right one, and mounted?", in.Name))
		}
	}
	return l.Meta(meta)
}

// listManifest looks at the header of a manifest only.
func listManifest(p Params, l *mapreduce.Lister, meta *Meta, e mapreduce.Entry) error {
	f, err := os.Open(e.Path)
	if err != nil {
		return mapreduce.BadInput(err)
	}
	r, err := manifest.NewReader(f, e.Name, p.manifest())
	if err = errors.Join(err, f.Close()); err != nil {
		return mapreduce.BadInput(err)
	}
	for _, name := range r.Carried() {
		if !slices.Contains(meta.Carried, name) {
			meta.Carried = append(meta.Carried, name)
		}
	}
	return l.File(e.Name, e.Path)
}

func (p Params) manifest() manifest.Options {
	return manifest.Options{PathCol: p.PathCol, IDCol: p.IDCol, LabelCol: p.LabelCol}
}

// readListed makes rows of files that were found in folders or named one by one.
func readListed(ctx context.Context, rg mapreduce.Range, rows *mapreduce.Rows[image]) error {
	return rows.Entries(rg, func(e mapreduce.Entry) error {
		if !utf8.ValidString(e.Name) {
			name := strings.ToValidUTF8(e.Name, "\uFFFD")
			return rows.Reject(mapreduce.Origin{Input: name, ID: name}, errors.New("the file's name is not UTF-8"))
		}
		im := image{input: e.Name, id: e.Name, path: e.Name, file: e.Path}
		im.stat()
		return errors.Join(rows.Row(im), ctx.Err())
	})
}

// readManifest makes rows of the records of a manifest.
func readManifest(ctx context.Context, p Params, env *mapreduce.Env, rg mapreduce.Range, rows *mapreduce.Rows[image]) (err error) {
	var meta Meta
	if err := env.Meta(&meta); err != nil {
		return err
	}
	f, err := rows.Open(rg.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r, err := manifest.NewReader(f, rg.Name, p.manifest())
	if err != nil {
		return mapreduce.BadInput(err)
	}
	m := manifestRows{p: p, rg: rg, root: p.root(rg.Path), columns: columnsOf(r.Carried(), meta.Carried)}
	for ctx.Err() == nil {
		var row manifest.Row
		err := r.Read(&row)
		var bad *manifest.RowError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			err = rows.Reject(mapreduce.Origin{Input: rg.Name, Line: bad.Line, Record: bad.Raw}, bad.Err)
		case err == nil && p.IDCol != "" && row.ID == "":
			im := m.image(&row)
			err = rows.Reject(im.Origin(), fmt.Errorf("no id in column %q", p.IDCol))
		case err == nil:
			err = rows.Row(m.image(&row))
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// root is the folder of a manifest's relative paths.
func (p Params) root(manifest string) string {
	if p.Root != "" {
		return p.Root
	}
	return filepath.Dir(manifest)
}

// columnsOf gives for each column that a manifest carries its place among those of all manifests.
func columnsOf(carried, all []string) []int {
	at := make([]int, len(carried))
	for i, name := range carried {
		at[i] = slices.Index(all, name)
	}
	return at
}

type manifestRows struct {
	p       Params
	rg      mapreduce.Range
	root    string
	columns []int
}

func (m *manifestRows) image(row *manifest.Row) image {
	im := image{input: m.rg.Name, line: row.Line, id: row.ID, path: row.Path, file: row.Path}
	if m.p.IDCol == "" {
		im.id = row.Path
	}
	if m.p.LabelCol != "" {
		im.label = text{row.Label, true}
	}
	for i, at := range m.columns {
		for len(im.carried) <= at {
			im.carried = append(im.carried, text{})
		}
		im.carried[at] = text{row.Carried[i], true}
	}
	if !filepath.IsAbs(im.file) {
		im.file = filepath.Join(m.root, im.file)
	}
	im.stat()
	return im
}

// stat notes the file's size, by which shards are cut. A file that is not there has none; it
// becomes a reject when it is read.
func (im *image) stat() {
	if info, err := os.Stat(im.file); err == nil && info.Mode().IsRegular() {
		im.bytes, im.mtime = info.Size(), info.ModTime().UnixNano()
	}
}

// Changed implements mapreduce.Changer: a photo is another one when its size or time differs from what the split
// saw. One that was not there then may come later.
func (im *image) Changed() (name string, changed bool) {
	if im.mtime == 0 {
		return im.path, false
	}
	info, err := os.Stat(im.file)
	if im.offset > 0 {
		return im.input, err != nil || !im.sameArchive(info)
	}
	return im.path, err != nil || info.Size() != im.bytes || info.ModTime().UnixNano() != im.mtime
}
