// Package jobdir is the contract on disk: what a job directory holds, in which order it is
// written, and what a driver makes of one that was left in the middle.
// State is what ls shows; there is no database and no log to replay.
//
// # Layout
//
//	JOB/
//	  FORMAT                          "shardmill-job 1" and a newline
//	  LOCK                            locked by the driver at work; its process and host, for people
//	  job.json                        what the job is (Job). Written last by Create, never rewritten
//	  stages/01-NAME/
//	    plan.json                     tasks and partitions, written once when the stage starts
//	    listing                       first stage only: the files of a folder or glob, sorted by bytes
//	    tasks/map-000007.json         the record: it exists if and only if the task is committed
//	    runs/map-000007.a2.run        run file of a map attempt
//	    data/DATASET/[LABEL=V/]map-000007.a2[-0001].EXT    committed outputs
//	    rejects/map-000007.a2.arrow   rejected rows
//	    DONE.json                     all tasks of the stage are committed (Done)
//	  logs/01-NAME/map-000007.a2.txt  stdout and stderr of an attempt
//	  logs/01-NAME/probe.txt          the same of making the stage's mapper before the job starts
//	  out/DATASET/..., out/_SUCCESS   the results, laid out by Finish. _SUCCESS is empty
//	  held/DATASET/...                instead of out/, when a gate was not passed. No _SUCCESS
//	  rejects/...                     the rejected rows of the whole job; absent when there are none
//	  events.jsonl                    history for people and tools, one JSON object a line
//	  summary.json                    state of the job for schedulers and dashboards
//	  tmp/                            everything in flight; a new driver empties it
//	    01-NAME.map-000007.a2/        one attempt: task.json, its output files, result.json
//	    finish/                       results being laid out
//	    removed.01-NAME/              a stage being removed
//
// The first stages make what the job's own read of the input. Without a scan it is 00-split, which makes shards: files of
// rows, the dataset "shards". A job whose source reads parts of files begins with 00-scan, whose tasks, scan-000003,
// make no file: what they find is in their records, and vouched for by digests of what they read. Then
// follows 01-split, or at once the stage that maps the input in place: the plan of either has ranges that were made of
// the scans. Such a range is read only while its bytes have the digest of the scan. A record that ends behind its
// range is vouched for by the digest of the next one. The scans are needed as long as a plan may have to be made or compared:
// a lost record is made again, and if it comes out different, so is all that follows.
//
// An attempt's number is one more than the highest of that task's logs, and at least one more
// than that of its record. So attempts never share a name.
//
// A file under a final name never changes, except LOCK, logs, events.jsonl and summary.json.
// out/, held/ and rejects/ are replaced whole.
//
// The file system must know hard links; flock(2) and one machine are assumed for LOCK.
//
// # Sealed files
//
// job.json, plan.json, records, DONE.json, task.json and result.json are sealed. A sealed file is
// one JSON object, indented by one space a level, in UTF-8, in exactly this frame:
//
//	{
//	 "version": N,
//	 ...
//	 "crc32c": "1a2b3c4d"
//	}
//
// version is the first member, a decimal number; crc32c is the last one: eight lower-case
// hexadecimal digits, the CRC-32C (Castagnoli) of all bytes before the comma in front of it. A
// newline ends the file. A reader checks the frame, then the version, then the checksum, and only
// then decodes; it ignores members that it does not know. Each kind of file has its own version:
//
//	FORMAT            1          this layout
//	job.json          1          JobVersion
//	DONE.json         1          DoneVersion
//	task.json, result.json, records    1    task.Version
//	plan.json         the stage planner's
//
// summary.json and the lines of events.jsonl are plain JSON, without a checksum; nothing is decided by them.
// The last line of events.jsonl may be torn; the next writer ends it with a newline.
//
// job.json:
//
//	version       number
//	job           string    name of the job
//	job_version   number
//	params        object    the job's parameters, complete
//	identity      object    name -> string: all else that can change output bytes
//	inputs        array     of {name: as given, path: absolute, dir: bool, size: bytes, mtime: RFC 3339}
//	tool          string    the build that created the directory
//
// A record (stages/STAGE/tasks/TASK.json) and result.json; task.Record documents the members:
//
//	version       number
//	task          string    "01-NAME/map-000007"; must agree with the file's name
//	attempt       number    from 1
//	outputs       array     of {kind, dataset, sub, seq, many, file, ext, rows, bytes, crc32c}
//	counts        object    accounting
//	excluded      array     rows or groups rejected because they killed workers
//	digests       object    split: SHA-256 of each input file read, by path
//	scanned       array     scan: of each range that plan.json gives the task {sum, mtime_ns, value}: "xxh3:" and the
//	                        XXH3-128 of its bytes, time of its file, what the job's source makes of it
//	input         number    reduce: digest of the run files read
//	usage         object    CPU and wall seconds, peak memory
//
// DONE.json:
//
//	version       number
//	stage         string    "01-NAME"; must agree with the folder
//	tasks         number    committed tasks
//	counts        object    their sum
//	data          object    dataset -> {files, rows, bytes}
//	rejects       object    {files, rows, bytes}
//
// # Order of writing
//
// A file that is written once is written under tmp/ and fsynced, then gets its final name by
// link(2), which never replaces, then the folder is fsynced. A folder's name is fsynced in its
// parent before anything in it is relied on.
//
// Create: the folder; LOCK; FORMAT; the folders; job.json last. A directory without job.json is
// not a job, and Create takes it over if nothing but these files is in it. (LOCK comes before
// FORMAT so that two that create at once do not mix; readers look at FORMAT first.)
//
// Begin: the log, with O_EXCL, which takes the attempt's number; then the attempt's folder and task.json.
// The worker writes outputs and then result.json there, and syncs nothing.
//
// Check, for an attempt that ended well: result.json is read and compared with the attempt; each
// output is compared in size, and fsynced. Its content is not read back, since that would only
// find again what the page cache holds, at the cost of a pass over every byte. Instead nothing is used before its content
// has been compared: run files have checksums of their own, which a reduce compares block by block; the CRC-32C
// of a shard or side dataset is compared by the process that reads it, and that of results and rejects before Finish.
//
// Promote: fsync of the folder of logs, so that the number stays taken; outputs are renamed to final names;
// their folders are fsynced; the record is written to tmp/, fsynced and linked; the tasks folder
// is fsynced. Whoever links first wins. After any failure to link, the record is read back:
// the reply may have been lost, or another attempt has won. A loser's outputs are removed.
// Attempts that ended while others were promoted are promoted together: each of these steps is taken for all of them before
// the next one, and a folder is fsynced once.
//
// DONE.json follows when every task has its record. Only after it are the run files removed, and
// then never looked for again: the removal may be half-done.
//
// Invalidate: DONE.json of this and later stages, last stage first; fsync; records that depend on
// the tasks; fsync; the tasks' own records; fsync. Their outputs are garbage from then on.
//
// Finish builds everything under tmp/finish: hard links to the committed outputs (copies where the file system
// refuses a link), rejects written anew, _SUCCESS last; fsyncs each file and folder; then moves
// what must not stand any more out of the way (held/ of an earlier finish, or out/ when a gate was not
// passed), then puts rejects/ and then out/ (or held/) in place, each in one step: renamed, or
// exchanged with the older one. Where the system cannot exchange, the older one is renamed away first,
// and a crash between the two renames leaves none; Finish then makes it again. An older complete
// out/ stands, complete, until that moment; out/ and held/ never stand side by side.
//
// # Recovery
//
// A driver that takes over (Lock, then Recover) empties tmp/, and fsyncs the root and the folders of stages, plans and
// records before it believes what it sees in them: the former driver may have died between a link
// and the fsync. Then, for each stage, records that are missing, damaged or of another version are tasks not
// done (a bad one is removed by Invalidate before its task runs again), and Garbage removes the outputs
// that no record names. Every operation of this package may be asked for again after it failed or
// was cut off.
package jobdir
