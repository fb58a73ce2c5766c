// Package shuffle carries records from map attempts to reduce attempts: it
// writes run files, reads one partition of them back, sorts it, spills when it
// must, merges, and hands out groups. It knows bytes only.
//
// The order of what a reducer sees is full key bytes, then map task, then order
// of emission. It depends on the records alone, never on memory limits, block
// sizes, the number of workers or a hash seed. So do the first records of a group,
// if [Config.First] asks for no more than these.
//
// # Sorting
//
// A batch is sorted by an index of fixed-width entries; the records stay where they
// are. An entry holds the key, or 15 bytes of it behind what all keys share, so that
// the order is decided in passes over the index: by the 22 leading bits that differ,
// then within runs that are equal there. Only keys that are equal in 15 bytes and
// longer are looked at again. What is
// sorted and cut already is merged with what came later. Short keys whose groups are cut
// are not sorted at all but kept in order as they come, and so only groups are sorted.
//
// # Run file, version 1
//
// One file holds all streams and partitions of one map attempt. Integers are
// little-endian. Checksums are CRC32C (Castagnoli). A reader checks magic, then
// version, then checksum. The parts follow each other without gaps:
//
//	header       magic (16 bytes) | version u32 | CRC32C of these 20 bytes
//	blocks       in the order in which they filled
//	block lists  one for each partition that has blocks
//	directory    one entry for each (stream, partition), in that order
//	stream table one entry for each stream
//	trailer      64 bytes
//
// The magic is "shardmill-run\r\n\x1a".
//
// A block holds whole records of one partition:
//
//	codec u32 (0 raw, 1 s2) | raw length u32 | stored length u32 |
//	records u32 | CRC32C of these 16 bytes and the stored bytes | stored bytes
//
// A record in a block is its key and its value. Each of the two that has no
// fixed width is announced by its length as an unsigned varint, both lengths
// before the key. So records of two fixed widths are packed without framing.
//
// A block is closed before it would exceed its target of 64 MiB divided by the
// number of partitions of the file, at least 4 KiB and at most 64 KiB. A larger
// record has a block of its own. A block is stored raw or, if it is at most 1 MiB
// long and it and a sample of it shrink to a quarter, with s2; the sample is its
// first 64th, at least 1 KiB. A record's framed length is at most 1 GiB.
//
// The quarter comes from a measurement: in nanoseconds of processor time per raw
// byte, s2 took 0.7 to 2.0 to encode and 0.4 to 0.7 to decode keys, words, counts
// and ranked records, while writing a byte took 0.25 and reading it 0.12. So s2
// never pays in time, not even for words that shrink to a sixth; it is there to
// keep very repetitive records from filling a disk.
//
// A block list is, for each block in order of emission,
//
//	offset u64 | length with block header u32
//
// and then the CRC32C of stream u32, partition u32 and the list. A directory
// entry is
//
//	records u64 | raw bytes u64 | offset of the block list u64 | blocks u32 |
//	CRC32C of stream u32, partition u32 and these 28 bytes
//
// where raw bytes is the sum of the raw lengths of the blocks, and the offset is
// zero without blocks. Naming the partition in the checksums makes a read of the
// wrong place visible. A stream table entry is
//
//	partitions u32 | key width u32 | value width u32 | name length u32 | name
//
// with width zero for a variable one. The trailer is
//
//	offset of the block lists u64 | length from there to the trailer u64 |
//	offset of the directory u64 | offset of the stream table u64 |
//	streams u32 | partitions of all streams u32 |
//	CRC32C of the stream table and these 40 bytes | version u32 | magic
//
// So a reducer reads the end of the file, its directory entry, its block list
// and its blocks, and nothing that grows with the other partitions. If the
// first three lie within the last 4 KiB, that is one read.
//
// A [Survey] reads the entries of many partitions at once, for the reducers of all
// of them: after that a file is opened only for a partition that has records in it.
// Of 100,000 files of 60 records and 1,000 partitions that is one in 17.
//
// [Partition] is part of the contract: it decides which partition a key is in.
//
// # Memory
//
// A [Writer] holds one block for each partition that has records, 64 MiB in all
// up to 16,384 partitions and 4 KiB each above, and 16 bytes for each block
// written. It grows buffers by doubling, so small partitions cost little.
//
// An [Input] counts against its budget, for each record, an index entry and its
// place in the radix sort's second array, which are 32 bytes for a key with a fixed
// width of at most 8 and 48 for any other, and its framed bytes. A key with a fixed
// width of at most 16 stands in the entry alone and counts once, and so does a value
// with one of at most 8 beside a key of at most 8. Outside the budget are one block,
// stored and raw, and, without a [Survey], the paths of the run files. [Buffers] keep the memory of one
// Input for the next, within its budget.
//
// With First up to 1,024 and keys of a fixed width of at most 16 bytes, of which the group takes at most 8 and what follows
// it at most 8, only the first records of each group are held at any time, in a hash table: 80 to 160 bytes for a group,
// 16 for each record for which it has room, which is one and then four times as many until there is room for all, and
// values of more than 7 bytes, or with a fixed width of more than 8. A record that has lost its place leaves a gap there,
// unless its successor fits in it, and gaps are closed before memory grows. An empty table of 10 KiB is outside the budget.
// If there are two records of a group or fewer in the first eighth of all, all are sorted instead.
//
// With First and any other keys, groups are cut whenever the memory is full: the batch is sorted, the first records of
// each group stay, and if half of the records go, loading goes on.
//
// Other records that exceed the budget are sorted in parts, spilled as run files of
// one partition and merged; a merge holds two blocks for each of its ways, half the
// budget or MaxFan times 12 KiB if that is more. A record that exceeds the budget or
// these blocks alone is held whole.
//
// A [Sender] holds 8 bytes for each record that is sent together with others, and
// with First a [Filter], which has the bounds that [NewFilter] gives.
//
// A [Survey] holds a bit for each file and partition and 16 bytes for each partition, of as
// many partitions, at least one, as take a 16th of the budget and 16 MiB with the directory
// entries of one file.
//
// A [Table] counts its memory by [Table.Bytes], from its contents only.
package shuffle
