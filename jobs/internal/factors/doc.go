// Package factors keeps the vectors of users or of items, dense rows of float32, in files, and reads them where they lie in
// memory. A file holds a range of rows; a matrix is one or several files, or is in memory.
//
// # Format, version 1
//
// A file of package mapped with the magic "shardmill-fac\r\n\x1a" and two sections:
//
//	rows      for each row from the first to the last that was written its k factors as float32, and zeros up to a
//	          multiple of 16 numbers: a row begins with a line of the cache. A row that was left out is zeros.
//	about     3 numbers of 8 bytes: the first row; one more than the last; k (all 0 without rows)
//
// The same rows give the same bytes.
//
// # Memory
//
// A Writer holds a row. A Reader and a Matrix of files hold nothing but their mappings: all processes of a machine share
// one copy of the files.
package factors
