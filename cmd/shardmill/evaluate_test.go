package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdPlanted writes interactions of four groups of people, each with items of its own: planted FILE.
func cmdPlanted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: planted FILE")
	}
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("user,item\n")
	for u := range 200 {
		for _, i := range r.Perm(30)[:12] {
			fmt.Fprintf(&b, "u%03d,i%03d\n", u, 4*i+u%4)
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o644))
}

// cmdSparse writes interactions of 20,000 users with three each of as many items: sparse FILE.
func cmdSparse(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sparse FILE")
	}
	const n = 20_000
	var b strings.Builder
	b.WriteString("user,item\n")
	for u := range n {
		for _, step := range []int{0, 7, 5003} {
			fmt.Fprintf(&b, "%d,%d\n", u, (u+step)%n)
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o644))
}

// TestShellQuoted: a shell reads the words that were quoted.
func TestShellQuoted(t *testing.T) {
	words := []string{"plain-1.csv", "", "two words", "it's", `a"b\c$d`, "x;y", "*?[z]", "ä", "new\nline", "als:alpha=1,2", "~", "#", "!"}
	line := "printf '%s\\0'"
	for _, w := range words {
		line += " " + shellQuoted(w)
	}
	out, err := exec.Command("/bin/sh", "-c", line).Output()
	if err != nil {
		t.Skipf("no shell: %v", err)
	}
	if got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"); !slices.Equal(got, words) {
		t.Errorf("%s: %q, expected %q", line, got, words)
	}
	if got := shellQuoted("a/b_c-1.csv"); got != "a/b_c-1.csv" {
		t.Errorf("got %s", got)
	}
}

// TestSharedFlags: evaluate has the flags of recommend that are not about its results, and no flag twice.
func TestSharedFlags(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range evaluateFlags() {
		name := f.Names()[0]
		if seen[name] {
			t.Errorf("--%s is there twice", name)
		}
		seen[name] = true
	}
	for _, name := range []string{"value-col", "half-life", "lambda", "out", "shard-rows"} {
		if !seen[name] {
			t.Errorf("there is no --%s", name)
		}
	}
	for _, name := range []string{"top", "model", "blend", "because"} {
		if seen[name] {
			t.Errorf("there is --%s", name)
		}
	}
}
