package recommend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/shardmill/shardmill/formats/delimited"
	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/tabular"
	"github.com/shardmill/shardmill/mapreduce"
)

// leftPort is the stream left; where there are rules of files, its one group makes them.
func (j *recommendation) leftPort() *mapreduce.Stream[uint32, int64] {
	left := leftStream(j.params)
	if j.params.rulesFromFiles() {
		left.Writes = append(j.ruleSets.ports(&j.params), j.ruleSets.report)
		left.Reduce = func(_ context.Context, env *mapreduce.Env) (mapreduce.Reducer[uint32, int64], error) {
			d, err := j.names(env)
			return &ruleMaker{leftReducer: leftReducer{params: j.params}, ruleSets: j.ruleSets, names: d}, err
		}
	}
	return left
}

// ruleMaker makes the rule sets.
type ruleMaker struct {
	leftReducer
	ruleSets *ruleSets
	names    names

	out     *mapreduce.Out
	items   []bool // that may be listed
	left    int64  // of them
	took    []uint32
	other   []string // users, in the order of their dictionary
	columns []uint32
}

// Reduce implements mapreduce.Reducer.
func (m *ruleMaker) Reduce(ctx context.Context, key uint32, values iter.Seq2[uint32, int64], out *mapreduce.Out) error {
	if err := m.leftReducer.Reduce(ctx, key, values, out); err != nil {
		return err
	}
	m.out = out
	kept := side{ids: m.names.items, least: m.params.MinItem}
	m.items = make([]bool, kept.ids.Len())
	for i := range m.items {
		m.items[i] = kept.keeps(i)
	}
	m.left = int64(kept.kept())
	for _, make := range []func() error{m.allow, m.block, m.attributes, m.writeAllowed, m.users, m.pairs} {
		if err := make(); err != nil {
			return err
		}
	}
	return nil
}

// file is that of a flag, if it is given.
func (m *ruleMaker) file(flag string) (listFile, bool) { return m.params.listFile(flag) }

// keep lets items stay that a rule passes, and notes what it took.
func (m *ruleMaker) keep(rule string, rows, unknown int64, passes func(i int) bool) error {
	before := m.left
	for i, is := range m.items {
		if is && !passes(i) {
			m.items[i] = false
			m.left--
		}
	}
	m.took = append(m.took, uint32(before-m.left))
	m.tell(rule, rows, unknown)
	if m.left == 0 {
		return mapreduce.BadInput(fmt.Errorf("%s leaves no item to recommend: of %d items before it none passes (%d of its file's %d rows are of items that the data has not)", rule, before, unknown, rows))
	}
	return nil
}

func (m *ruleMaker) tell(rule string, rows, unknown int64) {
	m.ruleSets.report.Write(m.out, 0, ruleRow{rule, rows, unknown, m.left})
}

// listed reads a list of items.
func (m *ruleMaker) listed(f listFile) (is []bool, rows, unknown int64, err error) {
	is = make([]bool, len(m.items))
	err = f.each(func(ids [][]byte, _ []tabular.Cell) error {
		rows++
		if n, ok := m.names.items.Find(ids[0]); ok {
			is[n] = true
		} else {
			unknown++
		}
		return nil
	})
	return is, rows, unknown, err
}

func (m *ruleMaker) allow() error {
	f, given := m.file("allow")
	if !given {
		return nil
	}
	is, rows, unknown, err := m.listed(f)
	if err != nil {
		return err
	}
	return m.keep("--allow "+f.path, rows, unknown, func(i int) bool { return is[i] })
}

func (m *ruleMaker) block() error {
	f, given := m.file("block")
	if !given {
		return nil
	}
	is, rows, unknown, err := m.listed(f)
	if err != nil {
		return err
	}
	return m.keep("--block "+f.path, rows, unknown, func(i int) bool { return !is[i] })
}

func (m *ruleMaker) writeAllowed() error {
	if !m.params.picks() {
		return nil
	}
	m.columns = m.columns[:0]
	for i, is := range m.items {
		if is {
			m.columns = append(m.columns, uint32(i))
		}
	}
	m.ruleSets.allowed.Write(m.out, 0, matrix.Row{Columns: m.columns})
	for i, n := range m.took {
		m.ruleSets.allowed.Write(m.out, 0, matrix.Row{Index: uint32(1 + i), Columns: []uint32{n}})
	}
	return nil
}

// users writes who is asked for: users of the data, and others.
func (m *ruleMaker) users() error {
	f, given := m.file("users")
	if !given {
		return nil
	}
	asked, rows := make([]bool, m.names.users.Len()), int64(0)
	err := f.each(func(ids [][]byte, _ []tabular.Cell) error {
		rows++
		if n, ok := m.names.users.Find(ids[0]); ok {
			asked[n] = true
			return nil
		}
		if _, ok := delimited.CanonicalInt(ids[0]); !ok && m.names.users.Numeric() {
			return fmt.Errorf("user %.100q is not a whole number, as all users of the data are", ids[0])
		}
		m.other = append(m.other, string(ids[0]))
		return nil
	})
	if err == nil && rows == 0 {
		err = f.failed(errors.New("it has no user"))
	}
	if err != nil {
		return err
	}
	slices.Sort(m.other)
	m.other = slices.Compact(m.other)
	for _, id := range m.other {
		m.ruleSets.others.Write(m.out, 0, ids.Entry{ID: []byte(id), Newest: noTime})
	}
	m.columns = m.columns[:0]
	for n, is := range asked {
		if is {
			m.columns = append(m.columns, uint32(n))
		}
	}
	m.ruleSets.asked.Write(m.out, 0, matrix.Row{Columns: m.columns})
	m.tell("--users "+f.path, rows, int64(len(m.other)))
	return nil
}

// pairs writes what is blocked for single users.
func (m *ruleMaker) pairs() error {
	f, given := m.file("block-pairs")
	if !given {
		return nil
	}
	numbers := m.otherNumbers()
	var pairs []uint64
	var rows, unknown int64
	err := f.each(func(ids [][]byte, _ []tabular.Cell) error {
		rows++
		user, ok := m.names.users.Find(ids[0])
		if !ok {
			user, ok = numbers[string(ids[0])]
		}
		item, known := m.names.items.Find(ids[1])
		if ok && known {
			pairs = append(pairs, uint64(user)<<32|uint64(item))
		} else {
			unknown++
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(pairs)
	pairs = slices.Compact(pairs)
	for from := 0; from < len(pairs); {
		user := uint32(pairs[from] >> 32)
		m.columns = m.columns[:0]
		for ; from < len(pairs) && uint32(pairs[from]>>32) == user; from++ {
			m.columns = append(m.columns, uint32(pairs[from]))
		}
		m.ruleSets.blocked.Write(m.out, 0, matrix.Row{Index: user, Columns: m.columns})
	}
	m.tell("--block-pairs "+f.path, rows, unknown)
	return nil
}

// otherNumbers are the numbers of users who are not in the data: they come behind the users who are, in the order of their dictionary.
func (m *ruleMaker) otherNumbers() map[string]uint32 {
	order := slices.Clone(m.other)
	if m.names.users.Numeric() {
		slices.SortFunc(order, byNumber)
	}
	numbers := map[string]uint32{}
	for i, id := range order {
		numbers[id] = uint32(m.names.users.Len() + i)
	}
	return numbers
}

// byNumber compares canonical decimals.
func byNumber(a, b string) int {
	x, _ := delimited.CanonicalInt([]byte(a))
	y, _ := delimited.CanonicalInt([]byte(b))
	return cmp.Compare(x, y)
}
