package worker

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// Config says what to start and what to expect of it.
type Config struct {
	Path string   // the program; empty: this one
	Args []string // its arguments, without its name
	Env  []string // variables beside those of this process, "NAME=value"
	Log  string   // file for its output until the first request, which exists; empty: none

	Hello Hello // Job is needed; Start fills in the rest
	Want  Ready // Job, Version and Params that the worker has to answer

	MemoryCap int64         // resident memory in bytes, mapped files apart, above which the worker is stopped; 0: none
	Timeout   time.Duration // of the start, until the worker is ready; 0: a minute
}

// Usage is what a worker process cost.
type Usage struct {
	CPUSeconds float64 // user and system
	PeakRSS    int64   // bytes
}

// Add is the usage of two processes that ran one after the other.
func (u Usage) Add(o Usage) Usage {
	return Usage{CPUSeconds: u.CPUSeconds + o.CPUSeconds, PeakRSS: max(u.PeakRSS, o.PeakRSS)}
}

// Proc is one worker process. A goroutine owns the process and all its state.
type Proc struct {
	calls chan call
	quit  chan struct{}
	once  sync.Once
	done  chan struct{} // closed when the process is gone and usage is set
	usage Usage
}

// call is a request on its way to the owner.
type call struct {
	stop   <-chan struct{}
	req    Request
	report chan Report // holds one
}

// Start starts a worker and waits until it is ready. Its error is a *task.Error: Permanent where program
// and worker do not belong together. A worker that was started has to be closed.
func Start(ctx context.Context, cfg Config) (*Proc, error) {
	if err := ctx.Err(); err != nil {
		return nil, task.Errorf(task.Canceled, "start worker: %w", err)
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Proc{calls: make(chan call), quit: make(chan struct{}), done: make(chan struct{})}
	started := make(chan *task.Error)
	go p.own(ctx.Done(), cfg, started)
	if err := <-started; err != nil {
		<-p.done
		err.Op = "start worker"
		return nil, err
	}
	return p, nil
}

func (c Config) withDefaults() (Config, error) {
	if c.Path == "" {
		self, err := os.Executable()
		if err != nil {
			return c, task.Errorf(task.Permanent, "start worker: %w", err)
		}
		c.Path = self
	}
	if c.Timeout <= 0 {
		c.Timeout = time.Minute
	}
	c.Hello.Protocol, c.Hello.MemoryCap = Protocol, c.MemoryCap
	if c.Hello.Build == "" {
		c.Hello.Build = BuildID()
	}
	return c, nil
}

// check compares what the worker will run with what is wanted.
func (c Config) check(got Ready) *task.Error {
	want := c.Want
	want.Protocol = Protocol
	switch {
	case got.Protocol != want.Protocol:
		return task.Errorf(task.Permanent, "the worker speaks protocol %d, this program %d", got.Protocol, want.Protocol)
	case got.Job != want.Job || got.Version != want.Version:
		return task.Errorf(task.Permanent, "the worker has job %s version %d, this program needs %s version %d",
			got.Job, got.Version, want.Job, want.Version)
	case got.Params != want.Params:
		return task.Errorf(task.Permanent, "the worker read other parameters of job %s (digest %s) than this program (digest %s)",
			got.Job, got.Params, want.Params)
	}
	return nil
}

// Do runs a request and waits for its end. When ctx ends, the worker is stopped, class Canceled. A process
// that died is gone when Do returns, see Alive; the next Do of it reports Retryable.
func (p *Proc) Do(ctx context.Context, r Request) Report {
	if ctx.Err() != nil {
		return death{stopped: canceled()}.report()
	}
	if (r.Run == nil) == (r.Probe == nil) {
		return Report{Err: task.Errorf(task.Permanent, "a request needs either run or probe")}
	}
	c := call{stop: ctx.Done(), req: r, report: make(chan Report, 1)}
	select {
	case p.calls <- c:
		return <-c.report
	case <-p.done:
		return Report{Err: task.Errorf(task.Retryable, "the worker process has ended")}
	}
}

// Alive tells whether the process takes requests.
func (p *Proc) Alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Close ends the process, after the request that runs, and waits until it is gone. It may be called again.
func (p *Proc) Close() Usage {
	p.once.Do(func() { close(p.quit) })
	<-p.done
	return p.usage
}

// own is the goroutine that owns the process, from start to end.
func (p *Proc) own(stop <-chan struct{}, cfg Config, started chan<- *task.Error) {
	c, err := spawn(cfg)
	if err != nil {
		close(p.done)
		started <- err
		return
	}
	if err := c.handshake(stop); err != nil {
		p.usage = c.end(nil)
		close(p.done)
		started <- err
		return
	}
	started <- nil
	deliver := p.serve(c)
	p.usage = c.end(nil)
	close(p.done)
	deliver()
}

// serve passes requests on until the process dies or is to end. It returns the
// delivery of a last report: whoever gets it finds the process gone.
func (p *Proc) serve(c *process) func() {
	for {
		select {
		case q := <-p.calls:
			r := c.do(q.stop, q.req)
			if c.ended {
				return func() { q.report <- r }
			}
			q.report <- r
		case <-c.exited:
			return func() {}
		case <-p.quit:
			return func() {}
		}
	}
}
