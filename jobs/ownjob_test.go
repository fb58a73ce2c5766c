package jobs_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/mapreduce"
)

// buildOwnJob builds testdata/ownjob, a program in a module of its own, against this checkout. It needs no module that the checkout does not,
// but of all of them the go.mod files, which the module proxy gives if they are not in the cache.
func buildOwnJob(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, filepath.Join("testdata", "ownjob", "main.go"), filepath.Join(dir, "main.go"), nil)
	copyFile(t, filepath.Join(root, "go.sum"), filepath.Join(dir, "go.sum"), nil)
	// The versions in use are those of this checkout: any others might not be on this machine.
	needs, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	requires := bytes.Join(regexp.MustCompile(`(?ms)^require \(.*?^\)$`).FindAll(needs, -1), []byte("\n"))
	copyFile(t, filepath.Join("testdata", "ownjob", "go.mod"), filepath.Join(dir, "go.mod"), func(b []byte) []byte {
		b = bytes.ReplaceAll(b, []byte("../../.."), []byte(root))
		return append(append(b, '\n'), requires...)
	})
	program := filepath.Join(dir, "ownjob")
	cmd := exec.Command("go", "build", "-o", program, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

func copyFile(t *testing.T, from, to string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		b = change(b)
	}
	if err := os.WriteFile(to, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// call runs the program and returns its output and exit code.
func call(t *testing.T, program string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// A program with its own job has workers, resume, rejects and exit codes like shardmill itself.
func TestOwnJob(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	program := buildOwnJob(t)
	dir := t.TempDir()
	input, job := filepath.Join(dir, "sales.txt"), filepath.Join(dir, "job")
	text := "berlin 12.50\nparis 3.05\nberlin 0.50\nnonsense\n" + strings.Repeat("rome 1.00\n", 1000)
	if err := os.WriteFile(input, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds everything done
		stdout, stderr, code := call(t, program, "sales", "--out", job, "--workers", "2", "--worker-memory", "512MiB", input)
		if code != mapreduce.ExitRejects || stdout != "sums: 3 rows in 1 file\n" {
			t.Fatalf("exit code %d, %q\n%s", code, stdout, stderr)
		}
	}
	want := []string{"berlin 1300", "paris 305", "rome 100000"}
	if got := readSums(t, filepath.Join(job, "out", "sums")); !slices.Equal(got, want) {
		t.Errorf("got %q, expected %q", got, want)
	}
	for code, args := range map[int][]string{
		mapreduce.ExitUsage:    {"sales", input},
		mapreduce.ExitInput:    {"sales", "--out", job + "2", input + ".none"},
		mapreduce.ExitComplete: {"sales", "--help"},
	} {
		if _, stderr, got := call(t, program, args...); got != code {
			t.Errorf("%q: exit code %d, expected %d: %s", args, got, code, stderr)
		}
	}
	for _, asked := range []string{"-h", "--help", "help"} {
		if _, stderr, code := call(t, program, asked); code != mapreduce.ExitComplete || !strings.HasPrefix(stderr, "usage: ") || !strings.Contains(stderr, "jobs: sales") {
			t.Errorf("%s: exit code %d: %s", asked, code, stderr)
		}
	}
	if _, stderr, code := call(t, program, "other", "--out", job, input); code != mapreduce.ExitNoJob || !strings.Contains(stderr, "jobs: sales") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func readSums(t *testing.T, folder string) []string {
	t.Helper()
	type sum struct {
		shop  string
		cents int64
	}
	cols := table.Columns[sum]{
		table.String("shop", func(s *sum) string { return s.shop }, func(s *sum, v string) { s.shop = v }),
		table.Int64("cents", func(s *sum) int64 { return s.cents }, func(s *sum, v int64) { s.cents = v }),
	}
	r, err := parquetfile.Open(filepath.Join(folder, "part-000000.parquet"), cols)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }() // only read
	var rows []string
	for {
		var s sum
		if err := r.Read(&s); errors.Is(err, io.EOF) {
			return rows
		} else if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, s.shop+" "+strconv.FormatInt(s.cents, 10))
	}
}
