// Command pgo makes cmd/shardmill/default.pgo, the profile by which the compiler chooses what it inlines (profile-guided
// optimisation, https://go.dev/doc/pgo).
//
//	go run ./testdata/pgo [SHARDMILL [FILE]]
//
// It runs jobs of SHARDMILL (bin/shardmill) on random data that it makes, and joins the CPU profiles of their workers. The
// program is run as a copy in a temporary folder, since a profile has its path, and should be built with -trimpath.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
)

func main() {
	program, out := filepath.Join("bin", "shardmill"), filepath.Join("cmd", "shardmill", "default.pgo")
	if len(os.Args) > 1 {
		program = os.Args[1]
	}
	if len(os.Args) > 2 {
		out = os.Args[2]
	}
	if err := run(program, out, input{rows: 6_000_000, words: 20_000_000}); err != nil {
		fmt.Fprintln(os.Stderr, "pgo:", err)
		os.Exit(1) //nolint:forbidigo // this is a program
	}
}

// input says how much the jobs read.
type input struct{ rows, words int }

func run(program, out string, in input) (err error) {
	dir, err := os.MkdirTemp("", "shardmill-pgo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	copied, ratings, words := filepath.Join(dir, "shardmill"), filepath.Join(dir, "ratings.csv"), filepath.Join(dir, "words.txt")
	if err := errors.Join(install(program, copied), write(ratings, in.ratings), write(words, in.text)); err != nil {
		return err
	}
	best := []string{"rank", "--key", "user", "--key-type", "int", "--by", "score", "--top", "10", "--columns", "item"}
	sums := []string{"rank", "--key", "user", "--key-type", "int", "--agg", "count,sum:score"}
	for i, job := range [][]string{append(best, ratings), append(sums, ratings), {"wordcount", words}} {
		for _, shards := range []string{"in-place", "disk"} {
			args := append([]string{
				job[0], "--shards", shards, "--profile", filepath.Join(dir, fmt.Sprint("profile-", i, shards)),
				"--out", filepath.Join(dir, fmt.Sprint("job-", i, shards)),
			}, job[1:]...)
			if _, err := command(copied, args...); err != nil {
				return err
			}
		}
	}
	return join(dir, out)
}

// join writes the sum of the profiles of all workers.
func join(dir, out string) error {
	profiles, err := filepath.Glob(filepath.Join(dir, "profile-*", "worker-*.cpu.pprof"))
	if err != nil || len(profiles) == 0 {
		return errors.Join(err, errors.New("no worker has left a profile"))
	}
	sum, err := command("go", append([]string{"tool", "pprof", "-proto"}, profiles...)...)
	if err != nil {
		return err
	}
	return os.WriteFile(out, sum, 0o644)
}

// install copies a program.
func install(program, as string) error {
	b, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	return os.WriteFile(as, b, 0o755)
}

// command runs a command and returns what it writes.
func command(name string, args ...string) ([]byte, error) {
	var said, out bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", cmd, err, said.Bytes())
	}
	return out.Bytes(), nil
}

// write makes a file.
func write(name string, content func(w *bufio.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	return errors.Join(content(w), w.Flush(), f.Close())
}

// ratings are rows of 50,000 users, of which some have many.
func (in input) ratings(w *bufio.Writer) error {
	r := rand.New(rand.NewPCG(1, 2))
	users, items := rand.NewZipf(r, 1.05, 200, 49_999), rand.NewZipf(r, 1.1, 20, 9_999)
	_, err := io.WriteString(w, "user,item,rating,score\n")
	for range in.rows {
		_, more := fmt.Fprintf(w, "%d,%d,%d,%.4f\n", users.Uint64(), items.Uint64(), 1+r.IntN(5), r.Float64())
		err = errors.Join(err, more)
	}
	return err
}

// text is lines of twelve words, of 50,000.
func (in input) text(w *bufio.Writer) error {
	const line = 12
	r := rand.New(rand.NewPCG(3, 4))
	words := rand.NewZipf(r, 1.1, 1, 49_999)
	var err error
	for i := range in.words {
		end := ' '
		if i%line == line-1 {
			end = '\n'
		}
		_, more := fmt.Fprintf(w, "w%x%c", words.Uint64()*2_654_435_761%(1<<28), end)
		err = errors.Join(err, more)
	}
	return err
}
