package classify

import (
	"context"
	"errors"
	"fmt"

	"github.com/shardmill/shardmill/formats/labels"
	"github.com/shardmill/shardmill/jobs/classify/internal/onnx"
	"github.com/shardmill/shardmill/jobs/classify/internal/pixel"
	"github.com/shardmill/shardmill/jobs/classify/internal/preprocess"
	"github.com/shardmill/shardmill/mapreduce"
)

// classifier is the mapper: it decodes ahead in Prepare and classifies batches in Map.
type classifier struct {
	p       Params
	spec    preprocess.Spec
	streams streams
	session *onnx.Session
	filler  *preprocess.Filler
	decoder *pixel.Decoder // of Prepare's goroutine
	file    []byte         // of Prepare's goroutine, for reuse
	crops   chan []byte    // for reuse
	scores  []float32
	top     []onnx.Scored
	judge   *evaluator

	duplicates *duplicates
}

// newClassifier loads the model and checks everything that can be checked before an image is read.
func newClassifier(p Params, s streams, d *duplicates) (_ *classifier, err error) {
	spec, err := preprocess.Load(p.Preprocess)
	if err != nil {
		return nil, mapreduce.BadInput(fmt.Errorf("--preprocess: %w", err))
	}
	names, err := labels.Read(p.Labels)
	if err != nil {
		return nil, mapreduce.BadInput(fmt.Errorf("--labels: %w", err))
	}
	rt, err := onnx.Find(nil)
	if err != nil {
		return nil, mapreduce.BadInput(err)
	}
	c := &classifier{
		p: p, spec: spec, streams: s, crops: make(chan []byte, 64), judge: newEvaluator(s.counts, 0, names), duplicates: d,
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	if err := c.load(rt, len(names)); err != nil {
		return nil, mapreduce.BadInput(err)
	}
	if c.decoder, err = pixel.New(spec.Pixels(p.MaxPixels)); err != nil {
		return nil, mapreduce.BadInput(fmt.Errorf("--preprocess: %w", err))
	}
	return c, nil
}

// load opens the model and compares it with the spec and the labels.
func (c *classifier) load(rt onnx.Runtime, labelCount int) error {
	model, err := onnx.Inspect(rt, c.p.Model)
	if err != nil {
		return err
	}
	if len(model.Inputs) == 1 {
		in := model.Inputs[0]
		if err := c.spec.Check(in.Shape, string(in.Type)); err != nil {
			return fmt.Errorf("--preprocess: %w", err)
		}
	}
	device, err := onnx.ParseDevice(c.p.Device)
	if err != nil {
		return fmt.Errorf("--device %w", err)
	}
	c.session, err = onnx.Open(rt, c.p.Model, onnx.Options{Threads: 1, Batch: c.p.Batch, Row: c.row(), Device: device})
	if err != nil {
		return err
	}
	if n := c.session.Classes() - c.spec.LabelOffset; n != labelCount {
		return fmt.Errorf("--labels: %s has %d labels, but the model %s gives %d scores and label_offset is %d: %d labels are needed",
			c.p.Labels, labelCount, c.p.Model, c.session.Classes(), c.spec.LabelOffset, n)
	}
	c.scores = make([]float32, c.session.Classes())
	c.filler, err = preprocess.NewFiller(c.spec)
	return err
}

// row is the shape of one image in the model's layout.
func (c *classifier) row() []int64 { return specRow(c.spec) }

// Close implements mapreduce.Mapper.
func (c *classifier) Close() error {
	if c.decoder != nil {
		c.decoder.Close()
	}
	if c.session != nil {
		return c.session.Close()
	}
	return nil
}

// Prepare implements mapreduce.Preparer: it reads and decodes one image.
func (c *classifier) Prepare(ctx context.Context, im *image) (int64, error) {
	if err := c.duplicates.check(im); err != nil {
		return 0, err
	}
	data, err := im.read(ctx, c.file)
	if err != nil {
		return 0, err
	}
	c.file = data
	select {
	case im.crop = <-c.crops:
	default:
		im.crop = make([]byte, c.decoder.Bytes())
	}
	if im.status, err = c.decoder.Decode(data, im.crop); err != nil {
		return 0, err
	}
	if im.status == pixel.Damaged && c.p.Damaged == damagedReject {
		return 0, fmt.Errorf("damaged: %s", c.decoder.Warning())
	}
	return int64(len(im.crop)), nil
}

// Map implements mapreduce.Mapper: it classifies one batch. Slots of rejected rows are zeros.
func (c *classifier) Map(ctx context.Context, batch []image, out *mapreduce.Out) error {
	if err := c.duplicates.load(); err != nil {
		return err
	}
	for i := range batch {
		if out.Rejected(i) {
			c.clear(i)
		} else {
			c.fill(i, batch[i].crop)
		}
		c.recycle(&batch[i])
	}
	if err := c.session.Run(ctx, len(batch)); err != nil {
		return err
	}
	for i := range batch {
		if out.Rejected(i) {
			continue
		}
		if err := c.score(i, &batch[i], out); err != nil {
			return err
		}
	}
	return nil
}

func (c *classifier) recycle(im *image) {
	if im.crop != nil {
		select {
		case c.crops <- im.crop:
		default:
		}
		im.crop = nil
	}
}

func (c *classifier) fill(i int, crop []byte) {
	n := c.filler.Len()
	switch {
	case c.session.Float32() != nil:
		c.filler.FillFloat32(c.session.Float32()[i*n:(i+1)*n], crop)
	case c.session.Float16() != nil:
		c.filler.FillFloat16(c.session.Float16()[i*n:(i+1)*n], crop)
	default:
		c.filler.FillUint8(c.session.Uint8()[i*n:(i+1)*n], crop)
	}
}

func (c *classifier) clear(i int) {
	n := c.filler.Len()
	switch {
	case c.session.Float32() != nil:
		clear(c.session.Float32()[i*n : (i+1)*n])
	case c.session.Float16() != nil:
		clear(c.session.Float16()[i*n : (i+1)*n])
	default:
		clear(c.session.Uint8()[i*n : (i+1)*n])
	}
}

// score turns the model's output for slot i into a prediction and sends it on.
func (c *classifier) score(i int, im *image, out *mapreduce.Out) error {
	c.session.Scores(i, c.scores)
	switch o := c.spec.Output; o.Kind {
	case preprocess.Logits:
		onnx.Softmax(c.scores)
	case preprocess.Quantised:
		for k, q := range c.scores {
			c.scores[k] = float32(o.Scale * (float64(q) - float64(o.ZeroPoint)))
		}
	case preprocess.Probabilities:
	}
	if err := c.checkScores(); err != nil {
		return err
	}
	var err error
	c.top, err = onnx.TopK(c.scores[c.spec.LabelOffset:], c.p.ranks(), c.top[:0])
	if err != nil {
		out.Reject(i, err)
		return nil
	}
	c.judge.add(out, i, im.label, c.top)
	n := 0
	for n < min(len(c.top), c.p.TopK) && float64(c.top[n].Score) >= c.p.Threshold {
		n++
	}
	if n == 0 {
		out.Drop(i, "threshold")
		return nil
	}
	p := prediction{
		path: im.path, shard: out.Task(), status: im.status, label: im.label, carried: im.carried, top: c.top[:n],
	}
	c.streams.byID.Emit(out, i, im.id, p)
	p.top = p.top[:1]
	c.streams.byRank.Emit(out, i, rankKey{uint32(p.top[0].ID), p.top[0].Score, im.id}, p)
	return nil
}

// scoreSlack is how far rounding, as of an 8-bit output, may take a probability out of [0, 1].
const scoreSlack = 1e-2

// checkScores refuses a model whose scores are no probabilities though the spec says so: thresholds and
// ranks would mean nothing. NaN is for TopK to refuse.
func (c *classifier) checkScores() error {
	for k, s := range c.scores {
		if s < -scoreSlack || s > 1+scoreSlack {
			return mapreduce.BadInput(fmt.Errorf("--preprocess: the model's score %v of label %d is no probability; output kind %s in the spec does not fit: is it logits?",
				s, k-c.spec.LabelOffset, c.spec.Output.Kind))
		}
	}
	return nil
}
