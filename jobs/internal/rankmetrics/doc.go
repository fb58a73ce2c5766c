// Package rankmetrics measures ranked lists of items against what users took later.
//
// For a user with a set T of relevant items and a list, best first, with h_r = 1 where the item at rank r (from 1) is
// in T, else 0, and H_k = h_1 + ... + h_k, the metrics at cutoff k are
//
//	precision  H_k / k, even where the list is shorter than k
//	recall     H_k / |T|
//	ndcg       sum of h_r / log2(r+1) for r <= k, over the same sum for a list that begins with T
//	map        sum of h_r H_r / r for r <= k, over min(k, |T|)
//	mrr        1/r of the first hit, 0 if there is none by rank k
//	hit_rate   1 if H_k > 0, else 0
//
// each as the mean over users with at least one relevant item; for ndcg see Järvelin and Kekäläinen, Cumulated
// gain-based evaluation of IR techniques, 2002, for mrr Voorhees, The TREC-8 question answering track report, 1999.
//
// What a list is like without regard to T, with U the number of users of the training part and n_i that of the users
// who have item i there:
//
//	novelty    mean of -log2(n_i / U) over the items by rank k, in bits, where n_i = 0 counts as 1; the mean over users
//	           with a list: Zhou et al., Solving the apparent diversity-accuracy dilemma of recommender systems, 2010
//	diversity  1 - mean over the pairs of items by rank k of the cosine of the two sets of users who have them in the
//	           training part, |U_i and U_j| / sqrt(n_i n_j), 0 where one is empty; the mean over lists of at least two
//	           items: Smyth and McClave, Similarity vs. diversity, 2001
//	coverage   items that stand in some user's list by rank k, over all items
//
// Diversity is that of a sample: of the 2,048 users with the lowest hashes of their numbers, or of all if there are
// no more.
//
// # Intervals
//
// Low and High are the 95 % percentile interval of the bootstrap over users: 1,000 times, as many users as there are
// get drawn with replacement, and of the 1,000 means that result the 25th and the 976th are taken (Efron and
// Tibshirani, An introduction to the bootstrap, 1993, chapter 13). So that memory is bounded, what is drawn is one of 2,048
// groups, into which users are put in turn in the order of Add: up to 2,048 users are each their own group. All
// follows from the seed and the number of users: two evaluations of the same users are drawn alike. An interval is
// about which users were measured, not about a model trained on other data. Coverage, which is no mean over users, has
// none, and nor has a mean over less than two.
package rankmetrics
