package parquetfile

import (
	"encoding/binary"
	"math/bits"
)

// levels are those of the open page of a column.
type levels struct {
	depth int    // the greatest definition level: 0 of required values, 1 of nullable ones, 2 of those in lists
	def   hybrid // of definition, with a depth
	rep   hybrid // of repetition, in lists
	count int    // of levels: of rows, but in lists of values and of empty lists
}

func newLevels(depth int) levels {
	l := levels{depth: depth}
	l.start()
	return l
}

func (l *levels) start() {
	l.def.reset(bits.Len(uint(l.depth)))
	l.rep.reset(1)
	l.count = 0
}

// put adds levels of lists, as listLevels returns them.
func (l *levels) put(def, rep []int16) {
	putRuns(&l.def, def)
	putRuns(&l.rep, rep)
	l.count += len(def)
}

// putRuns adds levels, of which many in turn are equal.
func putRuns(to *hybrid, levels []int16) {
	for len(levels) > 0 {
		n := 1
		for n < len(levels) && levels[n] == levels[0] {
			n++
		}
		to.putRun(uint32(levels[0]), n)
		levels = levels[n:]
	}
}

// appendTo appends what begins the data of a page, and begins another page.
func (l *levels) appendTo(b []byte) []byte {
	if l.depth > 1 {
		b = appendLevels(b, l.rep.end())
	}
	if l.depth > 0 {
		b = appendLevels(b, l.def.end())
	}
	l.start()
	return b
}

func appendLevels(b, levels []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(levels))), levels...)
}

// listLevels returns the definition and repetition levels of lists without nulls: an empty list is 0 0, another
// is 2 0 and then 2 1 for each further element.
func listLevels(offsets []int32) (def, rep []int16) {
	n := int(offsets[len(offsets)-1]) + len(offsets)
	def, rep = make([]int16, 0, n), make([]int16, 0, n)
	for i := range len(offsets) - 1 {
		rep = append(rep, 0)
		if offsets[i] == offsets[i+1] {
			def = append(def, 0)
			continue
		}
		def = append(def, 2)
		for range offsets[i+1] - offsets[i] - 1 {
			def, rep = append(def, 2), append(rep, 1)
		}
	}
	return def, rep
}
