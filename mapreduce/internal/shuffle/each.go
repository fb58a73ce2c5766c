package shuffle

import (
	"errors"
	"io"
)

// Record is where one of some records lies: its key in [Key, Value), its value in [Value, End).
type Record struct{ Key, Value, End uint32 }

// eachRecords is how many records [Each] passes at once, at most: as many as [Table.Seek] likes.
const eachRecords = 256

// Each passes the records of the partition from all run files that next names, as they lie in the files: in
// order of map tasks, then of emission. It passes several at once, which lie in data and are valid until visit returns; an
// error of visit ends it and is returned. Errors are those of [NewInput]. It returns how many records there were. Of cfg it
// needs the partition, the widths, Beat and Stopped.
func Each(cfg Config, next func() (path string, ok bool), visit func(data []byte, list []Record) error) (records int64, err error) {
	in := Input{cfg: cfg, shape: shape{cfg.KeyWidth, cfg.ValueWidth}}
	in.cfg.setHooks()
	var s Segment
	list := make([]Record, 0, eachRecords)
	for path, ok := next(); ok; path, ok = next() {
		err := in.visit(&s, path, func() error { return in.eachOf(&s, list, visit) })
		if err != nil {
			return records, err
		}
		records += s.Records()
	}
	return records, nil
}

// eachOf passes the records of a segment.
func (in *Input) eachOf(s *Segment, list []Record, visit func(data []byte, list []Record) error) error {
	for n := beatRecords; ; {
		if n >= beatRecords {
			if err := in.cfg.step(); err != nil {
				return err
			}
			n = 0
		}
		data, list, err := s.records(list)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit(data, list); err != nil {
			return err
		}
		n += len(list)
	}
}

// records returns the next records of a block, as many as list has room for, and what they lie in, or io.EOF after the
// last. What it says of Next holds for it too.
func (s *Segment) records(list []Record) (data []byte, _ []Record, err error) {
	if s.inBlock == 0 {
		if err := s.nextBlock(); err != nil {
			return nil, nil, err
		}
	}
	data, list = s.raw, list[:min(s.inBlock, cap(list))]
	at := 0
	for i := range list {
		key, value, n := s.shape.split(data[at:])
		if n == 0 {
			return nil, nil, s.badRecord()
		}
		at += n
		mid := at - len(value)
		list[i] = Record{uint32(mid - len(key)), uint32(mid), uint32(at)}
	}
	s.take(len(list), at)
	return data, list, nil
}
