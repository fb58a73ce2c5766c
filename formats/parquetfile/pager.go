package parquetfile

import (
	"bytes"
	"fmt"
	"sort"

	"github.com/apache/arrow/go/v15/arrow/memory"
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
	file.PageWriter // into pages
	pages           pages
	meta            *metadata.ColumnChunkMetaDataBuilder
	zstd            *compressor
	out             *sink.Sink
}

// pages is a buffer that tells the position in a file in which it follows the magic, so that no offset is 0,
// which the library takes for none.
type pages struct{ bytes.Buffer }

// Tell returns the position.
func (p *pages) Tell() int64 { return int64(len(magic) + p.Len()) }

// compressor compresses pages, one at a time.
type compressor struct {
	encoder *zstd.Encoder
	page    []byte
}

func newCompressor() (*compressor, error) {
	e, err := zstd.NewWriter(nil, zstd.WithZeroFrames(true), zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(zstdLevel)), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return &compressor{encoder: e}, nil
}

func newPager(meta *metadata.ColumnChunkMetaDataBuilder, group, column int, z *compressor, out *sink.Sink) (*pager, error) {
	p := &pager{meta: meta, zstd: z, out: out}
	w, err := file.NewPageWriter(&p.pages, compress.Codecs.Zstd, zstdLevel, meta, int16(group), int16(column), memory.DefaultAllocator, false, nil, nil)
	p.PageWriter = w
	return p, err
}

// Compress returns the page compressed, valid until the next call for any column of the file.
func (p *pager) Compress(_ *bytes.Buffer, page []byte) []byte {
	p.zstd.page = p.zstd.encoder.EncodeAll(page, p.zstd.page[:0])
	return p.zstd.page
}

// Close writes the pages, and after them the metadata of the column, which it completes.
func (p *pager) Close(hasDict, fallback bool) error {
	end := p.pages.Len()
	if err := p.PageWriter.Close(hasDict, fallback); err != nil {
		return err
	}
	p.pages.Truncate(end) // without the metadata
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
	_, err := p.out.Write(p.pages.Bytes())
	return err
}
