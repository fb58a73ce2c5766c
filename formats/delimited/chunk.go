package delimited

// chunkSize is how many bytes are searched at once, as many as a word has bits.
const chunkSize = 64

// patterns are the special bytes, each in all lanes of a word, and the masks to find them.
type patterns struct{ comma, quote, line, low7, high uint64 }

func newPatterns(comma byte) patterns {
	return patterns{spread(comma), spread('"'), spread('\n'), low7, high}
}

// find returns a bit for each byte of a chunk that is special, the lowest one for the first byte, and whether
// a byte may be NUL or outside ASCII.
func (p *patterns) find(chunk *[chunkSize]byte) (special uint64, strange bool) {
	q := *p // kept in registers, while constants of eight bytes are loaded again for each word
	w := load(chunk[0*word:])
	special, seen := q.lanes(w), suspect(w)
	w = load(chunk[1*word:])
	special, seen = special|q.lanes(w)<<(1*word), seen|suspect(w)
	w = load(chunk[2*word:])
	special, seen = special|q.lanes(w)<<(2*word), seen|suspect(w)
	w = load(chunk[3*word:])
	special, seen = special|q.lanes(w)<<(3*word), seen|suspect(w)
	w = load(chunk[4*word:])
	special, seen = special|q.lanes(w)<<(4*word), seen|suspect(w)
	w = load(chunk[5*word:])
	special, seen = special|q.lanes(w)<<(5*word), seen|suspect(w)
	w = load(chunk[6*word:])
	special, seen = special|q.lanes(w)<<(6*word), seen|suspect(w)
	w = load(chunk[7*word:])
	special, seen = special|q.lanes(w)<<(7*word), seen|suspect(w)
	return special, seen&high != 0
}

// lanes returns a byte with a bit for each lane of w that is special.
func (p *patterns) lanes(w uint64) uint64 {
	ascii := w & p.low7
	other := (ascii^p.comma+p.low7)&(ascii^p.quote+p.low7)&(ascii^p.line+p.low7) | w
	return gather(^other & p.high)
}

// gather returns a byte with a bit for each lane of a mask.
func gather(mask uint64) uint64 { return mask >> 7 * 0x0102040810204080 >> (7 * word) }

// suspect sets the high bit of a lane if a byte of w may be NUL or outside ASCII; the other bits are arbitrary.
func suspect(w uint64) uint64 { return w - lanes | w } // a borrow comes from a lane with NUL only
