// Package rank is the job that ranks the rows of each key: the N best rows of each value of a column,
// or counts, sums, least, greatest and mean values of its groups.
//
// # Values
//
// Rows come from the files that package tabular reads. A column that is compared or added up has a type. A string is
// ordered by its bytes. An int is an int64 in canonical decimals: digits without leading zeros, '-' before a negative one.
// A float is what strconv.ParseFloat takes for a float64, infinities included; a NaN is refused and -0 is 0. A row is a
// reject where one of these values is missing or is no value of its type. An empty string is a string. Numbers of Parquet
// are taken as they are, and as text where a string is wanted; columns that are carried are text in the results.
//
// # Ranked
//
// Rows of one key are in order of the column --by and, where that is equal, in order of the input: files as they were
// given, then rows. The shuffle sorts by the bytes of key and value (see order), and the engine keeps equal ones in the
// order of map tasks, which is that of the input. Of a hot key, one with far more than N rows, a mapper sends few rows that
// are not among its N best so far: see mapreduce.Stream.First. It tells them apart by a number, or by the first eight bytes
// of a string.
//
// # Groups
//
// Sums and means of ints are exact: they are added up in 128 bits, a sum that is no int64 makes the group a reject, and a
// mean is the float64 nearest to the true one. Floats are added up as float64, in an order that depends on the input, on
// --shards and on --shard-rows only.
package rank
