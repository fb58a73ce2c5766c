package classify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shardmill/shardmill/formats/webdataset"
	"github.com/shardmill/shardmill/mapreduce"
)

// jsonLabel is the attribute that is the label where neither --label-col nor a .cls says otherwise.
const jsonLabel = "label"

// headSamples is how many samples of an archive are looked at for the names of attributes.
const headSamples = 100

func isTar(name string) bool { return strings.EqualFold(filepath.Ext(name), ".tar") }

// packings are the ways in which archives are compressed: the ends of their names, how their bytes begin, and what undoes it.
func packings() []packing {
	return []packing{
		{[]string{".tar.gz", ".tgz"}, "\x1f\x8b", "gunzip -k"},
		{[]string{".tar.zst", ".tzst"}, "\x28\xb5\x2f\xfd", "unzstd"},
		{[]string{".tar.bz2", ".tbz2"}, "BZh", "bunzip2 -k"},
		{[]string{".tar.xz", ".txz"}, "\xfd7zXZ\x00", "unxz -k"},
	}
}

type packing struct {
	ends  []string
	magic string
	tool  string
}

func (p packing) refuse(name string) error {
	return mapreduce.BadInput(fmt.Errorf("%s: a compressed archive, in which no image can be read where it lies: decompress it first, with %s", name, p.tool))
}

// checkUnpacked refuses compressed archives, in which no image can be read by itself.
func checkUnpacked(name string) error {
	low := strings.ToLower(name)
	for _, p := range packings() {
		if slices.ContainsFunc(p.ends, func(end string) bool { return strings.HasSuffix(low, end) }) {
			return p.refuse(name)
		}
	}
	return nil
}

// checkTar refuses a file that is called .tar and is compressed all the same.
func checkTar(name string, f io.ReaderAt) error {
	head := make([]byte, 8)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return mapreduce.BadInput(fmt.Errorf("%s: %w", name, err))
	}
	for _, p := range packings() {
		if strings.HasPrefix(string(head[:n]), p.magic) {
			return p.refuse(name)
		}
	}
	return nil
}

// listTar looks at the first samples of an archive, for the names of their attributes.
func listTar(p Params, l *mapreduce.Lister, meta *Meta, e mapreduce.Entry) error {
	f, size, _, err := openStat(e.Path)
	if err != nil {
		return err
	}
	if err := checkTar(e.Name, f); err != nil {
		return errors.Join(err, f.Close())
	}
	names, err := p.attributes(webdataset.NewReader(f, size))
	if err = errors.Join(err, f.Close()); err != nil {
		return mapreduce.BadInput(fmt.Errorf("%s: %w", e.Name, err))
	}
	meta.Archives = true
	meta.carry(names)
	return l.File(e.Name, e.Path)
}

// attributes are the names that the first json of an archive has. Damage is left for the split, unless there is nothing else.
func (p Params) attributes(r *webdataset.Reader) (names []string, err error) {
	for range headSamples {
		var s webdataset.Sample
		var bad *webdataset.SampleError
		var damage *webdataset.DamageError
		err := r.Read(&s)
		switch {
		case errors.As(err, &damage) && damage.Offset > 0, errors.Is(err, io.EOF):
			return nil, nil
		case errors.As(err, &bad):
			continue
		case err != nil:
			return nil, err
		}
		for _, a := range s.Attributes {
			if !a.Nested && a.Name != p.jsonLabel() && a.Name != p.IDCol && !slices.Contains(names, a.Name) {
				names = append(names, a.Name)
			}
		}
		if s.Attributes != nil {
			return names, nil
		}
	}
	return names, nil
}

func (p Params) jsonLabel() string {
	if p.LabelCol != "" {
		return p.LabelCol
	}
	return jsonLabel
}

// openStat opens a file of the input.
func openStat(path string) (f *os.File, size, mtime int64, err error) {
	f, err = os.Open(path)
	if err != nil {
		return nil, 0, 0, mapreduce.BadInput(err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), info.ModTime().UnixNano(), nil
}

// tarRows makes rows of the samples of an archive. Their bytes stay where they are.
type tarRows struct {
	p       Params
	rg      mapreduce.Range
	carried []string
	path    string
	size    int64
	mtime   int64
}

func readTar(ctx context.Context, p Params, env *mapreduce.Env, rg mapreduce.Range, rows *mapreduce.Rows[image]) (err error) {
	var meta Meta
	if err := env.Meta(&meta); err != nil {
		return err
	}
	f, size, mtime, err := openStat(rg.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	t := tarRows{p: p, rg: rg, carried: meta.Carried, path: rg.Path, size: size, mtime: mtime}
	return t.read(ctx, webdataset.NewReader(beating{f, rows.Beat}, size), rows)
}

// beating shows that reading goes on: there may be many members for each row.
type beating struct {
	io.ReadSeeker
	beat func()
}

func (b beating) Read(p []byte) (int, error) {
	b.beat()
	return b.ReadSeeker.Read(p)
}

func (t *tarRows) read(ctx context.Context, r *webdataset.Reader, rows *mapreduce.Rows[image]) error {
	found := false
	for ctx.Err() == nil {
		var s webdataset.Sample
		var bad *webdataset.SampleError
		var damage *webdataset.DamageError
		err := r.Read(&s)
		switch {
		case errors.Is(err, io.EOF):
			return t.end(r, found, rows)
		case errors.As(err, &bad):
			err = rows.Reject(t.origin(bad.Key, 0), bad)
		case errors.As(err, &damage):
			return t.damaged(damage, rows)
		case err == nil:
			err = t.row(&s, rows)
		}
		if err != nil {
			return err
		}
		found = true
	}
	return ctx.Err()
}

// end rejects an archive in which nothing was found: it is not what the user takes it for.
func (t *tarRows) end(r *webdataset.Reader, found bool, rows *mapreduce.Rows[image]) error {
	if n := r.Ignored(); !found && n > 0 {
		return rows.Reject(t.origin("", 0), fmt.Errorf("none of the archive's %d samples has an image", n))
	}
	return nil
}

// damaged rejects the rest of an archive, as one row. What cannot be read because of the storage ends the attempt.
func (t *tarRows) damaged(d *webdataset.DamageError, rows *mapreduce.Rows[image]) error {
	var file *fs.PathError
	if errors.As(d, &file) {
		return d
	}
	return rows.Reject(t.origin(d.Key, d.Offset), d)
}

// origin is of what has no row.
func (t *tarRows) origin(key string, offset int64) mapreduce.Origin {
	record := map[string]any{"path": t.rg.Name + "#" + key}
	if offset > 0 {
		record["offset"] = offset
	}
	b, err := json.Marshal(record)
	if err != nil {
		b = nil
	}
	return mapreduce.Origin{Input: t.rg.Name, ID: key, Record: string(b)}
}

func (t *tarRows) row(s *webdataset.Sample, rows *mapreduce.Rows[image]) error {
	im := image{
		input: t.rg.Name, id: s.Key, path: t.rg.Name + "#" + s.Image.Name, label: t.label(s), bytes: s.Image.Size,
		file: t.path, mtime: t.mtime, offset: s.Image.Offset, archive: t.size,
	}
	for _, name := range t.carried {
		im.carried = append(im.carried, attribute(s, name))
	}
	if t.p.IDCol != "" {
		id := attribute(s, t.p.IDCol)
		if im.id = id.value; im.id == "" {
			im.id = s.Key
			return rows.Reject(im.Origin(), fmt.Errorf("no id %q in its json", t.p.IDCol))
		}
	}
	return pass(rows, im)
}

// label is the attribute that was asked for, else the text of the cls, else the attribute label.
func (t *tarRows) label(s *webdataset.Sample) text {
	if t.p.LabelCol != "" {
		if l := attribute(s, t.p.LabelCol); l.ok {
			return l
		}
	}
	if s.HasClass {
		return text{s.Class, true}
	}
	return attribute(s, jsonLabel)
}

func attribute(s *webdataset.Sample, name string) text {
	for _, a := range slices.Backward(s.Attributes) {
		if a.Name == name {
			return text{a.Value, a.Scalar}
		}
	}
	return text{}
}
