package fsx_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
)

func TestPowerFailure(t *testing.T) {
	all := func() bool { return true }
	write := func(t *testing.T, m *fsx.Mem, name, content string, sync bool) {
		t.Helper()
		f, err := m.Append(name)
		must(t, err)
		_, err = f.Write([]byte(content))
		must(t, err)
		if sync {
			must(t, f.Sync())
		}
		must(t, f.Close())
	}
	for _, c := range []struct {
		name          string
		do            func(t *testing.T, m *fsx.Mem)
		strict, lucky map[string]string
	}{
		{
			name:   "a name that was not synced is lost",
			do:     func(t *testing.T, m *fsx.Mem) { write(t, m, "/f", "x", true) },
			strict: map[string]string{},
			lucky:  map[string]string{"/f": "x"},
		},
		{
			name: "content that was not synced is lost",
			do: func(t *testing.T, m *fsx.Mem) {
				write(t, m, "/f", "x", true)
				write(t, m, "/f", "y", false)
				must(t, m.Sync("/"))
			},
			strict: map[string]string{"/f": "x"},
			lucky:  map[string]string{"/f": "xy"},
		},
		{
			name: "a removal that was not synced comes back",
			do: func(t *testing.T, m *fsx.Mem) {
				write(t, m, "/f", "x", true)
				must(t, m.Sync("/"))
				must(t, m.Remove("/f"))
			},
			strict: map[string]string{"/f": "x"},
			lucky:  map[string]string{},
		},
		{
			name: "a rename across folders may leave both names",
			do: func(t *testing.T, m *fsx.Mem) {
				must(t, m.Mkdir("/a"))
				must(t, m.Mkdir("/b"))
				write(t, m, "/a/f", "x", true)
				must(t, m.Sync("/a"))
				must(t, m.Sync("/"))
				must(t, m.Rename("/a/f", "/b/f"))
				must(t, m.Sync("/b"))
			},
			strict: map[string]string{"/a/": "", "/a/f": "x", "/b/": "", "/b/f": "x"},
			lucky:  map[string]string{"/a/": "", "/b/": "", "/b/f": "x"},
		},
		{
			name: "a moved folder has one parent",
			do: func(t *testing.T, m *fsx.Mem) {
				must(t, fsx.MkdirAll(m, "/a/d"))
				must(t, m.Mkdir("/b"))
				must(t, m.Sync("/a"))
				must(t, m.Sync("/"))
				must(t, m.Rename("/a/d", "/b/d"))
				must(t, m.Sync("/b"))
			},
			strict: map[string]string{"/a/": "", "/b/": "", "/b/d/": ""},
			lucky:  map[string]string{"/a/": "", "/b/": "", "/b/d/": ""},
		},
		{
			name: "an exchange that was not synced is undone",
			do: func(t *testing.T, m *fsx.Mem) {
				write(t, m, "/f", "x", true)
				write(t, m, "/g", "y", true)
				must(t, m.Sync("/"))
				must(t, m.Exchange("/f", "/g"))
			},
			strict: map[string]string{"/f": "x", "/g": "y"},
			lucky:  map[string]string{"/f": "y", "/g": "x"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := fsx.NewMem()
			c.do(t, m)
			if d := cmp.Diff(c.strict, tree(t, m.PowerFailure(nil), "/")); d != "" {
				t.Error("all unsynced changes lost:", d)
			}
			if d := cmp.Diff(c.lucky, tree(t, m.PowerFailure(all), "/")); d != "" {
				t.Error("all unsynced changes survived:", d)
			}
		})
	}
}

func TestPowerFailureKeepsHardLinksTogetherAndTheOldSystemAlone(t *testing.T) {
	m := fsx.NewMem()
	must(t, put(m, "/f", "x"))
	must(t, m.Link("/f", "/g"))
	must(t, m.Sync("/f"))
	must(t, m.Sync("/"))
	lock, err := m.Lock("/LOCK", nil)
	must(t, err)
	after := m.PowerFailure(nil)
	f, err := after.Append("/g")
	must(t, err)
	_, err = f.Write([]byte("y"))
	must(t, err)
	if got := tree(t, after, "/")["/f"]; got != "xy" {
		t.Errorf("the links came apart: %q", got)
	}
	if got := tree(t, m, "/")["/f"]; got != "x" {
		t.Errorf("the old system changed: %q", got)
	}
	if _, err := after.Lock("/LOCK", nil); err != nil {
		t.Error("a lock survived:", err)
	}
	must(t, lock.Close())
}
