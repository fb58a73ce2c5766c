package shuffle

import (
	"errors"
	"fmt"
	"io"
)

// Each passes the records of the partition from all run files that next names, as they lie in the files: in
// order of map tasks, then of emission. A record is valid until visit returns; an error of visit ends it and is
// returned. Errors are those of [NewInput]. It returns how many records there were. Of cfg it needs the
// partition, the widths, Beat and Stopped.
func Each(cfg Config, next func() (path string, ok bool), visit func(key, value []byte) error) (records int64, err error) {
	in := Input{cfg: cfg, shape: shape{cfg.KeyWidth, cfg.ValueWidth}}
	in.cfg.setHooks()
	var s Segment
	for path, ok := next(); ok; path, ok = next() {
		err := in.visit(&s, path, func() error { return in.eachOf(&s, visit) })
		if err != nil {
			return records, err
		}
		records += s.Records()
	}
	return records, nil
}

// eachOf passes the records of a segment.
func (in *Input) eachOf(s *Segment, visit func(key, value []byte) error) error {
	for n := 0; ; n++ {
		if n%beatRecords == 0 {
			if err := in.cfg.step(); err != nil {
				return err
			}
		}
		key, value, err := s.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("record %d: %w", n, err)
		}
		if err := visit(key, value); err != nil {
			return err
		}
	}
}
