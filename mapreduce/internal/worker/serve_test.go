package worker

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// byHand is a worker whose driver is the test itself, line by line.
type byHand struct {
	cmd *exec.Cmd
	in  *os.File
	out *bufio.Reader
	log string
}

func startByHand(t *testing.T) *byHand {
	t.Helper()
	h := &byHand{cmd: exec.Command(os.Args[0]), log: logFile(t)}
	var files plumbing
	if err := files.open(h.log); err != nil {
		t.Fatal(err)
	}
	h.cmd.Env = append(os.Environ(), quick, workerEnv+"=1")
	h.cmd.Stderr = files.log
	h.cmd.ExtraFiles = []*os.File{files.requestR, files.replyW, files.cell}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	files.closeTheirs()
	h.in, h.out = files.requestW, bufio.NewReader(files.replyR)
	t.Cleanup(func() {
		files.closeOurs()
		_ = h.cmd.Process.Kill()
		_ = h.cmd.Wait()
	})
	return h
}

func (h *byHand) send(t *testing.T, line string) {
	t.Helper()
	if _, err := h.in.WriteString(line + "\n"); err != nil {
		t.Fatal(err)
	}
}

func (h *byHand) receive(t *testing.T) string {
	t.Helper()
	line, err := h.out.ReadString('\n')
	if err != nil {
		t.Fatalf("no reply: %v; log:\n%s", err, readText(t, h.log))
	}
	return strings.TrimSuffix(line, "\n")
}

// exit waits for the exit code of a worker that has to end now.
func (h *byHand) exit(t *testing.T) int {
	t.Helper()
	return h.exitWithin(t, closeLimit-time.Second)
}

func (h *byHand) exitWithin(t *testing.T, limit time.Duration) int {
	t.Helper()
	done := make(chan struct{})
	go func() { _ = h.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(limit):
		_ = h.cmd.Process.Kill()
		<-done
		t.Error("the worker stays")
	}
	return h.cmd.ProcessState.ExitCode()
}

func helloLine(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(string(line(t, message{Hello: &Hello{Protocol: Protocol, Build: BuildID(), Job: "/job"}})))
}

// TestWire pins the lines themselves: a worker of this protocol version will always say this.
func TestWire(t *testing.T) {
	h := startByHand(t)
	h.send(t, `{"hello":{"protocol":1,"build":`+quoted(t, BuildID())+`,"job":"/job","memory_cap":0}}`)
	talk := []struct{ send, want string }{
		{"", `{"ready":{"protocol":1,"job":"test","version":3,"params":"abc"}}`},
		{`{"run":{"folder":"/x/ok","log":""}}`, `{"done":{}}`},
		{`{"run":{"folder":"/x/plain"}}`, `{"fail":{"class":"permanent","text":"plain trouble","record":-1}}`},
		{`{"run":{"folder":"/x/lost"}}`, `{"fail":{"class":"lost-input","text":"reduce: merge: file does not exist","record":7,"lost":[3,5]}}`},
		{`{"probe":{"stage":"01-x","log":""}}`, `{"done":{}}`},
		{`{"probe":{"stage":"bad"}}`, `{"fail":{"class":"input","text":"model.onnx: no","record":-1}}`},
	}
	for _, l := range talk {
		if l.send != "" {
			h.send(t, l.send)
		}
		if got := h.receive(t); got != l.want {
			t.Errorf("%s\n got %s\nwant %s", l.send, got, l.want)
		}
	}
	_ = h.in.Close()
	if code := h.exit(t); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func quoted(t *testing.T, s string) string {
	t.Helper()
	return strings.TrimSpace(string(line(t, s)))
}

func TestProtocolMistakes(t *testing.T) {
	hello := helloLine(t)
	tests := []struct {
		name  string
		lines []string
		want  string // in the log
	}{
		{"no JSON", []string{"hello"}, "invalid character"},
		{"no hello", []string{`{"run":{"folder":"/x/ok"}}`}, "no hello"},
		{"nothing", []string{`{}`}, "no hello"},
		{"hello twice", []string{hello, hello}, "neither run nor probe"},
		{"both", []string{hello, `{"run":{"folder":"/x/ok"},"probe":{"stage":"x"}}`}, "more than one"},
		{"neither", []string{hello, `{}`}, "neither run nor probe"},
		{"no JSON while busy", []string{hello, `{"run":{"folder":"/x/hang"}}`, "x"}, "invalid character"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := startByHand(t)
			for _, l := range tt.lines {
				h.send(t, l)
			}
			if code := h.exit(t); code != exitBug {
				t.Errorf("exit %d, want %d", code, exitBug)
			}
			if text := readText(t, h.log); !strings.Contains(text, tt.want) {
				t.Errorf("log %q, want %q in it", text, tt.want)
			}
		})
	}
}

func TestHelloOfAnotherVersion(t *testing.T) {
	h := startByHand(t)
	h.send(t, `{"hello":{"protocol":2,"build":"x","job":"/job","future":true}}`)
	want := `{"fail":{"class":"permanent","text":"the worker speaks protocol 1, the driver 2: ` +
		`the program was replaced while the job runs; start it again","record":-1}}`
	if got := h.receive(t); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if code := h.exit(t); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// The end of the request pipe ends a worker at once whatever it does; here nothing else can.
func TestEndOfDriver(t *testing.T) {
	for _, action := range []string{"", "hang", "beat-600"} {
		t.Run("during "+action, func(t *testing.T) {
			h := startByHand(t)
			h.send(t, helloLine(t))
			h.receive(t)
			if action != "" {
				dir := folder(t, action)
				h.send(t, strings.TrimSpace(string(line(t, Request{Run: &Run{Folder: dir}}))))
				time.Sleep(50 * time.Millisecond)
			}
			begin := time.Now()
			_ = h.in.Close()
			if code := h.exit(t); code != 0 {
				t.Errorf("exit %d", code)
			}
			t.Logf("gone after %v", time.Since(begin))
		})
	}
}

func TestEndOfDriverBeforeHello(t *testing.T) {
	h := startByHand(t)
	_, err := h.in.WriteString(`{"hello":{"proto`) // killed as it wrote
	_ = h.in.Close()
	if code := h.exit(t); err != nil || code != 0 {
		t.Errorf("%v, exit %d", err, code)
	}
}

// Somebody sets the variable by hand.
func TestServeWithoutDriver(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), quick, workerEnv+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != exitBug {
		t.Errorf("exit %v", err)
	}
	if !strings.Contains(string(out), "SHARDMILL_WORKER is set, but no driver started this process") {
		t.Errorf("output %q", out)
	}
}

// A handler that hangs in Close does not keep the process.
func TestCloseIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("takes closeLimit")
	}
	h := startByHand(t)
	h.send(t, strings.Replace(helloLine(t), "/job", "close-hangs", 1))
	h.receive(t)
	_ = h.in.Close()
	begin := time.Now()
	if code := h.exitWithin(t, 2*closeLimit); code != 0 {
		t.Errorf("exit %d", code)
	}
	if d := time.Since(begin); d < closeLimit/2 {
		t.Errorf("gone after %v, before Close can end", d)
	}
}

func TestOpenLog(t *testing.T) {
	f, err := openLog("")
	if err != nil || f.Name() != os.DevNull {
		t.Errorf("%v, %v", f, err)
	}
	closeAll(f)
	if _, err := openLog(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("opened a log that does not exist")
	}
}
