package metrics

// Class counts the images of one label.
type Class struct {
	Support   int64 // images that it is the true label of
	Predicted int64 // images that it is the first label of
	Correct   int64 // both
	Top5      int64 // of Support: those with it among the first five
}

// Seen tells whether the label is the true or the first one of any image.
func (c Class) Seen() bool { return c.Support > 0 || c.Predicted > 0 }

// Precision is TP / (TP + FP).
func (c Class) Precision() float64 { return ratio(float64(c.Correct), c.Predicted) }

// Recall is TP / (TP + FN).
func (c Class) Recall() float64 { return ratio(float64(c.Correct), c.Support) }

// F1 is 2 TP / (2 TP + FP + FN).
func (c Class) F1() float64 { return ratio(2*float64(c.Correct), c.Support+c.Predicted) }

// Top5Recall is the share of the label's images that have it among the first five.
func (c Class) Top5Recall() float64 { return ratio(float64(c.Top5), c.Support) }
