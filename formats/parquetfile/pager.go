package parquetfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sort"

	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/klauspost/compress/zstd"

	"github.com/shardmill/shardmill/formats/internal/sink"
)

// pager collects the pages of one column in one row group, and writes them when the column is closed.
// It is the library's page writer but for two things: that makes a zstd encoder, of megabytes, for each
// page, and lists the encodings of a column in random order.
type pager struct {
	file.PageWriter // of data pages, into pages
	pages           pages
	meta            *metadata.ColumnChunkMetaDataBuilder
	zstd            *compressor
	out             *sink.Sink
	chunk           metadata.ChunkMetaInfo
	kinds           metadata.EncodingStats
}

// compressor compresses pages, one at a time. It goes from file to file, and takes along what else is used again.
type compressor struct {
	encoder *zstd.Encoder
	page    []byte // compressed
	plain   []byte // a page before that

	int32s spareNumbers[int32]
	int64s spareNumbers[int64]
	bytes  spareBytes
}

// spareBytes are buffers that are not in use.
type spareBytes [][]byte

// get returns an empty buffer.
func (s *spareBytes) get() []byte {
	n := len(*s)
	if n == 0 {
		return nil
	}
	b := (*s)[n-1]
	*s = (*s)[:n-1]
	return b
}

func (s *spareBytes) put(b []byte) { *s = append(*s, b[:0]) }

func newCompressor() (*compressor, error) {
	e, err := zstd.NewWriter(nil, zstd.WithZeroFrames(true), zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(zstdLevel)), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return &compressor{encoder: e}, nil
}

func newPager(meta *metadata.ColumnChunkMetaDataBuilder, group, column int, z *compressor, out *sink.Sink, s *store) (*pager, error) {
	p := &pager{
		pages: pages{store: s}, meta: meta, zstd: z, out: out, chunk: metadata.ChunkMetaInfo{IndexPageOffset: -1},
		kinds: metadata.EncodingStats{DictEncodingStats: map[parquet.Encoding]int32{}, DataEncodingStats: map[parquet.Encoding]int32{}},
	}
	w, err := file.NewPageWriter(&p.pages, compress.Codecs.Zstd, zstdLevel, meta, int16(group), int16(column), memory.DefaultAllocator, false, nil, nil)
	p.PageWriter = w
	return p, err
}

// Compress returns the page compressed, valid until the next call for any column of the file.
func (p *pager) Compress(_ *bytes.Buffer, page []byte) []byte {
	p.zstd.page = p.zstd.encoder.EncodeAll(page, p.zstd.page[:0])
	return p.zstd.page
}

// WriteDataPage adds a page, which is compressed.
func (p *pager) WriteDataPage(page file.DataPage) (int64, error) {
	if p.chunk.DataPageOffset == 0 {
		p.chunk.DataPageOffset = p.pages.Tell()
	}
	n, err := p.PageWriter.WriteDataPage(page)
	p.chunk.NumValues += int64(page.NumValues())
	p.kinds.DataEncodingStats[parquet.Encoding(page.Encoding())]++
	p.count(n, int64(page.UncompressedSize())-int64(len(page.Data())))
	return n, err
}

// WriteDictionaryPage adds the dictionary, which is not compressed.
func (p *pager) WriteDictionaryPage(page *file.DictionaryPage) (int64, error) {
	data := p.Compress(nil, page.Data())
	p.chunk.DictPageOffset = p.pages.Tell()
	head := dictionaryHeader(len(page.Data()), len(data), int(page.NumValues()), int(page.Encoding()))
	if _, err := p.pages.Write(append(head, data...)); err != nil {
		return 0, err
	}
	n := int64(len(head) + len(data))
	p.kinds.DictEncodingStats[parquet.Encoding(page.Encoding())]++
	p.count(n, int64(len(page.Data())-len(data)))
	return n, nil
}

// count adds a page of n bytes with its header, and more when it is not compressed.
func (p *pager) count(n, more int64) {
	p.chunk.CompressedSize += n
	p.chunk.UncompressedSize += n + more
}

// dictionaryHeader is the PageHeader of a dictionary in Thrift's compact protocol: a field is the difference of its number to
// the one before in the upper half of a byte, its type in the lower half, and the value.
func dictionaryHeader(uncompressed, compressed, values, encoding int) []byte {
	const (
		int32Next  = 0x15
		structAt7  = 0x4c // after field 3
		falseNext  = 0x12
		end        = 0x00
		dictionary = 2 // PageType
	)
	b := binary.AppendVarint([]byte{int32Next}, dictionary)
	b = binary.AppendVarint(append(b, int32Next), int64(uncompressed))
	b = binary.AppendVarint(append(b, int32Next), int64(compressed))
	b = binary.AppendVarint(append(b, structAt7, int32Next), int64(values))
	b = binary.AppendVarint(append(b, int32Next), int64(encoding))
	return append(b, falseNext, end, end) // not sorted
}

// Close writes the pages, and after them the metadata of the column, which it completes.
func (p *pager) Close(hasDict, fallback bool) error {
	if err := p.meta.Finish(p.chunk, hasDict, fallback, p.kinds, nil); err != nil {
		return err
	}
	shift := p.out.Pos() - int64(len(magic))
	chunk := p.meta.Contents()
	chunk.FileOffset += shift
	chunk.MetaData.DataPageOffset += shift
	if at := chunk.MetaData.DictionaryPageOffset; at != nil {
		*at += shift
	}
	kinds := chunk.MetaData.EncodingStats
	sort.Slice(kinds, func(i, j int) bool {
		a, b := kinds[i], kinds[j]
		return a.PageType > b.PageType || a.PageType == b.PageType && a.Encoding > b.Encoding // as the pages stand
	})
	if _, err := p.meta.WriteTo(&p.pages); err != nil {
		return err
	}
	return p.pages.moveTo(p.out, p.zstd.page[:cap(p.zstd.page)])
}
