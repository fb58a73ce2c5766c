package rowgroup

import (
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/pierrec/lz4/v4"
)

// codec decompresses one block: see [compress.Codec].
type codec interface{ Decode(dst, src []byte) []byte }

// lz4Raw is LZ4_RAW in the Parquet specification, a codec that arrow/go v15 has not got: a page is one LZ4 block.
const lz4Raw = compress.Compression(7)

// lz4Blocks decodes LZ4_RAW.
type lz4Blocks struct{}

// Decode implements codec. The result of a block that is damaged, or larger than dst, is empty.
func (lz4Blocks) Decode(dst, src []byte) []byte {
	n, err := lz4.UncompressBlock(src, dst)
	if err != nil {
		n = 0
	}
	return dst[:n]
}
