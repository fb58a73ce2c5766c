package rowgroup

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v15/parquet"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats"
)

// packer writes numbers bit by bit, low bits first: slow, and in no way like the readers.
type packer struct {
	data []byte
	bit  int
}

func (p *packer) put(v uint64, width uint) {
	for i := range width {
		if p.bit%8 == 0 {
			p.data = append(p.data, 0)
		}
		p.data[p.bit/8] |= byte(v>>i&1) << (p.bit % 8)
		p.bit++
	}
}

func TestBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p packer
		before := rapid.UintRange(0, 70).Draw(t, "before")
		p.put(rapid.Uint64().Draw(t, "first"), min(before, 64))
		p.put(0, before-min(before, 64))
		width := rapid.UintRange(0, 64).Draw(t, "width")
		want := rapid.Uint64().Draw(t, "value")
		if width < 64 {
			want &= 1<<width - 1
		}
		p.put(want, width)
		p.data = append(p.data, rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "after")...)
		if got := readBits(p.data, before, width); got != want {
			t.Fatalf("%d bits at %d: %x, want %x", width, before, got, want)
		}
	})
}

// encodeHybrid writes numbers in runs as drawn.
func encodeHybrid(t *rapid.T, width uint) (data []byte, want []uint32) {
	for range rapid.IntRange(0, 12).Draw(t, "runs") {
		mask := uint32(1)<<width - 1
		if rapid.Bool().Draw(t, "equal") {
			n, v := rapid.IntRange(0, 3000).Draw(t, "n"), rapid.Uint32().Draw(t, "v")&mask
			data = binary.AppendUvarint(data, uint64(n)<<1)
			data = append(data, binary.LittleEndian.AppendUint32(nil, v)[:(width+7)/8]...)
			want = append(want, slices.Repeat([]uint32{v}, n)...)
			continue
		}
		groups := rapid.IntRange(0, 20).Draw(t, "groups")
		data = binary.AppendUvarint(data, uint64(groups)<<1|1)
		var p packer
		for range 8 * groups {
			v := rapid.Uint32().Draw(t, "v") & mask
			p.put(uint64(v), width)
			want = append(want, v)
		}
		data = append(data, p.data...)
	}
	return data, want
}

func TestHybrid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.UintRange(0, 32).Draw(t, "width")
		data, want := encodeHybrid(t, width)
		h := newHybrid(data, width)
		var got []uint32
		for {
			buf := make([]uint32, rapid.IntRange(1, 100).Draw(t, "window"))
			n, err := h.read(buf)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, buf[:n]...)
			if n < len(buf) {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// TestHybridDamage has runs that end too early, but for the last pack, of which writers may leave out what is not needed.
func TestHybridDamage(t *testing.T) {
	for _, c := range []struct {
		data  []byte
		width uint
		n     int
		ok    bool
	}{
		{[]byte{0x80}, 1, 0, false},                   // a header that goes on
		{[]byte{4}, 1, 0, false},                      // two equal ones, which?
		{[]byte{4, 2}, 1, 0, false},                   // 2 has two bits
		{[]byte{4, 1}, 1, 2, true},                    // two ones
		{[]byte{5, 0xff}, 1, 8, true},                 // 16 bits, of which there are 8
		{[]byte{3, 0xff}, 3, 2, true},                 // 8 numbers of 3 bits, of which there are 2
		{[]byte{0, 1, 2, 1}, 1, 1, true},              // a run of none
		{bytes.Repeat([]byte{0xff}, 11), 1, 0, false}, // more than 64 bits
	} {
		h := newHybrid(c.data, c.width)
		n, err := h.read(make([]uint32, 100))
		if n != c.n || (err == nil) != c.ok || err != nil && !errors.Is(err, formats.ErrDamaged) {
			t.Errorf("%x of %d bits: %d numbers, %v", c.data, c.width, n, err)
		}
	}
}

// encodeDelta writes integers in blocks of packs, as the specification says.
func encodeDelta(values []int64, block, packs int) []byte {
	data := binary.AppendUvarint(nil, uint64(block))
	data = binary.AppendUvarint(data, uint64(packs))
	data = binary.AppendUvarint(data, uint64(len(values)))
	if len(values) == 0 {
		return binary.AppendVarint(data, 0)
	}
	data = binary.AppendVarint(data, values[0])
	for at := 1; at < len(values); at += block {
		part := values[at:min(at+block, len(values))]
		least := part[0] - values[at-1]
		for i, v := range part[1:] {
			least = min(least, v-part[i])
		}
		data = appendBlock(binary.AppendVarint(data, least), part, values[at-1], least, block/packs, packs)
	}
	return data
}

func appendBlock(data []byte, part []int64, last, least int64, size, packs int) []byte {
	widths := make([]byte, packs)
	var body []byte
	for i := 0; i*size < len(part); i++ {
		pack := part[i*size : min((i+1)*size, len(part))]
		deltas := make([]uint64, size)
		for k, v := range pack {
			deltas[k] = uint64(v - last - least)
			widths[i] = max(widths[i], byte(bits.Len64(deltas[k])))
			last = v
		}
		var p packer
		for _, d := range deltas {
			p.put(d, uint(widths[i]))
		}
		body = append(body, p.data...)
	}
	return append(append(data, widths...), body...)
}

func TestDelta(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		any64 := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-100, 100), rapid.Just(int64(7)))
		want := rapid.SliceOfN(any64, 0, 300).Draw(t, "values")
		packs := rapid.SampledFrom([]int{1, 2, 4}).Draw(t, "packs")
		rest := rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "rest")
		d, err := newDelta(append(encodeDelta(want, 32*packs, packs), rest...))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := d.rest(); err != nil || !bytes.Equal(got, rest) {
			t.Fatalf("the rest is %x, want %x: %v", got, rest, err)
		}
		got := []int64{}
		for {
			buf := make([]int64, rapid.IntRange(1, 70).Draw(t, "window"))
			n, err := d.read(buf)
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, buf[:n]...); n < len(buf) {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestDeltaDamage(t *testing.T) {
	good := encodeDelta([]int64{5, 900, -3, 12, 12, 1 << 40}, 32, 1)
	for at := range good {
		d, err := newDelta(good[:at])
		if err == nil {
			var n int
			if n, err = d.read(make([]int64, 6)); n == 6 && at < len(good)-140 { // 27 of 32 differences are not needed
				t.Errorf("cut to %d of %d bytes: no error", at, len(good))
			}
		}
		if err != nil && !errors.Is(err, formats.ErrDamaged) {
			t.Errorf("cut to %d bytes: %v", at, err)
		}
	}
	for _, head := range [][]uint64{{0, 1}, {32, 0}, {32, 3}, {4, 1}, {1 << 30, 1}, {1 << 60, 1 << 50}} {
		data := binary.AppendUvarint(binary.AppendUvarint(nil, head[0]), head[1])
		if _, err := newDelta(append(data, good...)); !errors.Is(err, formats.ErrDamaged) {
			t.Errorf("blocks of %v: %v", head, err)
		}
	}
}

// TestStrings writes byte strings in each way, and reads them in windows.
func TestStrings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.SliceOfN(rapid.SampledFrom([]byte("ab")), 0, 9)
		want := rapid.SliceOfN(letters, 0, 40).Draw(t, "values")
		var plain, joined, suffixes []byte
		var sizes, prefixes, cut []int64
		var last []byte
		for _, v := range want {
			plain = append(binary.LittleEndian.AppendUint32(plain, uint32(len(v))), v...)
			joined, sizes = append(joined, v...), append(sizes, int64(len(v)))
			k := 0
			for k < min(len(v), len(last)) && v[k] == last[k] {
				k++
			}
			prefixes, cut, suffixes, last = append(prefixes, int64(k)), append(cut, int64(len(v)-k)), append(suffixes, v[k:]...), v
		}
		lengths, err1 := deltaLengths(append(encodeDelta(sizes, 128, 4), joined...))
		fronts, err2 := new(deltaStrings).open(slices.Concat(encodeDelta(prefixes, 128, 4), encodeDelta(cut, 128, 4), suffixes))
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		for i, decode := range []decoder[[]byte]{byteStrings(plain), lengths, fronts} {
			got := decodeAll(t, decode)
			if !slices.EqualFunc(got, want, bytes.Equal) {
				t.Fatalf("%d: got %q, want %q", i, got, want)
			}
		}
	})
}

func decodeAll(t *rapid.T, decode decoder[[]byte]) [][]byte {
	var got [][]byte
	for {
		buf := make([][]byte, rapid.IntRange(1, 20).Draw(t, "window"))
		n, err := decode(buf)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return got
		}
		for _, v := range buf[:n] {
			got = append(got, bytes.Clone(v))
		}
	}
}

// TestLongStrings has byte strings that share so much that a window of them would not fit into memory.
func TestLongStrings(t *testing.T) {
	const size, count = 1 << 19, 1000
	prefixes, cut := make([]int64, count), make([]int64, count)
	for i := range prefixes {
		prefixes[i] = size
	}
	prefixes[0], cut[0] = 0, size
	data := slices.Concat(encodeDelta(prefixes, 128, 4), encodeDelta(cut, 128, 4), make([]byte, size))
	d := new(deltaStrings)
	decode, err := d.open(data)
	if err != nil {
		t.Fatal(err)
	}
	var buf [window][]byte
	for got := 0; got < count; {
		n, err := decode(buf[:])
		if err != nil || n == 0 || len(buf[0]) != size {
			t.Fatalf("%d values after %d, the first of %d bytes: %v", n, got, len(buf[0]), err)
		}
		got += n
	}
	if cap(d.buf) > 8*size {
		t.Errorf("%d bytes for values of %d", cap(d.buf), size)
	}
}

// TestSplit turns values byte by byte, as BYTE_STREAM_SPLIT does.
func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.Int64(), 0, 50).Draw(t, "values")
		data := make([]byte, 8*len(want))
		for i, v := range want {
			for k := range 8 {
				data[k*len(want)+i] = byte(v >> (8 * k))
			}
		}
		decode := split(data, 8, getInt64)
		got := []int64{}
		for {
			buf := make([]int64, rapid.IntRange(1, 20).Draw(t, "window"))
			n, err := decode(buf)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
			got = append(got, buf[:n]...)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// FuzzDecoders gives any bytes to all decoders: they must end, without a panic.
func FuzzDecoders(f *testing.F) {
	f.Add(encodeDelta([]int64{1, 2, 3}, 32, 1))
	f.Add([]byte{4, 1, 3, 0xff})
	f.Add([]byte("\x03\x00\x00\x00abc"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return // turn does not ask for these
		}
		dictionary := []int64{5, 6, 7}
		exhaust(t, func() (decoder[int64], error) { return indexed(data, dictionary) })
		for e := range parquet.Encoding(10) {
			for _, typ := range []parquet.Type{parquet.Types.Boolean, parquet.Types.Int32, parquet.Types.Int64, parquet.Types.Float, parquet.Types.Double} {
				exhaust(t, func() (decoder[int64], error) { return numbers(typ)(e, data) })
			}
			exhaust(t, func() (decoder[[]byte], error) { return byteValues(parquet.Types.ByteArray, 0)(e, data) })
			exhaust(t, func() (decoder[[]byte], error) { return byteValues(parquet.Types.FixedLenByteArray, 3)(e, data) })
		}
	})
}

// exhaust decodes as a page of 5,000 rows is decoded.
func exhaust[T any](t *testing.T, open func() (decoder[T], error)) {
	decode, err := open()
	for rows := 0; err == nil && rows < 5000; {
		var n int
		n, err = decode(make([]T, min(window, 5000-rows)))
		if n == 0 && err == nil {
			return
		}
		rows += n
	}
	if err != nil && !errors.Is(err, formats.ErrDamaged) && !errors.Is(err, ErrUnsupported) {
		t.Fatal(err)
	}
}
