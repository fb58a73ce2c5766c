// Package webdataset reads tar archives whose members are named as WebDataset does: members with the same key
// are one sample.
//
// # Samples
//
// The key of a member is its name up to the first dot of the last part, and what follows that dot, in lower case, is its
// extension: train/0001.cls has the key train/0001 and the extension cls. A leading "./" is no part of a name. A sample is
// a run of members with the same key; where a key comes again later that is another sample.
//
//	jpg jpeg png gif webp bmp tif tiff   the image: exactly one
//	cls                                  text: the label
//	json                                 an object: attributes
//
// Where no extension is one of an image, one that ends in such counts: a.v2.jpg is then the image of a. Members of
// other extensions are ignored, and samples that have none but those are counted by Ignored. So are names without a dot or a
// key (README, .DS_Store), folders, and names such as __meta__.json, which WebDataset keeps for itself.
//
// # Bad samples
//
// A sample without an image but with a label or attributes, with two images, with a link, a device or a sparse file for
// one of its members, with a name or text that is not UTF-8, or with a json that is no object, is a *SampleError, and
// reading goes on behind it.
//
// # Damage
//
// The formats are those of archive/tar: ustar, PAX and GNU, with long names. An archive ends with two blocks of zeros, and only
// zeros follow. Where a header cannot be read, a member goes beyond the end of the file, or the end is another one, there is
// a *DamageError: it says from which byte on nothing was read, and names the sample that may lack members because of that.
//
// # Memory
//
// Only headers, cls and json members are read; the bytes of images are left where they are, and a Sample says where. A cls may
// have 64 KiB, a json 16 MiB.
package webdataset
