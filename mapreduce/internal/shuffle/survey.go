package shuffle

import (
	"fmt"
	"math/bits"
)

const (
	// surveyBytes bounds what a [Survey] holds, and what it reads of a directory.
	surveyBytes = 16 << 20
	// sizeBytes is the memory of a Size.
	sizeBytes = 16
)

// Size is how much there is of something in run files.
type Size struct {
	Records int64
	Bytes   int64 // framed
}

// Survey says what the directories of run files hold for partitions [lo, hi) of a stream: how much in all, and which files
// have any. One survey serves the inputs of all these partitions. Without it each of them opens every file; so where most
// files have nothing for most partitions, as those of many small maps, that is most of the work.
type Survey struct {
	lo    int
	sizes []Size   // by partition
	words int      // of a partition
	has   []uint64 // one bit for each file, by partition
}

// NewSurvey reads the directories of all run files that next names, of which there are n, once: for cfg.Partition and as many
// partitions after it, below most, as fit in a 16th of the budget and 16 MiB. Errors are those of [NewInput]. Of cfg it needs the
// partition, the widths, Budget, Beat and Stopped.
func NewSurvey(cfg Config, most, n int, next func() (path string, ok bool)) (*Survey, error) {
	words := (n + 63) / 64
	room := min(surveyBytes, cfg.Budget/16) / int64(8*words+sizeBytes+entrySize)
	count := max(min(int(room), most-cfg.Partition), 1)
	v := &Survey{lo: cfg.Partition, sizes: make([]Size, count), words: words, has: make([]uint64, count*words)}
	in := Input{cfg: cfg, shape: shape{cfg.KeyWidth, cfg.ValueWidth}}
	in.cfg.setHooks()
	s := cfg.Buffers.reader()
	file := 0
	for path, ok := next(); ok; path, ok = next() {
		if file == n {
			return nil, fmt.Errorf("survey of %d run files: there are more", n)
		}
		if err := in.visit(s, path, func() error { return v.add(s, file) }); err != nil {
			return nil, err
		}
		file++
	}
	return v, nil
}

// add adds what the directory of a file says.
func (v *Survey) add(s *Segment, file int) error {
	return s.entries(len(v.sizes), func(i int, e entry) {
		v.sizes[i].Records += e.records
		v.sizes[i].Bytes += e.bytes
		if e.records > 0 {
			v.has[i*v.words+file/64] |= 1 << (file % 64)
		}
	})
}

// Covers tells whether the survey has a partition.
func (v *Survey) Covers(partition int) bool {
	return v != nil && partition >= v.lo && partition < v.lo+len(v.sizes)
}

// Size is how much there is of a partition that the survey covers, in all files.
func (v *Survey) Size(partition int) Size { return v.sizes[partition-v.lo] }

// Files passes the numbers of the files that have records of a partition that the survey covers, in ascending order.
func (v *Survey) Files(partition int) (next func() (n int, ok bool)) {
	words := v.has[(partition-v.lo)*v.words:][:v.words]
	var w uint64 // what is left of the word before at
	at := 0
	return func() (int, bool) {
		for ; w == 0; at++ {
			if at == len(words) {
				return 0, false
			}
			w = words[at]
		}
		n := (at-1)*64 + bits.TrailingZeros64(w)
		w &= w - 1
		return n, true
	}
}
