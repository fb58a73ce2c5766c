package shuffle

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/s2"
)

const (
	magic   = "shardmill-run\r\n\x1a"
	version = 1

	headerSize      = len(magic) + 8
	trailerSize     = 64
	entrySize       = 32
	refSize         = 12
	blockHeaderSize = 20

	codecRaw = 0
	codecS2  = 1

	maxS2         = 1 << 20 // raw bytes of a compressed block
	maxStreams    = 1024
	maxName       = 255
	maxPartitions = 1 << 20
	maxTable      = maxStreams * (16 + maxName)
)

var (
	le         = binary.LittleEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// partitionSum is the checksum of b as a part of one partition.
func partitionSum(stream, partition int, b []byte) uint32 {
	var id [8]byte
	le.PutUint32(id[:], uint32(stream))
	le.PutUint32(id[4:], uint32(partition))
	return crc32.Update(checksum(id[:]), castagnoli, b)
}

// blockTarget returns the block size for a file of that many partitions. With 256 KiB, the open blocks of 29 partitions did not fit
// a second-level cache of 2 MiB, and a map of 60 M rows took a fifteenth more CPU (least and median of 16 runs).
func blockTarget(partitions int) int {
	return min(max(64<<20/max(partitions, 1), 4<<10), 64<<10)
}

func appendHeader(b []byte) []byte {
	at := len(b)
	b = append(b, magic...)
	b = le.AppendUint32(b, version)
	return le.AppendUint32(b, checksum(b[at:]))
}

func checkHeader(path string, b []byte) error {
	n := len(magic)
	switch {
	case len(b) < headerSize:
		return &DamagedError{Path: path, What: "header ends early"}
	case string(b[:n]) != magic:
		return &DamagedError{Path: path, What: "header has another magic"}
	case le.Uint32(b[n:]) != version:
		return &VersionError{Path: path, Version: le.Uint32(b[n:])}
	case le.Uint32(b[n+4:]) != checksum(b[:n+4]):
		return &DamagedError{Path: path, What: "header checksum"}
	}
	return nil
}

// trailer locates the parts of a run file. The offsets are in bytes from the
// start: blocks end at lists, lists at directory, the directory at table.
type trailer struct {
	lists, directory, table int64
	streams, partitions     int
}

// append appends the trailer of a file whose stream table is given.
func (t trailer) append(b, table []byte) []byte {
	at := len(b)
	b = le.AppendUint64(b, uint64(t.lists))
	b = le.AppendUint64(b, uint64(t.table-t.lists)+uint64(len(table)))
	b = le.AppendUint64(b, uint64(t.directory))
	b = le.AppendUint64(b, uint64(t.table))
	b = le.AppendUint32(b, uint32(t.streams))
	b = le.AppendUint32(b, uint32(t.partitions))
	b = le.AppendUint32(b, crc32.Update(checksum(table), castagnoli, b[at:]))
	b = le.AppendUint32(b, version)
	return append(b, magic...)
}

// parseTrailer reads a trailer that ends a file of size bytes. The result is
// safe to use for reading but not yet trusted: its checksum covers the stream
// table too.
func parseTrailer(path string, b []byte, size int64) (trailer, error) {
	if string(b[48:64]) != magic {
		return trailer{}, &DamagedError{Path: path, What: "trailer has another magic"}
	}
	if v := le.Uint32(b[44:]); v != version {
		return trailer{}, &VersionError{Path: path, Version: v}
	}
	t := trailer{
		lists: int64(le.Uint64(b)), directory: int64(le.Uint64(b[16:])), table: int64(le.Uint64(b[24:])),
		streams: int(le.Uint32(b[32:])), partitions: int(le.Uint32(b[36:])),
	}
	end := size - int64(trailerSize)
	ordered := int64(headerSize) <= t.lists && t.lists <= t.directory && t.directory <= t.table && t.table <= end
	if !ordered || end-t.table > maxTable || le.Uint64(b[8:]) != uint64(end-t.lists) {
		return trailer{}, &DamagedError{Path: path, What: "trailer does not fit the file"}
	}
	return t, nil
}

// checkTrailer verifies the checksum of trailer b and the stream table.
func checkTrailer(path string, b, table []byte) error {
	if le.Uint32(b[40:]) != crc32.Update(checksum(table), castagnoli, b[:40]) {
		return &DamagedError{Path: path, What: "trailer checksum"}
	}
	return nil
}

func appendTable(b []byte, streams []Stream) []byte {
	for _, s := range streams {
		b = le.AppendUint32(b, uint32(s.Partitions))
		b = le.AppendUint32(b, uint32(s.KeyWidth))
		b = le.AppendUint32(b, uint32(s.ValueWidth))
		b = le.AppendUint32(b, uint32(len(s.Name)))
		b = append(b, s.Name...)
	}
	return b
}

// parseTable reads the stream table that t announces.
func parseTable(path string, b []byte, t trailer) ([]Stream, error) {
	bad := &DamagedError{Path: path, What: "stream table does not fit the trailer"}
	var streams []Stream
	total := 0
	for range t.streams {
		if len(b) < 16 || uint64(le.Uint32(b[12:])) > uint64(len(b)-16) {
			return nil, bad
		}
		end := 16 + int(le.Uint32(b[12:]))
		s := Stream{
			Name: string(b[16:end]), Partitions: int(le.Uint32(b)),
			KeyWidth: int(le.Uint32(b[4:])), ValueWidth: int(le.Uint32(b[8:])),
		}
		if s.check() != nil {
			return nil, bad
		}
		streams, b, total = append(streams, s), b[end:], total+s.Partitions
	}
	if len(b) > 0 || total != t.partitions || t.table-t.directory != int64(total)*entrySize {
		return nil, bad
	}
	return streams, nil
}

// entry is a directory entry.
type entry struct {
	records, bytes int64
	list           int64 // offset of the block list
	blocks         int
}

func (e entry) append(b []byte, stream, partition int) []byte {
	at := len(b)
	b = le.AppendUint64(b, uint64(e.records))
	b = le.AppendUint64(b, uint64(e.bytes))
	b = le.AppendUint64(b, uint64(e.list))
	b = le.AppendUint32(b, uint32(e.blocks))
	return le.AppendUint32(b, partitionSum(stream, partition, b[at:]))
}

func parseEntry(path string, b []byte, stream, partition int, t trailer) (entry, error) {
	if le.Uint32(b[28:]) != partitionSum(stream, partition, b[:28]) {
		return entry{}, &DamagedError{Path: path, What: fmt.Sprintf("directory entry %d/%d checksum", stream, partition)}
	}
	e := entry{int64(le.Uint64(b)), int64(le.Uint64(b[8:])), int64(le.Uint64(b[16:])), int(le.Uint32(b[24:]))}
	empty := e == entry{}
	inside := e.blocks > 0 && e.list >= t.lists && e.list <= t.directory-e.listSize() &&
		e.records >= int64(e.blocks) && e.bytes >= e.records
	if !empty && !inside {
		return entry{}, &DamagedError{Path: path, What: fmt.Sprintf("directory entry %d/%d does not fit", stream, partition)}
	}
	return e, nil
}

// listSize is the length of the block list in bytes.
func (e entry) listSize() int64 {
	if e.blocks == 0 {
		return 0
	}
	return int64(e.blocks)*refSize + 4
}

// ref locates a block with its header.
type ref struct {
	offset int64
	size   uint32
}

func appendList(b []byte, stream, partition int, refs []ref) []byte {
	at := len(b)
	for _, r := range refs {
		b = le.AppendUint64(b, uint64(r.offset))
		b = le.AppendUint32(b, r.size)
	}
	return le.AppendUint32(b, partitionSum(stream, partition, b[at:]))
}

// checkList verifies the checksum of a block list.
func checkList(path string, b []byte, stream, partition int) error {
	n := len(b) - 4
	if le.Uint32(b[n:]) != partitionSum(stream, partition, b[:n]) {
		return &DamagedError{Path: path, What: fmt.Sprintf("block list %d/%d checksum", stream, partition)}
	}
	return nil
}

// refAt returns reference i of a block list whose blocks must end before end.
func refAt(path string, list []byte, i int, end int64) (ref, error) {
	b := list[i*refSize:]
	r := ref{int64(le.Uint64(b)), le.Uint32(b[8:])}
	if r.offset < int64(headerSize) || r.size <= blockHeaderSize || r.size > blockHeaderSize+maxRecord || r.offset > end-int64(r.size) {
		return ref{}, &DamagedError{Path: path, What: fmt.Sprintf("block %d lies outside the blocks", i)}
	}
	return r, nil
}

// block is a decoded block: framed records.
type block struct {
	raw     []byte
	records int
}

// decoder decodes blocks, reusing its buffer.
type decoder struct{ scratch []byte }

// decode checks block b, header included, and returns its records, which stay
// valid until b or the decoder is used again. If b is damaged it returns the
// words for a [DamagedError].
func (d *decoder) decode(b []byte, s shape) (block, string) {
	codec, raw, stored, records := le.Uint32(b), le.Uint32(b[4:]), le.Uint32(b[8:]), le.Uint32(b[12:])
	payload := b[blockHeaderSize:]
	if le.Uint32(b[16:]) != crc32.Update(checksum(b[:16]), castagnoli, payload) {
		return block{}, "block checksum"
	}
	if uint64(stored) != uint64(len(payload)) || records == 0 || raw < records ||
		s.fixed() && uint64(raw) != uint64(records)*uint64(s.key+s.value) {
		return block{}, "block header does not fit the block"
	}
	out, what := d.decompress(codec, int(raw), payload)
	return block{out, int(records)}, what
}

func (d *decoder) decompress(codec uint32, raw int, payload []byte) ([]byte, string) {
	switch codec {
	case codecRaw:
		if raw != len(payload) {
			return nil, "raw block of another length"
		}
		return payload, ""
	case codecS2:
		if n, err := s2.DecodedLen(payload); err != nil || n != raw || raw > maxS2 {
			return nil, "compressed block of another length"
		}
		d.scratch = grow(d.scratch, raw)
		out, err := s2.Decode(d.scratch, payload)
		if err != nil {
			return nil, "compressed block does not decode"
		}
		return out, ""
	}
	return nil, "block of an unknown codec"
}

// grow returns b with length n, reallocated if it is too small.
func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n, max(n, 2*min(cap(b), maxS2)))
	}
	return b[:n]
}
