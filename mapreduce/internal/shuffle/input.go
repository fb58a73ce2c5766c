package shuffle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// beatRecords is how many records lie between two heartbeats at most.
const beatRecords = 8 << 10

// Config says what an [Input] reads and how.
type Config struct {
	Stream, Partition    int
	KeyWidth, ValueWidth int                  // bytes, 0 for variable; as the stream declared
	Group                func(key []byte) int // length of the prefix that groups; nil: the whole key; constant if First and KeyWidth are not 0
	First                int                  // yield at most so many records of a group, the first ones; 0: all
	Budget               int64                // bytes for records in memory; see the package comment
	Known                *Size                // of the partition in all files, by a [Survey]; nil: the files are surveyed first
	Buffers              *Buffers             // memory of earlier Inputs; may be nil
	TempDir              string               // for spills; "" is the system's
	MaxFan               int                  // ways of a merge and files open at once; 0 is 16, at least 2
	Beat                 func()               // called at least once a file, block and 8,192 records; may be nil
	Stopped              func() error         // asked as often, but not while records are sorted: an error ends it all and is returned; may be nil
}

// Input yields the records of one partition of one stream from many run files,
// sorted by full key, then run file, then emission, in groups. It is not safe for
// concurrent use.
//
//	for in.NextGroup() {
//		for key, value, ok := in.Next(); ok; key, value, ok = in.Next() {
//		}
//	}
//	err := in.Err()
type Input struct {
	cfg        Config
	shape      shape
	source     source
	spiller    *spiller
	cutter     cutter
	total      entry  // records and bytes by the directories
	fetched    int64  // records that source has yielded
	beyond     int64  // those of them that were left out
	inGroup    int    // records that the group has yielded
	key, value []byte // the record read last
	prefix     int    // length of its group's prefix
	group      []byte
	pending    bool // the record has not been returned
	open       bool // within a group
	err        error
}

// NewInput reads the partition from all run files that next names, in the order
// of map tasks, until it returns false; where cfg.Known is set, only those with records
// need be among them. At most one run file is open at a time.
// It fails as [Open] does, and with a [DamagedError] if a file's stream has other
// widths; an error that is fs.ErrNotExist means a run file, never a spill. The
// caller must Close the Input.
func NewInput(cfg Config, next func() (path string, ok bool)) (*Input, error) {
	if cfg.MaxFan == 0 {
		cfg.MaxFan = 16
	}
	if cfg.MaxFan < 2 || cfg.KeyWidth < 0 || cfg.ValueWidth < 0 || cfg.First < 0 {
		return nil, fmt.Errorf("shuffle input: fan %d, widths %d and %d, first %d", cfg.MaxFan, cfg.KeyWidth, cfg.ValueWidth, cfg.First)
	}
	cfg.setHooks()
	in := &Input{cfg: cfg, shape: shape{cfg.KeyWidth, cfg.ValueWidth}}
	in.cutter = newCutter(&in.cfg)
	in.spiller = newSpiller(&in.cfg, &in.cutter)
	if err := in.load(next); err != nil {
		_ = in.Close()
		return nil, err
	}
	return in, nil
}

func (cfg *Config) setHooks() {
	if cfg.Beat == nil {
		cfg.Beat = func() {}
	}
	if cfg.Stopped == nil {
		cfg.Stopped = func() error { return nil }
	}
}

// step shows that work goes on, and tells whether it is to end.
func (cfg *Config) step() error {
	cfg.Beat()
	return cfg.Stopped()
}

// store holds records in memory, as many as there is room for. It yields them in order when they have been sorted.
type store interface {
	source
	// load adds the records of the segment's current block, as far as there is room.
	load(s *Segment) error
	// sort puts the records in order, and cuts groups.
	sort()
	// makeRoom is sort, and reports whether there is room again.
	makeRoom() bool
	// reset removes all records.
	reset()
	// release hands on the memory.
	release(m *Buffers)
}

// load reads the run files, after a survey of them if there was none before, so as to allocate once.
func (in *Input) load(next func() (string, bool)) error {
	s := in.cfg.Buffers.reader()
	if known := in.cfg.Known; known != nil {
		in.total.records, in.total.bytes = known.Records, known.Bytes
	} else {
		paths, err := in.survey(s, next)
		if err != nil {
			return err
		}
		next = listed(paths)
	}
	b := in.newStore()
	var loaded int64
	for path, ok := next(); ok; path, ok = next() {
		if err := in.visit(s, path, func() error { return in.read(s, &b) }); err != nil {
			return err
		}
		loaded += s.Records()
	}
	if loaded != in.total.records {
		return fmt.Errorf("run files changed while being read: %d records, were %d", loaded, in.total.records)
	}
	b.sort()
	if len(in.spiller.runs) == 0 {
		in.source = b
		return nil
	}
	if err := in.spiller.spill(b); err != nil {
		return err
	}
	b = nil // its memory goes to the merge, not to Buffers
	var err error
	in.source, err = in.spiller.merge()
	return err
}

// listed passes paths one after another.
func listed(paths []string) func() (string, bool) {
	return func() (path string, ok bool) {
		if len(paths) == 0 {
			return "", false
		}
		path, paths = paths[0], paths[1:]
		return path, true
	}
}

// survey opens every run file once, adds up the directory entries and returns the
// files that have records.
func (in *Input) survey(s *Segment, next func() (string, bool)) (paths []string, err error) {
	for path, ok := next(); ok; path, ok = next() {
		err := in.visit(s, path, func() error {
			if in.total.records += s.Records(); s.Records() > 0 {
				paths = append(paths, path)
			}
			in.total.bytes += s.Bytes()
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// visit opens the partition in a run file and calls do.
func (in *Input) visit(s *Segment, path string, do func() error) error {
	if err := in.cfg.step(); err != nil {
		return err
	}
	if err := s.open(path, in.cfg.Stream, in.cfg.Partition); err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if s.shape != in.shape {
		return s.damaged(fmt.Sprintf("stream has widths %d and %d, want %d and %d", s.shape.key, s.shape.value, in.shape.key, in.shape.value))
	}
	return do()
}

// newStore returns a store for all records, or for as many as fit the budget.
func (in *Input) newStore() store {
	if t := newTops(&in.cfg, &in.cutter); t != nil {
		return t
	}
	return in.newBatch(in.cfg.Budget)
}

func (in *Input) newBatch(budget int64) *batch {
	records, bytes := in.room(budget)
	b := newBatch(in.shape, in.cfg.Beat, &in.cutter)
	in.cfg.Buffers.lend(b, records, bytes, budget)
	b.resize(records, bytes)
	return b
}

// sortInstead returns a batch with what tops hold. Of equal keys, those that came first stand first there too.
func (in *Input) sortInstead(t *tops) (store, error) {
	t.sort()
	b := in.newBatch(in.cfg.Budget - t.bytes())
	for {
		key, value, err := t.next()
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
		for !b.add(key, value) {
			if err := in.makeRoom(b); err != nil {
				return nil, err
			}
		}
	}
}

// room returns how many records, and how many framed bytes, may be in memory: all,
// or what fits a budget, divided by the mean record.
func (in *Input) room(budget int64) (records, bytes int64) {
	records, bytes = in.total.records, in.total.bytes
	if size := footprint(in.shape, records, bytes); size > budget {
		part := float64(budget) / float64(size)
		return max(int64(part*float64(records)), 1), int64(part * float64(bytes))
	}
	return records, bytes
}

// read adds the records of s to b, making room whenever it is full.
func (in *Input) read(s *Segment, b *store) error {
	for {
		if s.inBlock > 0 {
			if err := in.makeRoom(*b); err != nil {
				return err
			}
		} else if err := in.nextBlock(s); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := (*b).load(s); err != nil {
			return err
		}
		if t, ok := (*b).(*tops); ok && t.try(in.total.records) {
			var err error
			if *b, err = in.sortInstead(t); err != nil {
				return err
			}
		}
	}
}

func (in *Input) nextBlock(s *Segment) error {
	if err := in.cfg.step(); err != nil {
		return err
	}
	return s.nextBlock()
}

// makeRoom spills a full store, if there is no other way.
func (in *Input) makeRoom(b store) error {
	if b.makeRoom() {
		return nil
	}
	if err := in.spiller.spill(b); err != nil {
		return err
	}
	b.reset()
	return nil
}

// NextGroup moves to the next group, skipping what is left of the current one,
// and reports whether there is one. Call [Input.Err] after the last.
func (in *Input) NextGroup() bool {
	for in.open {
		in.Next()
	}
	if !in.pending && !in.fetch() {
		return false
	}
	in.group = append(in.group[:0], in.key[:in.prefix]...)
	in.open, in.inGroup = true, 0
	return true
}

// GroupKey returns what the keys of the current group begin with, valid until
// NextGroup.
func (in *Input) GroupKey() []byte { return in.group }

// Next returns the next record of the group, valid until the following call, and
// whether there was one.
func (in *Input) Next() (key, value []byte, ok bool) {
	for in.open {
		if !in.pending && (!in.fetch() || !bytes.Equal(in.key[:in.prefix], in.group)) {
			in.open = false
			break
		}
		in.pending = false
		if in.inGroup++; in.inGroup <= in.cfg.First || in.cfg.First == 0 {
			return in.key, in.value, true
		}
		in.beyond++
	}
	return nil, nil, false
}

// fetch reads the next record and the length of its group's prefix.
func (in *Input) fetch() bool {
	if in.err != nil {
		return false
	}
	key, value, err := in.source.next()
	if err != nil {
		in.finish(err)
		return false
	}
	in.prefix = len(key)
	if in.cfg.Group != nil {
		if in.prefix = in.cfg.Group(key); in.prefix < 0 || in.prefix > len(key) || in.cutter.width >= 0 && in.prefix != in.cutter.width {
			in.err = fmt.Errorf("group prefix of %d bytes for a key of %d", in.prefix, len(key))
			return false
		}
	}
	if in.fetched++; in.fetched%beatRecords == 0 {
		if in.err = in.cfg.step(); in.err != nil {
			return false
		}
	}
	in.key, in.value, in.pending = key, value, true
	return true
}

// finish notes the end of the records, or an error.
func (in *Input) finish(err error) {
	in.err = err
	if errors.Is(err, io.EOF) && in.fetched+in.cutter.removed != in.total.records {
		in.err = &DamagedError{
			Path: in.cfg.TempDir, Spill: true,
			What: fmt.Sprintf("%d records of %d", in.fetched+in.cutter.removed, in.total.records),
		}
	}
}

// Err returns the error that ended the iteration, if any.
func (in *Input) Err() error {
	if errors.Is(in.err, io.EOF) {
		return nil
	}
	return in.err
}

// Records returns how many records were read from run files, which is what their
// directories say.
func (in *Input) Records() int64 { return in.total.records }

// Delivered returns how many records the groups have yielded, or could have: those
// of skipped groups count too. After the last group, Delivered and Cut add up to
// Records.
func (in *Input) Delivered() int64 { return in.fetched - in.beyond }

// Cut returns how many records have been left out since their groups had more than
// First.
func (in *Input) Cut() int64 { return in.cutter.removed + in.beyond }

// Spilled returns how many bytes were written to temporary files, in all passes.
func (in *Input) Spilled() int64 { return in.spiller.written }

// Close closes and removes temporary files.
func (in *Input) Close() error {
	var err error
	if in.source != nil {
		err = in.source.close()
		if b, ok := in.source.(store); ok {
			b.release(in.cfg.Buffers)
		}
		in.source = nil
	}
	if in.err == nil {
		in.err = io.EOF
	}
	return errors.Join(err, in.spiller.remove())
}
