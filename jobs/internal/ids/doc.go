// Package ids keeps the dictionary of the users or of the items of a data set in a file: each id has an index, from 0 on.
// If every id is a canonical decimal, which is how strconv.FormatInt writes an int64, the dictionary is numeric and the indexes are
// in the order of the numbers; if not, they are in the order of the ids' bytes. Ids come out as they went in.
//
// # Format, version 1
//
// A file of package mapped with the magic "shardmill-ids\r\n\x1a" and five sections, in which a number has 8 bytes:
//
//	text    the ids one after the other, in the order of their indexes; nothing if the dictionary is numeric
//	keys    for each index the id, if numeric; else its span: where it is in text, shifted by 24 bits, and its length
//	rows    for each index the number of interactions
//	table   finds the index of an id, see below
//	about   5 numbers: of ids; 1 if numeric or 0; kind of table, 1 if direct or 0 if hashed; lines from which on ids
//	        are looked for, 0 if direct; the latest time of an interaction, the least int64 if none has one
//
// A direct table is for numbers that lie close together. For each number from the first to the last it has 4 bytes: 0, or one more
// than the index. One line of the cache has 16 of them.
//
// A hashed table has lines of four slots, and a slot has two numbers: the key, and one more than the index in the lower 32
// bits. All bits of a free slot are 0. An id is looked for from line hash * lines / 2^64 on to the first free
// slot. Ids are in the order of their hashes, each in the first slot behind the one before that is in its line or behind it:
// nothing wraps around, and there are as many lines behind the last one that ids are looked for from as it takes. There are 3 slots for 2
// ids.
//
//	numeric     the key is the id; its hash is x ^= x>>32, x *= 0x9E3779B97F4A7C15, x ^= x>>29, x *= 0xBF58476D1CE4E5B9
//	            (after SplitMix64, Steele et al. 2014)
//	otherwise   the key is the span of the id, whose XXH3-64 is the hash; the upper 32 bits of the second number are the
//	            lower ones of the hash. So text is read once, as a rule, to compare an id with itself.
//
// A dictionary is numeric where it can be, unless texts are asked for, and the table of a numeric one is direct if from the first number to
// the last there are at most 6 for each id. The same ids give the same bytes.
//
// # Memory
//
// A Writer holds 16 bytes an id while all are numbers, and 24 bytes an id from the first that is none; a slice that grows needs up
// to twice as much for a moment. What is opened holds nothing but its mapping.
package ids
