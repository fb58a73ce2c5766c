package ease

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/jobs/internal/datasets"
	"github.com/shardmill/shardmill/jobs/internal/mapped"
	"github.com/shardmill/shardmill/jobs/internal/mapped/mappedtest"
)

// golden is what the models in testdata were solved for. The files were written once, and are never written again.
func golden() (users *datasets.Matrix, o Options) {
	return datasets.Compress(5, 4, datasets.Entries{
		{0, 0}: 1, {0, 1}: 2, {1, 1}: 1, {1, 3}: .5, {2, 0}: 1, {2, 1}: 1, {2, 3}: 3, {4, 0}: 4, {4, 3}: 1,
	}, false), Options{Lambda: 2.5}
}

func goldenPath(byUsers bool) string {
	if byUsers {
		return filepath.Join("testdata", "v1-users.ease")
	}
	return filepath.Join("testdata", "v1-items.ease")
}

func TestGolden(t *testing.T) {
	users, o := golden()
	for _, byUsers := range []bool{false, true} {
		once, err := os.ReadFile(goldenPath(byUsers))
		if err != nil {
			t.Fatal(err)
		}
		if got := fileOf(t, users, byUsers, o); !bytes.Equal(got, once) {
			t.Errorf("by users %v: written now:\n%x\nonce:\n%x", byUsers, got, once)
		}
		if !Is(once) || Is(once[1:]) {
			t.Error("Is does not know the file")
		}
		m, err := Open(goldenPath(byUsers))
		if err != nil {
			t.Fatal(err)
		}
		checkLists(t, users, oracle(t, users, 2.5), 10, 0, lists(t, kernels()[0], m, users, 10, 0, 5))
		if m.Users() != 5 || m.Items() != 4 || m.Lambda() != 2.5 || m.ByUsers() != byUsers || m.Inverted() != map[bool]int{false: 3, true: 4}[byUsers] {
			t.Errorf("got %+v", m.shape)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestModelInMemory: it is what a file of it is.
func TestModelInMemory(t *testing.T) {
	for _, byUsers := range []bool{false, true} {
		users := random(rand.New(rand.NewPCG(1, 2)), 77, 70, .1, false, 0) // more than two panels
		o := Options{Lambda: 3}
		path := filepath.Join(t.TempDir(), "model")
		if err := os.WriteFile(path, fileOf(t, users, byUsers, o), 0o644); err != nil {
			t.Fatal(err)
		}
		file, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		m := solvedAs(t, users, byUsers, o).Model()
		if m.Lambda() != file.Lambda() || m.Residual() != file.Residual() || m.ByUsers() != byUsers || !slices.Equal(m.active, file.active) {
			t.Errorf("by users %v: got %+v, the file has %+v", byUsers, m.shape, file.shape)
		}
		if !slices.Equal(m.panels, file.panels) || !slices.Equal(m.scales, file.scales) || len(m.panels) == 0 {
			t.Errorf("by users %v: other numbers than in the file", byUsers)
		}
		if got, most := int64(4*len(m.panels)), ModelBytes(users.Rows(), users.Columns()); byUsers == (users.Rows() < users.Columns()) && got > most {
			t.Errorf("%d bytes, at most %d were told", got, most)
		}
		if err := errors.Join(m.Close(), file.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestDamage changes each byte of a file, and cuts it at each length: no such file is opened.
func TestDamage(t *testing.T) {
	users, o := golden()
	mappedtest.Damage(t, fileOf(t, users, true, o), func(path string) error {
		_, err := Open(path)
		return err
	})
	if _, err := Open(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// about is a section about.
func about(side, users, items, rows uint64) []byte {
	return mapped.Bytes([]uint64{side, users, items, rows, math.Float64bits(1), 0})
}

// TestSealed opens files that are wrong behind right checksums.
func TestSealed(t *testing.T) {
	active, scales, panels := mapped.Bytes([]uint32{0, 2}), make([]byte, 12), make([]byte, 2*128)
	for _, c := range []struct {
		name                          string
		about, active, scales, panels []byte
	}{
		{"", about(0, 9, 3, 2), active, scales, panels},
		{"", about(1, 3, 3, 2), active, scales, panels},
		{"short about", about(0, 9, 3, 2)[:40], active, scales, panels},
		{"long about", append(about(0, 9, 3, 2), 0), active, scales, panels},
		{"another side", about(2, 9, 3, 2), active, scales, panels},
		{"more rows than items", about(0, 9, 1, 2), active, scales[:4], panels},
		{"more rows than users", about(1, 1, 3, 2), active, scales, panels},
		{"more users than numbers", about(0, 1<<32+1, 3, 2), active, scales, panels},
		{"too many rows", about(0, 1<<20, 1<<20, Limit+1), active, scales, panels},
		{"rows that wrap around", about(0, math.MaxUint64, 3, 1<<62), active, scales, panels},
		{"another number of rows", about(0, 9, 3, 1), active, scales, panels},
		{"part of a row", about(0, 9, 3, 2), active[:7], scales, panels},
		{"a scale too few", about(0, 9, 3, 2), active, scales[:8], panels},
		{"a scale too many", about(1, 9, 2, 2), active, scales, panels},
		{"a panel too few", about(0, 9, 3, 2), active, scales, nil},
		{"part of a panel", about(0, 9, 3, 2), active, scales, panels[:128]},
		{"rows twice", about(0, 9, 3, 2), mapped.Bytes([]uint32{1, 1}), scales, panels},
		{"rows that descend", about(0, 9, 3, 2), mapped.Bytes([]uint32{2, 1}), scales, panels},
		{"a row behind the last item", about(0, 9, 3, 2), mapped.Bytes([]uint32{2, 3}), scales, panels},
		{"a row behind the last user", about(1, 3, 3, 2), mapped.Bytes([]uint32{2, 3}), scales, panels},
	} {
		path := filepath.Join(t.TempDir(), "of.ease")
		if err := os.WriteFile(path, mappedtest.Seal(t, kind(), c.about, c.active, c.scales, c.panels), 0o644); err != nil {
			t.Fatal(err)
		}
		m, err := Open(path)
		if c.name == "" {
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
			continue
		}
		if !errors.Is(err, formats.ErrDamaged) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestReopen trusts what a process has checked: it does not look at panels.
func TestReopen(t *testing.T) {
	users, o := golden()
	data := fileOf(t, users, false, o)
	data[64+64+64+64] ^= 1 // of the first panel
	path := filepath.Join(t.TempDir(), "of.ease")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !errors.Is(err, formats.ErrDamaged) {
		t.Errorf("got %v", err)
	}
	m, err := Reopen(path)
	if err != nil {
		t.Fatal(err)
	}
	if m.Inverted() != 3 {
		t.Errorf("got %d rows", m.Inverted())
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// FuzzOpen opens any bytes and files of any sections: there is a model that can be used, or an error that says what is wrong.
func FuzzOpen(f *testing.F) {
	users, o := golden()
	f.Add(fileOf(f, users, true, o), []byte(nil), []byte(nil), []byte(nil), false)
	f.Add([]byte(kind().Magic), []byte(nil), []byte(nil), []byte(nil), false)
	f.Add(about(0, 5, 3, 2), mapped.Bytes([]uint32{0, 2}), make([]byte, 12), make([]byte, 2*128), true)
	f.Add(about(1, 5, 4, 4), mapped.Bytes([]uint32{0, 1, 2, 4}), make([]byte, 16), make([]byte, 4*128), true)
	f.Fuzz(func(t *testing.T, data, active, scales, panels []byte, seal bool) {
		if seal {
			data = mappedtest.Seal(t, kind(), data, active, scales, panels)
		}
		path := filepath.Join(t.TempDir(), "of.ease")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		m, err := Open(path)
		if err != nil {
			if !mappedtest.Refused(err) {
				t.Fatal(err)
			}
			return
		}
		if m.Users() == users.Rows() && m.Items() == users.Columns() {
			lists(t, kernels()[0], m, users, 10, 0, m.Users())
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// full takes a number of bytes, and then no more.
type full struct{ left int }

var errFull = errors.New("full")

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriteFails(t *testing.T) {
	users, o := golden()
	inv, err := Solve(t.Context(), users, users.Transpose(), o)
	if err != nil {
		t.Fatal(err)
	}
	size := len(fileOf(t, users, inv.ByUsers(), o))
	for _, left := range []int{0, 64, 127, 128, 200, 256, 300, size - 1} {
		if err := inv.Write(&full{left}); !errors.Is(err, errFull) {
			t.Errorf("room for %d bytes: %v", left, err)
		}
	}
	if err := inv.Write(&full{size}); err != nil {
		t.Error(err)
	}
}

// TestPadding: behind the last column of the last panel there are zeros.
func TestPadding(t *testing.T) {
	users, o := golden()
	m := opened(t, fileOf(t, users, false, o))
	for a := range m.Inverted() {
		row := m.panel(0)[a*width : (a+1)*width]
		if slices.ContainsFunc(row[3:], func(x float32) bool { return x != 0 }) || row[a] <= 0 {
			t.Errorf("row %d is %v", a, row)
		}
	}
}
