package webdataset

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats"
)

// entry is a member of a test archive.
type entry struct {
	name, body string
	kind       byte // 0 for a regular file
}

// archive writes entries. format is 0 for the one that fits.
func archive(t rapid.TB, format tar.Format, entries ...entry) []byte {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.body)), Format: format, Typeflag: e.kind}
		if e.kind != 0 {
			h.Size, h.Linkname = 0, e.body
			e.body = ""
		}
		err := w.WriteHeader(h)
		if err == nil {
			_, err = io.WriteString(w, e.body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// read describes all that an archive gives: samples, errors, and then the end.
func read(data []byte) (lines []string, err error) {
	r := NewReader(bytes.NewReader(data), int64(len(data)))
	for {
		var s Sample
		var bad *SampleError
		switch err := r.Read(&s); {
		case errors.As(err, &bad):
			lines = append(lines, bad.Key+"! "+bad.Error())
		case err != nil:
			if n := r.Ignored(); n > 0 {
				lines = append(lines, fmt.Sprintf("ignored %d", n))
			}
			return lines, err
		default:
			lines = append(lines, describe(data, s))
		}
	}
}

func describe(data []byte, s Sample) string {
	line := s.Key + ": " + s.Image.Name + "=" + string(data[s.Image.Offset:][:s.Image.Size])
	if s.HasClass {
		line += " class=" + s.Class
	}
	for _, a := range s.Attributes {
		switch {
		case a.Nested:
			line += " " + a.Name + "..."
		case !a.Scalar:
			line += " " + a.Name + "=null"
		default:
			line += " " + a.Name + "=" + a.Value
		}
	}
	return line
}

func TestSamples(t *testing.T) {
	long := strings.Repeat("d/", 120) + "long"
	for name, c := range map[string]struct {
		in   []entry
		want []string
	}{
		"nothing": {nil, nil},
		"samples": {
			[]entry{{name: "a/1.jpg", body: "one"}, {name: "a/1.cls", body: " 7\n"}, {name: "a/2.PNG", body: "two"}, {name: "b/2.jpeg", body: ""}},
			[]string{"a/1: a/1.jpg=one class=7", "a/2: a/2.PNG=two", "b/2: b/2.jpeg="},
		},
		"attributes": {
			[]entry{{name: "1.json", body: `{"s":"é\n","n":1.50,"t":true,"z":null,"l":[1],"o":{"a":1},"s":"2"}`}, {name: "1.jpg", body: "x"}},
			[]string{"1: 1.jpg=x s=é\n n=1.50 t=true z=null l... o... s=2"},
		},
		"names": {
			[]entry{
				{name: "./1.jpg", body: "x"},
				{name: "dir/", kind: tar.TypeDir},
				{name: "README", body: "r"},
				{name: ".hidden.jpg", body: "h"},
				{name: "__meta__.json", body: "no"},
				{name: "dir/._1.jpg", body: "mac"},
				{name: "./1.txt", body: "t"},
				{name: "a.b/1.cls", body: "q"},
				{name: "a.b/1.v2.jpg", body: "v"},
			},
			[]string{"1: 1.jpg=x", "a.b/1: a.b/1.v2.jpg=v class=q"},
		},
		"long names": {
			[]entry{{name: long + ".jpg", body: "x"}, {name: long + ".cls", body: "é"}},
			[]string{long + ": " + long + ".jpg=x class=é"},
		},
		"which image": {
			[]entry{{name: "1.seg.png", body: "s"}, {name: "1.jpg", body: "i"}, {name: "2.jpg", body: "i"}, {name: "2.png", body: "j"}, {name: "3.a.jpg"}, {name: "3.b.jpg"}},
			[]string{"1: 1.jpg=i", "2! the sample has 2 images, 2.jpg and 2.png", "3! the sample has 2 images, 3.a.jpg and 3.b.jpg"},
		},
		"no image": {
			[]entry{{name: "1.cls", body: "1"}, {name: "2.json", body: "{}"}, {name: "3.txt"}, {name: "4.avif"}},
			[]string{"1! the sample has no image", "2! the sample has no image", "ignored 2"},
		},
		"apart": {
			[]entry{{name: "1.jpg", body: "x"}, {name: "2.jpg", body: "y"}, {name: "1.cls", body: "1"}},
			[]string{"1: 1.jpg=x", "2: 2.jpg=y", "1! the sample has no image"},
		},
		"links": {
			[]entry{{name: "1.jpg", body: "2.jpg", kind: tar.TypeLink}, {name: "2.jpg", body: "x", kind: tar.TypeSymlink}, {name: "3.jpg", kind: tar.TypeFifo}, {name: "4.jpg", body: "4"}},
			[]string{"1! 1.jpg: a link, and no file", "2! 2.jpg: a link, and no file", "3! 3.jpg: no regular file", "4: 4.jpg=4"},
		},
		"text": {
			[]entry{
				{name: "1.jpg"},
				{name: "1.cls", body: "\xe9"},
				{name: "2.jpg"},
				{name: "2.json", body: "[1]"},
				{name: "3.jpg"},
				{name: "3.json", body: `{"a":1`},
				{name: "4.jpg"},
				{name: "4.json", body: `{} {}`},
				{name: "5.jpg"},
				{name: "5.cls"},
				{name: "5.cls"},
				{name: "6.jpg"},
				{name: "6.cls", body: strings.Repeat("x", maxClass+1)},
				{name: "7.jpg"},
				{name: "7.json"},
				{name: "8.jpg"},
				{name: "8.json", body: "{\"\xff\":1}"},
			},
			[]string{
				"1! 1.cls: not valid UTF-8", "2! 2.json: it is no JSON object", "3! 3.json: not JSON: it is cut short", "4! 4.json: there is more behind its JSON object",
				"5! 5.cls comes twice", "6! 6.cls has 65537 bytes, more than 65536", "7! 7.json: not JSON: it is cut short", "8! 8.json: not valid UTF-8",
			},
		},
	} {
		for _, format := range []tar.Format{tar.FormatUnknown, tar.FormatPAX, tar.FormatGNU} {
			got, err := read(archive(t, format, c.in...))
			if diff := cmp.Diff(c.want, got); diff != "" || !errors.Is(err, io.EOF) {
				t.Errorf("%s, %v: %v\n%s", name, format, err, diff)
			}
		}
	}
}

// TestNotUTF8 has a name in bytes that no header with a format of its own may have.
func TestNotUTF8(t *testing.T) {
	data := archive(t, tar.FormatUSTAR, entry{name: "caf#.jpg", body: "x"}, entry{name: "b.jpg", body: "y"})
	data[3] = 0xe9
	sum := int64(0)
	copy(data[148:156], "        ")
	for _, b := range data[:512] {
		sum += int64(b)
	}
	copy(data[148:156], fmt.Sprintf("%06o\x00 ", sum))
	got, err := read(data)
	want := []string{"caf\uFFFD! caf\uFFFD.jpg: its name is not UTF-8", "b: b.jpg=y"}
	if diff := cmp.Diff(want, got); diff != "" || !errors.Is(err, io.EOF) {
		t.Errorf("%v\n%s", err, diff)
	}
}

// TestSparse: archive/tar reads sparse files, but the bytes of one do not lie together.
func TestSparse(t *testing.T) {
	records := map[string]string{"GNU.sparse.major": "1"}
	if !isSparse(&tar.Header{PAXRecords: records}) || !isSparse(&tar.Header{Typeflag: tar.TypeGNUSparse}) || isSparse(&tar.Header{Typeflag: tar.TypeReg}) {
		t.Error("isSparse")
	}
}

// TestDamage cuts and changes an archive. What is before the damage is read, and the error says where it is.
func TestDamage(t *testing.T) {
	whole := archive(t, 0,
		entry{name: "1.jpg", body: strings.Repeat("a", 600)}, entry{name: "1.cls", body: "1"}, entry{name: "2.jpg", body: strings.Repeat("b", 600)},
		entry{name: "2.cls", body: "2"}) // headers at 0, 1536, 2560, 4096; the end is at 5120
	change := func(at int, to string) []byte {
		data := slices.Clone(whole)
		copy(data[at:], to)
		return data
	}
	for name, c := range map[string]struct {
		data    []byte
		samples int
		key     string
		offset  int64
		says    string
	}{
		"empty":           {nil, 0, "", 0, "two blocks of zeros"},
		"another file":    {[]byte(strings.Repeat("JFIF", 400)), 0, "", 0, "invalid tar header"},
		"in an image":     {whole[:3072], 1, "2", 2560, `"2.jpg" has 600 bytes, and 0 are left`},
		"in its bytes":    {whole[:3500], 1, "2", 2560, `"2.jpg" has 600 bytes, and 428 are left`},
		"in a cls":        {whole[:4608], 1, "2", 4096, `"2.cls" has 1 bytes, and 0 are left`},
		"in a header":     {whole[:2600], 0, "1", 2560, "unexpected EOF"},
		"between samples": {whole[:2560], 0, "1", 2560, "two blocks of zeros"},
		"half the end":    {whole[:5632], 1, "2", 5120, "two blocks of zeros"},
		"a header":        {change(2560+150, "xyz"), 0, "1", 2560, "invalid tar header"},
		"two archives":    {append(slices.Clone(whole), whole...), 2, "", 6144, "two archives"},
	} {
		got, err := read(c.data)
		var d *DamageError
		if !errors.As(err, &d) || !errors.Is(err, formats.ErrDamaged) || d.Key != c.key || d.Offset != c.offset || !strings.Contains(d.Error(), c.says) || len(got) != c.samples {
			t.Errorf("%s: %d samples, %v (%+v)", name, len(got), err, d)
		}
	}
}

// TestReadFails: an error of the storage is no damage.
func TestReadFails(t *testing.T) {
	data := archive(t, 0, entry{name: "1.jpg", body: "x"}, entry{name: "2.jpg", body: "y"})
	broken := &fs.PathError{Op: "read", Path: "x.tar", Err: errors.New("input/output error")}
	r := NewReader(failing{bytes.NewReader(data), 1024, broken}, int64(len(data)))
	var s Sample
	var err error
	for err == nil {
		err = r.Read(&s)
	}
	if !errors.Is(err, broken) || errors.Is(err, formats.ErrDamaged) {
		t.Error(err)
	}
	if again := r.Read(&s); !errors.Is(again, broken) {
		t.Errorf("the error does not stay: %v", again)
	}
}

// failing is a file that cannot be read from some byte on.
type failing struct {
	*bytes.Reader
	from int64
	err  error
}

func (f failing) Read(p []byte) (int, error) {
	if at, err := f.Seek(0, io.SeekCurrent); err != nil || at >= f.from {
		return 0, f.err
	}
	return f.Reader.Read(p)
}

// TestGroups compares with the rule, stated over the list of all names.
func TestGroups(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) entry {
			return entry{name: rapid.SampledFrom([]string{"a", "b", "d/a"}).Draw(t, "key") + rapid.SampledFrom([]string{".jpg", ".cls", ".txt", "", ".png"}).Draw(t, "ext"), body: rapid.StringMatching("[a-z]{0,600}").Draw(t, "body")}
		}), 0, 12).Draw(t, "members")
		var runs [][]entry
		last := ""
		for _, e := range parts {
			key, _, ok := strings.Cut(e.name, ".")
			if !ok {
				continue
			}
			if len(runs) == 0 || key != last {
				runs = append(runs, nil)
			}
			runs[len(runs)-1] = append(runs[len(runs)-1], e)
			last = key
		}
		good := 0
		for _, run := range runs {
			images, classes := 0, 0
			for _, e := range run {
				if strings.HasSuffix(e.name, "g") {
					images++
				} else if strings.HasSuffix(e.name, ".cls") {
					classes++
				}
			}
			if images == 1 && classes <= 1 {
				good++
			}
		}
		data := archive(t, 0, parts...)
		r := NewReader(bytes.NewReader(data), int64(len(data)))
		all := int64(0)
		for {
			var s Sample
			err := r.Read(&s)
			if errors.Is(err, io.EOF) {
				break
			}
			all++
			var bad *SampleError
			if err == nil {
				good--
			} else if !errors.As(err, &bad) {
				t.Fatal(err)
			}
		}
		if good != 0 || all+r.Ignored() != int64(len(runs)) {
			t.Fatalf("%d good samples too few, %d and %d ignored of %d", good, all, r.Ignored(), len(runs))
		}
	})
}

// FuzzRead gives any bytes to the reader: it ends, what it says lies in the file, and is what archive/tar reads there.
func FuzzRead(f *testing.F) {
	f.Add(archive(f, 0, entry{name: "1.jpg", body: "x"}, entry{name: "1.json", body: `{"a":1}`}))
	f.Add(archive(f, tar.FormatPAX, entry{name: strings.Repeat("é", 120) + ".jpg", body: "x"}))
	f.Add(archive(f, tar.FormatGNU, entry{name: strings.Repeat("x", 200) + ".jpg", body: "x"})[:1600])
	f.Fuzz(func(t *testing.T, data []byte) {
		content := map[int64]string{} // by offset
		plain := bytes.NewReader(data)
		for tr := tar.NewReader(plain); ; {
			if _, err := tr.Next(); err != nil && !errors.Is(err, tar.ErrInsecurePath) {
				break
			}
			at, err := plain.Seek(0, io.SeekCurrent)
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(io.LimitReader(tr, 1<<20)) // a sparse file can state any size
			content[at] = string(b)
		}
		r := NewReader(bytes.NewReader(data), int64(len(data)))
		for range len(data) + 1 {
			var s Sample
			var bad *SampleError
			var damage *DamageError
			switch err := r.Read(&s); {
			case errors.Is(err, io.EOF):
				return
			case errors.As(err, &damage):
				if damage.Offset < 0 || damage.Offset > int64(len(data)) {
					t.Fatal(damage)
				}
				return
			case errors.As(err, &bad):
			case err != nil:
				t.Fatal(err)
			default:
				if im := s.Image; im.Offset < block || im.Size < 0 || string(data[im.Offset:][:im.Size]) != content[im.Offset] {
					t.Fatalf("%+v is not what archive/tar reads", im)
				}
			}
		}
		t.Fatal("it does not end")
	})
}
