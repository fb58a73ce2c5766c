package mapreduce

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Interruptible runs a program that SIGINT and SIGTERM interrupt, and returns its exit code. The first signal ends the context of
// run, which then has to return. Another one is not waited for: run may still be busy when ExitInterrupted is returned, so the
// caller must end the process, which no worker survives. Each is told on stderr.
func Interruptible(stderr io.Writer, run func(ctx context.Context) int) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	// Both by name, since a program that a script starts in the background inherits SIGINT as ignored.
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	code := make(chan int, 1)
	go func() { code <- run(ctx) }()
	select {
	case c := <-code:
		return c
	case <-signals:
	}
	cancel()
	tell(stderr, "interrupted; stopping in good order (a second Ctrl-C or SIGTERM: at once)")
	select {
	case c := <-code:
		return c
	case <-signals:
	}
	tell(stderr, "stopped at once; what is committed is kept")
	return ExitInterrupted
}

// tell says something in the middle of whatever is printed; on a terminal that may be a bar, and the ^C behind it.
func tell(stderr io.Writer, text string) {
	if f, ok := stderr.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			text = "\n" + text
		}
	}
	_, _ = fmt.Fprintln(stderr, text)
}
