package arrowfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/shardmill/shardmill/formats"
)

// Lists are shown with brackets.
func TestDescribeLists(t *testing.T) {
	d, err := Describe(filepath.Join("testdata", "v1-lists.arrow"), 3)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%q", d.First[2]); got != `["r2" "[-9223372036854775808, -9223372036852775802, -9223372036850775796, -9223372036848775790]" `+
		`"[größer, 猫, \x00, a, b]\n]" "[größer, 猫, \x00, a, b]\n]" "[0, 0.14285715, 0.2857143, 0.42857143]"]` {
		t.Error(got)
	}
}

func TestDescribe(t *testing.T) {
	data, err := encodeRanked(rankRows(9000), 100)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.arrow")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Describe(path, 5000)
	if err != nil {
		t.Fatal(err)
	}
	rows := int64(0)
	for _, n := range d.Batches {
		rows += n
	}
	if rows != 9000 || len(d.First) != 5000 || len(d.Columns) != 3 || d.Version != version || len(d.Batches) < 2 {
		t.Fatalf("%d rows in %d batches, %d first ones, columns %v", rows, len(d.Batches), len(d.First), d.Columns)
	}
	// Steps are shown as the numbers that they stand for, across batches too.
	for i, want := range map[int][2]string{0: {"a.csv", "2"}, 4499: {"a.csv", "4501"}, 4500: {"b.csv", "2"}, 4999: {"b.csv", "1000"}} {
		if got := d.First[i]; got[0] != want[0] || got[1] != want[1] {
			t.Errorf("row %d is %q, expected %q", i, got[:2], want)
		}
	}
	for _, cut := range []int{0, 5, len(data) / 2, len(data) - 1} {
		if err := os.WriteFile(path, data[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Describe(path, 5); !errors.Is(err, formats.ErrForeign) && !errors.Is(err, formats.ErrDamaged) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	// Whatever byte is another one, there is an answer or an error, and no panic.
	for i := 0; i < len(data); i += 997 {
		b := bytes.Clone(data)
		b[i] ^= 0x21
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _ = Describe(path, 50)
	}
}
