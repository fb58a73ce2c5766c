// Package formats holds the errors that the file formats share. Each format is a package of its own:
//
//	table        binds a Go record type to named, typed columns
//	arrowfile    shards and side inputs: Arrow IPC files
//	parquetfile  results: Parquet files
//	manifest     input: CSV files that list images
//	text         input: lines of text
//	labels       input: the names of a model's classes
//	webdataset   input: tar archives of images
//	delimited    input: CSV and the like at speed, also by byte ranges
//	jsonl        input: one JSON object a line
//	rowgroup     input: row groups of Parquet files that others wrote
//	compressed   input: files that may be gzip or zstd
//
// Formats know nothing of jobs or of the engine.
package formats
