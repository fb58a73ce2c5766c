package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"

	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
)

// Foreign models and runtimes are loaded in a child process: this program started again, with a request on its
// standard input and its reply on file 3. The input stays open while the parent lives. What the native code
// prints, or leaves when it dies, is the child's output and goes into no reply.

// modelChildEnv makes a process such a child.
const modelChildEnv = "SHARDMILL_MODEL_CHILD"

// modelRequest has one field set.
type modelRequest struct {
	Inspect   string               `json:"inspect,omitempty"` // path
	Check     *classify.ModelCheck `json:"check,omitempty"`
	Providers bool                 `json:"providers,omitempty"`
}

// modelReply is what became of it.
type modelReply struct {
	Error  string          `json:"error,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
}

// isModelChild tells whether this process is a child that is to look at a model.
func isModelChild() bool { return os.Getenv(modelChildEnv) != "" }

// modelChild answers the request and returns the exit code, which the parent does not look at.
func modelChild() int {
	if err := os.Unsetenv(modelChildEnv); err != nil {
		return 1
	}
	signal.Ignore(os.Interrupt) // Ctrl-C is the parent's, who ends this process
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadBytes('\n')
	var request modelRequest
	if err != nil || json.Unmarshal(line, &request) != nil {
		return 1
	}
	go func() { // the parent is gone when its end is closed
		_, _ = io.Copy(io.Discard, in)
		os.Exit(1)
	}()
	out := os.NewFile(3, "reply")
	if err := json.NewEncoder(out).Encode(answer(request)); err != nil {
		return 1
	}
	return 0
}

func answer(r modelRequest) modelReply {
	var result any
	var err error
	switch {
	case r.Check != nil:
		result, err = classify.CheckModel(context.Background(), *r.Check)
	case r.Providers:
		result, err = classify.RuntimeProviders()
	default:
		result, err = classify.InspectModel(context.Background(), r.Inspect)
	}
	if err != nil {
		return modelReply{Error: err.Error()}
	}
	b, err := json.Marshal(result)
	if err != nil {
		return modelReply{Error: err.Error()}
	}
	return modelReply{Result: b}
}

// modelTimeout bounds what a child may take.
const modelTimeout = 10 * time.Minute

// askModelChild carries out a request in a child process. A model that cannot be used, and one that kills the
// child, is bad input.
func askModelChild(ctx context.Context, what string, request modelRequest, result any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, modelTimeout, fmt.Errorf("%s: no answer within %s", what, modelTimeout))
	defer cancel()
	reply, ended, err := startModelChild(ctx, request)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return mapreduce.BadInput(context.Cause(ctx))
	case ctx.Err() != nil:
		return &exitError{code: mapreduce.ExitInterrupted, err: errors.New("interrupted")}
	case err != nil:
		return err
	case len(reply) == 0:
		return mapreduce.BadInput(fmt.Errorf("%s: ONNX Runtime died of it: %s", what, ended))
	}
	var r modelReply
	if err := json.Unmarshal(reply, &r); err != nil {
		return mapreduce.BadInput(fmt.Errorf("%s: the child process broke off its answer: %s", what, ended))
	}
	if r.Error != "" {
		return mapreduce.BadInput(errors.New(r.Error))
	}
	return json.Unmarshal(r.Result, result)
}

// startModelChild runs the child to its end and returns its reply and, in words, how it ended.
func startModelChild(ctx context.Context, request modelRequest) (reply []byte, ended string, err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	line, err := json.Marshal(request)
	if err != nil {
		return nil, "", err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = r.Close() }()
	var printed tail
	cmd := exec.CommandContext(ctx, exe)
	cmd.Env = append(os.Environ(), modelChildEnv+"=1")
	cmd.ExtraFiles, cmd.Stdout, cmd.Stderr = []*os.File{w}, &printed, &printed
	cmd.WaitDelay = 5 * time.Second
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if errClose := w.Close(); err == nil {
		err = errClose
	}
	if err != nil {
		return nil, "", fmt.Errorf("child process: %w", err)
	}
	_, _ = stdin.Write(append(line, '\n')) // a child that died is seen below
	reply, _ = io.ReadAll(r)
	failure := cmd.Wait()
	return reply, printed.cause(failure), nil
}

// tail keeps the first bytes that a process prints: what Go says of a crash comes first.
type tail struct{ bytes.Buffer }

const tailBytes = 64 << 10

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	if room := tailBytes - t.Len(); room > 0 {
		_, _ = t.Buffer.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}

// cause says how the process ended: by the signal that Go reports, which makes the exit code 2, or else as the
// system says. The words are only shown.
func (t *tail) cause(err error) string {
	for line := range strings.Lines(t.String()) {
		if strings.HasPrefix(line, "SIG") || strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "[signal ") {
			if !strings.HasPrefix(line, "fatal error: unexpected signal") {
				return strings.TrimSpace(line)
			}
		}
	}
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}
