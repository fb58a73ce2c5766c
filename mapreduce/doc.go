// Package mapreduce runs batch jobs that map rows and reduce what the maps emit, on one machine, in worker processes.
//
// A Job is an ordered list of stages built from typed parameters. A Stage maps, in batches, the rows of a
// Source (foreign input) or of a Dataset that an earlier stage wrote. Its Mapper writes to datasets and emits pairs into
// streams; a Stream is shuffled, and its Reducer gets the pairs group by group, sorted by key. The engine
// knows no format: datasets and sources bring theirs, and Options has those for rejects.
//
// # What it promises
//
//   - Accounting: every input row is mapped, dropped by a named rule, or among the rejects with its reason. The
//     sums are checked at every step, and the results are read again before they are laid out.
//   - Rerun: whatever died, the same command continues; a committed task does not run again.
//   - Same bytes: results do not depend on the number of workers, on their memory, on failures or retries. For this,
//     mappers and reducers must be deterministic functions of what they are given.
//   - One bad row costs one row: a row that makes a worker crash, hang or exceed its memory is found by halving, and
//     ends among the rejects. In a reduce the unit is the key group.
//   - Bounded memory: rows stream, sorts spill, and a worker above its cap is stopped.
//   - Nothing left behind: no worker outlives the driver, and nothing is left in tmp/ when a job has ended.
//
// # How a job runs
//
// Run makes a job directory, or continues one. The driver plans stages, hands attempts of tasks to workers, which
// are this program started again (IsWorker, WorkerMain), and alone commits what they leave. First the split stage,
// 00-split, turns input into shards, files of rows; then each stage runs its map tasks, one a shard, and its
// reduce tasks, one a partition. Where a Source can read parts of files (Source.Scan), a stage 00-scan comes first,
// which finds what the parts hold; and where that is cheaper than shards the first stage maps the parts in
// place (Source.InPlace). At last the results are checked and laid out in out/, or in held/ when there are
// too many rejects. What a job directory holds is specified in internal/jobdir.
//
// Before anything runs the driver asks backwards which committed files are needed and still there: what is lost or
// damaged is made again, with no more of what it was made from than that takes.
//
// # Profiles
//
// Config.Profile names a folder for the CPU and heap profiles of a run: driver.cpu.pprof, driver.heap.pprof,
// worker-0.cpu.pprof and so on. Workers are numbered as they start, so one in the place of another has the next number.
// They are written when a process ends, also when the job fails or is interrupted; a worker that crashes, or
// is killed for its memory or a timeout, leaves none. Heap profiles count what was allocated since the start, and what
// is in use at the end.
//
// The package jobs has formats for Options and sources to start from; mrtest helps to test jobs.
package mapreduce
