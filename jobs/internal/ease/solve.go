package ease

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/shardmill/shardmill/jobs/internal/cholesky"
)

// maxResidual is how far an inverse may be off.
const maxResidual = 1e-2

// Inverse is a solved model in memory.
type Inverse struct {
	shape
	lambda   float64
	matrix   *cholesky.Matrix
	scales   []float32
	residual float64
}

// SolveBytes is the memory that Solve takes, besides the matrices that it is given, for so many users and items, of which
// the fewer all have interactions, and with that many goroutines.
func SolveBytes(users, items, workers int) int64 {
	n, others := int64(min(users, items)), int64(max(users, items))
	vectors := 4*width*n + 16*n + 24*others // a panel; those of the residual, cursors, scales
	return cholesky.InvertBytes(int(n), workers) + vectors + int64(max(1, workers))*sumsBytes(n, others)
}

// Solve computes the model of a matrix of interactions, given by users (a row for each user, a column for each item) and by
// items (its transpose). Errors: a *TooLargeError; a *PrecisionError; matrices that are not each other's transpose or
// have values that are not finite; that of the context.
func Solve(ctx context.Context, users, items Matrix, o Options) (*Inverse, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	s, err := newShape(users, items)
	if err != nil {
		return nil, err
	}
	return solve(ctx, s, users, items, o)
}

func solve(ctx context.Context, s shape, users, items Matrix, o Options) (*Inverse, error) {
	rows, others := s.side(users, items)
	inv := &Inverse{shape: s, lambda: o.Lambda, scales: make([]float32, s.items)}
	var err error
	if inv.matrix, err = gram(ctx, rows, others, s.active, o); err != nil {
		return nil, err
	}
	err = inv.matrix.Invert(ctx, cholesky.Options{Workers: o.Workers, Progress: o.Progress})
	var not *cholesky.NotPositiveError
	switch {
	case errors.As(err, &not) && not.Diagonal-not.Diagonal != 0:
		return nil, fmt.Errorf("ease: %s %d has values that are not finite, or too large", s.noun(), s.active[not.Row])
	case errors.As(err, &not):
		return nil, &PrecisionError{Lambda: o.Lambda, Err: err}
	case err != nil:
		return nil, err
	}
	if inv.residual = inv.check(rows, others); !(inv.residual <= maxResidual) {
		return nil, &PrecisionError{Lambda: o.Lambda, Residual: inv.residual}
	}
	if s.byUsers {
		err = inv.scaleByUsers(ctx, items, o.Workers)
	} else {
		err = inv.scaleByItems()
	}
	if err != nil {
		return nil, err
	}
	return inv, nil
}

// ByUsers tells whether the inverse is of the users, as they are fewer.
func (inv *Inverse) ByUsers() bool { return inv.byUsers }

// scaleByItems takes the scales from the diagonal of P.
func (inv *Inverse) scaleByItems() error {
	for a, j := range inv.active {
		if err := inv.scale(int(j), float64(inv.matrix.At(a, a))); err != nil {
			return err
		}
	}
	return nil
}

// scale notes the scale of an item from P[j][j].
func (inv *Inverse) scale(j int, p float64) error {
	s := float32(-1 / p)
	if !(p > 0) || s-s != 0 {
		return &PrecisionError{Lambda: inv.lambda, Err: fmt.Errorf("the diagonal of the inverse has %g for item %d", p, j)}
	}
	inv.scales[j] = s
	return nil
}

// itemRange is how many items a goroutine takes of a panel.
const itemRange = 4096

// scaleByUsers computes P[j][j] = (1 - x_j' M x_j) / lambda, panel by panel: for each item that users of the panel have, the sum of its users' rows.
func (inv *Inverse) scaleByUsers(ctx context.Context, items Matrix, workers int) error {
	d := &diagonal{
		inv: inv, items: items, numbers: inv.renumbering().numbers, next: make([]int, items.Rows()), sums: make([]float64, items.Rows()),
		panel: make([]float32, len(inv.active)*width),
	}
	for p := range inv.matrix.Panels() {
		inv.matrix.Panel(p, d.panel)
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(max(1, workers))
		for lo := 0; lo < items.Rows(); lo += itemRange {
			g.Go(func() error {
				d.add(p, lo, min(lo+itemRange, items.Rows()))
				return ctx.Err()
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	for j, sum := range d.sums {
		if columns, _ := items.Row(j); len(columns) == 0 {
			continue
		}
		if err := inv.scale(j, (1-sum)/inv.lambda); err != nil {
			return err
		}
	}
	return nil
}

// diagonal adds up x_j' M x_j.
type diagonal struct {
	inv     *Inverse
	items   Matrix
	numbers []uint32  // see renumbering
	next    []int     // the first entry of each item in panels to come
	sums    []float64 // of each item
	panel   []float32
}

// add adds what panel p has of a range of items.
func (d *diagonal) add(p, lo, hi int) {
	l := lanes{}
	fill(&l.scales, 1)
	score, r := kernels()[0].score, renumbering{numbers: d.numbers}
	first := p * width
	last := d.inv.active[min(len(d.inv.active), first+width)-1]
	for j := lo; j < hi; j++ {
		users, values := d.items.Row(j)
		q := d.next[j]
		if q == len(users) || users[q] > last {
			continue
		}
		r.reset()
		index, values := r.entries(users, values)
		score(&l, d.panel, index, values)
		for ; q < len(users) && users[q] <= last; q++ {
			d.sums[j] += float64(weight(values, q) * float64(l.scores[int(index[q])-first]))
		}
		d.next[j] = q
	}
}
