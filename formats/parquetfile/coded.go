package parquetfile

import (
	"bytes"

	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/apache/arrow/go/v15/parquet/schema"
)

// coded writes the pages of a column that may have a dictionary, which comes before its pages, so that they wait for it.
type coded struct {
	pager    *pager
	props    *parquet.WriterProperties
	inDict   bool            // the values of the open page are in the dictionary
	fellBack bool            // from a dictionary to plain values
	held     []file.DataPage // pages that wait for the dictionary
}

func newCoded(p *pager, props *parquet.WriterProperties) coded {
	return coded{pager: p, props: props, inDict: props.DictionaryEnabledFor(p.meta.Descr().Path())}
}

// empty is where the next page is put together. All columns of a file use it in turn.
func (c *coded) empty() []byte { return c.pager.zstd.plain[:0] }

// writePage writes a page that began as empty, of so many levels.
func (c *coded) writePage(data []byte, levels int, stats metadata.EncodedStatistics) error {
	c.pager.zstd.plain = data
	encoding := parquet.Encodings.Plain
	if c.inDict {
		encoding = c.props.DictionaryIndexEncoding()
	}
	size := int32(len(data))
	data = c.pager.Compress(nil, data)
	if c.inDict {
		data = bytes.Clone(data)
	}
	page := file.NewDataPageV1WithStats(memory.NewBufferBytes(data), int32(levels), encoding,
		parquet.Encodings.RLE, parquet.Encodings.RLE, size, stats)
	if c.inDict {
		c.held = append(c.held, page)
		return nil
	}
	_, err := c.pager.WriteDataPage(page)
	return err
}

// endDictionary writes a dictionary of n values and its pages. Values after it are plain.
func (c *coded) endDictionary(values []byte, n int) error {
	page := file.NewDictionaryPage(memory.NewBufferBytes(values), int32(n), c.props.DictionaryPageEncoding())
	c.inDict = false
	if _, err := c.pager.WriteDictionaryPage(page); err != nil {
		return err
	}
	for _, page := range c.held {
		if _, err := c.pager.WriteDataPage(page); err != nil {
			return err
		}
	}
	c.held = nil
	return nil
}

// finish completes the column, whose last pages are in the dictionary if hasDict, and returns its size in bytes.
func (c *coded) finish(hasDict bool) (int64, error) {
	if err := c.pager.Close(hasDict || c.fellBack, c.fellBack); err != nil {
		return 0, err
	}
	return c.pager.meta.TotalCompressedSize(), nil
}

// encoded limits statistics as those of a file are.
func (c *coded) encoded(s metadata.TypedStatistics) (metadata.EncodedStatistics, error) {
	leaf := c.pager.meta.Descr()
	stats, err := s.Encode()
	stats.ApplyStatSizeLimits(int(c.props.MaxStatsSizeFor(leaf.Path())))
	stats.Signed = leaf.SortOrder() == schema.SortSIGNED
	return stats, err
}
