package parquetfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats/internal/sink"
	"github.com/shardmill/shardmill/formats/table"
)

// mixed has each way in which a text can be written, and one column for each of the library's.
type mixed struct {
	word, id string
	note     string
	noted    bool
	label    []byte
	labelled bool
	n        int64
	f        float64
	g        float32
	small    int32
	flag     bool
	v        []float32
	counts   []int64
	words    [][]byte
	names    [][]byte
}

func mixedColumns() table.Columns[mixed] {
	return table.Columns[mixed]{
		table.String("word", func(r *mixed) string { return r.word }, func(r *mixed, v string) { r.word = v }),
		table.String("id", func(r *mixed) string { return r.id }, func(r *mixed, v string) { r.id = v }).Plain(),
		table.NullString("note.d", func(r *mixed) (string, bool) { return r.note, r.noted }, func(r *mixed, v string, ok bool) { r.note, r.noted = v, ok }),
		table.NullText("label", func(r *mixed) ([]byte, bool) { return r.label, r.labelled },
			func(r *mixed, v []byte, ok bool) { r.label, r.labelled = bytes.Clone(v), ok }).Plain(),
		table.Int64("n", func(r *mixed) int64 { return r.n }, func(r *mixed, v int64) { r.n = v }),
		table.Float64("f", func(r *mixed) float64 { return r.f }, func(r *mixed, v float64) { r.f = v }),
		table.Float32("g", func(r *mixed) float32 { return r.g }, func(r *mixed, v float32) { r.g = v }),
		table.Int32("small", func(r *mixed) int32 { return r.small }, func(r *mixed, v int32) { r.small = v }),
		table.Bool("flag", func(r *mixed) bool { return r.flag }, func(r *mixed, v bool) { r.flag = v }),
		table.Floats("v", func(r *mixed) []float32 { return r.v }, func(r *mixed, v []float32) { r.v = v }),
		table.Int64s("counts", func(r *mixed) []int64 { return r.counts }, func(r *mixed, v []int64) { r.counts = v }),
		table.Texts("words.d", func(r *mixed) [][]byte { return r.words }, nil),
		table.Texts("names", func(r *mixed) [][]byte { return r.names }, nil).Plain(),
	}
}

// codedColumns are integers with a dictionary.
func codedColumns() table.Columns[mixed] {
	return table.Columns[mixed]{
		table.Int64("n", func(r *mixed) int64 { return r.n }, func(r *mixed, v int64) { r.n = v }).Coded(),
		table.Int32("small", func(r *mixed) int32 { return r.small }, func(r *mixed, v int32) { r.small = v }).Coded(),
		table.Int64s("counts", func(r *mixed) []int64 { return r.counts }, func(r *mixed, v []int64) { r.counts = v }).Coded(),
		table.Floats("v", func(r *mixed) []float32 { return r.v }, func(r *mixed, v []float32) { r.v = v }).NoStatistics(),
	}
}

// layout says how rows get to a writer: small limits bring many pages, and dictionaries that grow too large.
type layout struct {
	columns                func() table.Columns[mixed]
	batch, group           int // rows in a batch, batches in a row group
	page, dictionary, step int64
}

func (l layout) props() *parquet.WriterProperties {
	return parquet.NewWriterProperties(append(settings(l.columns()), parquet.WithDataPageSize(l.page),
		parquet.WithDictionaryPageSizeLimit(l.dictionary), parquet.WithBatchSize(l.step))...)
}

// tester is the part of testing.T that rapid.T has too.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// feed gives write the record batches of rows, and calls group before the first of each row group.
// The library's statistics refer to memory of earlier batches: fresh gives each batch its own.
func feed(t tester, l layout, rows []mixed, fresh bool, group func() error, write func(arrow.Record) error) {
	t.Helper()
	var b *table.Batch[mixed]
	for n := 0; len(rows) > 0; n++ {
		if b == nil || fresh {
			var err error
			if b, err = table.NewBatch(l.columns(), l.columns().Schema(table.Mark(format, version))); err != nil {
				t.Fatal(err)
			}
		}
		if n%l.group == 0 {
			if err := group(); err != nil {
				t.Fatal(err)
			}
		}
		part := rows[:min(l.batch, len(rows))]
		rows = rows[len(part):]
		for i := range part {
			if err := b.Append(&part[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := write(b.Take()); err != nil {
			t.Fatal(err)
		}
	}
}

func ours(t tester, l layout, rows []mixed, spill Spill) []byte {
	t.Helper()
	var buf bytes.Buffer
	s := sink.New(&buf)
	z, err := newCompressor()
	if err != nil {
		t.Fatal(err)
	}
	f, err := newTarget(l.columns().Schema(table.Mark(format, version)), s, l.props(), z, spill)
	if err != nil {
		t.Fatal(err)
	}
	feed(t, l, rows, false, f.open, f.write)
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func librarys(t tester, l layout, rows []mixed) []byte {
	t.Helper()
	var buf bytes.Buffer
	s := sink.New(&buf) // unlike the file, it does not close what is under it
	f, err := pqarrow.NewFileWriter(l.columns().Schema(table.Mark(format, version)), s, l.props(), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	group := func() error { f.NewBufferedRowGroup(); return nil }
	feed(t, l, rows, true, group, f.WriteBuffered)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// checkOracle compares our bytes with those of pqarrow's writer, which lists the encodings of a column
// in random order: one of its files must be ours.
func checkOracle(t tester, l layout, rows []mixed) {
	t.Helper()
	got := ours(t, l, rows, Spill{})
	above := max(1, int64(len(got)*(len(rows)%4)/8)) // up to 3/8 in memory
	if !bytes.Equal(got, ours(t, l, rows, Spill{Above: above})) {
		t.Fatalf("the same rows gave different bytes with %d of them in memory", above)
	}
	for range 100 {
		if bytes.Equal(got, librarys(t, l, rows)) {
			return
		}
	}
	want := librarys(t, l, rows)
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	t.Fatalf("%+v, %d rows: %d bytes, want %d; different from byte %d on", l, len(rows), len(got), len(want), at)
}

func mixedRow(i int, word, id string, noted, labelled bool) mixed {
	r := mixed{
		word: word, id: id, note: word + id, noted: noted, label: []byte(id), labelled: labelled,
		n: int64(i) * 7, f: []float64{float64(i), math.NaN(), math.Copysign(0, -1), math.Inf(1)}[i%4], small: int32(-i), flag: i%3 == 0,
	}
	r.g = float32([]float64{math.NaN(), -float64(i), 0, math.Inf(-1), float64(i)}[i%5])
	for range i % 4 {
		r.v = append(r.v, float32(i))
	}
	for k := range i % 5 {
		r.counts = append(r.counts, int64(i*k))
	}
	for k := range i * i % 7 {
		r.words, r.names = append(r.words, []byte(word)), append(r.names, []byte(id+strconv.Itoa(k)))
	}
	return r
}

func TestOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := layout{
			columns: mixedColumns,
			batch:   rapid.IntRange(20, 300).Draw(t, "batch"), group: rapid.IntRange(1, 4).Draw(t, "group"),
			page: rapid.Int64Range(100, 2000).Draw(t, "page"), dictionary: rapid.Int64Range(1, 2000).Draw(t, "dictionary"),
			step: rapid.Int64Range(16, 100).Draw(t, "step"),
		}
		words := rapid.SliceOfN(rapid.String(), 1, 40).Draw(t, "words")
		nulls := rapid.SampledFrom([]int{0, 1, 2, 10}).Draw(t, "nulls")
		var rows []mixed
		for n := rapid.IntRange(0, 30).Draw(t, "runs"); n > 0; n-- {
			word := rapid.SampledFrom(words).Draw(t, "word")
			null := rapid.IntRange(0, 10).Draw(t, "null") < nulls
			for k := rapid.SampledFrom([]int{1, 1, 1, 2, 7, 8, 9, 20}).Draw(t, "run"); k > 0; k-- {
				rows = append(rows, mixedRow(len(rows), word, strconv.Itoa(len(rows)), !null, len(rows)%11 >= nulls))
			}
		}
		// Each dictionary that grows too large makes a match with the library's random order rarer.
		if len(rows) > l.batch*l.group*3 {
			l.dictionary = 1 << 20
		}
		checkOracle(t, l, rows)
	})
}

// TestOracleLarge has pages and dictionaries that exceed the limits that files have.
func TestOracleLarge(t *testing.T) {
	l := layout{columns: mixedColumns, batch: batchRows, group: 4, page: 1 << 20, dictionary: 1 << 20, step: 1024}
	for name, word := range map[string]func(i int) string{
		"few":    func(i int) string { return strconv.Itoa(i % 3) },
		"one":    func(int) string { return "" },
		"many":   func(i int) string { return strconv.Itoa(i * 7919 % 30011) },
		"unique": func(i int) string { return fmt.Sprintf("%08d", i) },
		"long":   func(i int) string { return fmt.Sprintf("%05000d", i/5) },
		"lists":  func(int) string { return "few" },
	} {
		t.Run(name, func(t *testing.T) {
			n := 132_000 // in three batches
			if name == "long" {
				n = 2000
			}
			rows := make([]mixed, n)
			for i := range rows {
				rows[i] = mixedRow(i, word(i), "", i%100 > 3, i%2 == 0)
				rows[i].note = word(i)
				if rows[i].words, rows[i].names = nil, nil; name != "lists" {
					rows[i].counts = nil
				} else {
					rows[i].words = [][]byte{fmt.Appendf(nil, "%07d", i), []byte("all"), []byte("all")}[:i%4]
					rows[i].names = rows[i].words
				}
			}
			checkOracle(t, l, rows)
		})
	}
}

// TestOracleIntegers has integers with a dictionary: few and many, in runs and not, and more than it takes.
func TestOracleIntegers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := layout{
			columns: codedColumns,
			batch:   rapid.IntRange(20, 300).Draw(t, "batch"), group: rapid.IntRange(1, 4).Draw(t, "group"),
			page: rapid.Int64Range(100, 2000).Draw(t, "page"), dictionary: rapid.Int64Range(1, 4000).Draw(t, "dictionary"),
			step: rapid.Int64Range(16, 100).Draw(t, "step"),
		}
		of := rapid.SampledFrom([]*rapid.Generator[int64]{rapid.Int64(), rapid.Int64Range(-3, 3), rapid.Int64Range(0, 300)}).Draw(t, "of")
		var rows []mixed
		for n := rapid.IntRange(0, 80).Draw(t, "runs"); n > 0; n-- {
			r := mixed{n: of.Draw(t, "n"), small: int32(of.Draw(t, "small")), counts: rapid.SliceOfN(of, 0, 4).Draw(t, "counts")}
			r.v = rapid.SliceOfN(rapid.Float32(), 0, 70).Draw(t, "v")
			for k := rapid.SampledFrom([]int{1, 1, 1, 2, 7, 8, 9, 20}).Draw(t, "run"); k > 0; k-- {
				rows = append(rows, r)
			}
		}
		if len(rows) > l.batch*l.group*3 {
			l.dictionary = 1 << 20
		}
		checkOracle(t, l, rows)
	})
}

// TestOracleIntegersLarge has a dictionary that exceeds the limit that files have, one that grows, and one of ten values.
func TestOracleIntegersLarge(t *testing.T) {
	l := layout{columns: codedColumns, batch: batchRows, group: 4, page: 1 << 20, dictionary: 1 << 20, step: 1024}
	rows := make([]mixed, 200_000)
	for i := range rows {
		rows[i] = mixed{n: int64(i) * -7919, small: int32(i % 10), counts: []int64{int64(i / 50), 7, 1 << 40}[:i%4]}
		rows[i].v = []float32{float32(i), -1, float32(math.NaN()), 0, 5}[:i%6]
	}
	checkOracle(t, l, rows)
}

// TestOracleFloats has pages of which all values are of a kind, and pages of several kinds.
func TestOracleFloats(t *testing.T) {
	columns := func() table.Columns[mixed] {
		return table.Columns[mixed]{
			table.Float64("f", func(r *mixed) float64 { return r.f }, func(r *mixed, v float64) { r.f = v }),
			table.Float32("g", func(r *mixed) float32 { return r.g }, func(r *mixed, v float32) { r.g = v }),
		}
	}
	l := layout{columns: columns, batch: 7, group: 9, page: 30, dictionary: 1 << 20, step: 3}
	kinds := [][]float64{{math.NaN()}, {math.Inf(1)}, {math.Inf(-1), math.NaN()}, {0}, {math.Copysign(0, -1)}, {0, math.Copysign(0, -1)}, {5, -7}}
	for _, a := range kinds {
		for _, b := range kinds {
			var rows []mixed
			for i := range 200 {
				of := [][]float64{a, b}[i/20%2]
				v := of[i%len(of)]
				rows = append(rows, mixed{f: v, g: float32(v)})
			}
			checkOracle(t, l, rows)
		}
	}
}

func TestListLevels(t *testing.T) {
	def, rep := listLevels([]int32{0, 0, 1, 4, 4})
	if fmt.Sprint(def, rep) != "[0 2 2 2 2 0] [0 0 0 1 1 0]" {
		t.Error(def, rep)
	}
}

// decodeHybrid is a reader of the hybrid encoding, straight from its definition.
func decodeHybrid(b []byte, width, n int) (values []uint32) {
	for len(b) > 0 {
		head, used := binary.Uvarint(b)
		b = b[used:]
		if head&1 == 0 {
			var v uint32
			for i := range (width + 7) / 8 {
				v |= uint32(b[i]) << (8 * i)
			}
			b = b[(width+7)/8:]
			for range head >> 1 {
				values = append(values, v)
			}
			continue
		}
		packed := b[:int(head>>1)*width]
		b = b[len(packed):]
		for i := range int(head>>1) * 8 {
			var v uint32
			for k := range width {
				at := i*width + k
				v |= uint32(packed[at/8]>>(at%8)&1) << k
			}
			values = append(values, v)
		}
	}
	return values[:n]
}

func TestHybrid(t *testing.T) {
	var h, runs hybrid
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 32).Draw(t, "width")
		var want []uint32
		h.reset(width)
		runs.reset(width)
		for n := rapid.IntRange(0, 60).Draw(t, "runs"); n > 0; n-- {
			v := rapid.Uint32Max(uint32(1<<width-1)).Draw(t, "v")
			k := rapid.SampledFrom([]int{1, 1, 1, 2, 8, 9, 600}).Draw(t, "run")
			runs.putRun(v, k)
			for ; k > 0; k-- {
				h.put(v)
				want = append(want, v)
			}
		}
		encoded := bytes.Clone(h.end())
		if got := runs.end(); !bytes.Equal(got, encoded) {
			t.Fatalf("width %d: in runs %x, one by one %x", width, got, encoded)
		}
		got := decodeHybrid(encoded, width, len(want))
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("width %d: got %v, want %v", width, got, want)
		}
	})
}
