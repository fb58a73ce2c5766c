package shuffle

import (
	"fmt"
	"io"
	"os"
)

// tailSize is how much of the end of a file is read at once.
const tailSize = 4 << 10

// Segment reads the records of one partition of one stream from a run file, in
// order of emission. It is not safe for concurrent use.
type Segment struct {
	path    string
	file    io.ReaderAt
	closer  io.Closer
	tail    []byte // the end of the file
	tailAt  int64
	trailer trailer
	stream  Stream
	shape   shape
	index   [2]int // stream and partition
	before  int    // partitions of the file before it, of all streams
	entry   entry
	meta    []byte // directory entry, then block list
	blockNo int    // next block
	unread  entry  // records and bytes of the blocks not yet read
	stored  []byte
	decoder decoder
	raw     []byte // what is left of the current block
	inBlock int    // records left in raw
}

// Open opens one partition of a run file. It checks magic, version and checksum
// of the parts it reads, in that order, and fails with a [DamagedError], a
// [VersionError], or an error of the filesystem, which is fs.ErrNotExist if the
// file is missing.
func Open(path string, stream, partition int) (*Segment, error) {
	s := &Segment{}
	if err := s.open(path, stream, partition); err != nil {
		return nil, err
	}
	return s, nil
}

// open does the work of [Open], keeping the buffers of an earlier file.
func (s *Segment) open(path string, stream, partition int) error {
	f, size, err := openFile(path)
	if err != nil {
		return err
	}
	if err := s.attach(path, f, size, stream, partition); err != nil {
		_ = f.Close()
		return err
	}
	s.closer = f
	return nil
}

func openFile(path string) (*os.File, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, fmt.Errorf("open run file: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, 0, fmt.Errorf("stat run file: %w", err)
	}
	return f, info.Size(), nil
}

// attach begins to read a partition of a run file of size bytes.
func (s *Segment) attach(path string, file io.ReaderAt, size int64, stream, partition int) error {
	*s = Segment{path: path, file: file, tail: s.tail, meta: s.meta, stored: s.stored, decoder: s.decoder}
	streams, err := s.footer(size)
	if err != nil {
		return err
	}
	if stream < 0 || stream >= len(streams) || partition < 0 || partition >= streams[stream].Partitions {
		return s.damaged(fmt.Sprintf("no partition %d of stream %d", partition, stream))
	}
	before := partition
	for _, x := range streams[:stream] {
		before += x.Partitions
	}
	s.index = [2]int{stream, partition}
	s.before, s.stream, s.shape = before, streams[stream], streams[stream].shape()
	return s.directory(before)
}

// footer reads trailer and stream table.
func (s *Segment) footer(size int64) ([]Stream, error) {
	if size < int64(headerSize+trailerSize) {
		return nil, s.damaged("shorter than header and trailer")
	}
	n := min(size, tailSize)
	s.tail, s.tailAt = grow(s.tail, int(n)), size-n
	if err := s.readAt(s.tail, s.tailAt, "trailer"); err != nil {
		return nil, err
	}
	b := s.tail[n-int64(trailerSize):]
	t, err := parseTrailer(s.path, b, size)
	if err != nil {
		return nil, err
	}
	table, err := s.part(t.table, size-int64(trailerSize)-t.table, "stream table")
	if err != nil {
		return nil, err
	}
	if err := checkTrailer(s.path, b, table); err != nil {
		return nil, err
	}
	s.trailer = t
	return parseTable(s.path, table, t)
}

// directory reads entry number n and the block list that it names.
func (s *Segment) directory(n int) error {
	b, err := s.part(s.trailer.directory+int64(n)*int64(entrySize), int64(entrySize), "directory entry")
	if err != nil {
		return err
	}
	s.entry, err = parseEntry(s.path, b, s.index[0], s.index[1], s.trailer)
	if err != nil || s.entry.blocks == 0 {
		return err
	}
	s.unread = s.entry
	list, err := s.part(s.entry.list, s.entry.listSize(), "block list")
	if err != nil {
		return err
	}
	s.meta = append(s.meta[:0], list...)
	return checkList(s.path, s.meta, s.index[0], s.index[1])
}

// entries passes the directory entries of n partitions of the stream, from that of the segment on, which is number 0.
func (s *Segment) entries(n int, visit func(i int, e entry)) error {
	if partitions := s.stream.Partitions; n > partitions-s.index[1] {
		return s.damaged(fmt.Sprintf("stream has %d partitions, want %d", partitions, s.index[1]+n))
	}
	b, err := s.part(s.trailer.directory+int64(s.before)*int64(entrySize), int64(n)*int64(entrySize), "directory")
	if err != nil {
		return err
	}
	for i := range n {
		e, err := parseEntry(s.path, b[i*entrySize:][:entrySize], s.index[0], s.index[1]+i, s.trailer)
		if err != nil {
			return err
		}
		visit(i, e)
	}
	return nil
}

// part returns n bytes of the footer, valid until the next call.
func (s *Segment) part(offset, n int64, noun string) ([]byte, error) {
	if offset >= s.tailAt {
		return s.tail[offset-s.tailAt:][:n], nil
	}
	s.meta = grow(s.meta, int(n))
	return s.meta, s.readAt(s.meta, offset, noun)
}

// readAt fills b from offset; noun names what it is to hold.
func (s *Segment) readAt(b []byte, offset int64, noun string) error {
	n, err := s.file.ReadAt(b, offset)
	if n == len(b) {
		return nil
	}
	return readError(s.path, noun, err)
}

func (s *Segment) damaged(what string) error {
	return &DamagedError{Path: s.path, What: what}
}

// Records returns how many records the segment has by the file's directory.
func (s *Segment) Records() int64 { return s.entry.records }

// Bytes returns their framed length by the file's directory.
func (s *Segment) Bytes() int64 { return s.entry.bytes }

// Stream returns the declaration of the segment's stream.
func (s *Segment) Stream() Stream { return s.stream }

// Next returns the next record, valid until the following call, or io.EOF after
// the last. Every block is checked before any of its records is returned, and
// the directory's counts before io.EOF. After an error the segment is at its
// end and must not be read on.
func (s *Segment) Next() (key, value []byte, err error) {
	if s.inBlock == 0 {
		if err := s.nextBlock(); err != nil {
			return nil, nil, err
		}
	}
	key, value, n := s.shape.split(s.raw)
	s.inBlock--
	if n == 0 {
		return nil, nil, s.badRecord()
	}
	s.raw = s.raw[n:]
	return key, value, nil
}

func (s *Segment) badRecord() error {
	return s.damaged(fmt.Sprintf("block %d has a bad record", s.blockNo-1))
}

// take passes over n records of the current block, which take size bytes.
func (s *Segment) take(n, size int) { s.inBlock, s.raw = s.inBlock-n, s.raw[size:] }

// nextBlock reads, checks and decodes the next block.
func (s *Segment) nextBlock() error {
	if len(s.raw) > 0 {
		return s.damaged(fmt.Sprintf("block %d is longer than its records", s.blockNo-1))
	}
	if s.blockNo == s.entry.blocks {
		return s.end()
	}
	r, err := refAt(s.path, s.meta, s.blockNo, s.trailer.lists)
	if err != nil {
		return err
	}
	s.stored = grow(s.stored, int(r.size))
	if err := s.readAt(s.stored, r.offset, "block"); err != nil {
		return err
	}
	b, what := s.decoder.decode(s.stored, s.shape)
	if what != "" {
		return s.damaged(fmt.Sprintf("block %d: %s", s.blockNo, what))
	}
	s.blockNo++
	s.raw, s.inBlock = b.raw, b.records
	s.unread.records -= int64(b.records)
	s.unread.bytes -= int64(len(b.raw))
	return nil
}

// end compares the counts of the directory with what was read.
func (s *Segment) end() error {
	if s.unread.records != 0 || s.unread.bytes != 0 {
		return s.damaged("blocks do not add up to the directory's counts")
	}
	return io.EOF
}

// Close closes the file.
func (s *Segment) Close() error {
	if s.closer == nil {
		return nil
	}
	err := s.closer.Close()
	s.closer = nil
	return err
}
