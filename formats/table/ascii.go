package table

// ascii reports whether all bytes are below 0x80. It is for short texts, of which utf8.Valid looks at each byte;
// the last word or half word overlaps the one before it where the length is not a multiple.
func ascii(v []byte) bool {
	n := len(v)
	switch {
	case n >= 8:
		bits := word(v[n-8:])
		for ; len(v) > 8; v = v[8:] {
			bits |= word(v)
		}
		return bits&0x8080808080808080 == 0
	case n >= 4:
		return (half(v)|half(v[n-4:]))&0x80808080 == 0
	}
	var bits byte
	for i := range n {
		bits |= v[i]
	}
	return bits < 0x80
}

// word returns the first 8 bytes; the compiler makes it one load.
func word(v []byte) uint64 {
	_ = v[7]
	return uint64(v[0]) | uint64(v[1])<<8 | uint64(v[2])<<16 | uint64(v[3])<<24 |
		uint64(v[4])<<32 | uint64(v[5])<<40 | uint64(v[6])<<48 | uint64(v[7])<<56
}

func half(v []byte) uint32 {
	_ = v[3]
	return uint32(v[0]) | uint32(v[1])<<8 | uint32(v[2])<<16 | uint32(v[3])<<24
}
