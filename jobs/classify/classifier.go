package classify

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/shardmill/shardmill/jobs/classify/internal/onnx"
	"github.com/shardmill/shardmill/jobs/classify/internal/pixel"
	"github.com/shardmill/shardmill/mapreduce"
)

// classifier is the mapper: it reads ahead in Fetch, decodes ahead in Prepare and classifies batches in Map.
type classifier struct {
	p        Params
	streams  streams
	models   []*runner
	kinds    []pixel.Options  // of crop, all different
	decoders []*pixel.Decoder // by kind; of Prepare's goroutine
	read     func(ctx context.Context, im *image, buf []byte) ([]byte, error)
	files    buffers     // for reuse
	crops    chan []crop // for reuse: those of an image

	duplicates *duplicates
}

// newClassifier loads the models and checks everything that can be checked before an image is read.
func newClassifier(p Params, s streams, d *duplicates) (_ *classifier, err error) {
	rt, err := onnx.Find(nil)
	if err != nil {
		return nil, mapreduce.BadInput(err)
	}
	c := &classifier{p: p, streams: s, read: read, crops: make(chan []crop, 64), duplicates: d}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	for i, m := range p.models() {
		if err := c.open(rt, m, i); err != nil {
			return nil, mapreduce.BadInput(err)
		}
	}
	return c, nil
}

// open loads a model. Models that want the same pixels share the decoder of them.
func (c *classifier) open(rt onnx.Runtime, m Model, index int) error {
	r, err := newRunner(rt, c.p, m, index, c.streams.counts)
	if err != nil {
		return err
	}
	c.models = append(c.models, r)
	kind := r.spec.Pixels(c.p.MaxPixels)
	if r.crop = slices.Index(c.kinds, kind); r.crop >= 0 {
		return nil
	}
	d, err := pixel.New(kind)
	if err != nil {
		return fmt.Errorf("--preprocess: %w", err)
	}
	r.crop = len(c.kinds)
	c.kinds, c.decoders = append(c.kinds, kind), append(c.decoders, d)
	return nil
}

// Close implements mapreduce.Mapper.
func (c *classifier) Close() error {
	for _, d := range c.decoders {
		d.Close()
	}
	var errs []error
	for _, m := range c.models {
		errs = append(errs, m.session.Close())
	}
	return errors.Join(errs...)
}

// Prepare implements mapreduce.Preparer: it decodes one image, once for each kind of crop.
func (c *classifier) Prepare(_ context.Context, im *image) (_ int64, err error) {
	defer c.letGo(im)
	select {
	case im.crops = <-c.crops:
	default:
		im.crops = c.newCrops()
	}
	held := int64(0)
	for i, d := range c.decoders {
		crop := &im.crops[i]
		if crop.status, err = d.Decode(im.data, crop.pixels); err != nil {
			return 0, err
		}
		if crop.status == pixel.Damaged && c.p.Damaged == damagedReject {
			return 0, fmt.Errorf("damaged: %s", d.Warning())
		}
		held += int64(len(crop.pixels))
	}
	return held, nil
}

func (c *classifier) newCrops() []crop {
	crops := make([]crop, len(c.decoders))
	for i, d := range c.decoders {
		crops[i].pixels = make([]byte, d.Bytes())
	}
	return crops
}

// Map implements mapreduce.Mapper: it classifies one batch. Slots of rejected rows are zeros.
func (c *classifier) Map(ctx context.Context, batch []image, out *mapreduce.Out) error {
	if err := c.duplicates.load(); err != nil {
		return err
	}
	for _, m := range c.models {
		for i := range batch {
			if out.Rejected(i) {
				m.clear(i)
			} else {
				m.fill(i, batch[i].crops[m.crop].pixels)
			}
		}
		if err := m.session.Run(ctx, len(batch)); err != nil {
			return err
		}
	}
	for i := range batch {
		if !out.Rejected(i) {
			if err := c.emit(i, &batch[i], out); err != nil {
				return err
			}
		}
		c.recycle(&batch[i])
	}
	return nil
}

func (c *classifier) recycle(im *image) {
	if im.crops != nil {
		select {
		case c.crops <- im.crops:
		default:
		}
		im.crops = nil
	}
}

// emit sends on what the models made of the image in slot i. What one of them rejects is rejected as a whole; a
// model whose scores are all below the threshold sends nothing, and an image of which none sends any is dropped.
func (c *classifier) emit(i int, im *image, out *mapreduce.Out) error {
	sent := 0
	for _, m := range c.models {
		if m.vector != nil {
			if err := c.emitEmbedding(m, i, im, out); err != nil {
				out.Reject(i, err)
				return nil
			}
		}
		if m.scores == nil {
			continue
		}
		top, err := m.predict(i)
		if class := mapreduce.ClassOf(err); err != nil && class == mapreduce.Input {
			return err
		} else if err != nil {
			out.Reject(i, err)
			return nil
		}
		m.judge.add(out, i, im.label, m.top)
		if len(top) > 0 {
			c.emitPrediction(m, i, im, top, sent > 0, out)
			sent++
		}
	}
	if sent == 0 && c.p.predicts() {
		out.Drop(i, "threshold")
	}
	return nil
}

func (c *classifier) emitPrediction(m *runner, i int, im *image, top []onnx.Scored, later bool, out *mapreduce.Out) {
	p := prediction{
		path: im.path, shard: out.Task(), status: im.crops[m.crop].status, label: im.label, carried: im.carried, top: top,
		model: m.index, later: later,
	}
	c.streams.byID.Emit(out, i, im.id, p)
	p.top = p.top[:1]
	c.streams.byRank.Emit(out, i, rankKey{uint32(m.index), uint32(top[0].ID), top[0].Score, im.id}, p)
}

func (c *classifier) emitEmbedding(m *runner, i int, im *image, out *mapreduce.Out) error {
	v, err := m.embed(i)
	if err != nil {
		return err
	}
	c.streams.out.embeddings.Write(out, i, Embedding{
		ID: im.id, Path: im.path, Model: m.Name(), Embedding: v, Status: im.crops[m.crop].status.String(), Shard: out.Task(),
		True: im.label.value, HasTrue: im.label.ok, carried: im.carried, later: m.index > c.firstEmbedding(),
	})
	return nil
}
