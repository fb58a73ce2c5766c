package worker

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

const (
	sampleEvery = 50 * time.Millisecond
	dumpLimit   = time.Second            // for a goroutine dump into the log
	termLimit   = time.Second            // from SIGTERM to SIGKILL
	drainLimit  = time.Second            // for replies once the process is gone
	closeWait   = closeLimit + termLimit // for an idle worker, which limits itself
)

// process is a worker process seen by the goroutine that owns it.
type process struct {
	cfg     Config
	cmd     *exec.Cmd
	in      *os.File // requests, our end
	out     *os.File // replies, our end
	file    *os.File // behind cell
	memory  *os.File // tells its memory: open all the time, as it is read often; nil where it cannot be told
	cell    *Cell
	replies chan reply    // closed at the end of the pipe
	garbage bool          // something else than replies came; set before replies is closed
	exited  chan struct{} // closed when cmd has been waited for
	peak    int64         // largest resident memory seen, bytes
	ended   bool
	dead    death // once ended, as usage
	usage   Usage
}

// plumbing is what a worker is born with.
type plumbing struct{ requestR, requestW, replyR, replyW, cell, log *os.File }

func (p *plumbing) open(log string) error {
	var errs [4]error
	p.requestR, p.requestW, errs[0] = os.Pipe()
	p.replyR, p.replyW, errs[1] = os.Pipe()
	p.cell, errs[2] = newCellFile()
	p.log, errs[3] = openLog(log)
	return errors.Join(errs[:]...)
}

// closeTheirs closes what belongs to the child.
func (p *plumbing) closeTheirs() { closeAll(p.requestR, p.replyW, p.log) }

func (p *plumbing) closeOurs() { closeAll(p.requestW, p.replyR, p.cell) }

// closeAll closes files of which nothing can be lost; a nil one is fine.
func closeAll(files ...*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// spawn starts the process; it does not wait for an answer.
func spawn(cfg Config) (*process, *task.Error) {
	var files plumbing
	err := files.open(cfg.Log)
	defer files.closeTheirs()
	var cell *Cell
	if err == nil {
		cell, err = mapCell(files.cell)
	}
	if err != nil {
		files.closeOurs()
		return nil, task.New(spawnClass(err), err)
	}
	cmd := exec.Command(cfg.Path, cfg.Args...)
	cmd.Env = environment(os.Environ(), cfg.Env)
	cmd.Stdout, cmd.Stderr = files.log, files.log
	cmd.ExtraFiles = []*os.File{files.requestR, files.replyW, files.cell}
	cmd.SysProcAttr = processAttributes()
	if err := cmd.Start(); err != nil {
		cell.unmap()
		files.closeOurs()
		return nil, task.New(spawnClass(err), err)
	}
	p := &process{
		cfg: cfg, cmd: cmd, cell: cell, file: files.cell, memory: openMemory(cmd.Process.Pid), in: files.requestW, out: files.replyR,
		replies: make(chan reply, 1), exited: make(chan struct{}),
	}
	go p.read()
	go p.wait()
	return p, nil
}

// hugePages has glibc ask for huge pages below the memory that native code holds: models touch much of it
// again and again. Other C libraries do not look at it.
const hugePages = "GLIBC_TUNABLES=glibc.malloc.hugetlb=1"

// environment is that of a worker. Of two values of a variable the later counts: those of the user are left alone.
func environment(user, more []string) []string {
	return slices.Concat([]string{hugePages}, user, more, []string{workerEnv + "=1"})
}

// spawnClass tells a machine that is short of something now from a program that cannot be started.
func spawnClass(err error) task.Class {
	for _, e := range []error{unix.EAGAIN, unix.ENOMEM, unix.EMFILE, unix.ENFILE, unix.ETXTBSY} {
		if errors.Is(err, e) {
			return task.Retryable
		}
	}
	return task.Permanent
}

// read passes on replies until the pipe ends, which the end of the process brings about.
func (p *process) read() {
	defer close(p.replies)
	dec := json.NewDecoder(p.out)
	for {
		var r reply
		switch err := dec.Decode(&r); {
		case err == nil:
			p.replies <- r
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, os.ErrDeadlineExceeded):
			return
		default:
			p.garbage = true
			return
		}
	}
}

func (p *process) wait() {
	_ = p.cmd.Wait() // how it ended stands in its ProcessState
	close(p.exited)
}

func (p *process) handshake(stop <-chan struct{}) *task.Error {
	r, dead := p.call(stop, message{Hello: &p.cfg.Hello}, p.cfg.Timeout)
	switch {
	case dead != nil:
		return dead.Err
	case r.Fail != nil:
		return r.Fail.err()
	case r.Ready == nil:
		p.end(misunderstood())
		return p.dead.report().Err
	}
	return p.cfg.check(*r.Ready)
}

func (p *process) do(stop <-chan struct{}, q Request) Report {
	r, dead := p.call(stop, message{Request: q}, q.Timeout)
	switch {
	case dead != nil:
		return *dead
	case r.Fail != nil:
		return Report{Err: r.Fail.err()}
	case r.Done == nil:
		p.end(misunderstood())
		return p.dead.report()
	}
	return Report{}
}

// call sends a message and waits for the reply, or for the end of the process, of which it makes a report.
func (p *process) call(stop <-chan struct{}, m message, timeout time.Duration) (reply, *Report) {
	p.cell.Clear()
	ooms := oomKills()
	var r *reply
	var v *verdict
	// Where the message cannot be written, the process is dying.
	if err := json.NewEncoder(p.in).Encode(m); err == nil {
		r, v = p.watch(stop, timeout)
	}
	p.peak = max(p.peak, peakBytes(p.cmd.Process.Pid))
	if r != nil {
		return *r, nil
	}
	p.end(v)
	p.dead.oom = oomKills() > ooms
	rep := p.dead.report()
	return reply{}, &rep
}

// watch waits for a reply. It returns no reply when the process died or, with a verdict, when it has to.
func (p *process) watch(stop <-chan struct{}, timeout time.Duration) (*reply, *verdict) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	var s stall
	exited := p.exited
	for {
		select {
		case r, ok := <-p.replies:
			return p.received(r, ok)
		case <-exited:
			exited = nil // what it wrote before may still come, and there is nothing left to judge
			tick.Stop()
			p.limitReplies()
		case <-stop:
			return nil, canceled()
		case now := <-tick.C:
			v := p.judge(s.add(now, p.cell.progress()), timeout)
			if v == nil {
				continue
			}
			select {
			case r, ok := <-p.replies: // just in time
				return p.received(r, ok)
			default:
				return nil, v
			}
		}
	}
}

func (p *process) received(r reply, ok bool) (*reply, *verdict) {
	switch {
	case ok:
		return &r, nil
	case p.garbage:
		return nil, misunderstood()
	}
	return nil, nil
}

// judge says whether the process has to be stopped. Its memory is sampled too, for the peak of one that dies: that of
// the others the kernel tells at the end of each call.
func (p *process) judge(idle, timeout time.Duration) *verdict {
	resident, private := memoryBytes(p.memory)
	p.peak = max(p.peak, resident)
	switch {
	case p.cfg.MemoryCap > 0 && private > p.cfg.MemoryCap:
		return overMemory(p.cfg.MemoryCap)
	case timeout > 0 && idle >= timeout:
		return stalled(timeout)
	}
	return nil
}

// stall measures the time without progress.
type stall struct {
	last [2]uint64
	at   time.Time
	idle time.Duration
}

// add adds a sample. One step counts for two intervals at most: time in which the driver itself did not
// run (a suspended machine, a stopped shell job) is not held against the worker.
func (s *stall) add(now time.Time, progress [2]uint64) time.Duration {
	switch {
	case s.at.IsZero() || progress != s.last:
		s.idle = 0
	default:
		s.idle += min(now.Sub(s.at), 2*sampleEvery)
	}
	s.at, s.last = now, progress
	return s.idle
}

// end brings the process to its end, if it still runs, and joins everything that belongs to it. The verdict is
// nil for a process that is idle or dying.
func (p *process) end(v *verdict) Usage {
	if p.ended {
		return p.usage
	}
	p.ended = true
	switch {
	case v == nil:
		_ = p.in.Close()
		p.expect(closeWait)
	case v.class == task.Canceled:
		_ = p.in.Close()
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		p.expect(termLimit)
	case v.class == task.Timeout:
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // the Go runtime writes all stacks to the log
		p.expect(dumpLimit)
	}
	_ = p.cmd.Process.Kill()
	_ = unix.Kill(-p.cmd.Process.Pid, unix.SIGKILL) // and what it started
	<-p.exited
	p.limitReplies()
	for range p.replies {
		continue // too late
	}
	p.settle(v)
	return p.usage
}

// expect waits for the end of the process, not for ever.
func (p *process) expect(limit time.Duration) {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-p.exited:
	case <-t.C:
	}
}

// limitReplies makes the reader end although something that the worker started holds the pipe open.
func (p *process) limitReplies() { _ = p.out.SetReadDeadline(time.Now().Add(drainLimit)) }

// settle notes how the process ended and gives everything back.
func (p *process) settle(v *verdict) {
	p.dead = death{stopped: v, code: -1, suspects: p.cell.Span(), crash: crashText(p.file)}
	p.cell.unmap()
	closeAll(p.in, p.out, p.file, p.memory)
	p.usage.PeakRSS = p.peak
	s := p.cmd.ProcessState
	if s == nil {
		return // somebody else has waited for it
	}
	p.dead.code = s.ExitCode()
	if status, ok := s.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		p.dead.signal = status.Signal()
	}
	p.usage.CPUSeconds = (s.UserTime() + s.SystemTime()).Seconds()
	if r, ok := s.SysUsage().(*syscall.Rusage); ok {
		p.usage.PeakRSS = max(p.peak, rusagePeak(r))
	}
}
