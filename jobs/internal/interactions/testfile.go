package interactions

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"

	"github.com/shardmill/shardmill/mapreduce"
)

// withTest lets a source see to it that the file that Options.Test names is one, and is read once.
func (o Options) withTest(src *mapreduce.Source[Row]) *mapreduce.Source[Row] {
	if o.Test == "" {
		return src
	}
	list, cut := src.List, src.Cut
	src.List = func(ctx context.Context, l *mapreduce.Lister) error {
		if err := o.checkTest(l.Inputs()); err != nil {
			return mapreduce.BadInput(fmt.Errorf("--test %s: %w", o.Test, err))
		}
		return list(ctx, l)
	}
	src.Cut = func(env *mapreduce.Env, files iter.Seq[[]mapreduce.Scanned], c *mapreduce.Cutter) error {
		twice := false
		if err := cut(env, o.lookForTest(files, &twice), c); err != nil || !twice {
			return err
		}
		return mapreduce.BadInput(fmt.Errorf("--test %s: %w", o.Test, errTestTwice))
	}
	return src
}

var (
	errTestAlone  = errors.New("there is no other input to learn from")
	errTestOne    = errors.New("one file, no folder, pattern or standard input")
	errTestOthers = errors.New("not the last input")
	errTestTwice  = errors.New("it is among the other inputs too, which are to learn from: move it, or leave it out there")
)

// checkTest finds inputs of which the last one is no test file.
func (o Options) checkTest(inputs []mapreduce.InputFile) error {
	last := inputs[len(inputs)-1]
	if last.Name != o.Test {
		return errTestOthers
	}
	if len(inputs) == 1 {
		return errTestAlone
	}
	if last.IsStdin() {
		return errTestOne
	}
	info, err := os.Stat(last.Path)
	if err == nil && info.IsDir() || errors.Is(err, os.ErrNotExist) {
		return errTestOne
	}
	return err
}

// lookForTest passes files on and notes whether the test file came before, by whatever name.
func (o Options) lookForTest(files iter.Seq[[]mapreduce.Scanned], twice *bool) iter.Seq[[]mapreduce.Scanned] {
	return func(yield func([]mapreduce.Scanned) bool) {
		seen := map[string]bool{}
		for file := range files {
			rg := file[0].Range
			*twice = *twice || rg.Name == o.Test && seen[rg.Path]
			seen[rg.Path] = true
			if !yield(file) {
				return
			}
		}
	}
}
