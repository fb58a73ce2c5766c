package rank_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"os"
	"path/filepath"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/bench"
)

// A record of a partition is the user and the bits of the score, eight bytes each, the length of the item in a byte, and the item.
const keyBytes = 16

func partitionName(dir string, worker, partition int) string {
	return filepath.Join(dir, fmt.Sprintf("partition-%d-%d", worker, partition))
}

// partition spreads rows over files by the hash of their user.
func partition(r *parsedRows, dir string, worker, partitions int) (err error) {
	const room = 32 << 10 // of a buffer; all of a worker stay in its second-level cache
	files, bufs := make([]*os.File, partitions), make([][]byte, partitions)
	for p := range partitions {
		if files[p], err = os.Create(partitionName(dir, worker, p)); err != nil {
			return err
		}
		bufs[p] = make([]byte, 0, room)
	}
	from := uint32(0)
	var key [keyBytes]byte
	for i, user := range r.users {
		binary.LittleEndian.PutUint64(key[:], uint64(user))
		binary.LittleEndian.PutUint64(key[8:], math.Float64bits(r.scores[i]))
		p, _ := bits.Mul64(xxh3.Hash(key[:8]), uint64(partitions))
		item := r.text[from:r.ends[i]]
		from = r.ends[i]
		b := bufs[p]
		if len(b)+keyBytes+1+len(item) > room {
			if _, err := files[p].Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
		b = append(b, key[:]...)
		b = append(b, byte(len(item)))
		bufs[p] = append(b, item...)
	}
	for p, f := range files {
		_, err = f.Write(bufs[p])
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// sortRecord is 16 bytes.
type sortRecord struct {
	user  uint32
	at    uint32 // where the item's length stands in the partition
	score float64
}

// sorter sorts one partition after another in the same memory.
type sorter struct {
	data           []byte
	records, other []sortRecord
	found          results
}

// best finds the ten best rows of each user of a partition.
func (s *sorter) best(dir string, partition int) (results, error) {
	if err := s.read(dir, partition); err != nil {
		return results{}, err
	}
	most, err := s.decode()
	if err != nil {
		return results{}, err
	}
	s.sort(bits.Len32(most))
	s.found = results{s.found.rows[:0], s.found.text[:0]}
	for first, i := 0, 1; i <= len(s.records); i++ {
		if i == len(s.records) || s.records[i].user != s.records[first].user {
			s.group(s.records[first:i])
			first = i
		}
	}
	return results{slices.Clone(s.found.rows), slices.Clone(s.found.text)}, nil
}

// read reads the files that the workers wrote, in order of the rows.
func (s *sorter) read(dir string, partition int) error {
	var sizes [bench.Cores]int
	sum := 0
	for w := range bench.Cores {
		info, err := os.Stat(partitionName(dir, w, partition))
		if err != nil {
			return err
		}
		sizes[w] = int(info.Size())
		sum += sizes[w]
	}
	s.data = room(s.data, sum)
	for w, at := 0, 0; w < bench.Cores; w++ {
		if err := readFile(partitionName(dir, w, partition), s.data[at:at+sizes[w]]); err != nil {
			return err
		}
		at += sizes[w]
	}
	return nil
}

func readFile(name string, b []byte) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	_, err = io.ReadFull(f, b)
	return errors.Join(err, f.Close())
}

// room is a slice of n elements in the memory of another one, or in new memory with some to spare: partitions are of
// about the same size.
func room[T any](s []T, n int) []T {
	if cap(s) < n {
		s = make([]T, n+n/8)
	}
	return s[:n]
}

// decode makes records. It returns a number whose bits are those that users have.
func (s *sorter) decode() (most uint32, err error) {
	s.records = room(s.records, len(s.data)/(keyBytes+2))[:0] // items have a byte at least
	for at := 0; at < len(s.data); {
		user := binary.LittleEndian.Uint64(s.data[at:])
		if user > math.MaxUint32 {
			return 0, fmt.Errorf("user %d is too large for this floor", user)
		}
		most |= uint32(user)
		score := math.Float64frombits(binary.LittleEndian.Uint64(s.data[at+8:]))
		s.records = append(s.records, sortRecord{uint32(user), uint32(at + keyBytes), score})
		at += keyBytes + 1 + int(s.data[at+keyBytes])
	}
	return most, nil
}

// sort is a stable radix sort by user, from the lowest digit of 11 bits on.
func (s *sorter) sort(width int) {
	const digit = 11
	s.other = room(s.other, len(s.records))
	for shift := 0; shift < width; shift += digit {
		var starts [1 << digit]uint32
		for i := range s.records {
			starts[s.records[i].user>>shift&(1<<digit-1)]++
		}
		sum := uint32(0)
		for i, n := range starts {
			starts[i] = sum
			sum += n
		}
		for _, r := range s.records {
			d := r.user >> shift & (1<<digit - 1)
			s.other[starts[d]] = r
			starts[d]++
		}
		s.records, s.other = s.other, s.records
	}
}

// group inserts the rows of a user into a list of the ten best. Of equal ones the first stays ahead.
func (s *sorter) group(rows []sortRecord) {
	var best [topRows]sortRecord
	n := 0
	for _, r := range rows {
		if n == topRows && r.score <= best[n-1].score {
			continue
		}
		n = min(n+1, topRows)
		j := n - 1
		for ; j > 0 && best[j-1].score < r.score; j-- {
			best[j] = best[j-1]
		}
		best[j] = r
	}
	for i, r := range best[:n] {
		item := s.data[r.at+1:][:s.data[r.at]]
		s.found.rows = append(s.found.rows, result{int64(r.user), int64(i + 1), r.score, uint32(len(s.found.text)), uint32(len(item))})
		s.found.text = append(s.found.text, item...)
	}
}

// result is a row of the ranking.
type result struct {
	user, rank int64
	score      float64
	at, size   uint32 // of the item in the text
}

// results are the rows of a partition.
type results struct {
	rows []result
	text []byte
}

func resultName(dir string, partition int) string {
	return filepath.Join(dir, fmt.Sprintf("part-%06d.parquet", partition))
}

// write writes rows in order to a file with the columns that the job has.
func (r *results) write(dir string, partition int) (err error) {
	f, err := os.Create(resultName(dir, partition))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	out, text := bufio.NewWriterSize(f, 1<<20), string(r.text)
	w, err := parquetfile.Create(out, table.Columns[result]{
		table.Int64("user", func(r *result) int64 { return r.user }, nil),
		table.Int64("rank", func(r *result) int64 { return r.rank }, nil),
		table.Float64("score", func(r *result) float64 { return r.score }, nil),
		table.NullString("item", func(r *result) (string, bool) { return text[r.at:][:r.size], true }, nil),
	})
	if err != nil {
		return err
	}
	return errors.Join(w.WriteRows(r.rows), w.Close(), out.Flush())
}
