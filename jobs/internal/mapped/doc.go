// Package mapped writes files of sections and reads them where they lie: mapped into memory, so that all
// processes of a machine share them and nothing is decoded. It is what the packages ids, matrix and factors keep their data in.
// Parts are a matrix whose rows lie in files, a range each.
//
// # Format
//
// Numbers are little-endian.
//
//	header      64 bytes: 16 bytes of magic, which tell the kind of file; version, 4 bytes; zeros
//	sections    as many as the kind has; each is followed by zeros up to a multiple of 64 bytes
//	trailer     for each section: length without the zeros behind it, 8 bytes; CRC-32C, 4 bytes; zeros, 4 bytes
//	            CRC-32C, 4 bytes
//
// The checksum of a section covers the zeros behind it, and that at the end of the file covers the header and the trailer
// before it: a changed byte anywhere is found. So a section begins with a line of the cache, and its numbers are aligned.
// Reading checks magic, version, the checksum of header and trailer, the lengths, and the checksums of the
// sections, in this order. What the sections hold, each kind says.
//
// # Truncation
//
// A file must not change while it is mapped: if it is cut short, a read behind its end kills the process (SIGBUS). Files of job
// directories never change. A file of OpenScratch is written to where it lies: then a page that the file system has no block for kills the
// process too, so all of it is written before. (Where each write takes a new block, as in btrfs and ZFS, that does not help on a full disk.)
package mapped
