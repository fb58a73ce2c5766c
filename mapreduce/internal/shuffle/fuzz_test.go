package shuffle

import (
	"bytes"
	"hash/crc32"
	"testing"

	"github.com/klauspost/compress/s2"
)

// FuzzSegment reads arbitrary bytes as a run file: records or a reported error,
// no panic.
func FuzzSegment(f *testing.F) {
	b, _ := sample(f)
	f.Add(b, uint8(0), uint8(0))
	f.Add(b[:len(b)/2], uint8(1), uint8(1))
	f.Add(b[len(b)/2:], uint8(1), uint8(0))
	f.Add([]byte(magic), uint8(0), uint8(0))
	f.Fuzz(func(t *testing.T, b []byte, stream, partition uint8) {
		if _, err := readBytes(b, int(stream), int(partition)); err != nil && !isReported(err) {
			t.Errorf("got %v", err)
		}
		if err := verifyBytes(b); err != nil && !isReported(err) {
			t.Errorf("got %v", err)
		}
	})
}

// seal builds a run file of one partition with one block whose checksums are
// right and all else is as given, to get past them.
func seal(s Stream, codec, raw, count uint32, payload []byte, e entry) []byte {
	b := appendHeader(nil)
	r := ref{int64(len(b)), uint32(blockHeaderSize + len(payload))}
	h := le.AppendUint32(nil, codec)
	h = le.AppendUint32(h, raw)
	h = le.AppendUint32(h, uint32(len(payload)))
	h = le.AppendUint32(h, count)
	h = le.AppendUint32(h, crc32.Update(checksum(h), castagnoli, payload))
	b = append(append(b, h...), payload...)
	t := trailer{lists: int64(len(b)), streams: 1, partitions: 1}
	e.list, e.blocks = int64(len(b)), 1
	b = appendList(b, 0, 0, []ref{r})
	t.directory = int64(len(b))
	b = e.append(b, 0, 0)
	t.table = int64(len(b))
	table := appendTable(nil, []Stream{s})
	return append(b, t.append(table, table)...)
}

// FuzzSealed reads files that are wrong behind right checksums.
func FuzzSealed(f *testing.F) {
	good := shape{}.append(nil, []byte("key"), []byte("value"))
	f.Add(uint32(codecRaw), uint32(10), uint32(1), good, uint8(0), uint8(0), int64(1), int64(10))
	f.Add(uint32(codecS2), uint32(10), uint32(1), s2.Encode(nil, good), uint8(0), uint8(0), int64(1), int64(10))
	f.Add(uint32(codecS2), uint32(1<<30), uint32(1), []byte{0x80, 0x80, 0x80, 0x80, 4, 0}, uint8(0), uint8(0), int64(1), int64(1<<30))
	f.Add(uint32(codecRaw), uint32(16), uint32(1), make([]byte, 16), uint8(8), uint8(8), int64(1), int64(16))
	f.Add(uint32(codecRaw), uint32(10), uint32(3), bytes.Repeat([]byte{0xff}, 10), uint8(0), uint8(4), int64(-1), int64(1<<62))
	f.Add(uint32(7), uint32(10), uint32(9), good, uint8(1), uint8(0), int64(1<<62), int64(1<<62))
	f.Fuzz(func(t *testing.T, codec, raw, count uint32, payload []byte, keyWidth, valueWidth uint8, records, size int64) {
		if len(payload) == 0 {
			return
		}
		b := seal(Stream{"s", 1, int(keyWidth), int(valueWidth)}, codec, raw, count, payload, entry{records: records, bytes: size})
		got, err := readBytes(b, 0, 0)
		if err != nil && !isReported(err) {
			t.Errorf("got %v", err)
		}
		if err == nil && int64(len(got)) != records {
			t.Errorf("%d records of %d, and no error", len(got), records)
		}
		if verr := verifyBytes(b); (verr == nil) != (err == nil) {
			t.Errorf("Verify = %v, reading %v", verr, err)
		}
	})
}

// What is wrong behind right checksums is found, each by its own check.
func TestSealed(t *testing.T) {
	good := shape{}.append(nil, []byte("key"), []byte("value"))
	n := uint32(len(good))
	e := entry{records: 1, bytes: int64(n)}
	long := shape{}.append(nil, nil, make([]byte, maxS2))
	for name, c := range map[string]struct {
		codec, raw, count uint32
		payload           []byte
		stream            Stream
		entry             entry
		ok                bool
	}{
		"good":                {codecRaw, n, 1, good, Stream{"s", 1, 0, 0}, e, true},
		"good s2":             {codecS2, n, 1, s2.Encode(nil, good), Stream{"s", 1, 0, 0}, e, true},
		"codec":               {2, n, 1, good, Stream{"s", 1, 0, 0}, e, false},
		"raw length":          {codecRaw, n + 1, 1, good, Stream{"s", 1, 0, 0}, e, false},
		"s2 length":           {codecS2, n + 1, 1, s2.Encode(nil, good), Stream{"s", 1, 0, 0}, e, false},
		"s2 too long":         {codecS2, uint32(len(long)), 1, s2.Encode(nil, long), Stream{"s", 1, 0, 0}, entry{records: 1, bytes: int64(len(long))}, false},
		"raw as long":         {codecRaw, uint32(len(long)), 1, long, Stream{"s", 1, 0, 0}, entry{records: 1, bytes: int64(len(long))}, true},
		"s2 bytes":            {codecS2, n, 1, append(s2.Encode(nil, good)[:1], 0xff, 0xff), Stream{"s", 1, 0, 0}, e, false},
		"no records":          {codecRaw, n, 0, good, Stream{"s", 1, 0, 0}, e, false},
		"too many records":    {codecRaw, n, 2, good, Stream{"s", 1, 0, 0}, entry{records: 2, bytes: int64(n)}, false},
		"too few records":     {codecRaw, 2 * n, 1, append(good, good...), Stream{"s", 1, 0, 0}, entry{records: 1, bytes: int64(2 * n)}, false},
		"fixed width":         {codecRaw, n, 1, good, Stream{"s", 1, 4, 4}, e, false},
		"directory records":   {codecRaw, n, 1, good, Stream{"s", 1, 0, 0}, entry{records: 2, bytes: int64(n)}, false},
		"directory bytes":     {codecRaw, n, 1, good, Stream{"s", 1, 0, 0}, entry{records: 1, bytes: int64(n) + 1}, false},
		"directory negative":  {codecRaw, n, 1, good, Stream{"s", 1, 0, 0}, entry{records: -1, bytes: int64(n)}, false},
		"stream of nothing":   {codecRaw, n, 1, good, Stream{"s", 0, 0, 0}, e, false},
		"stream too wide":     {codecRaw, n, 1, good, Stream{"s", 1, maxRecord, 1}, e, false},
		"length of a varint":  {codecRaw, 11, 1, bytes.Repeat([]byte{0xff}, 11), Stream{"s", 1, 0, 0}, entry{records: 1, bytes: 11}, false},
		"length beyond block": {codecRaw, 3, 1, []byte{1, 9, 0}, Stream{"s", 1, 0, 0}, entry{records: 1, bytes: 3}, false},
	} {
		_, err := readBytes(seal(c.stream, c.codec, c.raw, c.count, c.payload, c.entry), 0, 0)
		if (err == nil) != c.ok || err != nil && !isReported(err) {
			t.Errorf("%s: %v, want ok %v", name, err, c.ok)
		}
	}
}

// A block list may name only blocks.
func TestRefOutside(t *testing.T) {
	end := int64(1000)
	for _, c := range []struct {
		r  ref
		ok bool
	}{
		{ref{int64(headerSize), 100}, true},
		{ref{900, 100}, true},
		{ref{901, 100}, false},
		{ref{int64(headerSize) - 1, 100}, false},
		{ref{-1, 100}, false},
		{ref{100, blockHeaderSize}, false},
		{ref{100, 1<<32 - 1}, false},
		{ref{1<<63 - 1, 100}, false},
	} {
		_, err := refAt("x", appendList(nil, 0, 0, []ref{c.r}), 0, end)
		if (err == nil) != c.ok {
			t.Errorf("%v: %v, want ok %v", c.r, err, c.ok)
		}
	}
}
