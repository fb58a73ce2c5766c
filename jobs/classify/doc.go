// Package classify is the job that classifies images with an ONNX model.
//
// Stage 00-split reads manifests, lists, folders and single images into shards of rows, and notes the rows whose ids have stood
// before in the side dataset duplicates, where these are to be rejected. Stage
// 01-classify decodes, crops and classifies them in fixed batches and feeds two streams: by id, reduced
// to the dataset predictions, and by label and score, reduced to ranked and labels.
//
//	predictions  a row for each image and rank, sorted by id within a part
//	ranked       a row for each image with its rank-1 label, sorted by label, score (down) and id within a part
//	labels       a row for each label that is rank 1 of some image: count and mean score
//
// Where results are to be compared with the labels that images have, a third stream carries counts of images, by model, reduced
// to evaluation, evaluation_labels, evaluation_confusion and evaluation_calibration. Their formulas are in package metrics.
//
// The datasets' columns are in columns.go and evaluation_columns.go. They change only with Version, new ones at the end.
package classify
