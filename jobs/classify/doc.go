// Package classify is the job that classifies images with an ONNX model.
//
// Stage 00-split reads CSV manifests, folders and single images into shards of rows. Stage
// 01-classify decodes, crops and classifies them in fixed batches and feeds two streams: by id, reduced
// to the dataset predictions, and by label and score, reduced to ranked and labels.
//
//	predictions  a row for each image and rank, sorted by id within a part
//	ranked       a row for each image with its rank-1 label, sorted by label, score (down) and id within a part
//	labels       a row for each label that is rank 1 of some image: count and mean score
//
// The datasets' columns are in columns.go. They change only with Version, new ones at the end.
package classify
