package jobs

import (
	"io"

	"github.com/shardmill/shardmill/formats/arrowfile"
	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/mapreduce"
)

// Standard is the set of formats that every job of shardmill uses: Arrow for what is read
// again by a later task, Parquet for results.
func Standard() mapreduce.Options {
	return mapreduce.Options{
		Rejects: mapreduce.Dataset[mapreduce.Reject]{
			Name: "rejects", Ext: "arrow",
			Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[mapreduce.Reject], error) {
				return arrowfile.Create(w, rejectColumns())
			},
			Open: func(_ *mapreduce.Env, path string) (mapreduce.Reader[mapreduce.Reject], error) {
				return arrowfile.Open(path, rejectColumns())
			},
		},
		RejectParts: mapreduce.Dataset[mapreduce.Reject]{
			Name: "rejects", Ext: "parquet",
			Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[mapreduce.Reject], error) {
				return parquetfile.Create(w, rejectColumns())
			},
			Open: func(_ *mapreduce.Env, path string) (mapreduce.Reader[mapreduce.Reject], error) {
				return parquetfile.Open(path, rejectColumns())
			},
		},
		Count: map[string]func(path string) (int64, error){
			"parquet": parquetfile.Rows,
			"arrow":   arrowfile.Rows,
			"ids":     idRows,
			"matrix":  matrixRows,
			// "factors": rows that were left out are zeros in the file; "ease" is one. Their checksums tell.
		},
	}
}

func idRows(path string) (int64, error) {
	d, err := ids.Open(path)
	if err != nil {
		return 0, err
	}
	return int64(d.Len()), d.Close()
}

func matrixRows(path string) (int64, error) {
	r, err := matrix.OpenReader(path)
	if err != nil {
		return 0, err
	}
	return r.About().Written, r.Close()
}

func rejectColumns() table.Columns[mapreduce.Reject] {
	type row = mapreduce.Reject
	return table.Columns[row]{
		table.String("stage", func(r *row) string { return r.Stage }, func(r *row, v string) { r.Stage = v }),
		table.String("task", func(r *row) string { return r.Task }, func(r *row, v string) { r.Task = v }),
		table.Int64("ordinal", func(r *row) int64 { return r.Ordinal }, func(r *row, v int64) { r.Ordinal = v }),
		table.String("input", func(r *row) string { return r.Input }, func(r *row, v string) { r.Input = v }),
		table.Int64("line", func(r *row) int64 { return r.Line }, func(r *row, v int64) { r.Line = v }),
		table.String("id", func(r *row) string { return r.ID }, func(r *row, v string) { r.ID = v }).Plain(),
		table.String("class", func(r *row) string { return r.Class }, func(r *row, v string) { r.Class = v }),
		table.String("reason", func(r *row) string { return r.Reason }, func(r *row, v string) { r.Reason = v }),
		table.String("record", func(r *row) string { return r.Record }, func(r *row, v string) { r.Record = v }).Plain(),
	}
}
