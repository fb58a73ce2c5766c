package delimited

import (
	"bytes"
	"math/bits"
)

// startsBlock is how much text countStarts looks at for blank lines at once, in bytes.
const startsBlock = 4 << 10

// countStarts is eachStart for much text, of which few lines are blank.
func countStarts(b []byte, prev2, prev byte) (count int64) {
	for len(b) > 0 {
		n := min(len(b), startsBlock)
		count += blockStarts(b[:n], prev2, prev)
		if n > 1 {
			prev = b[n-2]
		}
		prev2, prev = prev, b[n-1]
		b = b[n:]
	}
	return count
}

// blockStarts is eachStart. Where no line ends come close to each other, no line is blank, and
// as many begin as end.
func blockStarts(b []byte, prev2, prev byte) int64 {
	n := len(b)
	returns := bytes.IndexByte(b, '\r') >= 0
	if n <= 2*chunkSize || linesNear(b, 1) || returns && linesNear(b, 2) {
		return eachStart(b, prev2, prev)
	}
	count := eachStart(b[:2], prev2, prev) + countLines(b[1:n-1])
	if b[0] == '\n' && b[1] == '\r' {
		count++
	}
	if b[n-2] == '\n' && b[n-1] == '\r' {
		count--
	}
	return count
}

// linesNear reports whether two line ends of b may be n bytes apart. It is wrong only for rare bytes.
func linesNear(b []byte, n int) bool {
	near, last := uint64(0), len(b)-n-chunkSize
	for i := 0; i < last; i += chunkSize {
		near |= meet((*[chunkSize]byte)(b[i:]), (*[chunkSize]byte)(b[i+n:]))
	}
	near |= meet((*[chunkSize]byte)(b[last:]), (*[chunkSize]byte)(b[last+n:]))
	return near&high != 0
}

// meet sets the high bit of a lane if p and q may have a line end at the same place.
func meet(p, q *[chunkSize]byte) uint64 {
	return both(load(p[0*word:]), load(q[0*word:])) | both(load(p[1*word:]), load(q[1*word:])) |
		both(load(p[2*word:]), load(q[2*word:])) | both(load(p[3*word:]), load(q[3*word:])) |
		both(load(p[4*word:]), load(q[4*word:])) | both(load(p[5*word:]), load(q[5*word:])) |
		both(load(p[6*word:]), load(q[6*word:])) | both(load(p[7*word:]), load(q[7*word:]))
}

// both sets the high bit of the lanes in which v and w have a line end, and of few others.
func both(v, w uint64) uint64 {
	x := (v | w) ^ '\n'*lanes
	return (x - lanes) &^ x
}

// eachStart counts the lines of b that begin and are not blank, each at its first byte or,
// if that is '\r', at its second. prev and prev2 are the byte before b and the one before that.
func eachStart(b []byte, prev2, prev byte) int64 {
	var count int
	var afterLine, afterReturn uint64 // what lane 0 comes after
	if prev == '\n' {
		afterLine = 0x80
	}
	if prev == '\r' && prev2 == '\n' {
		afterReturn = 0x80
	}
	for len(b) > 0 {
		var w uint64
		if len(b) >= word {
			w, b = load(b), b[word:]
		} else {
			w, b = loadTail(b), nil
		}
		line, ret := equal(w, '\n'*lanes), equal(w, '\r'*lanes)
		first := line<<word | afterLine // lanes at the start of a line
		second := (first&ret)<<word | afterReturn
		count += bits.OnesCount64((first&^ret | second) &^ line)
		afterLine, afterReturn = line>>(7*word), (first&ret)>>(7*word)
	}
	return int64(count)
}

// loadTail returns fewer than eight bytes, filled up with line ends, where nothing starts.
func loadTail(b []byte) uint64 {
	tail := [word]byte{'\n', '\n', '\n', '\n', '\n', '\n', '\n', '\n'}
	copy(tail[:], b)
	return load(tail[:])
}
