package rowgroup

import (
	"encoding/binary"
	"hash/crc32"
	"slices"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"

	"github.com/shardmill/shardmill/formats/table"
)

// page is a page of a column chunk.
type page struct {
	dictionary bool
	rows       int // values, with nulls
	encoding   parquet.Encoding
	levels     []byte // run lengths of the definition levels; nil where the column has no nulls
	data       []byte // values that are not null
}

// pages reads the pages of a column chunk.
type pages struct {
	stream stream
	codec  codec  // nil: not compressed
	limit  int64  // bytes of a page, decompressed
	level  uint32 // data pages have definition levels up to this one, none if it is 0
	packed []byte
	raw    []byte
}

// open puts p on a chunk of a file. The chunk's metadata was not checked before.
func (p *pages) open(f *footer, group int, column field) error {
	chunk, err := f.meta.RowGroup(group).ColumnChunk(column.leaf)
	if err != nil {
		return damaged("%v", err)
	}
	if chunk.CryptoMetadata() != nil {
		return unsupported("encryption")
	}
	if chunk.FilePath() != "" {
		return unsupported("data in another file: %q", chunk.FilePath())
	}
	if chunk.Type() != column.physical || chunk.NumValues() != f.groups[group].Rows {
		return damaged("%d values of %v, want %d of %v", chunk.NumValues(), chunk.Type(), f.groups[group].Rows, column.physical)
	}
	start, size := chunk.DataPageOffset(), chunk.TotalCompressedSize()
	if d := chunk.DictionaryPageOffset(); chunk.HasDictionaryPage() && d > 0 && d < start {
		start = d
	}
	if start < 0 || size < 0 || start > f.size || size > f.size-start {
		return damaged("%d bytes at %d, in a file of %d", size, start, f.size)
	}
	// Twice, and some more: there are writers that do not count all.
	p.limit = 2*max(0, min(chunk.TotalUncompressedSize(), 1<<32)) + 1<<20
	p.level = column.levels
	p.stream.reset(f.file, start, start+size)
	return p.setCodec(chunk.Compression())
}

func (p *pages) setCodec(c compress.Compression) error {
	switch c {
	case compress.Codecs.Uncompressed:
		p.codec = nil
		return nil
	case lz4Raw:
		p.codec = lz4Blocks{}
		return nil
	}
	known, err := compress.GetCodec(c)
	if err != nil {
		return unsupported("compression by %v", c)
	}
	p.codec = known
	return nil
}

// next returns the next dictionary or data page, or io.EOF. What it holds is good until the call
// after; that of a dictionary is good for ever.
func (p *pages) next() (page, error) {
	for {
		h, err := p.stream.header()
		if err != nil {
			return page{}, err
		}
		if err := p.load(h); err != nil {
			return page{}, err
		}
		switch h.kind {
		case dataPage:
			return p.data(h)
		case dataPageV2:
			return p.dataV2(h)
		case dictionaryPage:
			raw, err := p.decompress(nil, p.packed, h.raw)
			p.packed = nil // it may be raw
			return page{dictionary: true, rows: int(h.values), encoding: parquet.Encoding(h.encoding), data: raw}, err
		}
	}
}

// load reads a page as it lies in the file, and checks its header.
func (p *pages) load(h header) error {
	if h.packed < 0 || h.packed > p.stream.left() {
		return damaged("a page of %d bytes, where %d are left", h.packed, p.stream.left())
	}
	if h.raw < 0 || h.raw > p.limit {
		return damaged("a page of %d bytes, in a column chunk of less", h.raw)
	}
	if h.values < 0 || h.values > 1<<31-1 {
		return damaged("a page of %d values", h.values)
	}
	p.packed = slices.Grow(p.packed[:0], int(h.packed))[:h.packed]
	if err := p.stream.take(p.packed); err != nil {
		return err
	}
	if h.checked && crc32.ChecksumIEEE(p.packed) != uint32(h.crc) {
		return damaged("the checksum of a page is wrong")
	}
	return nil
}

// data splits a version 1 page: levels, after their size, and values are compressed together.
func (p *pages) data(h header) (page, error) {
	raw, err := p.decompress(p.raw, p.packed, h.raw)
	if err != nil {
		return page{}, err
	}
	p.keep(raw)
	out := page{rows: int(h.values), encoding: parquet.Encoding(h.encoding), data: raw}
	if p.level == 0 {
		return out, nil
	}
	if parquet.Encoding(h.levels) != parquet.Encodings.RLE {
		return page{}, unsupported("definition levels in %v", parquet.Encoding(h.levels))
	}
	if len(raw) < 4 {
		return page{}, damaged("a page of %d bytes has no definition levels", len(raw))
	}
	size := int64(binary.LittleEndian.Uint32(raw))
	if raw = raw[4:]; size > int64(len(raw)) {
		return page{}, damaged("%d bytes of definition levels in a page of %d", size, len(raw))
	}
	out.levels, out.data = raw[:size], raw[size:]
	return out, nil
}

// dataV2 splits a version 2 page: only its values are compressed, and not even they must be.
func (p *pages) dataV2(h header) (page, error) {
	if h.repBytes < 0 || h.defBytes < 0 || h.repBytes > h.packed || h.defBytes > h.packed-h.repBytes {
		return page{}, damaged("%d and %d bytes of levels in a page of %d", h.repBytes, h.defBytes, h.packed)
	}
	levels := h.repBytes + h.defBytes
	if h.raw < levels {
		return page{}, damaged("%d bytes of levels in a page of %d", levels, h.raw)
	}
	out := page{rows: int(h.values), encoding: parquet.Encoding(h.encoding), data: p.packed[levels:]}
	if p.level > 0 {
		out.levels = p.packed[h.repBytes:levels]
	}
	if h.plainBody || p.codec == nil {
		if int64(len(out.data)) != h.raw-levels {
			return page{}, damaged("a page holds %d bytes, its header says %d", h.packed, h.raw)
		}
		return out, nil
	}
	raw, err := p.decompress(p.raw, out.data, h.raw-levels)
	p.keep(raw)
	out.data = raw
	return out, err
}

// keep keeps raw for the next page, unless it is a part of packed.
func (p *pages) keep(raw []byte) {
	if p.codec != nil {
		p.raw = raw
	}
}

// decompress returns packed, decompressed to size bytes, in dst if it is large enough. Without a codec that is packed itself.
func (p *pages) decompress(dst, packed []byte, size int64) (raw []byte, err error) {
	if p.codec == nil {
		if int64(len(packed)) != size {
			return nil, damaged("a page holds %d bytes, its header says %d", len(packed), size)
		}
		return packed, nil
	}
	dst = slices.Grow(dst[:0], int(size))[:size]
	if size == 0 {
		return dst, nil // some writers then leave out even what the codec always writes
	}
	defer table.Recover("codec", &err)
	raw = p.codec.Decode(dst, packed)
	if int64(len(raw)) != size {
		return nil, damaged("a page holds %d bytes, its header says %d", len(raw), size)
	}
	return raw, nil
}
