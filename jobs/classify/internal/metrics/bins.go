package metrics

import "math"

// Bins is the number of bins of a confidence.
const Bins = 15

// BinOf is the bin of a confidence, from 0: bin m has those in (m/Bins, (m+1)/Bins], and the first one 0 too.
func BinOf(confidence float32) int {
	// The product is exact: 24 bits by 4 bits.
	return max(int(math.Ceil(clamped(confidence)*Bins))-1, 0)
}

// Bounds are the ends of a bin.
func Bounds(bin int) (lower, upper float64) { return float64(bin) / Bins, float64(bin+1) / Bins }

// Calibration counts the images of each bin.
type Calibration [Bins]Count

// ECE is the expected calibration error, from 0 to 1, 0 of no image.
func (c *Calibration) ECE() float64 {
	var n int64
	var gaps float64
	for _, b := range c {
		n += b.Images
		// |B| * |accuracy - confidence| = |sum of right ones - sum of confidences|
		gaps += math.Abs(float64(b.Correct) - float64(b.Confidence)/fixedOne)
	}
	return ratio(gaps, n)
}
