package shuffle

import (
	"fmt"
	"math"
)

// Pairs are records that wait to be sent.
type Pairs struct {
	Data []byte // key and value of each, side by side
	List []Pair
}

// Pair is one record among others, and begins where the one before ends.
type Pair struct {
	Row      int32  // of the caller, or Gone
	Mid, End uint32 // of its key, of its value
}

// Gone is the row of a pair that is left out.
const Gone = math.MinInt32

// Append adds a record of a row.
func (p *Pairs) Append(row int, key, value []byte) {
	at, k, n := len(p.Data), len(key), len(key)+len(value)
	switch free := cap(p.Data) - at; {
	case k <= 16 && n-k <= 8 && cap(key) >= 16 && cap(value) >= 8 && free >= 24:
		// Two moves of a fixed size; what they copy too much is overwritten or lies behind the end.
		p.Data = p.Data[:at+n]
		*(*[16]byte)(p.Data[at : at+16]) = *(*[16]byte)(key[:16])
		*(*[8]byte)(p.Data[at+k : at+k+8]) = *(*[8]byte)(value[:8])
	case free >= n:
		p.Data = p.Data[:at+n]
		putBytes(p.Data[at:], key)
		putBytes(p.Data[at+k:], value)
	default:
		p.Data = append(append(p.Data, key...), value...)
	}
	p.List = append(p.List, Pair{int32(row), uint32(at + k), uint32(at + n)})
}

// Clear removes all records.
func (p *Pairs) Clear() { p.Data, p.List = p.Data[:0], p.List[:0] }

// quickRecord is the size of a record that is copied by two moves, in bytes.
const quickRecord = 32

// Sender adds records to one stream of a [Writer], each to the partition of its group. Those
// that cannot be among the first of their group it may leave out.
type Sender struct {
	w      *Writer
	stream int
	shape  shape
	parts  []part
	group  func(key []byte) int // nil: the whole key
	width  int                  // of all groups, or -1
	filter *Filter              // nil: keeps all
	by     Partitioner          // nil: the hash
	hashes []uint64
}

// Partitioner gives the partition, from 0 to n-1, of a group prefix, in place of its hash.
type Partitioner func(group []byte, n int) int

// NewSender returns a Sender to a stream of w. Group and first are those of the [Config] that
// reads it.
func NewSender(w *Writer, stream int, group func(key []byte) int, first int) *Sender {
	s := &Sender{w: w, stream: stream, shape: w.shapes[stream], parts: w.parts[stream], group: group, width: -1}
	if s.shape.key > 0 && (group == nil || first > 0 && s.shape.keyed()) {
		s.width = groupLen(group, make([]byte, s.shape.key))
	}
	if f := NewFilter(first); len(f.slots) > 0 { // else there is no memory for so many records of a group
		s.filter = f
	}
	return s
}

// PartitionBy makes the Sender ask by for partitions, unless it is nil. It is for before the first record.
func (s *Sender) PartitionBy(by Partitioner) { s.by = by }

// groupLen returns the length of the prefix of a key that groups.
func (s *Sender) groupLen(key []byte) int {
	n := s.width
	if n < 0 {
		n = groupLen(s.group, key)
	}
	return min(max(n, 0), len(key))
}

// Send adds all records that are not Gone, or only those that may be among the first of their
// group, and returns how many it added. The others are Gone then.
func (s *Sender) Send(p *Pairs) (added int64, err error) {
	if s.by == nil || s.filter != nil {
		s.hash(p)
	}
	if s.filter != nil {
		s.sift(p)
	}
	if s.by != nil {
		return s.addBy(p)
	}
	return s.add(p)
}

// Add is Send for one record.
func (s *Sender) Add(key, value []byte) (added bool, err error) {
	group := s.groupLen(key)
	hash := Hash(key[:group])
	if s.filter != nil && !s.filter.Keep(hash, key, group) {
		return false, nil
	}
	n := PartitionOf(hash, len(s.parts))
	if s.by != nil {
		if n, err = s.ask(key[:group]); err != nil {
			return false, err
		}
	}
	return true, s.w.Add(s.stream, n, key, value)
}

// ask asks the Partitioner.
func (s *Sender) ask(group []byte) (int, error) {
	n := s.by(group[:len(group):len(group)], len(s.parts))
	if uint(n) >= uint(len(s.parts)) {
		return 0, &PartitionError{append([]byte(nil), group...), n, len(s.parts)}
	}
	return n, nil
}

// PartitionError reports a Partitioner that gives a partition that there is not.
type PartitionError struct {
	Group      []byte
	Got        int
	Partitions int
}

// Error names the group in hexadecimal.
func (e *PartitionError) Error() string {
	return fmt.Sprintf("the partitioner gives partition %d of the key %x, and there are %d, from 0", e.Got, e.Group, e.Partitions)
}

// hash hashes the groups of all records.
func (s *Sender) hash(p *Pairs) {
	s.hashes = s.hashes[:0]
	start, word := uint32(0), s.width == 8
	for _, r := range p.List {
		key := p.Data[start:r.Mid]
		start = r.End
		if word && len(key) >= 8 {
			s.hashes = append(s.hashes, hashWord(le.Uint64(key)))
			continue
		}
		s.hashes = append(s.hashes, Hash(key[:s.groupLen(key)]))
	}
}

// displacedOften is of how many records one has to displace another before a batch is looked at again. In input that is in
// order nearly all do, and all but a few are found to be worse; where few do, a second look costs more than it finds.
const displacedOften = 16

// sift marks what is not among the first of its group. It looks twice if there is reason to, since in
// input that is in order, each record may be better than all before it.
func (s *Sender) sift(p *Pairs) {
	gone := s.look(p)
	if s.filter.Displaced()*displacedOften >= len(p.List) {
		gone += s.lookAgain(p)
	}
	s.filter.settle(len(p.List), gone)
}

// look marks what the filter does not keep, and counts it.
func (s *Sender) look(p *Pairs) (gone int) {
	start := uint32(0)
	for i, hash := range s.hashes {
		r := &p.List[i]
		key := p.Data[start:r.Mid:r.Mid]
		start = r.End
		if r.Row == Gone {
			continue
		}
		if at := s.filter.slot(hash); at.hash != hash {
			at.miss(hash)
		} else if !s.filter.keep(hash, key, s.groupLen(key)) {
			r.Row = Gone
			gone++
		}
	}
	return gone
}

// lookAgain marks what has been kept and is worse than what came later.
func (s *Sender) lookAgain(p *Pairs) (gone int) {
	start := uint32(0)
	for i, hash := range s.hashes {
		r := &p.List[i]
		key := p.Data[start:r.Mid:r.Mid]
		start = r.End
		if r.Row != Gone && s.filter.Worse(hash, key, s.groupLen(key)) {
			r.Row = Gone
			gone++
		}
	}
	return gone
}

// add adds the records that are not Gone.
func (s *Sender) add(p *Pairs) (added int64, err error) {
	start, quick := uint32(0), s.shape.key > 0
	for i, hash := range s.hashes {
		r := p.List[i]
		from := start
		start = r.End
		if r.Row == Gone {
			continue
		}
		added++
		n := PartitionOf(hash, len(s.parts))
		if quick && s.parts[n].put(s.shape, p.Data, from, r) {
			continue
		}
		if err := s.w.Add(s.stream, n, p.Data[from:r.Mid:r.Mid], p.Data[r.Mid:r.End]); err != nil {
			return added, err
		}
	}
	return added, nil
}

// addBy is add with a Partitioner.
func (s *Sender) addBy(p *Pairs) (added int64, err error) {
	start, quick := uint32(0), s.shape.key > 0
	for _, r := range p.List {
		from := start
		start = r.End
		if r.Row == Gone {
			continue
		}
		key := p.Data[from:r.Mid:r.Mid]
		n, err := s.ask(key[:s.groupLen(key)])
		if err != nil {
			return added, err
		}
		added++
		if quick && s.parts[n].put(s.shape, p.Data, from, r) {
			continue
		}
		if err := s.w.Add(s.stream, n, key, p.Data[r.Mid:r.End]); err != nil {
			return added, err
		}
	}
	return added, nil
}

// put adds a short record with a key of fixed width by moves of a fixed size. It reports
// whether there was room for that, at both ends.
func (p *part) put(s shape, data []byte, from uint32, r Pair) bool {
	at, k, n, head := len(p.buf), int(r.Mid-from), int(r.End-from), 0
	if s.value == 0 {
		head = 1 // the length
	}
	if !s.matches(k, n-k) || n > quickRecord || cap(p.buf)-at <= quickRecord || cap(data)-int(from) < quickRecord {
		return false
	}
	p.buf = p.buf[:at+head+n]
	to := p.buf[at : at+1+quickRecord]
	to[0] = byte(n - k)
	*(*[quickRecord]byte)(to[head:]) = *(*[quickRecord]byte)(data[from : from+quickRecord])
	p.count++
	return true
}
