// Package worker is one child process that runs attempts: start, call, watch and stop it,
// and the child's side of the protocol.
//
// # The process
//
// A worker is this program again with SHARDMILL_WORKER=1 in its environment, which it unsets first
// thing so that its own children do not inherit it. It leads a process group of its own, reads its
// standard input from /dev/null, and writes standard output and error to the log of the attempt it
// runs: job code and native libraries print. GLIBC_TUNABLES, where it is not set, asks for huge pages below
// what native code holds. Three more files are inherited:
//
//	3  requests, JSON lines: {"hello":{...}} once, then {"run":{...}} or {"probe":{...}}, one at a time
//	4  replies, JSON lines:  {"ready":{...}} once, then {"done":{}} or {"fail":{...}}, one a request
//	5  the record cell (below)
//
// Exactly one member of each object is set. Only control crosses the pipes; data moves through files.
// Of a failure only class, text, record and lost tasks cross. Paths must be UTF-8.
//
// The handshake compares protocol version and build (the child), job name, job version and parameter
// digest (the driver). A difference is a permanent error with a sentence.
//
// End of file on 3 means that the driver is gone, and the worker exits with 0 at once, in the middle
// of a task or of a native call too. On Linux the kernel kills it as well (Pdeathsig), for the case that
// it is stopped. A worker ignores SIGINT, the driver decides what an interrupt means; SIGTERM ends it.
// Where Hello asks for profiles, they are written first, unless the worker crashes or is killed.
//
// # The record cell
//
// A file of 4096 bytes without a name, mapped shared by both sides, which outlives the process. Both
// words are native 64-bit integers, each written with one atomic store, so there is no state in between:
//
//	offset 0  beats: a counter, raised as work goes on
//	offset 8  span in flight: first ordinal << 28 | number of ordinals; number 0: nothing is in flight;
//	          number 2^28-1: all ordinals from the first on. What does not fit is widened, never cut
//
// What the Go runtime writes as it dies (debug.SetCrashOutput) goes to the log and also behind the
// page, at offset 4096, where nothing that a task prints can be mistaken for it. It serves to word the reason.
//
// # Deaths
//
//	{"fail"} reply                                     its class; the worker lives on
//	stopped by us                                      Memory, Timeout or Canceled
//	SEGV, BUS, ILL, FPE, ABRT, TRAP, SYS; exit 2       Crash (2: Go panic, fatal error, out of memory)
//	SIGKILL of others, oom_kill of our cgroup rose     Memory
//	exit 70                                            Permanent: a bug of this package
//	any other signal or exit                           Retryable; blames nobody
//
// Memory, Timeout and Crash come with the span that was in flight. The driver reads beats and memory
// every 50 ms. The memory that counts is resident without mapped files (statm: resident less shared): side
// inputs are mapped, and their pages can be taken back at any time. RLIMIT_DATA, which the child sets, is
// only a backstop for growth that is faster than the samples.
package worker
