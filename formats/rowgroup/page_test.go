package rowgroup

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"

	"github.com/shardmill/shardmill/formats"
)

// thrift writes a structure in the compact protocol.
type thrift struct {
	data []byte
	last []int // fields, of the structures that are open
}

func newThrift() *thrift { return &thrift{last: []int{0}} }

func (w *thrift) field(id int, kind byte) {
	at := len(w.last) - 1
	if delta := id - w.last[at]; delta > 0 && delta < 16 {
		w.data = append(w.data, byte(delta)<<4|kind)
	} else {
		w.data = binary.AppendVarint(append(w.data, kind), int64(id))
	}
	w.last[at] = id
}

func (w *thrift) int(id int, v int64) *thrift {
	w.field(id, compactInt32)
	w.data = binary.AppendVarint(w.data, v)
	return w
}

func (w *thrift) bool(id int, v bool) *thrift {
	kind := byte(compactFalse)
	if v {
		kind = compactTrue
	}
	w.field(id, kind)
	return w
}

func (w *thrift) binary(id int, v []byte) *thrift {
	w.field(id, compactBinary)
	w.data = append(binary.AppendUvarint(w.data, uint64(len(v))), v...)
	return w
}

func (w *thrift) begin(id int) *thrift {
	w.field(id, compactStruct)
	w.last = append(w.last, 0)
	return w
}

func (w *thrift) end() *thrift {
	w.data = append(w.data, compactStop)
	w.last = w.last[:len(w.last)-1]
	return w
}

// pageV1 returns a page of 3 numbers, with changes of its header.
func pageV1(raw, packed, crc int64, statistics []byte, body []byte) []byte {
	w := newThrift().int(1, dataPage).int(2, raw).int(3, packed).int(4, crc).begin(5).int(1, 3).int(2, 0).int(3, 3).int(4, 3)
	w.begin(5).binary(5, statistics).bool(7, true).int(3, 9).end().end().end()
	return append(w.data, body...)
}

func newPages(data []byte, codec compress.Compression) *pages {
	p := &pages{limit: 1 << 20}
	p.stream.reset(bytes.NewReader(data), 0, int64(len(data)))
	if err := p.setCodec(codec); err != nil {
		panic(err)
	}
	return p
}

func sum(data []byte) int64 { return int64(int32(crc32.ChecksumIEEE(data))) }

// TestPage reads pages whose headers are made here: what arrow/go does not write.
func TestPage(t *testing.T) {
	body := []byte("0123456789ab")
	long := bytes.Repeat([]byte("statistics"), 50_000)
	index := append(newThrift().int(1, 1).int(2, 5).int(3, 5).begin(6).end().end().data, "index"...)
	for name, c := range map[string]struct {
		data []byte
		err  string
	}{
		"good":               {pageV1(12, 12, sum(body), nil, body), ""},
		"long statistics":    {pageV1(12, 12, sum(body), long, body), ""},
		"an index page":      {append(index, pageV1(12, 12, sum(body), nil, body)...), ""},
		"wrong checksum":     {pageV1(12, 12, sum(body)+1, nil, body), "checksum"},
		"cut body":           {pageV1(12, 12, sum(body), nil, body[:11]), "12 bytes, where 11 are left"},
		"cut header":         {pageV1(12, 12, sum(body), long, body)[:1000], "goes on"},
		"negative size":      {pageV1(-1, -1, sum(nil), nil, nil), "-1 bytes"},
		"negative raw size":  {pageV1(-1, 12, sum(body), nil, body), "-1 bytes"},
		"sizes differ":       {pageV1(13, 12, sum(body), nil, body), "13"},
		"more than a chunk":  {pageV1(1<<31-1, 12, sum(body), nil, body), "column chunk of less"},
		"no thrift":          {bytes.Repeat([]byte{0xff}, 100), "Thrift"},
		"nested for ever":    {bytes.Repeat([]byte{0x1c}, 100), "Thrift"},
		"lists for ever":     {append([]byte{0x19}, bytes.Repeat([]byte{0xf9, 0x01}, 100)...), "Thrift"},
		"a number too long":  {bytes.Repeat([]byte{0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 2), "Thrift"},
		"a list that is cut": {[]byte{0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f}, "goes on"},
	} {
		p := newPages(c.data, compress.Codecs.Uncompressed)
		got, err := p.next()
		if c.err == "" {
			if err != nil || got.rows != 3 || got.encoding != parquet.Encodings.Plain || !bytes.Equal(got.data, body) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
			if _, err := p.next(); !errors.Is(err, io.EOF) {
				t.Errorf("%s: at the end: %v", name, err)
			}
		} else if !errors.Is(err, formats.ErrDamaged) || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %+v, %v; want %q", name, got, err, c.err)
		}
	}
}

// TestPageV2 has version 2 pages, whose levels are never compressed and whose values need not be.
func TestPageV2(t *testing.T) {
	codec, err := compress.GetCodec(compress.Codecs.Snappy)
	if err != nil {
		t.Fatal(err)
	}
	body, levels := []byte("aaaaaaaaaaaaaaaaaaaaaaaa"), []byte("RRDDD")
	packed := append(bytes.Clone(levels), codec.Encode(nil, body)...)
	page := func(raw, defBytes int64, compressed bool, data []byte) []byte {
		w := newThrift().int(1, dataPageV2).int(2, raw).int(3, int64(len(data))).begin(8)
		w.int(1, 9).int(2, 6).int(3, 9).int(4, 8).int(5, defBytes).int(6, 2).bool(7, compressed).end().end()
		return append(w.data, data...)
	}
	for name, c := range map[string]struct {
		data   []byte
		values string
		err    error
	}{
		"compressed":          {page(29, 3, true, packed), string(body), nil},
		"not compressed":      {page(29, 3, false, append(bytes.Clone(levels), body...)), string(body), nil},
		"all null":            {page(5, 3, true, levels), "", nil},
		"all null, no bytes":  {page(5, 3, false, levels), "", nil},
		"more than stated":    {page(28, 3, true, packed), "", formats.ErrDamaged},
		"less than stated":    {page(30, 3, true, packed), "", formats.ErrDamaged},
		"not what it states":  {page(30, 3, false, append(bytes.Clone(levels), body...)), "", formats.ErrDamaged},
		"more levels":         {page(29, 1<<30, true, packed), "", formats.ErrDamaged},
		"negative levels":     {page(29, -3, true, packed), "", formats.ErrDamaged},
		"less than levels":    {page(2, 3, true, packed), "", formats.ErrDamaged},
		"snappy that is none": {page(29, 3, true, []byte("RRDDD\xff\xff\xff\xff\xff\xff")), "", formats.ErrDamaged},
	} {
		p := newPages(c.data, compress.Codecs.Snappy)
		p.level = 1
		got, err := p.next()
		if !errors.Is(err, c.err) || err == nil && (string(got.data) != c.values || string(got.levels) != "DDD" || got.rows != 9 || got.encoding != parquet.Encodings.RLEDict) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestLevelsV1 splits version 1 pages with levels.
func TestLevelsV1(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		ok   bool
	}{
		"good":      {"\x02\x00\x00\x00LLvalues", true},
		"no size":   {"\x02\x00\x00", false},
		"too many":  {"\x09\x00\x00\x00LLvalues", false},
		"very many": {"\xff\xff\xff\xffLLvalues", false},
	} {
		p := newPages(pageV1(int64(len(c.body)), int64(len(c.body)), sum([]byte(c.body)), nil, []byte(c.body)), compress.Codecs.Uncompressed)
		p.level = 1
		got, err := p.next()
		if (err == nil) != c.ok || err == nil && (string(got.levels) != "LL" || string(got.data) != "values") || err != nil && !errors.Is(err, formats.ErrDamaged) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	bitPacked := newThrift().int(1, dataPage).int(2, 0).int(3, 0).begin(5).int(1, 3).int(2, 0).int(3, 4).end().end()
	p := newPages(bitPacked.data, compress.Codecs.Uncompressed)
	p.level = 1
	if _, err := p.next(); !errors.Is(err, ErrUnsupported) {
		t.Errorf("levels in BIT_PACKED: %v", err)
	}
}

// chunkOf returns a column of pages that are made here.
func chunkOf(optional bool, rows ...[]byte) *chunk[int64] {
	c := &newTyped(field{}, numbers(parquet.Types.Int32), nil).chunk
	c.pages = *newPages(bytes.Join(rows, nil), compress.Codecs.Uncompressed)
	if optional {
		c.pages.level = 1
	}
	return c
}

func headed(kind, values, encoding int64, body string) []byte {
	inner := map[int64]int{dataPage: 5, dictionaryPage: 7}[kind]
	w := newThrift().int(1, kind).int(2, int64(len(body))).int(3, int64(len(body))).begin(inner).int(1, values).int(2, encoding).int(3, 3).int(4, 3).end().end()
	return append(w.data, body...)
}

// TestChunkDamage has pages that do not go together. None of them may be read as if they did, or for ever.
func TestChunkDamage(t *testing.T) {
	const one, dictionary, plain = "\x01\x00\x00\x00", 8, 0
	values := headed(dictionaryPage, 1, plain, one)
	for name, c := range map[string]struct {
		chunk *chunk[int64]
		rows  int
		want  error
	}{
		"good":                      {chunkOf(false, headed(dataPage, 2, plain, one+one), headed(dataPage, 0, plain, ""), headed(dataPage, 1, plain, one)), 3, nil},
		"dictionary":                {chunkOf(false, values, headed(dataPage, 9, dictionary, "\x00\x12")), 9, nil},
		"no more pages":             {chunkOf(false, headed(dataPage, 2, plain, one+one)), 3, formats.ErrDamaged},
		"rows that are not meant":   {chunkOf(false, headed(dataPage, 2, plain, one+one)), 1, formats.ErrDamaged},
		"less values":               {chunkOf(false, headed(dataPage, 2, plain, one)), 2, formats.ErrDamaged},
		"no values":                 {chunkOf(false, headed(dataPage, 2, plain, "")), 2, formats.ErrDamaged},
		"no levels":                 {chunkOf(true, headed(dataPage, 2, plain, "\x00\x00\x00\x00"+one+one)), 2, formats.ErrDamaged},
		"less levels":               {chunkOf(true, headed(dataPage, 9, plain, "\x02\x00\x00\x00\x10\x00")), 9, formats.ErrDamaged},
		"levels":                    {chunkOf(true, headed(dataPage, 8, plain, "\x02\x00\x00\x00\x10\x00")), 8, nil},
		"no dictionary":             {chunkOf(false, headed(dataPage, 9, dictionary, "\x00\x12")), 9, formats.ErrDamaged},
		"two dictionaries":          {chunkOf(false, values, values), 9, formats.ErrDamaged},
		"a dictionary of less":      {chunkOf(false, headed(dictionaryPage, 2, plain, one)), 9, formats.ErrDamaged},
		"a dictionary of much":      {chunkOf(false, headed(dictionaryPage, 1<<31-1, plain, one)), 9, formats.ErrDamaged},
		"a dictionary in RLE":       {chunkOf(false, headed(dictionaryPage, 1, 3, one)), 9, ErrUnsupported},
		"an index too large":        {chunkOf(false, values, headed(dataPage, 9, dictionary, "\x01\x12\x01")), 9, formats.ErrDamaged},
		"an index after the last":   {chunkOf(false, values, headed(dataPage, 3, dictionary, "\x01\x03\x08")), 3, nil},
		"an index of many bits":     {chunkOf(false, values, headed(dataPage, 9, dictionary, "\x21\x12\x01")), 9, formats.ErrDamaged},
		"an encoding of the future": {chunkOf(false, headed(dataPage, 1, 77, one)), 1, ErrUnsupported},
	} {
		column := &typed[int64]{chunk: *c.chunk, set: field{}.integers().numbers}
		var err error
		for range c.rows {
			var v Value
			if _, err = column.next(&v); err != nil {
				break
			}
		}
		if err == nil {
			err = column.end()
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// FuzzPages gives any bytes to the reader of pages.
func FuzzPages(f *testing.F) {
	f.Add(pageV1(12, 12, sum([]byte("0123456789ab")), []byte("x"), []byte("0123456789ab")))
	f.Add(headed(dictionaryPage, 1, 0, "\x01\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, optional := range []bool{false, true} {
			column := &typed[int64]{chunk: *chunkOf(optional, data), set: field{}.integers().numbers}
			var v Value
			var err error
			for range 2000 {
				if _, err = column.next(&v); err != nil {
					break
				}
			}
			if err != nil && !errors.Is(err, formats.ErrDamaged) && !errors.Is(err, ErrUnsupported) {
				t.Fatal(err)
			}
		}
	})
}
