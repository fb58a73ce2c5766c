// Package als learns vectors of users and items by alternating least squares: in turns, the vectors of all users are made
// from those of the items, and the other way round. Rows are independent of each other, so a half-step can be cut
// into ranges of rows anyhow; the results are the same bits. Nothing here reads files or starts goroutines.
//
// # Implicit feedback
//
// Hu, Koren and Volinsky, Collaborative Filtering for Implicit Feedback Datasets, 2008. An entry with value r of a row u and
// a column i has the confidence
//
//	c = alpha |r|      AlphaR, as in implicit 0.7
//	c = 1 + alpha |r|  OnePlusAlphaR, as in the paper
//
// and the preference p = 1 if r > 0, else 0. All other pairs have c = 1 and p = 0. With the vectors y of the columns given, the
// vector x of the row is to have the least
//
//	sum over all i of c (p - x.y)^2 + lambda |x|^2
//
// and solves A x = b, where, with sums over the entries of the row,
//
//	A = Y'Y + sum of (c - 1) y y' + lambda I
//	b = sum of c p y
//
// Y'Y, the Gram, is the same for all rows. If Options.Scaled, lambda is multiplied by the number of entries of the row (Zhou et
// al., Large-scale Parallel Collaborative Filtering for the Netflix Prize, 2008). A row without entries has the vector 0.
//
// CG takes a few steps of conjugate gradients from the vector before, without making A (Takács, Pilászy and Tikk, Applications
// of the Conjugate Gradient Method for Implicit Feedback Collaborative Filtering, 2011), in float32 as implicit does.
// Cholesky makes A from sums of 256 rows at a time, and solves in float64.
//
// # Explicit ratings
//
// RatingSolver learns vectors and biases for ratings r, which is about mean + b_u + b_i + x_u.y_i (Koren, Bell and Volinsky,
// Matrix Factorization Techniques for Recommender Systems, 2009). A row of factors is the k numbers of x and then b. With the rows of the columns given, that
// of a row is to have the least
//
//	sum over the entries of (r - mean - b_i - b - x.y_i)^2 + lambda (|x|^2 + b^2)
//
// where Scaled multiplies lambda by the number of entries. It is solved by Cholesky in float64: with z = (y_i, 1),
//
//	(sum of z z' + lambda I) (x, b) = sum of (r - mean - b_i) z
package als
