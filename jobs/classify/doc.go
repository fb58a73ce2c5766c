// Package classify is the job that classifies images with ONNX models.
//
// Stage 00-split reads manifests, lists, folders and single images into shards of rows, and notes the rows whose ids have stood
// before in the side dataset duplicates, where these are to be rejected. Stage
// 01-classify decodes, crops and classifies them in fixed batches and feeds two streams: by id, reduced
// to the dataset predictions, and by label and score, reduced to ranked and labels.
//
//	predictions  a row for each image, model and rank, sorted by id within a part
//	ranked       a row for each image and model with its rank-1 label, sorted by model, label, score (down) and id within a part
//	labels       a row for each label that is rank 1 of some image, by model: count and mean score
//	embeddings   a row for each image and model with an embedding, written by the mapper, in order of the input
//
// All models run over the images of a batch in turn. Those whose specs want the same pixels share the decoded ones. Each
// input row is one of three, whatever the number of models: rejected, if its file or what one of the models made of it is no
// good; dropped, if no model with labels has a score over the threshold; mapped otherwise. predictions accounts for it by one
// standing row, of rank 1 and the first model that has any, or embeddings does where no model has labels.
//
// Where results are to be compared with the labels that images have, a third stream carries counts of images, by model, reduced
// to evaluation, evaluation_labels, evaluation_confusion and evaluation_calibration. Their formulas are in package metrics.
//
// The datasets' columns are in columns.go and evaluation_columns.go. They change only with Version, new ones at the end.
package classify
