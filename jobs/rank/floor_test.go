package rank_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/shardmill/shardmill/formats/delimited"
	"github.com/shardmill/shardmill/jobs/internal/bench"
)

// The floor of a ranking is what no program can avoid that ranks this file by a shuffle: parse, partition, sort and
// write, each alone, in straight code that knows the file. It has no engine, checks nothing, copies
// nothing to be safe, and shares only formats with the job. Each step begins with what it needs in memory,
// or in files just written, and runs on bench.Cores goroutines; what lies between steps is not counted.

// floorTask asks for the floor of a file of ratings.
type floorTask struct {
	Path, Dir  string // of the file, and for partitions and results
	Partitions int
}

// floorCost is what the steps took, in CPU seconds.
type floorCost struct {
	Parse, Partition, Sort, Write float64
	ByHand                        float64 // another parser, not part of the sum
	Read, Results                 int64   // rows
}

func (c floorCost) sum() float64 { return c.Parse + c.Partition + c.Sort + c.Write }

func (t floorTask) measure() (c floorCost, err error) {
	f, err := os.Open(t.Path)
	if err != nil {
		return c, err
	}
	defer func() { _ = f.Close() }() // only read
	halves, err := halve(f)
	if err != nil {
		return c, err
	}
	var parsed, byHand [bench.Cores]ratingSums
	if c.Parse, err = alone(func(w int) (err error) { parsed[w], err = parse(f, halves[w], nil); return err }); err != nil {
		return c, fmt.Errorf("parse: %w", err)
	}
	if c.ByHand, err = alone(func(w int) (err error) { byHand[w], err = parseByHand(f, halves[w]); return err }); err != nil {
		return c, fmt.Errorf("parse by hand: %w", err)
	}
	if parsed != byHand {
		return c, fmt.Errorf("the parsers differ: %v and %v", parsed, byHand)
	}
	var rows [bench.Cores]*parsedRows
	if err := each(func(w int) (err error) { rows[w], err = load(f, halves[w], parsed[w]); return err }); err != nil {
		return c, err
	}
	c.Read = parsed[0].rows + parsed[1].rows
	if c.Partition, err = alone(func(w int) error { return partition(rows[w], t.Dir, w, t.Partitions) }); err != nil {
		return c, fmt.Errorf("partition: %w", err)
	}
	rows = [bench.Cores]*parsedRows{} // garbage from here on
	results := make([]results, t.Partitions)
	if c.Sort, err = t.shared(func(s *sorter, p int) (err error) { results[p], err = s.best(t.Dir, p); return err }); err != nil {
		return c, fmt.Errorf("sort: %w", err)
	}
	for i := range results {
		c.Results += int64(len(results[i].rows))
	}
	if c.Write, err = t.shared(func(_ *sorter, p int) error { return results[p].write(t.Dir, p) }); err != nil {
		return c, fmt.Errorf("write: %w", err)
	}
	return c, nil
}

// alone runs work on all cores and returns the CPU seconds that it took.
func alone(work func(worker int) error) (float64, error) {
	debug.FreeOSMemory() // so that nobody pays for the garbage of the step before
	before := bench.CPU()
	err := each(work)
	return bench.CPU() - before, err
}

func each(work func(worker int) error) error {
	var errs [bench.Cores]error
	var wg sync.WaitGroup
	for w := range bench.Cores {
		wg.Go(func() { errs[w] = work(w) })
	}
	wg.Wait()
	return errors.Join(errs[:]...)
}

// shared is alone for work that is done once for each partition.
func (t floorTask) shared(work func(s *sorter, partition int) error) (float64, error) {
	var next atomic.Int64
	return alone(func(int) error {
		s := &sorter{}
		for p := next.Add(1) - 1; p < int64(t.Partitions); p = next.Add(1) - 1 {
			if err := work(s, int(p)); err != nil {
				return err
			}
		}
		return nil
	})
}

// part is a part of a file that begins and ends with a line.
type part struct{ lo, hi int64 }

// halve cuts a file behind its header into parts of about the same size, one for each core.
func halve(f *os.File) (parts [bench.Cores]part, err error) {
	info, err := f.Stat()
	if err != nil {
		return parts, err
	}
	var cuts [bench.Cores + 1]int64
	for i := range bench.Cores {
		if cuts[i], err = nextLine(f, info.Size()*int64(i)/bench.Cores); err != nil {
			return parts, err
		}
	}
	cuts[bench.Cores] = info.Size()
	for i := range parts {
		parts[i] = part{cuts[i], cuts[i+1]}
	}
	return parts, nil
}

// nextLine is where the line after an offset begins.
func nextLine(f *os.File, offset int64) (int64, error) {
	var b [4096]byte
	n, err := f.ReadAt(b[:], offset)
	if at := bytes.IndexByte(b[:n], '\n'); at >= 0 {
		return offset + int64(at) + 1, nil
	}
	return 0, fmt.Errorf("a line of more than %d bytes: %w", n, err)
}

// ratingSums shows that each row was parsed, and alike.
type ratingSums struct{ rows, users, itemBytes, scores int64 }

func (s *ratingSums) add(user int64, item []byte, score float64) {
	s.rows++
	s.users += user
	s.itemBytes += int64(len(item))
	s.scores += int64(math.Float64bits(score))
}

// together is how many records are read together.
const together = 256

// parse reads a part with the package that the job reads with, as fast as that can.
func parse(f *os.File, p part, keep *parsedRows) (sums ratingSums, err error) {
	r, err := delimited.NewRangeReader(f, f.Name(), delimited.Position{Offset: p.lo, Line: 1}, p.hi, delimited.Options{})
	if err != nil {
		return sums, err
	}
	var recs delimited.Records
	var users [together]int64
	var scores [together]float64
	for {
		if err := r.ReadRecords(&recs, together); errors.Is(err, io.EOF) {
			return sums, nil
		} else if err != nil {
			return sums, err
		}
		n := recs.Len()
		if recs.CanonicalInts(0, 0, users[:n]) < n || recs.Floats(0, 3, scores[:n]) < n {
			return sums, fmt.Errorf("from line %d on: no numbers", recs.Line(0))
		}
		for i, user := range users[:n] {
			sums.add(user, recs.Field(i, 1), scores[i])
			if keep != nil {
				keep.add(user, recs.Field(i, 1), scores[i])
			}
		}
	}
}

// parseByHand reads a part of exactly this kind of file: no quotes, no signs, scores like 0.1234.
func parseByHand(f *os.File, p part) (sums ratingSums, err error) {
	buf := make([]byte, 256<<10)
	for at := p.lo; at < p.hi; {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), p.hi-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return sums, err
		}
		whole := bytes.LastIndexByte(buf[:n], '\n') + 1
		if whole == 0 {
			return sums, io.ErrUnexpectedEOF
		}
		sums.parse(buf[:whole])
		at += int64(whole)
	}
	return sums, nil
}

// parse adds up whole lines.
func (s *ratingSums) parse(b []byte) {
	for i := 0; i < len(b); i++ { // at a line end
		user := int64(0)
		for ; b[i] != ','; i++ {
			user = user*10 + int64(b[i]-'0')
		}
		item := i + 1
		for i = item; b[i] != ','; i++ {
		}
		end := i
		for i++; b[i] != ','; i++ {
		}
		score, digits := int64(0), -1
		for i++; b[i] != '\n'; i++ {
			if b[i] == '.' {
				digits = 0
				continue
			}
			score = score*10 + int64(b[i]-'0')
			if digits >= 0 {
				digits++
			}
		}
		s.add(user, b[item:end], float64(score)/[...]float64{1, 1, 10, 100, 1e3, 1e4, 1e5, 1e6}[digits+1])
	}
}

// parsedRows are rows in memory.
type parsedRows struct {
	users  []int64
	scores []float64
	ends   []uint32 // of the items in text
	text   []byte
}

func (r *parsedRows) add(user int64, item []byte, score float64) {
	r.users, r.scores = append(r.users, user), append(r.scores, score)
	r.text = append(r.text, item...)
	r.ends = append(r.ends, uint32(len(r.text)))
}

func load(f *os.File, p part, sums ratingSums) (*parsedRows, error) {
	r := &parsedRows{
		users: make([]int64, 0, sums.rows), scores: make([]float64, 0, sums.rows), ends: make([]uint32, 0, sums.rows),
		text: make([]byte, 0, sums.itemBytes),
	}
	_, err := parse(f, p, r)
	return r, err
}
