package onnx

import (
	"context"
	"math"
	"math/rand/v2"
)

// Slots tells how a model's scores of an image depend on the rest of the batch.
type Slots struct {
	Batch     int     // slots
	Fixed     int     // the model's own batch, 0 for any
	Runs      int     // of the session
	Compared  int     // rows of scores compared with those of the image alone
	Different int     // of which some bit differs
	Largest   float64 // largest finite difference of a score
	Slot      int     // of the first difference, from 0
	Filled    int     // slots that were filled then
}

// allFills is the largest batch whose fills are all tried.
const allFills = 8

// fills lists the numbers of filled slots that are tried.
func fills(batch int) []int {
	var list []int
	for n := 1; n <= batch; n++ {
		if n <= allFills/2 || n == batch/2 || n >= batch-1 || batch <= allFills {
			list = append(list, n)
		}
	}
	return list
}

// CompareSlots runs random images, of a fixed seed, each alone and then in the
// slots of batches, filled with others as far as each of [fills] and, with all other
// slots empty, alone in its slot. In a batch of 8 each fill has each of its slots
// taken by each of as many images.
func CompareSlots(ctx context.Context, s *Session) (Slots, error) {
	c := comparison{s: s, slots: Slots{Batch: s.Batch(), Fixed: s.layout.fixed}, row: make([]float32, s.Classes())}
	if err := c.alone(ctx); err != nil {
		return Slots{}, err
	}
	for _, n := range fills(s.Batch()) {
		for turn := range min(n, allFills) {
			if err := c.together(ctx, n, turn); err != nil {
				return Slots{}, err
			}
		}
	}
	for slot := range s.Batch() {
		if err := c.lonely(ctx, slot); err != nil {
			return Slots{}, err
		}
	}
	return c.slots, nil
}

// comparison is a run of CompareSlots.
type comparison struct {
	s     *Session
	slots Slots
	want  [][]float32 // scores of each image alone
	row   []float32
}

// images is how many of them there are: a larger batch repeats them.
func (c *comparison) images() int { return min(c.s.Batch(), 2*allFills) }

func (c *comparison) run(ctx context.Context, n int) error {
	c.slots.Runs++
	return c.s.Run(ctx, n)
}

// alone takes the scores of each image in a batch of its own.
func (c *comparison) alone(ctx context.Context) error {
	for i := range c.images() {
		c.s.random(0, i)
		if err := c.run(ctx, 1); err != nil {
			return err
		}
		scores := make([]float32, c.s.Classes())
		c.s.Scores(0, scores)
		c.want = append(c.want, scores)
	}
	return nil
}

// together fills n slots, slot i with image i+turn.
func (c *comparison) together(ctx context.Context, n, turn int) error {
	for slot := range n {
		c.s.random(slot, (slot+turn)%c.images())
	}
	if err := c.run(ctx, n); err != nil {
		return err
	}
	for slot := range n {
		c.compare(slot, (slot+turn)%c.images(), n)
	}
	return nil
}

// lonely fills one slot and leaves the others empty, as those of rejected rows are.
func (c *comparison) lonely(ctx context.Context, slot int) error {
	clear(c.s.in.bytes)
	c.s.random(slot, slot%c.images())
	if err := c.run(ctx, c.s.Batch()); err != nil {
		return err
	}
	c.compare(slot, slot%c.images(), c.s.Batch())
	return nil
}

// compare looks at the bits, so that NaN equals itself and 0 is not -0.
func (c *comparison) compare(slot, image, n int) {
	c.s.Scores(slot, c.row)
	c.slots.Compared++
	same := true
	for k, want := range c.want[image] {
		got := c.row[k]
		if math.Float32bits(got) != math.Float32bits(want) {
			same = false
			if far := math.Abs(float64(got) - float64(want)); far <= math.MaxFloat64 {
				c.slots.Largest = max(c.slots.Largest, far)
			}
		}
	}
	if same {
		return
	}
	if c.slots.Different == 0 {
		c.slots.Slot, c.slots.Filled = slot, n
	}
	c.slots.Different++
}

// random fills a slot with the pixels of a random image: bytes, or numbers from -2
// to 2, about what normalised pixels are.
func (s *Session) random(slot, image int) {
	rng := rand.New(rand.NewPCG(1, uint64(image)))
	from, to := slot*s.layout.inRow, (slot+1)*s.layout.inRow
	switch s.layout.input.Type {
	case Float32:
		for i, row := 0, s.Float32()[from:to]; i < len(row); i++ {
			row[i] = 4*rng.Float32() - 2
		}
	case Float16:
		for i, row := 0, s.Float16()[from:to]; i < len(row); i++ {
			row[i] = 0x3400 + uint16(rng.UintN(0xc00)) | uint16(rng.UintN(2))<<15 // 1/4 to 2
		}
	case Uint8:
		for i, row := 0, s.Uint8()[from:to]; i < len(row); i++ {
			row[i] = uint8(rng.UintN(256))
		}
	}
}
