// Package ease ranks for each user the items that they have not had, by EASE^R: an item-item model of all items at once, with one matrix
// inverse (Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019).
//
// # Formulas
//
// X is the matrix of interactions, users by items, x_u its row of user u and x_j its column of item j. With
//
//	P = (X'X + lambda I)^-1        items x items
//	B[i][j] = -P[i][j] / P[j][j]   and B[j][j] = 0
//
// the score of item j for user u is (x_u B)[j]. As B = I - P diag(1/P[j][j]), it is x_u[j] - (x_u P)[j] / P[j][j], and for
// an item that the user has not had
//
//	score = -(x_u P)[j] / P[j][j]
//
// Neither B nor, where the users are fewer than the items, P is ever computed. With
//
//	M = (XX' + lambda I)^-1        users x users
//
// there is X'(XX' + lambda I) = (X'X + lambda I)X', so that P X' = X' M. Row u of its transpose is
//
//	x_u P = M[u] X
//
// and from P = (I - X'MX) / lambda (Woodbury) comes P[j][j] = (1 - x_j' M x_j) / lambda.
//
// So the smaller of both sides is inverted. Only users and items with interactions count. Matrices of values are taken as they are.
//
// # Scores
//
// In both cases a score is a scale of the item times the sum of some rows of a symmetric matrix: for a user over the items that it has (P), or for an
// item over the users that have it (M). The matrix lies in panels of 32 columns, [row][column], so that 32 scores, of one user or of
// one item, come from one pass over its entries, while a panel stays in the second-level cache:
//
//	s[0..3] = 0; for the q-th entry (row i, value v), q = 0, 1, ...: s[q%4] = fma(v, panel[i][column], s[q%4])
//	score = ((s[0] + s[1]) + (s[2] + s[3])) * scale[j],  with scale[j] = -1 / P[j][j]
//
// each step rounded to float32. All kernels (AVX-512, AVX2, Go) give the same bits, on all machines, for all ranges of users.
//
// # File, version 1
//
// A file of package mapped with the magic "shardmill-eas\r\n\x1a" and four sections:
//
//	about     6 numbers of 8 bytes: 0 if the inverse is of the items (P), 1 if of the users (M); users; items; rows of the
//	          inverse; lambda, as the bits of a float64; the residual, likewise
//	active    for each row of the inverse the index of the item or user, 4 bytes, ascending
//	scales    for each item -1/P[j][j] as float32; 0 for an item without interactions
//	panels    of the inverse, 32 columns each, [row][column], float32; behind the last column zeros
//
// The same matrix gives the same bytes.
//
// # Memory
//
// Solve holds half of the inverse and some rows: SolveBytes. A Model holds nothing but the mapping of its file, or in memory all of the
// inverse: ModelBytes. A Scorer of an inverse of items
// holds 8 bytes for each place of the lists of up to 4,096 users, at most 16 MiB of them, and 72 bytes a user; one of an inverse of
// users the lists of 32, and 4 bytes an item. Where some rows have no interactions, both hold 4 bytes a row and copies of entries.
package ease
