package recommend

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/als"
	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/vector"
	"github.com/shardmill/shardmill/mapreduce"
)

// model is what vectors are made by, from implicit feedback or from explicit ratings.
type model struct {
	implicit als.Options
	explicit als.RatingOptions
	ratings  bool // it is explicit: a vector has a bias behind its factors
	seed     uint64
}

// width is the number of factors of a row, with the bias.
func (m *model) width() int {
	if m.ratings {
		return m.explicit.Factors + 1
	}
	return m.implicit.Factors
}

// start makes up the vector of a row; its bias is 0.
func (m *model) start(row int, dst []float32) {
	k := m.implicit.Factors
	if m.ratings {
		k = m.explicit.Factors
	}
	als.Initial(m.seed, row, k, dst)
}

// usersSeed makes the first vectors of users others than those of items.
const usersSeed = 0x75736572

// halfStep makes the vectors of the rows of a matrix.
type halfStep struct {
	model   model
	solve   func(r *matrix.Row, former, dst []float32) error
	measure func(i int, r *matrix.Row, vector []float32, out *mapreduce.Out)
	former  *factors.Matrix // vectors of the same rows that it starts from, nil before there are any
	start   bool            // without former ones it starts from made-up ones
	sample  int             // rows of which some are measured, 0 for none
	to      *mapreduce.Dataset[factors.Row]
	results *mapreduce.Dataset[factors.Row] // the same for people, or nil
	vectors []float32                       // of the batch
	made    []float32                       // up, to start from
}

var errNotFinite = errors.New("its vector is too large for 32-bit floats: are the values, or alpha, very large?")

// Map implements mapreduce.Mapper.
func (h *halfStep) Map(_ context.Context, batch []matrix.Row, out *mapreduce.Out) error {
	k := h.model.width()
	stride := vector.Stride(k)
	if n := len(batch) * stride; n > len(h.vectors) {
		h.vectors = make([]float32, n)
	}
	for i := range batch {
		if out.Rejected(i) {
			continue
		}
		r, dst := &batch[i], h.vectors[i*stride:(i+1)*stride]
		if err := h.solve(r, h.before(r), dst); err != nil {
			out.Reject(i, fmt.Errorf("row %d: %w", r.Index, err))
			continue
		}
		if !vector.Finite(dst) {
			out.Reject(i, fmt.Errorf("row %d: %w", r.Index, errNotFinite))
			continue
		}
		row := factors.Row{Index: r.Index, Values: dst[:k:k]}
		h.to.Write(out, i, row)
		if h.results != nil {
			h.results.Write(out, i, row)
		}
		if h.sample > 0 && als.InSample(h.model.seed, int(r.Index), h.sample, lossSample) {
			h.measure(i, r, dst, out)
		}
	}
	return nil
}

// before is the vector that the solution of a row starts from.
func (h *halfStep) before(r *matrix.Row) []float32 {
	switch {
	case h.former != nil:
		return h.former.Row(int(r.Index))
	case !h.start || h.model.ratings:
		return nil
	}
	if h.made == nil {
		h.made = make([]float32, vector.Stride(h.model.width()))
	}
	als.Initial(h.model.seed^usersSeed, int(r.Index), h.model.implicit.Factors, h.made)
	return h.made
}

// Close implements mapreduce.Mapper.
func (*halfStep) Close() error { return nil }

// factorsOf is a side dataset of vectors.
func factorsOf(name string) *mapreduce.Dataset[factors.Row] {
	return &mapreduce.Dataset[factors.Row]{
		Name: name, Ext: "factors", Side: true,
		Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[factors.Row], error) {
			return factors.NewWriter(w), nil
		},
		Open: func(_ *mapreduce.Env, path string) (mapreduce.Reader[factors.Row], error) {
			return factors.OpenReader(path)
		},
	}
}

// vectorColumns are those of vectors as results: an id, and a list of factors.
func vectorColumns(noun string, side func(names) names) func(names) table.Columns[factors.Row] {
	return func(d names) table.Columns[factors.Row] {
		type row = factors.Row
		return table.Columns[row]{
			idColumn(noun, side(d).items, func(r *row) uint32 { return r.Index }),
			table.Floats("factors", func(r *row) []float32 { return r.Values }, nil).NoStatistics(),
		}
	}
}
