package shuffle

import (
	"bufio"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/s2"
)

// Stream declares one shuffle of a map task. A width of zero means variable.
type Stream struct {
	Name       string // at most 255 bytes
	Partitions int    // at least 1
	KeyWidth   int    // bytes
	ValueWidth int    // bytes
}

func (s Stream) shape() shape { return shape{s.KeyWidth, s.ValueWidth} }

func (s Stream) check() error {
	switch {
	case len(s.Name) > maxName:
		return fmt.Errorf("stream name of %d bytes, at most %d", len(s.Name), maxName)
	case s.Partitions < 1 || s.Partitions > maxPartitions:
		return fmt.Errorf("stream %q: %d partitions, want 1 to %d", s.Name, s.Partitions, maxPartitions)
	case s.KeyWidth < 0 || s.ValueWidth < 0 || s.KeyWidth > maxRecord || s.ValueWidth > maxRecord || s.KeyWidth+s.ValueWidth > maxRecord:
		return fmt.Errorf("stream %q: widths %d and %d, want 0 to %d together", s.Name, s.KeyWidth, s.ValueWidth, maxRecord)
	}
	return nil
}

// PartitionStats counts what one partition received.
type PartitionStats struct {
	Records int64
	Bytes   int64 // framed, before compression
}

// Stats counts what a [Writer] wrote.
type Stats struct {
	Partitions [][]PartitionStats // by stream and partition
	Bytes      int64              // length of the file
}

// Writer writes the run file of one map attempt. It is not safe for concurrent
// use.
type Writer struct {
	out     *bufio.Writer
	streams []Stream
	shapes  []shape  // of the streams
	parts   [][]part // by stream and partition
	target  int      // block size
	offset  int64
	packed  []byte // compressed block
	large   []byte // record larger than a block
	err     error  // first failure; sticks
}

// part is the open block of a partition and the account of its closed ones.
type part struct {
	buf     []byte // room for the block's header, and records
	count   uint32 // records in buf
	records int64
	bytes   int64
	refs    []ref
}

// NewWriter returns a Writer of a run file with these streams. It fails if a
// stream declares something outside the limits of the format. A failure to
// write is reported by Add or Close.
func NewWriter(w io.Writer, streams []Stream) (*Writer, error) {
	total := 0
	for _, s := range streams {
		if err := s.check(); err != nil {
			return nil, err
		}
		total += s.Partitions
	}
	if len(streams) > maxStreams || total > maxPartitions {
		return nil, fmt.Errorf("%d streams with %d partitions, at most %d with %d", len(streams), total, maxStreams, maxPartitions)
	}
	return newWriter(w, streams, blockTarget(total)), nil
}

func newWriter(w io.Writer, streams []Stream, target int) *Writer {
	x := &Writer{out: bufio.NewWriterSize(w, 64<<10), streams: streams, target: target}
	for _, s := range streams {
		x.shapes = append(x.shapes, s.shape())
		x.parts = append(x.parts, make([]part, s.Partitions))
	}
	x.write(appendHeader(nil))
	return x
}

// Add appends a record to a partition of a stream. It keeps neither key nor
// value, and does not allocate once the partition's block has grown. A failure
// to write is repeated by Close; [ErrRecordTooLarge] and a wrong width or number
// leave the Writer as it was.
func (w *Writer) Add(stream, partition int, key, value []byte) error {
	if uint(stream) >= uint(len(w.parts)) || uint(partition) >= uint(len(w.parts[stream])) {
		return fmt.Errorf("no partition %d of stream %d", partition, stream)
	}
	s, p := w.shapes[stream], &w.parts[stream][partition]
	if !s.matches(len(key), len(value)) {
		return fmt.Errorf("stream %q: key of %d and value of %d bytes, declared %d and %d",
			w.streams[stream].Name, len(key), len(value), s.key, s.value)
	}
	n := s.size(len(key), len(value))
	if n > cap(p.buf)-len(p.buf) {
		if err := w.room(p, n); err != nil {
			return err
		}
		if n > w.target {
			return w.addLarge(p, s, key, value)
		}
	}
	at := len(p.buf)
	p.buf = p.buf[:at+n]
	s.put(p.buf[at:], key, value)
	p.count++
	return nil
}

// room makes space for n more bytes in the open block, closing it if it would
// exceed the target.
func (w *Writer) room(p *part, n int) error {
	if n > maxRecord {
		return fmt.Errorf("record of %d bytes: %w", n, ErrRecordTooLarge)
	}
	most := blockHeaderSize + w.target
	if len(p.buf)+n > most {
		w.flush(p, p.buf)
		p.buf = p.buf[:min(len(p.buf), blockHeaderSize)]
	}
	if need := max(len(p.buf), blockHeaderSize) + n; need <= most && need > cap(p.buf) {
		grown := make([]byte, max(len(p.buf), blockHeaderSize), min(max(2*cap(p.buf), need, 256), most))
		copy(grown, p.buf)
		p.buf = grown
	}
	return w.err
}

// addLarge writes a record that exceeds the target as a block of its own.
func (w *Writer) addLarge(p *part, s shape, key, value []byte) error {
	b := s.append(append(w.large[:0], make([]byte, blockHeaderSize)...), key, value)
	p.count = 1
	w.flush(p, b)
	if w.large = b; cap(b) > maxS2 {
		w.large = nil
	}
	return w.err
}

// flush writes b, room for a header and the records of p, as a block.
func (w *Writer) flush(p *part, b []byte) {
	if len(b) <= blockHeaderSize {
		return
	}
	h, raw := b[:blockHeaderSize], b[blockHeaderSize:]
	codec, stored := w.compress(raw)
	le.PutUint32(h[0:], codec)
	le.PutUint32(h[4:], uint32(len(raw)))
	le.PutUint32(h[8:], uint32(len(stored)))
	le.PutUint32(h[12:], p.count)
	le.PutUint32(h[16:], crc32.Update(checksum(h[:16]), castagnoli, stored))
	p.refs = append(p.refs, ref{w.offset, uint32(len(h) + len(stored))})
	p.records += int64(p.count)
	p.bytes += int64(len(raw))
	p.count = 0
	if codec == codecRaw {
		w.write(b)
		return
	}
	w.write(h)
	w.write(stored)
}

// compress returns b as it is stored. Only a sample is encoded of a block that
// stays raw; it depends on the block alone.
func (w *Writer) compress(b []byte) (codec uint32, stored []byte) {
	sample := b[:min(len(b), max(len(b)/64, 1<<10))]
	if len(b) > maxS2 || !w.shrinks(sample) || !w.shrinks(b) {
		return codecRaw, b
	}
	return codecS2, w.packed
}

// shrinks encodes b and reports whether at most a quarter of it is left.
func (w *Writer) shrinks(b []byte) bool {
	w.packed = s2.Encode(grow(w.packed, s2.MaxEncodedLen(len(b))), b)
	return len(w.packed) <= len(b)/4
}

func (w *Writer) write(b []byte) {
	if w.err != nil {
		return
	}
	if len(b) > w.out.Size() { // goes below without a copy, if nothing waits
		_ = w.out.Flush() // a failure is that of Write too
	}
	if _, err := w.out.Write(b); err != nil {
		w.err = fmt.Errorf("write run file: %w", err)
		return
	}
	w.offset += int64(len(b))
}

// Close writes the open blocks and the footer and returns the counts. It does
// not close the underlying writer, which holds a whole run file only if Close
// returns no error.
func (w *Writer) Close() (Stats, error) {
	for _, parts := range w.parts {
		for i := range parts {
			w.flush(&parts[i], parts[i].buf)
			parts[i].buf = nil
		}
	}
	stats := w.footer()
	if w.err == nil {
		if err := w.out.Flush(); err != nil {
			w.err = fmt.Errorf("write run file: %w", err)
		}
	}
	if w.err != nil {
		return Stats{}, w.err
	}
	w.err = fmt.Errorf("write run file: %w", io.ErrClosedPipe)
	return stats, nil
}

// footer writes block lists, directory, stream table and trailer.
func (w *Writer) footer() Stats {
	t := trailer{lists: w.offset, streams: len(w.streams)}
	stats := Stats{Partitions: make([][]PartitionStats, len(w.parts))}
	var list, directory []byte
	for s, parts := range w.parts {
		t.partitions += len(parts)
		for i := range parts {
			p := &parts[i]
			stats.Partitions[s] = append(stats.Partitions[s], PartitionStats{p.records, p.bytes})
			e := entry{records: p.records, bytes: p.bytes, blocks: len(p.refs)}
			if e.blocks > 0 {
				e.list = w.offset
				list = appendList(list[:0], s, i, p.refs)
				w.write(list)
			}
			directory = e.append(directory, s, i)
		}
	}
	t.directory = w.offset
	w.write(directory)
	t.table = w.offset
	table := appendTable(nil, w.streams)
	w.write(t.append(table, table))
	stats.Bytes = w.offset
	return stats
}
