package classify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/shardmill/shardmill/jobs/internal/tabular"
	"github.com/shardmill/shardmill/mapreduce"
)

// shardBytes bounds the image files of one shard, in bytes.
const shardBytes = 256 << 20

// source reads manifests, folders and single files of images. What it finds of ids goes into seen.
func source(p Params, seen duplicateIDs) *mapreduce.Source[image] {
	src := &mapreduce.Source[image]{
		Shards: shards(p.rejectsDuplicates()),
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
	switch {
	case seen.ids != nil:
		src.Emit = func(r *image, out *mapreduce.Out) { seen.ids.Emit(out, 0, r.id, place{r.input, r.line, r.ordinal}) }
		src.Writes = []mapreduce.Port{seen.ids}
	case p.IDCol != "":
		ids := uniqueIDs(p.IDCol)
		src.Emit = func(r *image, out *mapreduce.Out) { ids.Emit(out, 0, r.id, place{Input: r.input, Line: r.line}) }
		src.Writes = []mapreduce.Port{ids}
	}
	return src
}

// extensions are the names of files that a folder is searched for.
func extensions() []string {
	return []string{".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff"}
}

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
		if in.IsStdin() {
			if err := listStdin(ctx, p, l); err != nil {
				return err
			}
			continue
		}
		taken := 0
		var packed error // of the first compressed archive passed over
		err := l.Walk(ctx, in, func(e mapreduce.Entry) error {
			if e.Found && !slices.Contains(kinds, strings.ToLower(filepath.Ext(e.Name))) {
				l.Pass()
				packed = cmp.Or(packed, checkUnpacked(e.Name))
				return nil
			}
			taken++
			if ok, err := listPacked(p, l, &meta, e); ok || err != nil {
				return err
			}
			if !e.Found && tabular.IsTable(e.Name) {
				return listManifest(p, l, &meta, e)
			}
			return l.Entry(e)
		})
		if err != nil {
			return err
		}
		if taken == 0 && packed != nil {
			return packed
		}
		if taken == 0 {
			return mapreduce.BadInput(fmt.Errorf("%s: no image in this folder: is it the right one, and mounted?", in.Name))
		}
	}
	return l.Meta(meta)
}

// readListed makes rows of files that were found in folders or named one by one.
func readListed(ctx context.Context, rg mapreduce.Range, rows *mapreduce.Rows[image]) error {
	return rows.Entries(rg, func(e mapreduce.Entry) error {
		if !filepath.IsAbs(e.Path) { // of a line on standard input
			return rows.Reject(mapreduce.Origin{Input: mapreduce.StdinName, Record: e.Name}, errors.New(e.Path))
		}
		if !utf8.ValidString(e.Name) {
			name := strings.ToValidUTF8(e.Name, "\uFFFD")
			return rows.Reject(mapreduce.Origin{Input: name, ID: name}, errors.New("the file's name is not UTF-8"))
		}
		im := image{input: e.Name, id: e.Name, path: e.Name, file: e.Path}
		im.stat()
		return errors.Join(pass(rows, im), ctx.Err())
	})
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
