package classify

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/mapreduce"
)

// Embedding is a row of the dataset embeddings: what one model made of one image.
type Embedding struct {
	ID        string
	Path      string
	Model     string
	Embedding []float32 // the tensor of one image, flattened in the order of its memory
	Status    string    // as that of a Prediction
	Shard     string    // map task
	True      string    // text of the manifest's label column
	HasTrue   bool
	carried   []text

	later bool // of the models that embed this image, another one is before
}

// embeddingColumns are the columns of embeddings. A carried column that has a name of ours comes out as in_NAME.
func embeddingColumns(env *mapreduce.Env) (table.Columns[Embedding], error) {
	type row = Embedding
	cols := table.Columns[row]{
		table.String("id", func(r *row) string { return r.ID }, func(r *row, v string) { r.ID = v }).Plain(),
		table.String("path", func(r *row) string { return r.Path }, func(r *row, v string) { r.Path = v }).Plain(),
		table.String("model", func(r *row) string { return r.Model }, func(r *row, v string) { r.Model = v }),
		table.Floats("embedding", func(r *row) []float32 { return r.Embedding }, func(r *row, v []float32) { r.Embedding = v }),
		table.String("status", func(r *row) string { return r.Status }, func(r *row, v string) { r.Status = v }),
		table.String("shard", func(r *row) string { return r.Shard }, func(r *row, v string) { r.Shard = v }),
		table.NullString("true_label", func(r *row) (string, bool) { return r.True, r.HasTrue },
			func(r *row, v string, ok bool) { r.True, r.HasTrue = v, ok }),
	}
	names, err := carriedNames(env, columnNames(cols))
	if err != nil {
		return nil, err
	}
	return append(cols, carriedColumns(func(r *row) *[]text { return &r.carried }, "", names)...), nil
}

// embeddingDataset is written by the mapper itself: a part for each shard, in order of the input. Without predictions
// it is the one that accounts for each input row.
func embeddingDataset(p Params) *mapreduce.Dataset[Embedding] {
	d := &mapreduce.Dataset[Embedding]{
		Name: "embeddings", Ext: "parquet",
		Create: func(env *mapreduce.Env, w io.Writer) (mapreduce.Sink[Embedding], error) {
			cols, err := embeddingColumns(env)
			if err != nil {
				return nil, err
			}
			return parquetfile.Create(w, cols)
		},
	}
	if !p.predicts() {
		d.Stands = func(r *Embedding) bool { return !r.later }
	}
	return d
}

// firstEmbedding is the index of the first model that embeds.
func (c *classifier) firstEmbedding() int {
	return slices.IndexFunc(c.models, func(m *runner) bool { return m.vector != nil })
}

// embed gives the embedding of slot i, valid until the next batch. An embedding with a number that is not finite is an error.
func (r *runner) embed(i int) ([]float32, error) {
	n := r.session.VectorLen(0)
	v := r.vector[i*n : (i+1)*n]
	r.session.Vector(0, i, v)
	for k, x := range v {
		if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("element %d of the embedding %q of %s is %v, and no finite number", k, r.Embedding, r.Name(), x)
		}
	}
	if r.l2 {
		normalize(v)
	}
	return v, nil
}

// normalize divides v by its length, the square root of the sum of squares in float64. Zeros stay.
func normalize(v []float32) {
	sum := 0.0
	for _, x := range v {
		sum += float64(float64(x) * float64(x)) // rounded here, so that no processor fuses it with the addition
	}
	if sum == 0 {
		return
	}
	length := math.Sqrt(sum)
	for i, x := range v {
		v[i] = float32(float64(x) / length)
	}
}
