package shuffle

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// run is a sorted temporary file: a run file of one stream and partition.
type run struct {
	path   string
	bytes  int64
	common []byte // what all its keys begin with
}

// spiller writes sorted runs and merges them.
type spiller struct {
	shape   shape
	dir     string
	fan     int // ways of a merge
	target  int // block size
	cfg     *Config
	runs    []run
	cutter  *cutter
	written int64 // bytes, all passes
}

func newSpiller(cfg *Config, c *cutter) *spiller {
	return &spiller{
		shape: shape{cfg.KeyWidth, cfg.ValueWidth}, dir: cfg.TempDir, fan: cfg.MaxFan, cfg: cfg, cutter: c,
		target: int(min(max(cfg.Budget/int64(4*cfg.MaxFan), 4<<10), 256<<10)),
	}
}

// spill writes what src yields as a new run, the last one.
func (s *spiller) spill(src source) error {
	r, err := s.write(src)
	if err != nil {
		return err
	}
	s.runs = append(s.runs, r)
	return nil
}

// write drains src into a new temporary file.
func (s *spiller) write(src source) (run, error) {
	f, err := os.CreateTemp(s.dir, "spill-*.run")
	if err != nil {
		return run{}, fmt.Errorf("create spill: %w", spillError(s.dir, err))
	}
	r := run{path: f.Name()}
	err = s.copy(&r, f, src)
	if e := f.Close(); err == nil && e != nil {
		err = fmt.Errorf("close spill: %w", e)
	}
	if err != nil {
		_ = os.Remove(r.path)
		return run{}, err
	}
	s.written += r.bytes
	return r, nil
}

// copy writes the records of src to f. They come in order, so what the first and
// the last key share all keys share.
func (s *spiller) copy(r *run, f io.Writer, src source) error {
	streams := []Stream{{Name: "spill", Partitions: 1, KeyWidth: s.shape.key, ValueWidth: s.shape.value}}
	w := newWriter(f, streams, s.target)
	for n := 0; ; n++ {
		key, value, err := src.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if n == 0 {
			r.common = append(r.common, key...)
		}
		if n%beatRecords == 0 {
			if err := s.cfg.step(); err != nil {
				return err
			}
		}
		r.common = r.common[:commonPrefix(r.common, key)]
		if err := w.Add(0, 0, key, value); err != nil {
			return fmt.Errorf("spill: %w", err)
		}
	}
	stats, err := w.Close()
	if err != nil {
		return fmt.Errorf("spill: %w", err)
	}
	r.bytes = stats.Bytes
	return nil
}

// merge merges runs until one merge of at most fan ways is left, and returns
// that.
func (s *spiller) merge() (source, error) {
	for len(s.runs) > s.fan {
		// The first merge is the narrow one; all later ones have fan ways.
		n := s.fan
		if odd := (len(s.runs) - s.fan) % (s.fan - 1); odd > 0 {
			n = odd + 1
		}
		if err := s.mergeSome(s.cheapest(n), n); err != nil {
			return nil, err
		}
	}
	return newMerger(s.runs, s.shape, s.depth(s.runs), s.cfg.Beat)
}

// cheapest returns where the n neighbouring runs with the fewest bytes begin.
// Only neighbours may be merged, since equal keys keep the order of runs.
func (s *spiller) cheapest(n int) int {
	var sum int64
	for _, r := range s.runs[:n] {
		sum += r.bytes
	}
	best, at := sum, 0
	for i := n; i < len(s.runs); i++ {
		sum += s.runs[i].bytes - s.runs[i-n].bytes
		if sum < best {
			best, at = sum, i-n+1
		}
	}
	return at
}

// mergeSome replaces runs[at:at+n] by their merge.
func (s *spiller) mergeSome(at, n int) error {
	some := slices.Clone(s.runs[at : at+n])
	m, err := newMerger(some, s.shape, s.depth(some), s.cfg.Beat)
	if err != nil {
		return err
	}
	var src source = m
	if s.cutter.first > 0 {
		src = &cutting{source: m, cutter: s.cutter}
	}
	merged, err := s.write(src)
	_ = m.close()
	if err != nil {
		return err
	}
	s.runs = slices.Replace(s.runs, at, at+n, merged)
	for _, r := range some {
		if err := os.Remove(r.path); err != nil {
			return fmt.Errorf("remove spill: %w", spillError(r.path, err))
		}
	}
	return nil
}

// depth returns how many bytes all keys of the runs share.
func (s *spiller) depth(runs []run) int {
	common := runs[0].common
	for _, r := range runs[1:] {
		common = common[:commonPrefix(common, r.common)]
	}
	return len(common)
}

// remove deletes the runs.
func (s *spiller) remove() error {
	var errs []error
	for _, r := range s.runs {
		if err := os.Remove(r.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("remove spill: %w", err))
		}
	}
	s.runs = nil
	return errors.Join(errs...)
}

// spillError marks damage, or the loss, of a temporary file, so that it is not
// taken for that of a run file.
func spillError(path string, err error) error {
	var damaged *DamagedError
	if errors.As(err, &damaged) {
		return &DamagedError{Path: path, What: damaged.What, Spill: true}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return &DamagedError{Path: path, What: "missing", Spill: true}
	}
	var other *VersionError
	if errors.As(err, &other) {
		return &DamagedError{Path: path, What: other.Error(), Spill: true}
	}
	return err
}
