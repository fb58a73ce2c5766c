package metrics

import (
	"encoding/binary"
	"errors"
	"math"
)

// Fixed is a sum of confidences in units of 2^-30. It holds those of 2^34 images, and its mean is off by at most 2^-31,
// less than a float32 is near 1.
type Fixed uint64

const fixedOne = 1 << 30

// FixedOf rounds a confidence to the nearest unit. One outside of [0, 1], as of a quantised output, counts as 0 or 1.
func FixedOf(confidence float32) Fixed {
	return Fixed(math.Round(clamped(confidence) * fixedOne))
}

// Mean is the mean confidence of n images, 0 of none.
func (f Fixed) Mean(n int64) float64 { return ratio(float64(f)/fixedOne, n) }

func clamped(confidence float32) float64 { return min(max(float64(confidence), 0), 1) }

// ratio is a/n, or 0 where n is 0.
func ratio(a float64, n int64) float64 {
	if n == 0 {
		return 0
	}
	return a / float64(n)
}

// Count counts some images.
type Count struct {
	Images     int64
	Correct    int64 // those whose first label is the true one
	Top5       int64 // those whose true label is among the first five
	Confidence Fixed // the sum over all
}

// Add adds the images of another count.
func (c *Count) Add(o Count) {
	c.Images += o.Images
	c.Correct += o.Correct
	c.Top5 += o.Top5
	c.Confidence += o.Confidence
}

// Accuracy is the share of images whose first label is the true one.
func (c Count) Accuracy() float64 { return ratio(float64(c.Correct), c.Images) }

// Codec encodes a Count as its four fields, eight bytes each, little-endian.
type Codec struct{}

// Width is the number of bytes of a Count.
func (Codec) Width() int { return 32 }

// Append appends an encoded Count.
func (Codec) Append(b []byte, c Count) []byte {
	for _, v := range [...]uint64{uint64(c.Images), uint64(c.Correct), uint64(c.Top5), uint64(c.Confidence)} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

var errCount = errors.New("a count of images cannot be decoded")

// Decode decodes a Count.
func (c Codec) Decode(b []byte) (Count, error) {
	if len(b) != c.Width() {
		return Count{}, errCount
	}
	field := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
	return Count{int64(field(0)), int64(field(1)), int64(field(2)), Fixed(field(3))}, nil
}
