package delimited

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestMasks compares the masks of all lanes with the bytes.
func TestMasks(t *testing.T) {
	near := rapid.SampledFrom([]byte{0, 1, ',' - 1, ',', ',' + 1, ',' | 0x80, 0x7f, 0x80, 0xff, '\n', '"'})
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(near, word, word).Draw(t, "bytes")
		c := near.Draw(t, "byte")
		w := load(b)
		same, other := equal(w, spread(c)), differ(w, spread(c))&high
		if same^other != high {
			t.Fatalf("%q: %x and %x overlap or leave lanes out", b, same, other)
		}
		first := word
		for i := word - 1; i >= 0; i-- {
			if got := same>>(i*word)&0xff == 0x80; got != (b[i] == c) {
				t.Fatalf("%q: lane %d is %v for %q", b, i, got, c)
			}
			if b[i] == c {
				first = i
			}
		}
		if same != 0 && lane(same) != first {
			t.Fatalf("%q: %q is first in lane %d, want %d", b, c, lane(same), first)
		}
	})
}

// TestOddIsNeverMissed checks the one mask that may have too many lanes: it is empty just if no byte is NUL or
// outside ASCII.
func TestOddIsNeverMissed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), word, word).Draw(t, "bytes")
		w := load(b)
		mask := (w - lanes | w) & high
		odd := false
		for _, c := range b {
			odd = odd || c == 0 || c >= 0x80
		}
		if odd != (mask != 0) {
			t.Fatalf("%q: odd is %v, the mask %x", b, odd, mask)
		}
	})
}

// TestCountStarts compares with a count by bytes, for all that may come before.
func TestCountStarts(t *testing.T) {
	text := rapid.SliceOf(rapid.SampledFrom([]byte{'a', '\n', '\n', '\r', '\r'}))
	rapid.Check(t, func(t *rapid.T) {
		b := text.Draw(t, "text")
		for _, before := range []string{"xx", "x\n", "\n\r", "x\r", "\n\n", "\r\n"} {
			want := int64(0)
			all := append([]byte(before), b...)
			for i := 2; i < len(all); i++ {
				first := all[i-1] == '\n' && all[i] != '\r'
				second := all[i-1] == '\r' && all[i-2] == '\n'
				if (first || second) && all[i] != '\n' {
					want++
				}
			}
			if got := eachStart(b, before[0], before[1]); got != want {
				t.Fatalf("%q after %q: %d, want %d", b, before, got, want)
			}
			if got := countStarts(b, before[0], before[1]); got != want {
				t.Fatalf("in blocks, %q after %q: %d, want %d", b, before, got, want)
			}
		}
	})
}

// TestFind compares with a search by bytes.
func TestFind(t *testing.T) {
	near := rapid.SampledFrom([]byte{'a', 'a', 'a', 0, 1, ';' - 1, ';', ';' + 1, ';' | 0x80, 0x80, 0xff, '\n' - 1, '\n', '\n' + 1, '"', '"' + 1, ','})
	p := newPatterns(';')
	rapid.Check(t, func(t *rapid.T) {
		var chunk [chunkSize]byte
		copy(chunk[:], rapid.SliceOfN(near, chunkSize, chunkSize).Draw(t, "chunk"))
		want, odd := uint64(0), false
		for i, c := range chunk {
			if c == ';' || c == '\n' || c == '"' {
				want |= 1 << i
			}
			odd = odd || c == 0 || c >= 0x80
		}
		if got, strange := p.find(&chunk); got != want || strange != odd {
			t.Fatalf("%q: %064b, want %064b; strange is %v, want %v", chunk, got, want, strange, odd)
		}
	})
}

// TestStartsInBlocks has text of several blocks, with few blank lines and with many.
func TestStartsInBlocks(t *testing.T) {
	long := strings.Repeat("x", 90)
	pieces := rapid.SampledFrom([]string{long, long, long, long, long + "\n", long + "\r\n", "a\n", "\n", "\r\n", "\r", "\n\r\r\n", "\n\n"})
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(strings.Join(rapid.SliceOfN(pieces, 0, 200).Draw(t, "pieces"), ""))
		for _, before := range []string{"xx", "x\n", "\n\r", "\r\n"} {
			want := eachStart(b, before[0], before[1])
			if got := countStarts(b, before[0], before[1]); got != want {
				t.Fatalf("%d bytes after %q: %d, want %d", len(b), before, got, want)
			}
			if got := blockStarts(b, before[0], before[1]); got != want {
				t.Fatalf("a block of %d bytes after %q: %d, want %d", len(b), before, got, want)
			}
		}
	})
}

// TestLinesNear moves two line ends through a text of each length.
func TestLinesNear(t *testing.T) {
	for size := chunkSize + 2; size < 4*chunkSize; size += 13 {
		b := bytes.Repeat([]byte("é"), size/2)
		for apart := 1; apart <= 2; apart++ {
			if linesNear(b, apart) {
				t.Fatalf("%d bytes without a line end", len(b))
			}
			for i := range len(b) - apart {
				was, wasNext := b[i], b[i+apart]
				b[i], b[i+apart] = '\n', '\n'
				if !linesNear(b, apart) {
					t.Fatalf("%d bytes: line ends at %d and %d are missed", len(b), i, i+apart)
				}
				b[i], b[i+apart] = was, wasNext
			}
		}
	}
}

// TestSteps is the table in the documentation of State.
func TestSteps(t *testing.T) {
	bytes := []byte{',', '"', '\n', '\r', 'x'}
	for from, want := range [States][5]State{
		AtRecord:   {AtField, Quoted, AtRecord, Return, Plain},
		Return:     {AtField, Broken, AtRecord, Plain, Plain},
		AtField:    {AtField, Quoted, AtRecord, Plain, Plain},
		Plain:      {AtField, Broken, AtRecord, Plain, Plain},
		Quoted:     {Quoted, AfterQuote, Quoted, Quoted, Quoted},
		AfterQuote: {AtField, Quoted, AtRecord, Broken, Broken},
		Broken:     {Broken, Broken, AtRecord, Broken, Broken},
	} {
		for i, c := range bytes {
			if got := State(from).step(c, ','); got != want[i] {
				t.Errorf("%d, %q: %d, want %d", from, c, got, want[i])
			}
		}
	}
}
