package shuffle

import "os"

// Description is what a run file says of itself.
type Description struct {
	Version    int
	Streams    []Stream
	Partitions [][]PartitionSize // by stream
}

// PartitionSize is what a run file has of a partition.
type PartitionSize struct {
	Records int64
	Bytes   int64 // framed, before compression
	Stored  int64 // in the file, without the blocks' headers
	Blocks  int
	Packed  int // blocks that are compressed with s2
}

// Describe checks a whole run file, as Verify does, and describes it.
func Describe(path string) (Description, error) {
	if err := Verify(path); err != nil {
		return Description{}, err
	}
	f, size, err := openFile(path)
	if err != nil {
		return Description{}, err
	}
	d, err := describe(path, f, size)
	_ = f.Close() // only read
	return d, err
}

func describe(path string, f *os.File, size int64) (d Description, err error) {
	s := Segment{path: path, file: f}
	d.Version = version
	if d.Streams, err = s.footer(size); err != nil {
		return d, err
	}
	n := 0
	for i, x := range d.Streams {
		sizes := make([]PartitionSize, x.Partitions)
		for p := range sizes {
			s.index, s.entry = [2]int{i, p}, entry{}
			if err := s.directory(n); err != nil {
				return d, err
			}
			if sizes[p], err = s.describePartition(); err != nil {
				return d, err
			}
			n++
		}
		d.Partitions = append(d.Partitions, sizes)
	}
	return d, nil
}

func (s *Segment) describePartition() (PartitionSize, error) {
	d := PartitionSize{Records: s.entry.records, Bytes: s.entry.bytes, Blocks: s.entry.blocks}
	for i := range s.entry.blocks {
		r, err := refAt(s.path, s.meta, i, s.trailer.lists)
		if err != nil {
			return d, err
		}
		var head [blockHeaderSize]byte
		if err := s.readAt(head[:], r.offset, "block"); err != nil {
			return d, err
		}
		d.Stored += int64(r.size) - blockHeaderSize
		if le.Uint32(head[:]) == codecS2 {
			d.Packed++
		}
	}
	return d, nil
}

// Magic begins every run file.
const Magic = magic
