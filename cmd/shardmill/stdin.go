package main

import (
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/shardmill/shardmill/mapreduce"
)

// duplicateIDsError is the default of --duplicate-ids, which is no parameter: jobs begun before there was one go on.
const duplicateIDsError = "error"

func duplicateIDsFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "duplicate-ids", Value: duplicateIDsError,
		Usage: "`DO`error: an id that stands twice stops the job; reject: only its first row in the order of the inputs counts, the others are rejected (default: error)",
	}
}

// stdinOf is standard input where an input stands for it. A terminal gives nothing: a job that continues does
// not wait for somebody to type.
func stdinOf(inputs []string) io.Reader {
	switch {
	case !slices.Contains(inputs, mapreduce.StdinName):
		return nil
	case term.IsTerminal(int(os.Stdin.Fd())):
		return strings.NewReader("")
	}
	return os.Stdin
}
