package rowgroup

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/pierrec/lz4/v4"

	"github.com/shardmill/shardmill/formats"
)

func packLZ4(t *testing.T, raw []byte) []byte {
	t.Helper()
	packed := make([]byte, lz4.CompressBlockBound(len(raw)))
	n, err := lz4.CompressBlock(raw, packed, nil)
	if err != nil || n == 0 {
		t.Fatalf("%d bytes of %d, %v", n, len(raw), err)
	}
	return packed[:n]
}

// Pages by LZ4_RAW are read, small and large ones; what is damaged is an error or has the size that it should have.
func TestLZ4(t *testing.T) {
	var text []byte
	for i := range 20_000 {
		text = fmt.Appendf(text, "value %d, ", i*7919%1000)
	}
	for _, raw := range [][]byte{bytes.Repeat([]byte("ab"), 40), text} {
		packed, size := packLZ4(t, raw), int64(len(raw))
		read := func(raw int64, packed []byte) ([]byte, error) {
			p, err := newPages(pageV1(raw, int64(len(packed)), sum(packed), nil, packed), lz4Raw).next()
			return p.data, err
		}
		if got, err := read(size, packed); err != nil || !bytes.Equal(got, raw) {
			t.Errorf("%d bytes: %d, %v", size, len(got), err)
		}
		for name, err := range map[string]error{
			"less than stated": second(read(size+1, packed)),
			"more than stated": second(read(size-1, packed)),
			"cut":              second(read(size, packed[:len(packed)-1])),
			"nothing":          second(read(size, nil)),
		} {
			if !errors.Is(err, formats.ErrDamaged) {
				t.Errorf("%d bytes, %s: %v", size, name, err)
			}
		}
		failed := 0
		for at := 0; at < len(packed); at += 1 + len(packed)/500 {
			damaged := bytes.Clone(packed)
			damaged[at] ^= 0xff
			got, err := read(size, damaged)
			if err != nil {
				failed++
			}
			if err == nil && len(got) != len(raw) || err != nil && !errors.Is(err, formats.ErrDamaged) {
				t.Errorf("%d bytes, byte %d: %d, %v", size, at, len(got), err)
			}
		}
		if failed == 0 {
			t.Errorf("%d bytes: no damage is seen", size)
		}
	}
}

func second(_ []byte, err error) error { return err }

// The older LZ4 is of several kinds, and not read.
func TestCodecs(t *testing.T) {
	for _, c := range []compress.Compression{compress.Codecs.Lz4, compress.Codecs.Lzo, lz4Raw + 1} {
		if err := new(pages).setCodec(c); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%v: %v", c, err)
		}
	}
}
