// Package dense scores items for users by the dot product of vectors of float32 factors, and keeps the best items of
// each user. Pack lays out the vectors of all items for the kernel once; each worker then has a Scorer of its own, to
// which it gives the vectors of any range of users.
//
// # Score
//
// The score of an item v for a user u is summed in one order, rounded to float32 once a step:
//
//	s = 0; for k = 0 .. f-1: s = fma(u[k], v[k], s)
//
// It depends on nothing else: not on the other users and items, nor where they stand in a block, nor on the machine. All
// kernels (AVX-512, AVX2, Go) give the same bits. A sum that leaves the range of float32 is an infinity,
// and never NaN, as factors are finite.
//
// Items are listed by score, highest first; of equal scores (0 and -0 are equal) the item of the lower index comes first.
//
// # Kernel
//
// A kernel scores a tile of 12 users and 32 items, and compares the scores with the least score that is still
// of use to each user: only candidates leave it. Items lie in panels of 32, factor by factor, in descending order of
// their Euclidean norms: likely candidates come early, so later ones are few. By the inequality of Cauchy and Schwarz no
// score exceeds the product of the norms: users for whom all further items are too short are done.
//
// # Sums of whole numbers
//
// Where the processor multiplies pairs of 16-bit numbers (AVX-512 VNNI), which is twice as fast, and there are 16 factors or more, the kernel
// finds candidates so: each user and each panel has its factors in steps of a unit, and a score u.v is known up to
//
//	|u.v - a.b U V| <= U V (sum|v|/V + sum|a|) / 2
//
// where a and b are the steps, and U and V the units of u and v. A list then has the scores that are certain at least, and items
// that may be above the least of these survive. They are few, and at the end they are scored as above: results are the
// same bits on all machines. Users and items with factors above 2^40 are scored without.
//
// A block of users begins with limits for their lists, so that few items come into a list and leave it again: the best sums of disjoint
// sets of the first items, as many as a list has, are what its last item is worth at least.
//
// # Quotas
//
// A list may have no more than so many items of a class, see package quota. What has no place in the list for its class is no
// candidate, and such lists begin without limits.
//
// # Memory
//
// Items take PackedBytes, of which all but 16 bytes an item are where a Room has them. A Scorer takes for each of 192 users their factors
// (6 bytes each) and 8 bytes an item of their list and a survivor, of which there are more the longer lists are, but not many more than
// 4,096 and 4 for each item of a list, 4 more an item of their list under quotas, and up to 400 KiB more
// for what they have seen, however many items there are. Under quotas it takes 4 bytes for each of all items.
package dense
