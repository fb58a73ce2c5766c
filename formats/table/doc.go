// Package table binds a Go record type R to named, typed columns, without
// reflection: each column is a name and two functions, one that gets the value
// out of a record and one that sets it.
//
//	cols := table.Columns[Photo]{
//		table.String("path", func(p *Photo) string { return p.Path }, func(p *Photo, v string) { p.Path = v }).Plain(),
//		table.Int32("class", func(p *Photo) int32 { return p.Class }, func(p *Photo, v int32) { p.Class = v }),
//	}
//
// Column types, as Arrow names them:
//
//	String      utf8, not null               NullString  utf8, nullable
//	Text        the same, of []byte          NullText    the same, of []byte
//	Int32       int32, not null              Int64       int64, not null
//	Float32     float, not null              Float64     double, not null
//	Bool        bool, not null               Floats      list of float not null, not null
//	Int64s      list of int64 not null, not null
//	Texts       list of utf8 not null, not null
//
// and, in Arrow files only:
//
//	Repeated    run_end_encoded<int32, utf8>, not null
//	Steps       run_end_encoded<int32, int64>, not null: each number less the one before
//	Bytes       binary, not null
//
// There are no others on purpose: the dictionary and fixed-size list types of the
// Arrow library in use (v15) lose data in Parquet.
//
// Batch and View move records in and out of Arrow record batches, several at a time one column after the other. They are for
// the format packages; reference counting and Arrow types stay inside formats.
// Columns keep their values in buffers of Arrow's layout, which they use again for
// the next batch: no value is allocated, but those that String, NullString, Floats and Int64s set.
package table
