// Package recommend is the job that turns interactions (user, item, and perhaps a value and a time) into ranked lists: the
// best N items of each user, and the nearest items of each item.
//
//	00-scan        how the input is cut
//	01-split       interactions into shards; drops values that do not count; its streams users and items make the
//	               dictionaries user_ids and item_ids
//	02-matrix      interactions into compressed rows by user (user_items); a pair that came several times is merged in the
//	               reducer; its stream left counts what the rules have left
//	03-transpose   user_items into compressed rows by item (item_users)
//	04-similarity  item_users by rows: the K nearest of each item, into similar_items and, by the item that a user has,
//	               into the side dataset neighbours (not for popularity, whose stage is 04-items)
//	               als has in its place 04-start, and for each iteration users-NN and items-NN, which only map: each makes the
//	               vectors of one side out of those of the other, side datasets too; then nearest. ease has solve and items
//	05-score       user_items by rows: the best N items of each user, without those that the user has
//
// Several algorithms learn one after the other; their labels are behind the names of their stages and datasets, as in
// 04-similarity-rp3beta. One score stage makes the lists of all of them for a user, and merges them (package blend).
//
// Users and items are dense numbers between the stages, in the order of their ids: so a tie by number is a tie by id.
// Dictionaries and matrices are files that every worker maps into memory. Nothing depends on the number of workers:
// each row of a result is made by one task, from sums in the order of the numbers. Nor does anything depend on the memory of workers: a
// mapper that scores by vectors packs those of items in a room, which is half of the heap's limit and behind that unnamed files of its attempt;
// so does the reducer that solves ease, and results wait in such files for their row group to end.
//
// Results, in out/:
//
//	recommendations  user, rank (from 1), item, score, because (the user's items that contributed most, at most three); of
//	                 several algorithms also LABEL_rank, the item's rank in the list of each, 0 if it is not there
//	similar_items    item, rank, neighbour, similarity
//	users            user, items (that the user has), recommended (length of the list), reason (why it is shorter than N, or null)
//	items            item, users (that have it), similar (length of the list), reason
//	user_factors     user, factors; and item_factors: item, factors (of als)
//
// A job leaves its model in out/ too: item_ids, and neighbours, item_vectors (als; with rating_mean of explicit ratings) or
// inverse (ease); of popularity the dataset items is enough. With the parameter model the files of such a job stand in for
// stages: 01-split makes user_ids only, 02-matrix drops items that item_ids has not got, and the matrix is scored at once,
// for als behind a stage fold, one exact half-step of the users.
//
// Rules of serving (ServingOptions) say who gets a list, and what may be in it. Of their files the reducer of stream left makes side
// datasets, which the score stage reads: allowed_items (a bit an item, as a row of those that may be listed), item_groups (for "max 3 per
// brand"), blocked_items (of each user), asked_users and other_users, who are not in the data and have numbers behind those who are.
// Scorers mask candidates, never histories. Lists keep one limit while they are made; several are taken from lists that are made
// twice as long until they are enough. With rules there is a result
// rules: rule, rows (of its file), unknown (rows of what is not in the data), items (that may be listed after it); with --min-history
// users and recommendations have a column fallback. Users who are asked for and have no row are written with the next one who has, or the last of all: if that
// one is a reject they are not there either, until the rejects are run again.
//
// An id is an int64 column if all ids of its side are canonical decimals, else a string column.
//
// # Evaluation
//
// EvaluationJob compares algorithms by what they would have recommended. It cuts pairs of a user and an item, merged as above,
// into three parts: fit, which configurations are trained on; valid, by which one of them is chosen; and test, by which the
// chosen one is measured, trained on known, that is fit and valid.
//
//	02-matrix           interactions into compressed rows by user: fit, valid, known and test. The reducer cuts
//	03-transpose        fit into compressed rows by item (fit_items); its stream some finds parts by which nobody can be measured
//	04-transpose-known  known into compressed rows by item (known_items)
//	05-trials           each reduce task trains one configuration on fit, in one goroutine and without stages, with the lists that
//	                    a job has, and measures it by valid; the map only begins them. With a budget there are rungs, trials-1 and
//	                    so on: the first tries all on some users, each other one the best third of the one before on three times as many
//	06-test             one reduce task trains the best one on known, measures it by test and writes the results
//
// A trial keeps what it learns in the heap, or where that may be more than half of the heap's limit in unnamed files of its attempt (keeper):
// vectors in those of package factors, a new one each half-step; neighbours, their transpose and samples of interactions in those of package
// matrix; packed items in arrays; a solved inverse in that of package ease, and while it is solved in a mapping that is written to. Which
// of both is not in the results, nor does it change them. Of the limit remain a row, numbers of each user and item, and what package neighbours
// holds to compare items.
//
// Results of an evaluation: trials (configuration, algorithm, part, rung, task, share, users, reason), metrics (configuration, algorithm,
// part, rung, metric, k, value, low, high) and winner. What a configuration cost is in the records of the tasks: ReadComparison joins them.
//
// The time of a pair is that of its newest interaction. A cut by hash is by XXH3 of the user's id, a zero byte and the item's id,
// with the seed 1 for the test part and 2 for the validation part, of what is left. By last, the newest pair of a user is in the
// test part and the next one in the validation part, of equal times the higher item being newer; a user with less than three pairs
// stays in fit. By time, all that is later is in the test part, and the validation part is what is before it for as long a time.
// With a test file, the last of the inputs, the test part is its pairs that the other inputs have not got.
//
// Dictionaries are of all parts: items that only the test part has are in the catalogue, and min-user and min-item count all
// rows. With half-life, interactions count from the beginning of a test part by time, else from the newest outside of a test file.
package recommend
