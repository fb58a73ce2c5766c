package ease

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/jobs/internal/mapped"
)

// Version of the format.
const Version = 1

// kind is the kind of file. Its sections are about, active, scales and panels.
func kind() mapped.Kind {
	return mapped.Kind{Name: "EASE model", Magic: "shardmill-eas\r\n\x1a", Version: Version, Sections: 4}
}

// Is tells whether a file begins as those of Write do.
func Is(head []byte) bool { return kind().Is(head) }

// aboutSize is the length of section about.
const aboutSize = 6 * 8

// Write writes the model to a file.
func (inv *Inverse) Write(w io.Writer) error {
	f := mapped.NewWriter(w, kind())
	side := uint64(0)
	if inv.byUsers {
		side = 1
	}
	err := f.Uint64s(side, uint64(inv.users), uint64(inv.items), uint64(len(inv.active)), math.Float64bits(inv.lambda), math.Float64bits(inv.residual))
	if err != nil {
		return err
	}
	for _, section := range [][]byte{nil, mapped.Bytes(inv.active), mapped.Bytes(inv.scales)} {
		if _, err := f.Write(section); err != nil {
			return err
		}
		if err := f.End(); err != nil {
			return err
		}
	}
	panel := make([]float32, len(inv.active)*width)
	for p := range inv.matrix.Panels() {
		inv.matrix.Panel(p, panel)
		if _, err := f.Write(mapped.Bytes(panel)); err != nil {
			return err
		}
	}
	if err := f.End(); err != nil {
		return err
	}
	return f.Close()
}

// Model is the model as Open would read it from a file, in memory: it has its own copy of the inverse, of ModelBytes.
func (inv *Inverse) Model() *Model {
	size := len(inv.active) * width
	m := &Model{shape: inv.shape, lambda: inv.lambda, residual: inv.residual, scales: inv.scales, panels: make([]float32, inv.matrix.Panels()*size)}
	for p := range inv.matrix.Panels() {
		inv.matrix.Panel(p, m.panel(p))
	}
	return m
}

// ModelBytes is the memory of what Inverse.Model makes for so many users and items, of which the fewer all have interactions.
func ModelBytes(users, items int) int64 {
	n := int64(min(users, items))
	return (n + width - 1) / width * width * n * 4
}

// Model is a model in a file or in memory. It can be used by several goroutines.
type Model struct {
	shape
	lambda, residual float64
	scales           []float32
	panels           []float32
	file             *mapped.File
}

// Open opens a file of Write, and checks it. A file of another kind is formats.ErrForeign or a formats.VersionError,
// one whose bytes are not what was written is formats.ErrDamaged.
func Open(path string) (*Model, error) { return open(path, false) }

// Reopen is Open for a file whose bytes this process has compared with a checksum before: it does not read the panels, and
// trusts them.
func Reopen(path string) (*Model, error) { return open(path, true) }

func open(path string, trusted bool) (*Model, error) {
	f, err := mapped.Open(path)
	if err != nil {
		return nil, err
	}
	sections, err := f.Sections(kind(), trusted)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	m := &Model{file: f}
	if what := m.read(sections); what != "" {
		return nil, errors.Join(fmt.Errorf("%s: %w: %s", path, formats.ErrDamaged, what), f.Close())
	}
	return m, nil
}

// read takes the sections, and returns what is wrong with them.
func (m *Model) read(sections [][]byte) string {
	if len(sections[0]) != aboutSize {
		return "section about of another length"
	}
	about := mapped.View[uint64](sections[0])
	side, users, items, n := about[0], about[1], about[2], about[3]
	if side > 1 || max(users, items) > min(1<<32, math.MaxInt) || n > Limit || n > [2]uint64{items, users}[side] {
		return "numbers that cannot be"
	}
	panels := (n + width - 1) / width
	if uint64(len(sections[1])) != 4*n || uint64(len(sections[2])) != 4*items || uint64(len(sections[3])) != 4*panels*n*width {
		return "sections of other lengths than stated"
	}
	m.shape = shape{users: int(users), items: int(items), byUsers: side == 1, active: mapped.View[uint32](sections[1])}
	m.lambda, m.residual = math.Float64frombits(about[4]), math.Float64frombits(about[5])
	m.scales, m.panels = mapped.View[float32](sections[2]), mapped.View[float32](sections[3])
	all := [2]uint64{items, users}[side]
	for a, i := range m.active {
		if a > 0 && m.active[a-1] >= i || uint64(i) >= all {
			return "rows out of order"
		}
	}
	return ""
}

// Users is the number of users, with and without interactions.
func (m *Model) Users() int { return m.users }

// Items is the number of items, with and without interactions.
func (m *Model) Items() int { return m.items }

// Inverted is the number of rows of the inverse: users if ByUsers, else items.
func (m *Model) Inverted() int { return len(m.active) }

// ByUsers tells whether the inverse is of the users, as they are fewer.
func (m *Model) ByUsers() bool { return m.byUsers }

// Lambda is the regularisation.
func (m *Model) Lambda() float64 { return m.lambda }

// Residual tells how exact the inverse is, see Inverse.Residual.
func (m *Model) Residual() float64 { return m.residual }

// Close lets go of the file.
func (m *Model) Close() error {
	if m.file == nil {
		return nil
	}
	return m.file.Close()
}

// panel has columns 32p to 32p+31 of the inverse, [row][column].
func (m *Model) panel(p int) []float32 {
	size := len(m.active) * width
	return m.panels[p*size : (p+1)*size]
}
