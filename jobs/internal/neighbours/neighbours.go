// Package neighbours finds, for each item, the items most like it from who had what, and ranks for each user the
// items that they have not had.
//
// It is pure: matrices in, rows out. A matrix of interactions comes twice, by users and by items. A Kernel computes
// one item's row of similarities at a time by sparse accumulation (for each user of the item, for each item of that
// user, one addition), so no pair of items is ever written down, and keeps the best of the row straight from the
// accumulator. A Scorer adds up neighbours in the same way for a user. Rows depend on nothing but the matrices and
// the Method: sums run in ascending order of users (Kernel) or of the user's items (Scorer), and equal values are in
// ascending order of index.
//
// # Which way the neighbours point
//
// A user's score of candidate c is the sum, over the items h that the user has, of a similarity of c and h. Where
// Method.Transposed is true, the K best h are kept for each candidate c: the row of c is computed, and its entries
// (c, h) go to row h of the matrix that a Scorer reads. Where it is false, the K best c are kept for each h: the row of
// h is computed and is a row of the Scorer's matrix as it is.
package neighbours

// Matrix is a sparse matrix of interactions or of similarities, read by rows.
type Matrix interface {
	Rows() int
	Columns() int
	// Row returns the columns of row i, ascending, without repetition and below Columns, and their values; nil values
	// are all 1. The caller does not change them.
	Row(i int) (columns []uint32, values []float32)
}

// Neighbour is an item and how similar it is to the one whose row it is in.
type Neighbour struct {
	Index      uint32
	Similarity float64
}
