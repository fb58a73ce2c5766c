package shuffle

import (
	"errors"
	"io"
)

// Verify reads a whole run file and checks every byte of it: header, footer,
// all blocks with their records, and that they fill the file without gaps. It
// fails as [Open] does.
func Verify(path string) error {
	f, size, err := openFile(path)
	if err != nil {
		return err
	}
	s := Segment{path: path, file: f}
	err = s.verify(size)
	_ = f.Close()
	return err
}

// verify checks the file of size bytes that s reads.
func (s *Segment) verify(size int64) error {
	b := make([]byte, min(size, int64(headerSize)))
	if err := s.readAt(b, 0, "header"); err != nil {
		return err
	}
	if err := checkHeader(s.path, b); err != nil {
		return err
	}
	streams, err := s.footer(size)
	if err != nil {
		return err
	}
	blocks, lists, n := int64(headerSize), s.trailer.lists, 0
	for i, x := range streams {
		s.shape = x.shape()
		for p := range x.Partitions {
			s.index = [2]int{i, p}
			size, err := s.verifyPartition(n)
			if err != nil {
				return err
			}
			blocks, lists, n = blocks+size, lists+s.entry.listSize(), n+1
		}
	}
	if blocks != s.trailer.lists || lists != s.trailer.directory {
		return s.damaged("gaps between the parts")
	}
	return nil
}

// verifyPartition reads the partition of directory entry n and returns the
// length of its blocks.
func (s *Segment) verifyPartition(n int) (size int64, err error) {
	s.entry, s.unread, s.blockNo, s.raw, s.inBlock = entry{}, entry{}, 0, nil, 0
	if err := s.directory(n); err != nil {
		return 0, err
	}
	for i := range s.entry.blocks {
		r, err := refAt(s.path, s.meta, i, s.trailer.lists)
		if err != nil {
			return 0, err
		}
		size += int64(r.size)
	}
	for {
		switch _, _, err := s.Next(); {
		case errors.Is(err, io.EOF):
			return size, nil
		case err != nil:
			return 0, err
		}
	}
}
