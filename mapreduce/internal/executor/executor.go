// Package executor says where attempts run: in child processes of this machine (Local), or in
// this process for debugging (InProcess).
//
// An executor has slots. A slot does one order after another, for one caller at a time; the driver has one
// goroutine for each. What an attempt needs and makes lies in the job directory, so an order is
// only a request, and its report only says how it ended.
package executor

import (
	"context"

	"github.com/shardmill/shardmill/mapreduce/internal/worker"
)

// Executor is a place where attempts run.
type Executor interface {
	// Slot makes the slot of a number, from 0 on. It starts nothing yet.
	Slot(number int) Slot
}

// Slot runs one attempt at a time.
type Slot interface {
	// Do runs an order to its end. When ctx ends, it is stopped, class Canceled.
	Do(ctx context.Context, o Order) worker.Report
	// Close gives back what the slot holds. It returns what the slot cost in all.
	Close() worker.Usage
}

// Order is one request and how to run it.
type Order struct {
	worker.Request
	Fresh bool // in a worker that has run nothing before
}
