package metrics

import (
	"fmt"
	"iter"
)

// Tally collects the counts of one model.
type Tally struct {
	classes []Class // by label id
	all     Count
	Bins    Calibration
}

// NewTally makes an empty Tally of so many labels.
func NewTally(labels int) *Tally { return &Tally{classes: make([]Class, labels)} }

// AddPair adds images with one true and one predicted label. An id that is none of the labels' is an error.
func (t *Tally) AddPair(truth, predicted int, c Count) error {
	if n := len(t.classes); truth < 0 || truth >= n || predicted < 0 || predicted >= n {
		return fmt.Errorf("label ids %d and %d: there are %d labels", truth, predicted, n)
	}
	t.all.Add(c)
	t.classes[truth].Support += c.Images
	t.classes[truth].Top5 += c.Top5
	t.classes[predicted].Predicted += c.Images
	if truth == predicted {
		t.classes[truth].Correct += c.Images
	}
	return nil
}

// AddBin adds images of a bin. A bin that there is not is an error.
func (t *Tally) AddBin(bin int, c Count) error {
	if bin < 0 || bin >= Bins {
		return fmt.Errorf("bin %d: there are %d", bin, Bins)
	}
	t.Bins[bin].Add(c)
	return nil
}

// Classes are the labels that are the true or the first one of some image, by id.
func (t *Tally) Classes() iter.Seq2[int, Class] {
	return func(yield func(int, Class) bool) {
		for id, c := range t.classes {
			if c.Seen() && !yield(id, c) {
				return
			}
		}
	}
}

// Summary is how good a model is over all images with a known label. All are from 0 to 1.
type Summary struct {
	Images                int64
	Top1, Top5            float64 // accuracy
	Precision, Recall, F1 float64 // macro averages
	ECE, Confidence       float64 // expected calibration error and mean confidence
}

// Summary computes the averages.
func (t *Tally) Summary() Summary {
	n := t.all.Images
	s := Summary{
		Images: n, Top1: t.all.Accuracy(), Top5: ratio(float64(t.all.Top5), n),
		ECE: t.Bins.ECE(), Confidence: t.all.Confidence.Mean(n),
	}
	var seen int64
	for _, c := range t.Classes() {
		seen++
		s.Precision += c.Precision()
		s.Recall += c.Recall()
		s.F1 += c.F1()
	}
	s.Precision, s.Recall, s.F1 = ratio(s.Precision, seen), ratio(s.Recall, seen), ratio(s.F1, seen)
	return s
}
