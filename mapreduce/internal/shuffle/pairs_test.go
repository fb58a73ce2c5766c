package shuffle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// prefixOf groups keys by n bytes of them, or fewer if they are shorter.
func prefixOf(n int) func([]byte) int { return func(key []byte) int { return min(n, len(key)) } }

// lastByte partitions by what of a group no hash would.
func lastByte(group []byte, n int) int {
	if len(group) == 0 {
		return 0
	}
	return int(group[len(group)-1]) % n
}

// A Sender adds what [Writer.Add] does for one record after another, in the same bytes, but for
// those that are Gone and those that the Filter leaves out.
func TestSenderMatchesAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Stream{
			"s", rapid.IntRange(1, 5).Draw(t, "partitions"),
			rapid.SampledFrom([]int{0, 0, 3, 8, 16, 16, 16, 40}).Draw(t, "key width"), rapid.SampledFrom([]int{0, 0, 0, 1, 8, 16, 30}).Draw(t, "value width"),
		}
		target := rapid.IntRange(1, 5000).Draw(t, "target")
		var group func([]byte) int
		if n := rapid.SampledFrom([]int{-1, -1, 0, 1, 3, 8}).Draw(t, "group"); n >= 0 && (s.KeyWidth == 0 || n <= s.KeyWidth) {
			group = prefixOf(n)
		}
		first := rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "first")
		var got, want bytes.Buffer
		a, b := newWriter(&got, []Stream{s}, target), newWriter(&want, []Stream{s}, target)
		sender, filter := NewSender(a, 0, group, first), NewFilter(first)
		by := rapid.SampledFrom([]Partitioner{nil, lastByte}).Draw(t, "partitioner")
		sender.PartitionBy(by)
		var pairs Pairs
		for range rapid.IntRange(0, 8).Draw(t, "batches") {
			for row := range rapid.IntRange(0, 80).Draw(t, "records") {
				key, value := []byte(drawBytes(t, s.KeyWidth, 40)), []byte(drawBytes(t, s.ValueWidth, 200))
				if rapid.Bool().Draw(t, "one group") {
					clear(key[:min(len(key), 8)])
				}
				pairs.Append(row, key, value)
				if rapid.IntRange(0, 9).Draw(t, "gone") == 0 {
					pairs.List[row].Row = Gone
				}
			}
			n := addOneByOne(t, b, &pairs, group, filter, by)
			if added, err := sender.Send(&pairs); err != nil || added != n {
				t.Fatalf("%d added, %v; expected %d", added, err, n)
			}
			pairs.Clear()
		}
		if _, err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Fatalf("%d bytes, expected %d others", got.Len(), want.Len())
		}
	})
}

// addOneByOne adds the records of a batch as a Sender should, and returns their number.
func addOneByOne(t *rapid.T, w *Writer, p *Pairs, group func([]byte) int, f *Filter, by Partitioner) (n int64) {
	start := uint32(0)
	type sent struct {
		hash       uint64
		key, value []byte
		group      int
	}
	var kept []sent
	for _, r := range p.List {
		key, value := p.Data[start:r.Mid], p.Data[r.Mid:r.End]
		start = r.End
		prefix := groupLen(group, key)
		hash := Hash(key[:prefix])
		if r.Row != Gone && f.Keep(hash, key, prefix) {
			kept = append(kept, sent{hash, key, value, prefix})
		}
	}
	again := f.Displaced()*displacedOften >= len(p.List)
	for _, r := range kept {
		if again && f.Worse(r.hash, r.key, r.group) {
			continue
		}
		n++
		part := PartitionOf(r.hash, len(w.parts[0]))
		if by != nil {
			part = by(r.key[:r.group], len(w.parts[0]))
		}
		if err := w.Add(0, part, r.key, r.value); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// What is appended is there, whatever lies behind the slices and however much room there is.
func TestPairsAppend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p Pairs
		var want []byte
		for row := range rapid.IntRange(0, 60).Draw(t, "records") {
			key := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "key")
			value := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "value")
			whole := append(append(want[:len(want):len(want)], key...), value...)
			spare := rapid.SampledFrom([]int{0, 0, 8, 16}).Draw(t, "spare")
			p.Append(row, append(key, noise(1, spare)...)[:len(key)], append(value, noise(2, spare)...)[:len(value)])
			if r := (Pair{int32(row), uint32(len(want) + len(key)), uint32(len(whole))}); p.List[row] != r {
				t.Fatalf("pair %+v, expected %+v", p.List[row], r)
			}
			if want = whole; !bytes.Equal(p.Data, want) {
				t.Fatalf("%x, expected %x", p.Data, want)
			}
		}
	})
}

// Pairs of the wrong width are refused, and no group reaches beyond its key.
func TestSenderRefuses(t *testing.T) {
	w, err := NewWriter(io.Discard, []Stream{{"other", 1, 0, 0}, {"s", 1, 16, 4}})
	if err != nil {
		t.Fatal(err)
	}
	for _, first := range []int{0, 3} {
		s := NewSender(w, 1, func([]byte) int { return 8 }, first)
		for _, c := range []struct {
			key, value int
			ok         bool
		}{{16, 4, true}, {16, 3, false}, {16, 5, false}, {15, 4, false}, {17, 4, false}, {7, 4, false}, {0, 4, false}, {12, 8, false}} {
			var p Pairs
			p.Append(0, make([]byte, c.key), make([]byte, c.value))
			if _, err := s.Send(&p); (err == nil) != c.ok {
				t.Errorf("First %d: Send of %d and %d bytes: %v, expected ok %v", first, c.key, c.value, err, c.ok)
			}
			if added, err := s.Add(make([]byte, c.key), make([]byte, c.value)); (err == nil) != c.ok || !added {
				t.Errorf("First %d: Add of %d and %d bytes: %v, %v, expected ok %v", first, c.key, c.value, added, err, c.ok)
			}
		}
	}
}

// A Partitioner is asked once for each record that is sent, with its group and nothing behind it, and what it gives is
// where the record goes. A partition that there is not is an error that names the group.
func TestPartitioner(t *testing.T) {
	w, err := NewWriter(io.Discard, []Stream{{"s", 3, 0, 0}})
	if err != nil {
		t.Fatal(err)
	}
	s := NewSender(w, 0, prefixOf(2), 0)
	var asked []string
	s.PartitionBy(func(group []byte, n int) int {
		asked = append(asked, fmt.Sprint(string(group), " ", n, " ", cap(group) == len(group)))
		return int(group[0]) - 'a'
	})
	var p Pairs
	for _, key := range []string{"aax", "cby", "b", "gone"} {
		p.Append(0, []byte(key), []byte("value"))
	}
	p.List[3].Row = Gone
	if n, err := s.Send(&p); n != 3 || err != nil {
		t.Fatalf("%d sent, %v", n, err)
	}
	if added, err := s.Add([]byte("cc"), nil); !added || err != nil {
		t.Fatal(added, err)
	}
	if got := fmt.Sprint(asked); got != "[aa 3 true cb 3 true b 3 true cc 3 true]" {
		t.Errorf("asked for %s", got)
	}
	for n, want := range []int64{1, 1, 2} {
		if got := w.parts[0][n].count; int64(got) != want {
			t.Errorf("partition %d has %d records, expected %d", n, got, want)
		}
	}
	for _, key := range []string{"dx", "`x"} { // one too many, and -1
		p.Clear()
		p.Append(0, []byte(key), nil)
		_, err := s.Send(&p)
		_, err2 := s.Add([]byte(key), nil)
		var bad *PartitionError
		if !errors.As(err, &bad) || bad.Partitions != 3 || string(bad.Group) != key || err2 == nil || err2.Error() != err.Error() ||
			!strings.Contains(err.Error(), fmt.Sprintf("%x", key)) {
			t.Errorf("%q: %v, %v", key, err, err2)
		}
	}
}

// Sending allocates nothing once everything has grown, whatever the widths.
func TestSendDoesNotAllocate(t *testing.T) {
	testSendDoesNotAllocate(t, nil)
	testSendDoesNotAllocate(t, lastByte)
}

func testSendDoesNotAllocate(t *testing.T, by Partitioner) {
	t.Helper()
	for _, st := range []Stream{{"s", 4, 16, 0}, {"s", 4, 8, 24}, {"s", 4, 0, 0}} {
		w, err := NewWriter(io.Discard, []Stream{st})
		if err != nil {
			t.Fatal(err)
		}
		s, n := NewSender(w, 0, prefixOf(8), 2), uint64(0)
		s.PartitionBy(by)
		var p Pairs
		key, value := make([]byte, max(st.KeyWidth, 5)), make([]byte, max(st.ValueWidth, 7))
		send := func() {
			for row := range 100 {
				n++
				le.PutUint32(key, uint32(n*0x9e3779b97f4a7c15>>40))
				p.Append(row, key, value)
			}
			if _, err := s.Send(&p); err != nil {
				t.Fatal(err)
			}
			p.Clear()
		}
		for range 2000 {
			send()
		}
		if allocs := testing.AllocsPerRun(500, send); allocs != 0 {
			t.Errorf("%v: %v allocations a batch", st, allocs)
		}
	}
}

// countWrites counts writes by whether they are large.
type countWrites struct{ small, large int }

func (c *countWrites) Write(p []byte) (int, error) {
	if len(p) > 64<<10 {
		c.large++
	} else {
		c.small++
	}
	return len(p), nil
}

// A full block is written at once, with its header.
func TestBlocksAreWrittenWhole(t *testing.T) {
	var c countWrites
	w, err := NewWriter(&c, []Stream{{"s", 1, 8, 24}})
	if err != nil {
		t.Fatal(err)
	}
	const blocks = 10
	for i := range blocks * blockTarget(1) / 32 {
		if err := w.Add(0, 0, noise(uint64(i), 8), noise(uint64(i), 24)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if c != (countWrites{2, blocks}) { // header and footer
		t.Errorf("%+v", c)
	}
}
