package classify_test

import (
	"archive/tar"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// photo is a picture of the demo with what its manifest says of it.
type photo struct {
	name, id, label, kind string
	data                  []byte
}

// photos are the pictures of the demo.
func photos(t testing.TB) []photo {
	t.Helper()
	f, err := os.Open(demo(t, "manifest.csv"))
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	var out []photo
	for _, r := range records[1:] {
		data, err := os.ReadFile(demo(t, r[0]))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, photo{name: filepath.Base(r[0]), id: r[1], label: r[2], kind: r[3], data: data})
	}
	return out
}

// file is a member of an archive.
type file struct{ name, body string }

func writeTar(t testing.TB, path string, files ...file) {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, f := range files {
		err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.body))})
		if err == nil {
			_, err = io.WriteString(w, f.body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	mrtest.Write(t, path, buf.Bytes())
}

// samples are photos as members: an id as the key, and the label in a cls for some, in a json for the others.
func samples(t testing.TB, all []photo) (files []file) {
	t.Helper()
	for i, p := range all {
		b, err := json.Marshal(map[string]any{"id": p.id, "kind": p.kind, "label": p.label, "size": []int{1, 2}})
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file{p.id + filepath.Ext(p.name), string(p.data)}, file{p.id + ".json", string(b)})
		if i%2 == 0 {
			files = append(files, file{p.id + ".cls", p.label + "\n"})
		}
	}
	return files
}

// writeHub writes Parquet as dataset hubs do: struct<bytes, path>, or only bytes in a column of a name.
func writeHub(t testing.TB, path, column string, all []photo) {
	t.Helper()
	image := arrow.StructOf(arrow.Field{Name: "bytes", Type: arrow.BinaryTypes.Binary, Nullable: true},
		arrow.Field{Name: "path", Type: arrow.BinaryTypes.String, Nullable: true})
	fields := []arrow.Field{
		{Name: "image", Type: image, Nullable: true},
		{Name: "id", Type: arrow.BinaryTypes.String},
		{Name: "label", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "kind", Type: arrow.BinaryTypes.String},
		{Name: "number", Type: arrow.PrimitiveTypes.Int32},
	}
	if column != "" {
		fields[0] = arrow.Field{Name: column, Type: arrow.BinaryTypes.Binary, Nullable: true}
	}
	schema := arrow.NewSchema(fields, nil)
	values := make([]map[string]any, len(all))
	for i, p := range all {
		values[i] = map[string]any{"id": p.id, "label": p.label, "kind": p.kind, "number": i}
		var data any
		if p.data != nil {
			data = p.data
		}
		if column == "" {
			values[i]["image"] = map[string]any{"bytes": data, "path": p.name}
		} else {
			values[i][column] = data
		}
	}
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	record, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer record.Release()
	var buf bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &buf, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err == nil {
		err = w.WriteBuffered(record)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	mrtest.Write(t, path, buf.Bytes())
}

// seen is what all inputs must agree on.
type seen struct {
	Status, Label, True, Kind string
	Score                     float32
}

// seenOf reads predictions by id and rank.
func seenOf(t testing.TB, dir string) map[string]seen {
	t.Helper()
	type full struct {
		row
		kind string
	}
	var cols table.Columns[full]
	str := func(name string, f func(*full) *string) {
		cols = append(cols, table.String(name, func(r *full) string { return *f(r) }, func(r *full, v string) { *f(r) = v }))
	}
	null := func(name string, f func(*full) *string) {
		cols = append(cols, table.NullString(name, func(r *full) (string, bool) { return *f(r), true }, func(r *full, v string, ok bool) { *f(r) = v }))
	}
	str("id", func(r *full) *string { return &r.ID })
	str("label", func(r *full) *string { return &r.Label })
	str("status", func(r *full) *string { return &r.Status })
	null("true_label", func(r *full) *string { return &r.True })
	null("kind", func(r *full) *string { return &r.kind })
	cols = append(cols, table.Int32("rank", func(r *full) int32 { return r.Rank }, func(r *full, v int32) { r.Rank = v }),
		table.Float32("score", func(r *full) float32 { return r.Score }, func(r *full, v float32) { r.Score = v }))
	out := map[string]seen{}
	for _, r := range readDataset(t, dir, "predictions", cols) {
		out[r.ID+"/"+string(rune('0'+r.Rank))] = seen{r.Status, r.Label, r.True, r.kind, r.Score}
	}
	return out
}

// TestPacked: the same pictures in a CSV manifest, in archives, in a folder of archives and in Parquet give the same
// predictions, bit for bit: they come in the same order, so that batches are the same.
func TestPacked(t *testing.T) {
	needRuntime(t)
	all := photos(t)
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, name) }
	if err := os.Mkdir(at("shards"), 0o755); err != nil {
		t.Fatal(err)
	}
	mrtest.Write(t, at("shards/notes.txt"), nil)
	writeTar(t, at("all.tar"), samples(t, all)...)
	writeTar(t, at("shards/a.tar"), samples(t, all[:16])...)
	writeTar(t, at("shards/b.TAR"), samples(t, all[16:])...)
	writeHub(t, at("hub.parquet"), "", all)
	writeHub(t, at("bytes.parquet"), "bytes", all)
	writeHub(t, at("other.parquet"), "picture", all)

	p := demoParams(t)
	p.IDCol = "id"
	var want map[string]seen
	for _, in := range []string{demo(t, "manifest.csv"), at("all.tar"), at("shards"), at("shards/*.*[rR]"), at("hub.parquet"), at("bytes.parquet"), at("other.parquet")} {
		p.ImageCol = ""
		if strings.HasSuffix(in, "other.parquet") {
			p.ImageCol = "picture"
		}
		cfg := config(t, filepath.Join(t.TempDir(), "job"), p, in)
		s := mustRun(t, cfg, mapreduce.ExitRejects)
		if s.Rows.Read != 49 || s.Rows.Rejected != 1 {
			t.Errorf("%s: rows %+v", filepath.Base(in), s.Rows)
		}
		got := seenOf(t, cfg.Dir)
		if want == nil {
			want = got
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%.2000s", filepath.Base(in), diff)
		}
	}
	if len(want) != 48*5 {
		t.Errorf("%d predictions", len(want))
	}
}

// TestPackedNames: ids and paths without --id-col, and labels without --label-col.
func TestPackedNames(t *testing.T) {
	needRuntime(t)
	root := t.TempDir()
	all := photos(t)[:2]
	long := strings.Repeat("deep/", 40) + "name"
	writeTar(t, filepath.Join(root, "x.tar"), file{long + ".jpg", string(all[0].data)}, file{long + ".json", `{"label":12}`}, file{"b.jpg", string(all[1].data)}, file{"b.cls", "seven"})
	writeHub(t, filepath.Join(root, "hub.parquet"), "", []photo{{name: "", label: "3", data: all[0].data}, {name: "p.jpg", data: all[1].data}, {name: "null.jpg"}})
	p := demoParams(t)
	p.LabelCol = ""
	t.Chdir(root)
	cfg := config(t, filepath.Join(t.TempDir(), "job"), p, "x.tar", "hub.parquet")
	mustRun(t, cfg, mapreduce.ExitRejects)
	got := map[string][3]string{}
	for _, r := range readDataset(t, cfg.Dir, "ranked", idColumns()) {
		got[r.ID] = [3]string{r.Path, r.True, map[bool]string{true: "labelled"}[r.HasTrue]}
	}
	want := map[string][3]string{
		long: {"x.tar#" + long + ".jpg", "12", "labelled"}, "b": {"x.tar#b.jpg", "seven", "labelled"},
		"hub.parquet#1": {"hub.parquet#1"}, "p.jpg": {"p.jpg"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	r := mrtest.Rejects(t, jobs.Standard(), cfg.Dir)
	if len(r) != 1 || r[0].ID != "null.jpg" || r[0].Line != 3 || r[0].Input != "hub.parquet" || !strings.Contains(r[0].Reason, `no bytes in column "image.bytes"`) {
		t.Errorf("rejects: %+v", r)
	}
}

// TestTarDamage: what is before the damage is classified, the rest is one reject that says from where.
func TestTarDamage(t *testing.T) {
	needRuntime(t)
	root := t.TempDir()
	all := photos(t)[:6]
	good := filepath.Join(root, "good.tar")
	files := append(samples(t, all), file{"alone.cls", "1"}, file{"two.jpg", "x"}, file{"two.png", "y"}, file{"broken.jpg", "no picture"}, file{"last.jpg", string(all[0].data)})
	writeTar(t, good, files...)
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(root, "cut.tar")
	mrtest.Write(t, cut, whole[:len(whole)-2048])
	none := filepath.Join(root, "none.tar")
	writeTar(t, none, file{"a.avif", "x"}, file{"b.avif", "x"})
	p := demoParams(t)
	t.Chdir(root)
	cfg := config(t, filepath.Join(t.TempDir(), "job"), p, "good.tar", "cut.tar", "none.tar")
	s := mustRun(t, cfg, mapreduce.ExitRejects)
	var got []string
	for _, r := range mrtest.Rejects(t, jobs.Standard(), cfg.Dir) {
		if r.Input != "" {
			got = append(got, r.Input+" "+r.ID+": "+r.Reason)
		}
	}
	for _, want := range []string{
		"good.tar alone: the sample has no image", "good.tar two: the sample has 2 images, two.jpg and two.png", "good.tar broken: ",
		"cut.tar last: neither the sample \"last\" nor anything from byte ", "none.tar : none of the archive's 2 samples has an image",
	} {
		n := 0
		for _, g := range got {
			if strings.HasPrefix(g, want) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d rejects like %q in\n%s", n, want, strings.Join(got, "\n"))
		}
	}
	if s.Rows.Mapped != 13 || s.Rows.Rejected != int64(len(got)) || len(got) != 8 {
		t.Errorf("rows %+v, rejects\n%s", s.Rows, strings.Join(got, "\n"))
	}
}

// TestPackedInput: what no run can use is exit code 4 before there is a job directory.
func TestPackedInput(t *testing.T) {
	needRuntime(t)
	root := t.TempDir()
	all := photos(t)[:2]
	at := func(name string) string { return filepath.Join(root, name) }
	mrtest.Write(t, at("text.tar"), []byte(strings.Repeat("no archive ", 100)))
	mrtest.Write(t, at("empty.tar"), nil)
	mrtest.Write(t, at("x.tar.gz"), []byte("\x1f\x8b"))
	mrtest.Write(t, at("x.TGZ"), []byte("\x1f\x8b"))
	mrtest.Write(t, at("text.parquet"), []byte("no Parquet, and not short"))
	writeHub(t, at("hub.parquet"), "", all)
	for name, c := range map[string]struct {
		change func(p *classify.Params)
		says   string
	}{
		"text.tar":      {nil, "nothing from byte 0 of 1100 on is read: file is damaged"},
		"empty.tar":     {nil, "nothing from byte 0 of 0 on"},
		"x.tar.gz":      {nil, "x.tar.gz: a compressed archive, in which no image can be read where it lies: decompress it first, with gunzip -k"},
		"x.TGZ":         {nil, "decompress it first"},
		"text.parquet":  {nil, "not a Parquet file"},
		"hub.parquet":   {func(p *classify.Params) { p.ImageCol = "picture" }, `hub.parquet: no column "picture"; the columns are ["image" "id" "label" "kind" "number"]`},
		"./hub.parquet": {func(p *classify.Params) { p.ImageCol = "kind" }, `column "kind" has type no bytes, want binary, or a struct of bytes and path`},
		"../" + filepath.Base(root) + "/hub.parquet": {func(p *classify.Params) { p.IDCol = "key" }, `no column "key"`},
	} {
		p := demoParams(t)
		if c.change != nil {
			c.change(&p)
		}
		dir := filepath.Join(t.TempDir(), "job")
		_, err := run(t, config(t, dir, p, root+"/"+name))
		if mapreduce.ClassOf(err) != mapreduce.Input || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %s", name, err, c.says)
		}
	}
}

// TestTarChanges: an archive that is not the one that was split stops the job, as other images lie in it.
func TestTarChanges(t *testing.T) {
	needRuntime(t)
	path := filepath.Join(t.TempDir(), "x.tar")
	all := photos(t)
	writeTar(t, path, samples(t, all[:4])...)
	cfg := config(t, filepath.Join(t.TempDir(), "job"), demoParams(t), path)
	cfg.Hook = func(point string) {
		if point == "done:00-split" {
			writeTar(t, path, samples(t, all[4:8])...)
		}
	}
	if _, err := run(t, cfg); mapreduce.ClassOf(err) != mapreduce.Input || !strings.Contains(err.Error(), "x.tar changed since") {
		t.Errorf("got %v", err)
	}

	cfg = config(t, filepath.Join(t.TempDir(), "job"), demoParams(t), path)
	cfg.KeepIntermediate = true
	mustRun(t, cfg, mapreduce.ExitComplete)
	writeTar(t, path, samples(t, all[8:12])...)
	cfg.CheckContent = true
	if _, err := run(t, cfg); mapreduce.ClassOf(err) != mapreduce.Input || !strings.Contains(err.Error(), "x.tar changed since") {
		t.Errorf("got %v", err)
	}
}
