package mapreduce

import (
	"fmt"
	"io"
	"os"
	"strings"
)

const (
	// logLines is how much of a dead worker's output an error shows.
	logLines = 8
	// logBytes is how much of the end of a log is looked at: the stacks of all goroutines follow the message.
	logBytes = 1 << 20
)

// withLog adds what a worker wrote as it died to its error, whose class it keeps.
func withLog(e *Error, log string) error {
	words := lastWords(log)
	if words == "" {
		return e
	}
	return &Error{Record: -1, Class: e.Class, Err: fmt.Errorf("%w\nits log, %s, says:\n%s", e, log, words)}
}

// lastWords are the few lines of a log that tell most about a death: those from the last panic, fatal
// error or signal on, else the last ones. It is empty where there are none.
func lastWords(log string) string {
	b, err := tail(log, logBytes)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimRight(strings.ToValidUTF8(string(b), "?"), "\r\n"), "\n")
	from := max(0, len(lines)-logLines)
	for i := len(lines) - 1; i >= 0; i-- {
		if isMessage(lines[i]) {
			from = i
			break
		}
	}
	return strings.Join(lines[from:min(len(lines), from+logLines)], "\n")
}

// isMessage tells whether the Go runtime begins its report of a death with such a line. What follows
// a panic's message in brackets, as in "panic: a [recovered]" and a tabbed "panic: b", belongs to it.
func isMessage(line string) bool {
	for _, p := range []string{"panic: ", "fatal error: ", "SIGSEGV: ", "SIGABRT: ", "SIGBUS: ", "SIGILL: ", "SIGFPE: "} {
		if strings.HasPrefix(line, p) {
			return true
		}
	}
	return false
}

// tail reads the last n bytes of a file.
func tail(path string, n int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(f, max(0, size-n), n))
}
