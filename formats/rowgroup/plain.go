package rowgroup

import (
	"encoding/binary"
	"math"
)

// A decoder decodes the values of a page. Each call sets the next values and returns how many, at least one
// unless there are no more: then it is 0. Byte strings are parts of the page, or good until the next call.
type decoder[T any] func(dst []T) (int, error)

// Numbers of all physical types are held in 64 bits: integers as such, floats as the bits of a float64,
// truth values as 0 and 1.

func getInt32(b []byte) int64 { return int64(int32(binary.LittleEndian.Uint32(b))) }
func getInt64(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) }
func getFloat(b []byte) int64 {
	return int64(math.Float64bits(float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))))
}

// fixed decodes values of the same width, one after the other.
func fixed[T any](data []byte, width int, get func([]byte) T) decoder[T] {
	return func(dst []T) (int, error) {
		n := min(len(dst), len(data)/width)
		for i := range dst[:n] {
			dst[i] = get(data[i*width : (i+1)*width])
		}
		data = data[n*width:]
		return n, nil
	}
}

// split decodes values of the same width that are split by bytes: first the first bytes
// of all values, then the second ones, and so on (BYTE_STREAM_SPLIT).
func split[T any](data []byte, width int, get func([]byte) T) decoder[T] {
	count, next := len(data)/width, 0
	var buf []byte
	return func(dst []T) (int, error) {
		n := min(len(dst), count-next)
		buf = grow(buf, n*width)
		for k := range width {
			for i, b := range data[k*count+next : k*count+next+n] {
				buf[i*width+k] = b
			}
		}
		next += n
		for i := range dst[:n] {
			dst[i] = get(buf[i*width : (i+1)*width])
		}
		return n, nil
	}
}

// truths decodes truth values of one bit each.
func truths(data []byte) decoder[int64] {
	bit := 0
	return func(dst []int64) (int, error) {
		n := min(len(dst), 8*len(data)-bit)
		for i := range dst[:n] {
			dst[i] = int64(data[bit>>3] >> (bit & 7) & 1)
			bit++
		}
		return n, nil
	}
}

// truthRuns decodes truth values in runs, after the number of their bytes.
func truthRuns(data []byte) (decoder[int64], error) {
	if len(data) < 4 || int64(binary.LittleEndian.Uint32(data)) > int64(len(data)-4) {
		return nil, damaged("%d bytes of truth values are not what they state", len(data))
	}
	runs := newHybrid(data[4:4+binary.LittleEndian.Uint32(data)], 1)
	var buf [window]uint32
	return func(dst []int64) (int, error) {
		n, err := runs.read(buf[:min(len(dst), len(buf))])
		for i, v := range buf[:n] {
			dst[i] = int64(v)
		}
		return n, err
	}, nil
}

// byteStrings decodes byte strings, each after its length.
func byteStrings(data []byte) decoder[[]byte] {
	return func(dst [][]byte) (int, error) {
		for i := range dst {
			if len(data) == 0 {
				return i, nil
			}
			if len(data) < 4 || int64(binary.LittleEndian.Uint32(data)) > int64(len(data)-4) {
				return i, damaged("a byte string goes beyond its page")
			}
			end := 4 + int(binary.LittleEndian.Uint32(data))
			dst[i], data = data[4:end:end], data[end:]
		}
		return len(dst), nil
	}
}

// indexed decodes values of a dictionary, of which the page has the indices, after the number of their bits.
func indexed[T any](data []byte, dictionary []T) (decoder[T], error) {
	if data[0] > 32 {
		return nil, damaged("dictionary indices of %d bits", data[0])
	}
	indices := newHybrid(data[1:], uint(data[0]))
	var buf [window]uint32
	return func(dst []T) (int, error) {
		n, err := indices.read(buf[:min(len(dst), len(buf))])
		for i, at := range buf[:n] {
			if int64(at) >= int64(len(dictionary)) {
				return i, missing(i, at, len(dictionary)) // numbers after the last value may be anything
			}
			dst[i] = dictionary[at]
		}
		return n, err
	}, nil
}

// missing is an error if there were no values before the wrong index: such ones fill up the last pack of a page.
func missing(before int, index uint32, size int) error {
	if before > 0 {
		return nil
	}
	return damaged("a value is number %d of a dictionary of %d", index, size)
}

func grow(buf []byte, n int) []byte {
	if cap(buf) < n {
		return make([]byte, n)
	}
	return buf[:n]
}
