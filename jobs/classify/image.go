package classify

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/shardmill/shardmill/formats/arrowfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/classify/internal/pixel"
	"github.com/shardmill/shardmill/mapreduce"
)

// text is a value that may be absent.
type text struct {
	value string
	ok    bool
}

// image is one input row: an image of a manifest, or a file found in a folder.
type image struct {
	input   string // manifest, or the file itself, as the user named it
	line    int64  // in the manifest, or 0
	id      string
	path    string // as given
	file    string // absolute
	label   text
	carried []text // by Meta.Carried
	bytes   int64  // of the file when it was listed, 0 if it was not there
	mtime   int64  // of the file, in Unix nanoseconds
	ordinal        // among all rows; 0 unless --duplicate-ids is reject

	// An image in an archive: then file and mtime are the archive's, and bytes the image's.
	offset  int64 // of its first byte, 0 where the image is a file
	archive int64 // bytes of the archive when it was listed

	inline []byte // the image's bytes, where it came with them: then there is no file

	data  []byte // after Fetch, until Prepare: the file
	crops []crop // after Prepare: one for each kind of crop that the models take
}

// crop is what a decoder makes of an image.
type crop struct {
	pixels []byte // height x width x channels
	status pixel.Status
}

// Meta is what 00-split leaves for later stages.
type Meta struct {
	Carried []string // names of carried columns as the manifests have them, in order of appearance

	Archives bool `json:",omitempty"` // some images lie in archives
	Inline   bool `json:",omitempty"` // some images came with their bytes
}

// Origin implements mapreduce.Originer.
func (im *image) Origin() mapreduce.Origin {
	record := map[string]any{"path": im.path, "bytes": im.bytes}
	if im.label.ok {
		record["label"] = im.label.value
	}
	b, err := json.Marshal(record)
	if err != nil {
		b = nil
	}
	return mapreduce.Origin{Input: im.input, Line: im.line, ID: im.id, Record: string(b)}
}

// shards says how images rest on disk between split and map.
// It keeps the place of each row among all only where that is asked for.
func shards(ordinals bool) mapreduce.Dataset[image] {
	return mapreduce.Dataset[image]{
		Ext: "arrow",
		Create: func(env *mapreduce.Env, w io.Writer) (mapreduce.Sink[image], error) {
			cols, err := imageColumns(env, ordinals)
			if err != nil {
				return nil, err
			}
			return arrowfile.Create(w, cols)
		},
		Open: func(env *mapreduce.Env, path string) (mapreduce.Reader[image], error) {
			cols, err := imageColumns(env, ordinals)
			if err != nil {
				return nil, err
			}
			return arrowfile.Open(path, cols)
		},
	}
}

func imageColumns(env *mapreduce.Env, ordinals bool) (table.Columns[image], error) {
	var meta Meta
	if err := env.Meta(&meta); err != nil {
		return nil, err
	}
	cols := table.Columns[image]{
		table.String("input", func(r *image) string { return r.input }, func(r *image, v string) { r.input = v }),
		table.Int64("line", func(r *image) int64 { return r.line }, func(r *image, v int64) { r.line = v }),
		table.String("id", func(r *image) string { return r.id }, func(r *image, v string) { r.id = v }),
		table.String("path", func(r *image) string { return r.path }, func(r *image, v string) { r.path = v }),
		table.String("file", func(r *image) string { return r.file }, func(r *image, v string) { r.file = v }),
		table.NullString("true_label", func(r *image) (string, bool) { return r.label.value, r.label.ok },
			func(r *image, v string, ok bool) { r.label = text{v, ok} }),
		table.Int64("bytes", func(r *image) int64 { return r.bytes }, func(r *image, v int64) { r.bytes = v }),
		table.Int64("mtime", func(r *image) int64 { return r.mtime }, func(r *image, v int64) { r.mtime = v }),
	}
	cols = append(cols, packedColumns(meta)...)
	if ordinals {
		cols = append(cols,
			table.Int64("task", func(r *image) int64 { return r.Task }, func(r *image, v int64) { r.Task = v }),
			table.Int64("row", func(r *image) int64 { return r.Row }, func(r *image, v int64) { r.Row = v }))
	}
	get := func(r *image) *[]text { return &r.carried }
	return append(cols, carriedColumns(get, "carried_", meta.Carried)...), nil
}

// packedColumns are those of images that are no files.
func packedColumns(meta Meta) (cols table.Columns[image]) {
	if meta.Archives {
		cols = append(cols,
			table.Int64("offset", func(r *image) int64 { return r.offset }, func(r *image, v int64) { r.offset = v }),
			table.Int64("archive", func(r *image) int64 { return r.archive }, func(r *image, v int64) { r.archive = v }))
	}
	if meta.Inline {
		cols = append(cols, table.Bytes("data", func(r *image) []byte { return r.inline }, func(r *image, v []byte) { r.inline = bytes.Clone(v) }))
	}
	return cols
}

// carriedColumns are the nullable columns of what a manifest carries, named with a prefix.
func carriedColumns[R any](of func(*R) *[]text, prefix string, names []string) table.Columns[R] {
	var cols table.Columns[R]
	for i, n := range names {
		cols = append(cols, table.NullString(prefix+n,
			func(r *R) (string, bool) {
				c := *of(r)
				if i >= len(c) {
					return "", false
				}
				return c[i].value, c[i].ok
			},
			func(r *R, v string, ok bool) {
				c := of(r)
				for len(*c) <= i {
					*c = append(*c, text{})
				}
				(*c)[i] = text{v, ok}
			}))
	}
	return cols
}
