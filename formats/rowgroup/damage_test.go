package rowgroup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/table"
)

// damageEnv makes TestDamage do its work: it does so in a process of its own, since a damaged footer can make the
// Parquet library ask for any amount of memory.
const damageEnv = "SHARDMILL_ROWGROUP_DAMAGE"

// TestDamage changes bytes of files, one at a time. Then there is an error, or as many rows as the footer states: what
// is in the rows, nothing in a file without checksums can tell. There is no panic, and no read that does not end.
func TestDamage(t *testing.T) {
	if os.Getenv(damageEnv) != "" {
		for name, data := range damageFiles(t) {
			flip(t, name, data)
		}
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestDamage$", "-test.v", "-test.timeout=4m")
	cmd.Env = append(os.Environ(), damageEnv+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("flips")) {
		t.Fatalf("%v\n%s", err, out[max(0, len(out)-4000):])
	}
	t.Logf("%s", out)
}

func damageFiles(t *testing.T) map[string][]byte {
	files := map[string][]byte{}
	for _, name := range []string{"duckdb-v1-snappy", "duckdb-v2-plain", "duckdb-lz4", "polars-zstd"} {
		data, err := os.ReadFile(filepath.Join("testdata", name+".parquet"))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	for i, s := range []shape{
		{rep: parquet.Repetitions.Optional, dictionary: true, codec: compress.Codecs.Gzip},
		{rep: parquet.Repetitions.Optional, codec: compress.Codecs.Brotli, page: parquet.DataPageV2},
		{rep: parquet.Repetitions.Optional, coding: 1, page: parquet.DataPageV2},
		{rep: parquet.Repetitions.Required, coding: 2, codec: compress.Codecs.Zstd},
	} {
		s.groups, s.pageBytes = []int{20, 0, 30}, 300
		columns := specs()
		files[fmt.Sprint("arrow-", i)] = s.file(t, []spec{columns[0], columns[1], columns[4], columns[13], columns[len(columns)-12], columns[len(columns)-1]})
	}
	return files
}

// flip changes about 250 bytes in turn, one bit of each and all of them.
func flip(t *testing.T, name string, data []byte) {
	start, flips, failures := time.Now(), 0, 0
	for at := 0; at < len(data); at += 1 + len(data)/250 {
		for _, mask := range []byte{1 << (at % 8), 0xff} {
			damaged := bytes.Clone(data)
			damaged[at] ^= mask
			flips++
			if readDamaged(t, fmt.Sprintf("%s, byte %d ^ %x", name, at, mask), damaged) != nil {
				failures++
			}
		}
	}
	t.Logf("%s: %d flips, %d errors, %v", name, flips, failures, time.Since(start).Round(time.Millisecond))
	if failures == 0 {
		t.Errorf("%s: no error at all", name)
	}
}

func readDamaged(t *testing.T, what string, data []byte) error {
	begin, rows := time.Now(), int64(0)
	err := each(data, func(*Row, error) { rows++ })
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("%s: took %v", what, took)
	}
	if err != nil {
		if !errors.Is(err, formats.ErrDamaged) && !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrNotParquet) && !isNames(err) {
			t.Errorf("%s: %v", what, err)
		}
		return err
	}
	info, err := inspect(data)
	if err != nil || info.Rows() != rows {
		t.Errorf("%s: %d rows without an error, the footer states %d, %v", what, rows, info.Rows(), err)
	}
	return nil
}

// isNames reports that a name of a column is damaged, so that two are the same.
func isNames(err error) bool { return errors.Is(err, table.ErrColumns) }

// TestCut cuts files short: none may be read.
func TestCut(t *testing.T) {
	for name, data := range damageFiles(t) {
		for at := 0; at < len(data); at += 1 + at/50 {
			if _, err := inspect(data[:at]); !errors.Is(err, ErrNotParquet) && !errors.Is(err, formats.ErrDamaged) {
				t.Errorf("%s cut to %d bytes: %v", name, at, err)
			}
		}
	}
}
