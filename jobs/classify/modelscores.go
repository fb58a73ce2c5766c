package classify

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/shardmill/shardmill/jobs/classify/internal/onnx"
	"github.com/shardmill/shardmill/jobs/classify/internal/preprocess"
)

// randomImages is how many images the scores are looked at for.
const randomImages = 4

// lookAtScores runs the model on random images to find what kind its scores are, and says why.
func lookAtScores(ctx context.Context, rt onnx.Runtime, m *ModelInfo, spec preprocess.Spec) (_ preprocess.Output, why string) {
	unknown := preprocess.Output{Kind: preprocess.Logits}
	rows, elem, fixed, err := randomScores(ctx, rt, m.Path, spec)
	m.FixedBatch = int64(fixed)
	if err != nil {
		return unknown, oneLine("a guess: the model could not be tried: " + err.Error())
	}
	if elem == onnx.Uint8 {
		return quantisedKind(rows)
	}
	return floatKind(rows)
}

// oneLine keeps a message of a library inside a comment.
func oneLine(text string) string {
	line := []rune(text)
	for i, r := range line {
		if r < ' ' || r == '\u0085' || r == '\u2028' || r == '\u2029' {
			line[i] = ' '
		}
	}
	return string(line)
}

// randomScores returns a row of scores for each random image, the type of the scores and the model's own batch.
func randomScores(ctx context.Context, rt onnx.Runtime, path string, spec preprocess.Spec) (rows [][]float32, _ onnx.Element, fixed int, err error) {
	filler, err := preprocess.NewFiller(spec)
	if err != nil {
		return nil, "", 0, err
	}
	s, err := onnx.Open(rt, path, onnx.Options{Batch: randomImages, Row: specRow(spec)})
	if err != nil {
		return nil, "", 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for i := range randomImages {
		fillSlot(s, filler, i, randomImage(i, filler.Len()))
	}
	if err := s.Run(ctx, randomImages); err != nil {
		return nil, "", s.Fixed(), err
	}
	for i := range randomImages {
		row := make([]float32, s.Classes())
		s.Scores(i, row)
		rows = append(rows, row)
	}
	return rows, s.Output().Type, s.Fixed(), nil
}

func fillSlot(s *onnx.Session, f *preprocess.Filler, slot int, crop []byte) {
	from, to := slot*f.Len(), (slot+1)*f.Len()
	switch s.Input().Type {
	case onnx.Float32:
		f.FillFloat32(s.Float32()[from:to], crop)
	case onnx.Float16:
		f.FillFloat16(s.Float16()[from:to], crop)
	case onnx.Uint8:
		f.FillUint8(s.Uint8()[from:to], crop)
	}
}

// randomImage is noise of its own contrast and brightness, the same each time.
func randomImage(i, samples int) []byte {
	rng := rand.New(rand.NewPCG(2, uint64(i)))
	low := rng.IntN(128)
	high := low + 1 + rng.IntN(256-low)
	crop := make([]byte, samples)
	for k := range crop {
		crop[k] = byte(low + rng.IntN(high-low))
	}
	return crop
}

// sumSlack is how far rounding, as of float16, may take the sum of probabilities from 1.
const sumSlack = 2e-2

// floatKind tells probabilities from logits.
func floatKind(rows [][]float32) (preprocess.Output, string) {
	low, high, sums := math.Inf(1), math.Inf(-1), true
	for _, row := range rows {
		sum := 0.0
		for _, s := range row {
			v := float64(s)
			if v != v {
				return preprocess.Output{Kind: preprocess.Logits}, "a guess: scores of random images are not numbers"
			}
			low, high, sum = min(low, v), max(high, v), sum+v
		}
		sums = sums && math.Abs(sum-1) <= sumSlack
	}
	const slack = 1e-4
	switch within := low >= -slack && high <= 1+slack; {
	case within && sums:
		return preprocess.Output{Kind: preprocess.Probabilities}, "scores of random images are from 0 to 1 and sum to 1"
	case within:
		return preprocess.Output{Kind: preprocess.Probabilities}, "a guess: scores of random images are from 0 to 1 but do not sum to 1"
	}
	return preprocess.Output{Kind: preprocess.Logits}, fmt.Sprintf("scores of random images are from %.3g to %.3g", low, high)
}

// quantisedKind chooses between the usual scales, 1/255 and 1/256, by the sums of rows.
func quantisedKind(rows [][]float32) (preprocess.Output, string) {
	far := func(scale float64) (sum float64) {
		for _, row := range rows {
			total := 0.0
			for _, q := range row {
				total += float64(q) * scale
			}
			sum += math.Abs(total - 1)
		}
		return sum / float64(len(rows))
	}
	scale := 1. / 255
	if far(1./256) < far(scale) {
		scale = 1. / 256
	}
	out := preprocess.Output{Kind: preprocess.Quantised, Scale: scale}
	if far(scale) > 0.1 {
		return out, "a GUESS: scores do not sum to 1 with it; check it against the model's documentation"
	}
	return out, "a guess: with it, scores of random images sum to about 1"
}
