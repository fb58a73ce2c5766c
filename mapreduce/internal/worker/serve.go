package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shardmill/shardmill/mapreduce/internal/profile"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// workerEnv makes a process a worker.
const workerEnv = "SHARDMILL_WORKER"

// The files that a worker inherits.
const (
	requestFD = 3
	replyFD   = 4
	cellFD    = 5
)

// exitBug is the exit code of a worker that does not understand its driver.
const exitBug = 70

// closeLimit bounds Handler.Close once the driver has closed the pipe or is gone.
const closeLimit = 5 * time.Second

// Handler does the work in a worker process. Serve calls one method at a time; Hello first, Close last.
// The context of Run and Probe never ends in a worker: a worker that has to stop is ended as a process.
type Handler interface {
	// Hello makes the job ready whose directory h names; it loads no model.
	Hello(ctx context.Context, h Hello) (Ready, error)
	// Run does the attempt in folder. It shows its progress in cell, which may be nil.
	Run(ctx context.Context, folder string, cell *Cell) error
	// Probe makes the mapper of a stage.
	Probe(ctx context.Context, stage string) error
	// Close gives back what Hello, Run and Probe hold. A worker that is stopped in the middle of a task never calls it.
	Close() error
}

// IsWorker tells whether this process was started as a worker: it must call Serve and exit with its result.
func IsWorker() bool { return os.Getenv(workerEnv) != "" }

// Serve is the whole life of a worker process; it returns the exit code.
func Serve(h Handler) int {
	_ = os.Unsetenv(workerEnv)
	c, err := newChild()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s is set, but no driver started this process: %v\n", workerEnv, err)
		return exitBug
	}
	go c.read()
	code := c.serve(h)
	c.endProfile() // and not after a panic
	return code
}

// child is a worker seen from inside.
type child struct {
	in       *os.File
	replies  *json.Encoder
	cell     *Cell
	requests chan message // closed when the driver has closed the pipe
	busy     atomic.Bool  // between a request and its reply
	profile  profile.Profile
}

func newChild() (*child, error) {
	for fd := requestFD; fd <= cellFD; fd++ {
		unix.CloseOnExec(fd) // a grandchild must not keep the pipes open
	}
	signal.Ignore(syscall.SIGINT)
	file := os.NewFile(cellFD, "cell")
	cell, err := mapCell(file)
	if err != nil {
		return nil, err
	}
	if err := crashOutput(file); err != nil {
		return nil, err
	}
	return &child{
		in:       os.NewFile(requestFD, "requests"),
		replies:  json.NewEncoder(os.NewFile(replyFD, "replies")),
		cell:     cell,
		requests: make(chan message),
	}, nil
}

// crashOutput makes the runtime write what it has to say of a crash behind the cell too.
func crashOutput(cell *os.File) error {
	if _, err := cell.Seek(cellSize, io.SeekStart); err != nil {
		return fmt.Errorf("record cell: %w", err)
	}
	if err := debug.SetCrashOutput(cell, debug.CrashOptions{}); err != nil {
		return fmt.Errorf("crash output: %w", err)
	}
	return nil
}

// read hands requests to serve. It is a goroutine of its own so that the end of the
// driver is seen at any time; a busy worker then exits here.
func (c *child) read() {
	dec := json.NewDecoder(c.in)
	for {
		var m message
		if err := dec.Decode(&m); err != nil {
			code := 0
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				fmt.Fprintf(os.Stderr, "worker: request: %v\n", err)
				code = exitBug
			}
			if code == 0 && !c.busy.Load() {
				close(c.requests)
				time.Sleep(closeLimit) // serve calls Close and ends the process, normally
			}
			c.endProfile()
			os.Exit(code) //nolint:forbidigo // nobody is left to answer to, and native code may never return
		}
		c.busy.Store(true)
		c.requests <- m
	}
}

func (c *child) serve(h Handler) int {
	m, ok := <-c.requests
	switch {
	case !ok:
		return 0
	case m.Hello == nil:
		return c.bug("no hello")
	}
	ready, err := c.hello(h, *m.Hello)
	if !c.answer(reply{Ready: &ready}, err) || err != nil {
		return 0
	}
	for m := range c.requests {
		if m.Hello != nil || (m.Run == nil) == (m.Probe == nil) {
			return c.bug("neither run nor probe, or more than one")
		}
		if !c.answer(reply{Done: &done{}}, c.call(h, m.Request)) {
			return 0
		}
	}
	if err := h.Close(); err != nil {
		fmt.Fprintf(os.Stderr, "worker: close: %v\n", err)
	}
	return 0
}

func (c *child) bug(what string) int {
	fmt.Fprintf(os.Stderr, "worker: request: %s\n", what)
	return exitBug
}

// hello compares what can be compared here, sets the limits and makes the job ready.
func (c *child) hello(h Handler, m Hello) (Ready, error) {
	if m.Protocol != Protocol {
		return Ready{}, mixed("the worker speaks protocol %d, the driver %d", Protocol, m.Protocol)
	}
	if id := BuildID(); m.Build != id {
		return Ready{}, mixed("the worker is build %q, the driver %q", id, m.Build)
	}
	if err := limit(m.MemoryCap); err != nil {
		return Ready{}, task.New(task.Permanent, err)
	}
	c.startProfile(m.Profile)
	r, err := h.Hello(context.Background(), m)
	r.Protocol = Protocol
	return r, err
}

// startProfile takes profiles until the process ends, be it by SIGTERM. Without them the work can still be done.
func (c *child) startProfile(prefix string) {
	if prefix == "" {
		return
	}
	if err := c.profile.Start(prefix); err != nil {
		fmt.Fprintf(os.Stderr, "worker: %v\n", err)
		return
	}
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	go func() {
		<-term
		c.endProfile()
		signal.Reset(syscall.SIGTERM)
		_ = unix.Kill(unix.Getpid(), unix.SIGTERM) // which ends this process now
	}()
}

// endProfile writes the profiles, the first time it is called.
func (c *child) endProfile() {
	if err := c.profile.Stop(); err != nil {
		fmt.Fprintf(os.Stderr, "worker: %v\n", err)
	}
}

func mixed(format string, args ...any) error {
	return task.Errorf(task.Permanent, format+": the program was replaced while the job runs; start it again", args...)
}

// call does one request. A panic is not recovered: after it nothing in this process can be trusted.
func (c *child) call(h Handler, r Request) error {
	if err := redirect(r.Log()); err != nil {
		return task.New(task.Retryable, err)
	}
	if r.Probe != nil {
		return h.Probe(context.Background(), r.Probe.Stage)
	}
	return h.Run(context.Background(), r.Run.Folder, c.cell)
}

// answer sends a reply, or err instead of it. It tells whether the driver is still there.
func (c *child) answer(r reply, err error) bool {
	if err != nil {
		r = reply{Fail: failureOf(err)}
	}
	c.busy.Store(false) // first: once the driver has the reply, it may close the pipe
	return c.replies.Encode(r) == nil
}

// redirect points standard output and error, of native code too, to a log.
func redirect(log string) error {
	if log == "" {
		return nil
	}
	f, err := openLog(log)
	if err != nil {
		return err
	}
	err = errors.Join(dup2(int(f.Fd()), 1), dup2(int(f.Fd()), 2))
	_ = f.Close() // nothing was written through it
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	return nil
}

// openLog opens a log that exists, or /dev/null where path is empty.
func openLog(path string) (*os.File, error) {
	if path == "" {
		path = os.DevNull
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	return f, nil
}
