// Package onnx runs one image model with ONNX Runtime: it finds the library,
// looks into the model file, and turns a batch of filled input slots into a row
// of scores for each slot.
//
// # The library
//
// ONNX Runtime is opened at run time, never linked. [Find] looks, in this order,
// at the environment variable ONNXRUNTIME_LIB, at the system's library, and at
// libonnxruntime.so.1 beside the executable. A library without API 24 (ONNX
// Runtime 1.24) is passed over. It belongs to the whole process: the first
// session loads it, the last one to close lets it go, and two different
// libraries cannot be open at once.
//
// # Slots
//
// A [Session] owns the memory of one batch: slot i of the input is
// [i*size:(i+1)*size] of [Session.Float32], [Session.Float16] or
// [Session.Uint8], whichever is the model's type. The caller fills slots by the
// ordinal of the row in its shard and calls [Session.Run] for the first n of them.
// Results may depend in their last bits on what else is in the batch, so a row
// that could not be read must leave its slot empty (zero), not close the gap.
//
// A model whose batch is fixed at F runs ceil(n/F) times over the same memory,
// and the slots after n in the last piece are cleared first; a dynamic one runs
// once with a batch of n.
//
// # Settings
//
// As measured for image models on two cores, as CPU time against the best: no graph
// optimisation 3.4, no memory arena 1.35, threads left for the library to choose 1.63, spinning
// with two threads in each of two processes 1.79. So: all optimisations, arena on, one
// intra-op thread unless asked, one inter-op thread, no spinning. Input and output memory
// is allocated once.
//
// A model file with damaged weights may load and run: record [Digest] of the
// file with the results.
//
// # Devices
//
// A [Device] other than the CPU is an execution provider of the library, most of
// which need libraries beside it and a driver. They are looked for before a session is made, and a session
// on such a device may not run any part of the model on the CPU.
package onnx
