package classify

import (
	"fmt"
	"io"
	"slices"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/mapreduce"
)

// Prediction is a row of the datasets predictions and ranked.
type Prediction struct {
	ID      string
	Path    string
	Rank    int32 // from 1
	LabelID int32
	Label   string
	Score   float32
	Status  string // ok, or damaged: the decoder had to guess part of the image
	Model   string
	Shard   string // map task
	True    string // text of the manifest's label column
	HasTrue bool
	carried []text

	later bool // of the models that rank this image, another one is before
}

// Label is a row of the dataset labels: a label that is rank 1 of Count images.
type Label struct {
	LabelID   int32
	Label     string
	Count     int64
	MeanScore float64
	Model     string // "" where the job has one model
}

// predictionColumns are the columns of predictions (with rank), or of ranked. A carried column that
// has a name of ours comes out as in_NAME. Ranked in folders leaves out label: the folders' key has that name.
func predictionColumns(env *mapreduce.Env, ranked, folders bool) (table.Columns[Prediction], error) {
	type row = Prediction
	cols := table.Columns[row]{
		table.String("id", func(r *row) string { return r.ID }, func(r *row, v string) { r.ID = v }).Plain(),
		table.String("path", func(r *row) string { return r.Path }, func(r *row, v string) { r.Path = v }).Plain(),
		table.Int32("rank", func(r *row) int32 { return r.Rank }, func(r *row, v int32) { r.Rank = v }),
		table.Int32("label_id", func(r *row) int32 { return r.LabelID }, func(r *row, v int32) { r.LabelID = v }),
		table.String("label", func(r *row) string { return r.Label }, func(r *row, v string) { r.Label = v }),
		table.Float32("score", func(r *row) float32 { return r.Score }, func(r *row, v float32) { r.Score = v }),
		table.String("status", func(r *row) string { return r.Status }, func(r *row, v string) { r.Status = v }),
		table.String("model", func(r *row) string { return r.Model }, func(r *row, v string) { r.Model = v }),
		table.String("shard", func(r *row) string { return r.Shard }, func(r *row, v string) { r.Shard = v }),
		table.NullString("true_label", func(r *row) (string, bool) { return r.True, r.HasTrue },
			func(r *row, v string, ok bool) { r.True, r.HasTrue = v, ok }),
	}
	names, err := carriedNames(env, columnNames(cols))
	if err != nil {
		return nil, err
	}
	if ranked {
		cols = slices.DeleteFunc(cols, func(c table.Column[row]) bool {
			return c.Name() == "rank" || folders && c.Name() == "label"
		})
	}
	return append(cols, carriedColumns(func(r *row) *[]text { return &r.carried }, "", names)...), nil
}

// carriedNames renames carried columns that have a name of ours, until all names differ.
func carriedNames(env *mapreduce.Env, ours []string) ([]string, error) {
	var meta Meta
	if err := env.Meta(&meta); err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	for _, n := range ours {
		taken[n] = true
	}
	names := slices.Clone(meta.Carried)
	for i, n := range names {
		for taken[n] || slices.Contains(names[:i], n) || n != names[i] && slices.Contains(meta.Carried, n) {
			n = "in_" + n
		}
		names[i] = n
	}
	return names, nil
}

func columnNames[R any](cols table.Columns[R]) []string {
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = c.Name()
	}
	return names
}

// labelColumns are the columns of labels. Of several models, model is the last.
func labelColumns(several bool) table.Columns[Label] {
	type row = Label
	cols := table.Columns[row]{
		table.Int32("label_id", func(r *row) int32 { return r.LabelID }, func(r *row, v int32) { r.LabelID = v }),
		table.String("label", func(r *row) string { return r.Label }, func(r *row, v string) { r.Label = v }).Plain(),
		table.Int64("count", func(r *row) int64 { return r.Count }, func(r *row, v int64) { r.Count = v }),
		table.Float64("mean_score", func(r *row) float64 { return r.MeanScore }, func(r *row, v float64) { r.MeanScore = v }),
	}
	if several {
		cols = append(cols, table.String("model", func(r *row) string { return r.Model }, func(r *row, v string) { r.Model = v }))
	}
	return cols
}

// outputs are the datasets of the job.
type outputs struct {
	predictions *mapreduce.Dataset[Prediction]
	ranked      *mapreduce.Dataset[Prediction]
	labels      *mapreduce.Dataset[Label]
	embeddings  *mapreduce.Dataset[Embedding]
}

func newOutputs(p Params) outputs {
	folders := p.PartitionBy == partitionByLabel
	o := outputs{
		predictions: predictionDataset("predictions", false, false),
		ranked:      predictionDataset("ranked", true, folders),
		labels: &mapreduce.Dataset[Label]{
			Name: "labels", Ext: "parquet",
			Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[Label], error) {
				return parquetfile.Create(w, labelColumns(p.several()))
			},
		},
		embeddings: embeddingDataset(p),
	}
	o.predictions.Stands = func(r *Prediction) bool { return r.Rank == 1 && !r.later }
	if folders {
		o.ranked.Folder = func(r *Prediction) string { return fmt.Sprintf("label=%d", r.LabelID) }
	}
	return o
}

func predictionDataset(name string, ranked, folders bool) *mapreduce.Dataset[Prediction] {
	return &mapreduce.Dataset[Prediction]{
		Name: name, Ext: "parquet",
		Create: func(env *mapreduce.Env, w io.Writer) (mapreduce.Sink[Prediction], error) {
			cols, err := predictionColumns(env, ranked, folders)
			if err != nil {
				return nil, err
			}
			return parquetfile.Create(w, cols)
		},
	}
}
