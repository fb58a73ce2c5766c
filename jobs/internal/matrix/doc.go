// Package matrix keeps sparse matrices of float32 in files, by rows, and reads them where they lie in memory. A file holds a
// range of rows; a matrix is one or several files.
//
// # Format, version 1
//
// A file of package mapped with the magic "shardmill-mat\r\n\x1a" and three sections:
//
//	rows      for each row its columns, 4 bytes each, ascending; then its values as float32, unless all are 1
//	pointers  8 bytes for each row from the first to the last that was written, and one more for the end: bit 0 says
//	          that the row has values, bit 1 that it was written and is no gap; the rest is where it begins in section
//	          rows, counted in 4 bytes. A row ends where the next one begins.
//	about     5 numbers of 8 bytes: the first row; one more than the last (both 0 without rows); one more than the
//	          largest column, 0 without any; the number of entries; the number of rows that have values
//
// The same rows give the same bytes.
//
// # Memory
//
// A Writer holds 8 bytes a row, gaps between rows included. A Reader and a Matrix hold nothing but their mappings: all processes
// of a machine share one copy of the files.
package matrix
