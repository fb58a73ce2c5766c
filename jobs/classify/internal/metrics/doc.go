// Package metrics computes how good a classification is, from counts of images with a known true label.
//
// Counts are integers, sums of confidences included ([Fixed]), so that they may be added in any order and grouping
// with the same result, bit for bit. Ratios are computed once, at the end, in the order of label ids and bins.
//
// # Terms
//
// The prediction of an image is its first label, the one with the highest score, which is its confidence. For a label,
// TP are the images of it that are predicted as it, FP those predicted as it that are of another, and FN those of it
// that are predicted as another:
//
//	support   = TP + FN       images of the label
//	predicted = TP + FP       images predicted as it
//	precision = TP / (TP + FP)
//	recall    = TP / (TP + FN)
//	F1        = 2 TP / (2 TP + FP + FN), the harmonic mean of both
//
// (C. J. van Rijsbergen, Information Retrieval, 2nd edition, 1979, chapter 7.) A ratio of nothing is 0. Macro averages
// are means over labels, each of the same weight, F1 among them: the mean of F1 and not the F1 of means (J. Opitz and S.
// Burst, Macro F1 and Macro F1, arXiv:1911.03347, 2019). They are over labels that are the true or the predicted one of
// some image, as scikit-learn does with average="macro" and zero_division=0.
//
// Top-k accuracy is the share of images whose true label is among the first k. (O. Russakovsky and others, ImageNet Large
// Scale Visual Recognition Challenge, IJCV 115, 2015, section 4.1, as an error.)
//
// The expected calibration error is
//
//	ECE = sum over bins B of |B| / n * |accuracy(B) - confidence(B)|
//
// where bin m of M has the images with a confidence in ((m-1)/M, m/M], and accuracy and confidence are their share of
// right predictions and their mean confidence. (C. Guo and others, On Calibration of Modern Neural Networks, ICML 2017,
// equations 3 and 5, with M = 15 as there.)
package metrics
